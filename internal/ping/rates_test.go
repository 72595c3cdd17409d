package ping_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// located is a stand-in for a store whose checks all belong to one project, but
// for those that are missing.
type located struct {
	recording
	project uuid.UUID
	size    func() (store.ProjectSize, error)
	missing func(uuid.UUID) bool
	mu      sync.Mutex
	// checks that were looked up
	looked int
}

func (l *located) Locate(_ context.Context, batch []*store.Arrival) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looked += len(batch)
	for _, a := range batch {
		a.Err = nil
		a.Project = l.project
		if l.missing != nil && l.missing(a.Code) {
			a.Err = errs.NotFoundf("not found")
		}
	}
	return nil
}

func (l *located) ProjectSize(context.Context, uuid.UUID) (store.ProjectSize, error) {
	if l.size == nil {
		return store.ProjectSize{Project: l.project, Checks: 1}, nil
	}
	return l.size()
}

func nothing([]*store.Arrival) error { return nil }

func arrival(code uuid.UUID, kind monitor.PingKind) *store.Arrival {
	return &store.Arrival{Code: code, Ping: monitor.Ping{Kind: kind}}
}

// send sends n pings and returns how many were recorded.
func send(t *testing.T, r *ping.Recorder, code uuid.UUID, kind monitor.PingKind, n int) (taken int, refusal error) {
	t.Helper()
	for range n {
		switch err := r.Record(arrival(code, kind)); errs.KindOf(err) {
		case errs.TooMany:
			refusal = err
		default:
			if err != nil {
				t.Fatal(err)
			}
			taken++
		}
	}
	return taken, refusal
}

func TestACheckSendsNoMoreThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watched
		s := &located{recording: nothing, project: uuid.New()}
		r := ping.NewRecorder(s, ping.Limits{Rates: ping.Rates{Check: 120}}, slog.New(slog.DiscardHandler), w.hooks())
		defer r.Close()
		noisy := uuid.New()
		other := uuid.New()
		taken, refusal := send(t, r, noisy, monitor.PingLog, 150)
		if taken != 120 || errs.RetryAfterOf(refusal) != time.Second {
			t.Errorf("%d logs taken at once, then %v after %v", taken, refusal, errs.RetryAfterOf(refusal))
		}
		// What is chatty hides neither its failure nor anybody else's.
		for _, kind := range []monitor.PingKind{monitor.PingStart, monitor.PingFail} {
			taken, _ := send(t, r, noisy, kind, 150)
			if taken != 120 {
				t.Errorf("%d of %s taken at once, want 120", taken, kind)
			}
		}
		if taken, _ := send(t, r, noisy, monitor.PingSuccess, 1); taken != 0 {
			t.Error("success and fail are counted apart")
		}
		if taken, _ := send(t, r, other, monitor.PingLog, 120); taken != 120 {
			t.Errorf("%d of another check taken", taken)
		}
		<-time.After(10 * time.Second)
		if taken, _ := send(t, r, noisy, monitor.PingLog, 150); taken != 20 {
			t.Errorf("%d taken after ten seconds, want 20", taken)
		}
		<-time.After(time.Hour)
		if taken, _ := send(t, r, noisy, monitor.PingLog, 150); taken != 120 {
			t.Errorf("%d taken after an hour, want 120", taken)
		}
		if w.refused[ping.CheckRate] != 30+30+30+1+130+30 || len(w.refused) != 1 {
			t.Errorf("refused %v", w.refused)
		}
	})
}

func TestAProjectSendsNoMoreThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w watched
		checks := 1
		s := &located{recording: nothing, project: uuid.New()}
		s.size = func() (store.ProjectSize, error) { return store.ProjectSize{Project: s.project, Checks: checks}, nil }
		r := ping.NewRecorder(s, ping.Limits{Rates: ping.Rates{Project: 1200}}, slog.New(slog.DiscardHandler), w.hooks())
		defer r.Close()
		flood := func(n int) (taken int) {
			for range n {
				one, _ := send(t, r, uuid.New(), monitor.PingSuccess, 1)
				taken += one
				// the checks are counted beside the pings
				synctest.Wait()
			}
			return taken
		}
		// One more: it is what made us count.
		taken := flood(1300)
		if taken != 1201 {
			t.Errorf("%d taken at once, want 1201", taken)
		}
		checks = 100
		<-time.After(2 * time.Minute)
		if taken := flood(2500); taken != 2000 {
			t.Errorf("%d of a project with 100 checks taken at once, want 2000", taken)
		}
		if w.refused[ping.ProjectRate] == 0 || len(w.refused) != 1 {
			t.Errorf("refused %v", w.refused)
		}
	})
}

