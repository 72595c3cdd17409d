package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// operators are told through a webhook.
type operators struct {
	*httptest.Server
	mu    sync.Mutex
	heard []string
}

func newOperators(t *testing.T) *operators {
	o := &operators{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.heard = append(o.heard, string(body))
	}))
	t.Cleanup(o.Close)
	return o
}

// told is how often they were told that.
func (o *operators) told(text string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, body := range o.heard {
		if strings.Contains(body, text) {
			n++
		}
	}
	return n
}

// roadStates are who has asked the public address, by name.
func roadStates(t *testing.T, s *store.Store) map[store.RoadSource]store.RoadState {
	t.Helper()
	list, err := s.RoadStates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[store.RoadSource]store.RoadState)
	for _, r := range list {
		out[r.Source] = r
	}
	return out
}

func roadWorks(t *testing.T, s *store.Store, source store.RoadSource) bool {
	t.Helper()
	r := roadStates(t, s)[source]
	return !r.GoodAt.IsZero() && r.FailingAt.IsZero()
}

// roadIsOpen tells whether no interval goes on since the public address does not answer.
func roadIsOpen(t *testing.T, s *store.Store) bool {
	t.Helper()
	h, err := s.Hearing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(h.Road) == 0
}

// roadJobs are jobs of every minute that have just run, half of them with a minute of
// grace and half with ten.
func roadJobs(t *testing.T, s *store.Store, like uuid.UUID, n int, dead bool) []*truthJob {
	t.Helper()
	ran := s.Now()
	var jobs []*truthJob
	for i := range n {
		j := &truthJob{name: "strict", period: time.Minute, grace: time.Minute, pinged: s.Now().Sub(ran), dead: dead}
		if i%2 == 1 {
			j.name = "patient"
			j.grace = 10 * time.Minute
		}
		if dead {
			j.name = "dead, " + j.name
		}
		j.make(t, s, like)
		jobs = append(jobs, j)
	}
	return jobs
}

