package demo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/demo"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func fill(t *testing.T, s *store.Store) *demo.Life {
	t.Helper()
	life, err := demo.Fill(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return life
}

// story is a check with all that is stored of it.
type story struct {
	monitor.Check
	// oldest first
	pings []monitor.Ping
	// oldest first
	flips      []monitor.Flip
	deliveries []store.DeliveryRow
}

func stories(t *testing.T, s *store.Store) (all []story) {
	t.Helper()
	ctx := t.Context()
	owner, err := s.UserByEmail(ctx, demo.Address)
	must(t, err)
	projects, err := s.ProjectsOf(ctx, owner.ID)
	must(t, err)
	for _, p := range projects {
		checks, err := testdb.ChecksOf(ctx, s, p.ID)
		must(t, err)
		for _, c := range checks {
			one := story{Check: c}
			rows, err := s.Pings(ctx, c.ID, store.PingFilter{Limit: 1 << 20, Bodies: true})
			must(t, err)
			for i := range rows {
				one.pings = append(one.pings, rows[len(rows)-1-i].Ping)
			}
			flips, err := s.Flips(ctx, c.ID, store.FlipFilter{})
			must(t, err)
			for i := range flips {
				one.flips = append(one.flips, flips[len(flips)-1-i])
			}
			one.deliveries, err = s.DeliveriesOf(ctx, c.ID, store.DeliveryFilter{})
			must(t, err)
			all = append(all, one)
		}
	}
	return all
}

// One demo on each engine for all that is to be seen of it: making it takes a
// second or two.
func TestTheDemo(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		fill(t, s)
		first := stories(t, s)
		t.Run("shows everything there is", func(t *testing.T) { showsEverything(t, first, clock.Now()) })
		for _, c := range first {
			t.Run("is consistent in "+c.Slug, func(t *testing.T) { consistent(t, &c, clock.Now()) })
		}
		t.Run("has nothing left for the watcher to find", func(t *testing.T) {
			over, err := s.JudgeOverdue(t.Context(), 1000)
			must(t, err)
			if len(over.Flips) > 0 || len(over.Broken) > 0 {
				t.Errorf("%d checks are down and %d broken", len(over.Flips), len(over.Broken))
			}
		})
		t.Run("is made anew beside what guests have made, and is the same", func(t *testing.T) {
			guest := testdb.Account(t, s)
			fill(t, s)
			diff := cmp.Diff(inWords(first), inWords(stories(t, s)))
			if diff != "" {
				t.Errorf("it differs: %.2000s", diff)
			}
			_, err := s.CheckByCode(t.Context(), guest.Check.Code)
			if err != nil {
				t.Error(err)
			}
		})
	})
}

func showsEverything(t *testing.T, all []story, now time.Time) {
	t.Helper()
	seen := map[string]int{}
	for _, c := range all {
		seen[string(c.StatusAt(monitor.AllHeard(now)))]++
		seen[string(c.Kind)]++
		if c.Started() {
			seen["started"]++
		}
		for _, p := range c.pings {
			seen["ping "+string(p.Kind)]++
			if p.RID.Valid {
				seen["run id"]++
			}
			if p.ExitStatus != nil && *p.ExitStatus > 0 {
				seen["exit status"]++
			}
			if p.Scheme == "email" {
				seen["mail"]++
			}
		}
		for _, d := range c.deliveries {
			seen["delivery "+string(d.Status)]++
			if d.Attempts > 1 && d.Status == monitor.DeliverySent {
				seen["tried again"]++
			}
		}
	}
	for _, what := range []string{
		"new", "up", "grace", "down", "paused", "started", "simple", "cron", "oncalendar", "ping start", "ping success", "ping fail",
		"run id", "exit status", "mail", "delivery sent", "delivery failed", "tried again",
	} {
		if seen[what] == 0 {
			t.Errorf("there is no %s; there are %v", what, seen)
		}
	}
	if seen["down"] > 6 {
		t.Errorf("%d checks are down: people would think that it is broken", seen["down"])
	}
}

// inWords is what must be the same in two demos of the same moment.
func inWords(all []story) (words []string) {
	for _, c := range all {
		words = append(words, c.Code.String(), c.RecentRuns)
		for _, p := range c.pings {
			words = append(words, p.CreatedAt.String(), string(p.Kind), string(p.Body))
		}
		for _, f := range c.flips {
			words = append(words, f.CreatedAt.String(), string(f.New))
		}
		codes := []string{}
		for _, d := range c.deliveries {
			codes = append(codes, d.Code.String()+" "+d.LastError)
		}
		// those of one flip have no order
		slices.Sort(codes)
		words = append(words, codes...)
	}
	return words
}