// What a project has sent counts although its checks could not be counted.
func TestAProjectThatCannotBeCountedMaySendTheLeast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &located{recording: nothing, project: uuid.New(),
			size: func() (store.ProjectSize, error) { return store.ProjectSize{}, errs.NotFoundf("gone") }}
		r := ping.NewRecorder(s, ping.Limits{Rates: ping.Rates{Project: 50}}, slog.New(slog.DiscardHandler), ping.Observe{})
		defer r.Close()
		code := uuid.New()
		first, _ := send(t, r, code, monitor.PingSuccess, 51)
		synctest.Wait()
		more, _ := send(t, r, code, monitor.PingSuccess, 100)
		if first != 51 || more != 0 {
			t.Errorf("%d, then %d", first, more)
		}
	})
}

func TestARateOfNoneTakesAnyNumber(t *testing.T) {
	s := &located{recording: nothing, project: uuid.New()}
	r := ping.NewRecorder(s, ping.Limits{}, slog.New(slog.DiscardHandler), ping.Observe{})
	defer r.Close()
	taken, _ := send(t, r, uuid.New(), monitor.PingSuccess, 5000)
	if taken != 5000 {
		t.Errorf("%d taken", taken)
	}
}

// A flood of addresses that mean nothing reaches neither the queue nor memory.
func TestUnknownAddressesTakeNoPlaceInTheQueue(t *testing.T) {
	committing := make(chan struct{}, 1000)
	release := make(chan struct{})
	known := uuid.New()
	var w watched
	s := &located{project: uuid.New(), missing: func(code uuid.UUID) bool { return code != known }}
	s.recording = func(batch []*store.Arrival) error {
		for _, a := range batch {
			if a.Code != known {
				t.Errorf("an unknown ping is being recorded")
			}
		}
		committing <- struct{}{}
		<-release
		return nil
	}
	hooks := w.hooks()
	var unknown atomic.Int64
	hooks.Unknown = func(n int) { unknown.Add(int64(n)) }
	r := ping.NewRecorder(s, ping.Limits{Queue: 50}, slog.New(slog.DiscardHandler), hooks)
	var all sync.WaitGroup
	record := func() {
		all.Go(func() {
			if err := r.Record(arrival(known, monitor.PingSuccess)); err != nil {
				t.Error(err)
			}
		})
	}
	record()
	<-committing
	for range 20000 {
		if err := r.Record(arrival(uuid.New(), monitor.PingSuccess)); errs.KindOf(err) != errs.NotFound {
			t.Fatal(err)
		}
	}
	if r.Waiting() != 0 || r.Remembers() > 1 {
		t.Errorf("%d wait, %d are remembered", r.Waiting(), r.Remembers())
	}
	record()
	waitFor(t, r, 1)
	close(release)
	all.Wait()
	r.Close()
	// They are counted after they are answered.
	for deadline := time.Now().Add(10 * time.Second); unknown.Load() < 20000 && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	if n := unknown.Load(); n != 20000 {
		t.Errorf("%d counted as unknown", n)
	}
	if s.looked != 20001 {
		t.Errorf("%d checks looked up: one that is known is known", s.looked)
	}
}

// However many checks are pinged, those of long ago are forgotten.
func TestMemoryOfTheRatesIsBounded(t *testing.T) {
	s := &located{recording: nothing, project: uuid.New()}
	r := ping.NewRecorder(s, ping.Limits{Rates: ping.Rates{Check: 1, Project: 1 << 30}}, slog.New(slog.DiscardHandler), ping.Observe{})
	defer r.Close()
	for range 300_000 {
		if err := r.Find(arrival(uuid.New(), monitor.PingSuccess)); err != nil {
			t.Fatal(err)
		}
	}
	n := r.Remembers()
	if n > 1<<17 {
		t.Errorf("%d checks are remembered", n)
	}
}