// soonDue moves checks so that the deadlines of all jobs that are as patient as the first
// are two seconds away, and those of the others as far behind as they are more patient.
func soonDue(t *testing.T, s *store.Store, jobs []*truthJob) {
	t.Helper()
	deadline := s.Now().Add(2 * time.Second)
	err := s.DB().InTx(t.Context(), func(tx *db.Tx) error {
		for _, j := range jobs {
			due := deadline.Add(-jobs[0].grace)
			_, err := tx.Exec(t.Context(), `UPDATE checks SET last_ping_at = $2, due_at = $3, alert_at = $4, watch_at = $4 WHERE code = $1`, j.code,
				due.Add(-j.period), due, due.Add(j.grace))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The road to us is cut for more than three minutes, with jobs alive and dead: nobody who
// runs is told down, operators hear of it once, and those that are dead are told after it.
func TestFaultTruthRoadIsCut(t *testing.T) {
	t.Parallel()
	eachInFull(t, db.Postgres, func(t *testing.T, engine db.Engine) {
		f := begin(t, 1)
		o := newOperators(t)
		e := newEnv(t, engine)
		road := newProxy(t, e["PUNCTUAL_LISTEN"])
		e = e.with(env{"PUNCTUAL_SITE_ROOT": "http://" + road.Addr().String(), "PUNCTUAL_ADMINS_WEBHOOK": o.URL})
		s := e.migrated(t)
		like := watched(t, s, 1, nil)[0]
		e.start(t, "serve")
		eventually(t, "the process takes pings", func() bool { return listens(t, s) })
		e.start(t, "sendalerts")
		eventually(t, "the public address is known to work", func() bool { return roadWorks(t, s, store.RoadOwn) })
		alive := roadJobs(t, s, like, 30, false)
		dead := roadJobs(t, s, like, 4, true)
		road.cut(true)
		soonDue(t, s, alive)
		eventuallyWithin(t, 2*patience, "an interval goes on", func() bool { return !roadIsOpen(t, s) })
		for _, j := range alive[:3] {
			if status, _ := send(http.DefaultClient, e.site("/ping/"+j.code.String()), "job", nil); status != 0 {
				t.Fatalf("a ping is answered %d although the road is cut", status)
			}
		}
		past := []string{"checks", "pings", "flips", "blind_intervals", "unknown_runs", "public_probes"}
		rewind(t, s, 3*time.Minute, past...)
		road.cut(false)
		eventuallyWithin(t, 2*patience, "the interval has ended", func() bool { return roadIsOpen(t, s) })
		for _, j := range alive {
			if status, _ := send(http.DefaultClient, e.site("/ping/"+j.code.String()), "job", nil); status != http.StatusOK {
				t.Fatalf("%s: status %d", j.name, status)
			}
		}
		judged(t, s)
		if down := downs(t, s); len(down) != 0 {
			f.falsely += len(down)
			t.Errorf("down: %v", down)
		}
		blinds, err := s.LastBlinds(t.Context(), 10)
		if err != nil || len(blinds) == 0 || blinds[0].Cause != monitor.CauseUnreachable || blinds[0].Until.Sub(blinds[0].From) < 3*time.Minute {
			t.Errorf("intervals %+v, %v", blinds, err)
		}
		eventually(t, "operators are told that it is over", func() bool { return o.told("The public ping address answers again") == 1 })
		if n := o.told("The public ping address does not answer"); n != 1 {
			t.Errorf("operators were told %d times", n)
		}
		// at most 15 minutes later
		rewind(t, s, 14*time.Minute, past...)
		eventually(t, "the dead jobs are told", func() bool {
			down := downs(t, s)
			return down["dead, strict"] && down["dead, patient"]
		})
		f.alerts += len(alive) + len(dead)
	})
}

// There is no way back to oneself: a second Punctual asks from outside.
func TestFaultTruthRoadIsCutSeenByAPeer(t *testing.T) {
	t.Parallel()
	eachInFull(t, db.SQLite, func(t *testing.T, engine db.Engine) {
		f := begin(t, 1)
		e := newEnv(t, engine)
		road := newProxy(t, e["PUNCTUAL_LISTEN"])
		// nobody listens there: from the machine itself the address does not work
		nowhere := "http://127.0.0.1:" + freePort(t) + "/ping/"
		secret := env{"PUNCTUAL_PEER_SECRET": "what two instances know each other by"}
		second := newEnv(t, db.SQLite).with(secret).with(env{"PUNCTUAL_PEER_PING_ENDPOINT": "http://" + road.Addr().String() + "/ping/"})
		second.start(t, "up")
		e = e.with(secret).with(env{"PUNCTUAL_PING_ENDPOINT": nowhere, "PUNCTUAL_PEER_URL": second["PUNCTUAL_SITE_ROOT"]})
		s := e.migrated(t)
		like := watched(t, s, 1, nil)[0]
		e.start(t, "up")
		eventually(t, "the process takes pings", func() bool { return listens(t, s) })
		eventually(t, "the peer has seen that the address works", func() bool { return roadWorks(t, s, store.RoadPeer) })
		alive := roadJobs(t, s, like, 12, false)
		road.cut(true)
		soonDue(t, s, alive)
		eventuallyWithin(t, 2*patience, "an interval goes on", func() bool { return !roadIsOpen(t, s) })
		road.cut(false)
		eventuallyWithin(t, 2*patience, "the interval has ended", func() bool { return roadIsOpen(t, s) })
		for _, j := range alive {
			if status, _ := send(http.DefaultClient, "http://"+road.Addr().String()+"/ping/"+j.code.String(), "job", nil); status != http.StatusOK {
				t.Fatalf("%s: status %d", j.name, status)
			}
		}
		judged(t, s)
		if down := downs(t, s); len(down) != 0 {
			f.falsely += len(down)
			t.Errorf("down: %v", down)
		}
		if !roadStates(t, s)[store.RoadOwn].GoodAt.IsZero() {
			t.Error("the own asking is said to have worked")
		}
		f.alerts += len(alive)
	})
}