func consistent(t *testing.T, c *story, now time.Time) {
	t.Helper()
	for i, p := range c.pings {
		want := c.NPings - int64(len(c.pings)-1-i)
		if p.N != want {
			t.Fatalf("ping %d of %d has n %d, want %d", i, len(c.pings), p.N, want)
		}
		if p.CreatedAt.After(now) || p.CreatedAt.Before(c.CreatedAt) || i > 0 && p.CreatedAt.Before(c.pings[i-1].CreatedAt) {
			t.Fatalf("ping %d came at %v", p.N, p.CreatedAt)
		}
	}
	status := monitor.StatusNew
	for _, f := range c.flips {
		if f.Old != status {
			t.Fatalf("flip at %v from %s, but the check was %s", f.CreatedAt, f.Old, status)
		}
		status = f.New
	}
	if c.Status != status {
		t.Errorf("the check is %s, its last flip was to %s", c.Status, status)
	}
	replayed := replay(c, now)
	diff := cmp.Diff(replayed, c.State)
	if diff != "" && int64(len(c.pings)) == c.NPings {
		t.Errorf("the state is not what its pings make of it (-replayed +stored):\n%s", diff)
	}
}

// replay plays the pings of a check, and its pause, on a fresh one.
func replay(c *story, now time.Time) monitor.State {
	fresh := c.Check
	fresh.State = monitor.State{Status: monitor.StatusNew}
	for i := range c.pings {
		p := c.pings[i]
		fresh.Judge(p.CreatedAt, nil)
		monitor.Apply(&fresh, &p)
	}
	for _, f := range c.flips {
		if f.New == monitor.StatusPaused {
			monitor.Pause(&fresh, f.CreatedAt)
		}
	}
	fresh.WatchAt = c.WatchAt
	fresh.Judge(now, nil)
	fresh.WatchAt = c.WatchAt
	// Of use for ten minutes only: pings that are stored with a past leave none.
	fresh.EndedRuns = ""
	return fresh.State
}

func TestTheDemoLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		account := testdb.Account(t, s)
		_, err := demo.Fill(t.Context(), s)
		if !errors.Is(err, demo.ErrForeign) {
			t.Fatalf("err = %v, want ErrForeign", err)
		}
		if _, err := s.CheckByCode(t.Context(), account.Check.Code); err != nil {
			t.Error(err)
		}
		if _, err := s.UserByEmail(t.Context(), demo.Address); err == nil {
			t.Error("there is a demo user")
		}
	})
}

func TestLifeGoesOn(t *testing.T) {
	t.Parallel()
	clock := testdb.NewClock()
	s := testdb.Open(t, testdb.Engines[0], clock)
	began := s.Now()
	life := fill(t, s)
	last := began
	within := 0
	for range 500 {
		a, at := life.Next()
		if at.Before(last) {
			t.Fatalf("a ping at %v after one at %v", at, last)
		}
		if a.Ping.CreatedAt.Sub(began) < 5*time.Minute {
			within++
		}
		last = at
	}
	if within < 8 {
		t.Errorf("%d pings in the first five minutes: nothing moves", within)
	}
	clock.Set(last.Add(time.Hour))
	first, _ := life.Next()
	recorded := make(chan *store.Arrival)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		life.Run(ctx, clock.Now, func(a *store.Arrival) error {
			select {
			case recorded <- a:
			case <-ctx.Done():
			}
			return errors.New("the disk is full")
		}, slog.New(slog.DiscardHandler))
	}()
	a := <-recorded
	cancel()
	<-done
	age := clock.Now().Sub(first.Ping.CreatedAt)
	if age < time.Hour/2 {
		t.Fatalf("the test is wrong: the first ping is only %s old", age)
	}
	if !a.Ping.CreatedAt.Equal(clock.Now()) {
		t.Errorf("the ping says it came at %v, it is %v", a.Ping.CreatedAt, clock.Now())
	}
}

func TestTheSinkAnswersForEverybody(t *testing.T) {
	t.Parallel()
	client := http.Client{Transport: demo.Sink{}}
	for _, url := range []string{"https://incidents.acme.example/down", "https://api.pushover.net/1/messages.json",
		"http://169.254.169.254/latest/meta-data"} {
		res, err := client.Post(url, "text/plain", bytes.NewBufferString("down"))
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, errors.Join(err, res.Body.Close()))
		if res.StatusCode != http.StatusOK || !strings.Contains(string(body), `"status":1`) {
			t.Errorf("%s: %d %s", url, res.StatusCode, body)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