func TestOneTooManyIsAnswered429(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		log := slog.New(slog.DiscardHandler)
		rec := ping.NewRecorder(s, ping.Limits{Rates: ping.Rates{Check: 2, Project: 5}}, log, ping.Observe{})
		t.Cleanup(rec.Close)
		e := &endpoint{T: t, store: s, clock: clock, h: ping.NewHandler(s, rec, "/ping/", bodyLimit, proxies(log), log),
			Account: testdb.Account(t, s)}
		for i, form := range []string{"/ping/{U}", "/ping/{U}/3"} {
			w := e.do("GET", e.path(form), "")
			if w.Code != http.StatusOK {
				t.Fatalf("ping %d: %d %s", i, w.Code, w.Body)
			}
		}
		for _, form := range []string{"/ping/{U}", "/ping/{U}/fail", "/ping/{U}/0", "/ping/{KEY}/" + e.Check.Slug,
			"/ping/{KEY}/" + e.Check.Slug + "?create=1"} {
			w := e.do("POST", e.path(form), "a body")
			retry, err := strconv.Atoi(w.Header().Get("Retry-After"))
			if w.Code != http.StatusTooManyRequests || err != nil || retry < 1 || retry > 30 ||
				w.Header().Get("Content-Type") != "text/plain; charset=utf-8" ||
				!strings.HasPrefix(w.Body.String(), "Too many pings of this check. ") {
				t.Errorf("%s: %d %v %s", form, w.Code, w.Header(), w.Body)
			}
		}
		n := e.check().NPings
		if n != 2 {
			t.Errorf("%d pings are recorded", n)
		}
		w := e.do("GET", e.path("/ping/{U}/start"), "")
		if w.Code != http.StatusOK {
			t.Errorf("a start: %d %s", w.Code, w.Body)
		}
		if w := e.do("GET", e.path("/ping/{U}?rid=x"), ""); w.Code != http.StatusBadRequest {
			t.Errorf("a wrong request: %d %s", w.Code, w.Body)
		}
		// Checks made by their first ping count for the project: three places are left.
		codes := map[int]int{}
		for i := range 8 {
			codes[e.do("GET", e.path(fmt.Sprintf("/ping/{KEY}/new-%d?create=1", i)), "").Code]++
		}
		if codes[http.StatusCreated] != 3 || codes[http.StatusTooManyRequests] != 5 {
			t.Errorf("made by pings: %v", codes)
		}
		if n, err := testdb.CountChecks(t.Context(), s, e.User.ID); err != nil || n != 4 {
			t.Errorf("%d checks, %v", n, err)
		}
		if w := e.do("GET", "/ping/unknownkeyunknownkey00/x?create=1", ""); w.Code != http.StatusNotFound {
			t.Errorf("an unknown key: %d", w.Code)
		}
	})
}

// A slug that is another check's now, or nobody's, is not what it was.
func TestSlugsThatMove(t *testing.T) {
	each(t, func(e *endpoint) {
		path := e.path("/ping/{KEY}/" + e.Check.Slug)
		w := e.do("GET", path, "")
		if w.Code != 200 {
			e.Fatal(w.Code)
		}
		slug := e.Check.Slug
		e.change(func(c *monitor.Check) { c.Slug = "another" })
		if w := e.do("GET", path, ""); w.Code != 404 {
			e.Errorf("to nobody: %d", w.Code)
		}
		e.change(func(c *monitor.Check) { c.Slug = slug })
		other := monitor.NewCheck(e.Project.ID, e.clock.Now())
		if err := e.store.CreateCheck(e.Context(), &other, store.Channels{}); err != nil {
			e.Fatal(err)
		}
		if w := e.do("GET", path, ""); w.Code != 200 || e.check().NPings != 2 {
			e.Errorf("back again: %d", w.Code)
		}
		e.change(func(c *monitor.Check) { c.Slug = "another" })
		_, err := e.store.UpdateCheck(e.Context(), other.Code, func(c *store.CheckChange) error { c.Slug = slug; return nil })
		if err != nil {
			e.Fatal(err)
		}
		if w := e.do("GET", path, ""); w.Code != 200 || e.check().NPings != 2 {
			e.Errorf("to the other: %d", w.Code)
		}
		for _, path := range []string{"/ping/" + other.Code.String(), path} {
			w := e.do("GET", path, "")
			if w.Code != 200 {
				e.Errorf("%s: %d", path, w.Code)
			}
		}
		if _, err := e.store.DeleteCheck(e.Context(), other.Code); err != nil {
			e.Fatal(err)
		}
		// A bad request is told from a check that is gone, although that one was known.
		for _, query := range []string{"?rid=wrong", "", ""} {
			for _, path := range []string{"/ping/" + other.Code.String(), path} {
				w := e.do("GET", path+query, "")
				if w.Code != 404 {
					e.Errorf("deleted, %s%s: %d", path, query, w.Code)
				}
			}
		}
	})
}

// Whatever records the pings, the limits hold.
func TestEveryRecorderHasLimits(t *testing.T) {
	r := newRecorder(t, nothing, ping.Limits{Rates: ping.Rates{Check: 2}})
	taken, refusal := send(t, r, uuid.New(), monitor.PingSuccess, 5)
	if taken != 2 || refusal == nil {
		t.Errorf("%d pings taken, then %v; want 2", taken, refusal)
	}
}
