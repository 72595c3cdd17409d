package ping_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/store"
)

// bySlug is a located in which every slug means one check.
type bySlug struct {
	*located
	code uuid.UUID
}

func (s *bySlug) Locate(ctx context.Context, batch []*store.Arrival) error {
	for _, a := range batch {
		a.Code = s.code
	}
	return s.located.Locate(ctx, batch)
}

func quiet(s *bySlug, limits ping.Limits) *ping.Recorder {
	return ping.NewRecorder(s, limits, slog.New(slog.DiscardHandler), ping.Observe{})
}

// What is known of a check or a slug is forgotten when a ping of it finds that it
// is gone, or that the slug means another check: the next one is looked up.
func TestWhatIsGoneIsForgotten(t *testing.T) {
	for name, tc := range map[string]struct {
		slug  string
		found func(a *store.Arrival)
		// of the second and third ping together, beyond the first
		looks int
	}{
		"a check that is there":       {"", func(*store.Arrival) {}, 0},
		"a check that is gone":        {"", func(a *store.Arrival) { a.Err = errs.NotFoundf("not found") }, 1},
		"a slug that is the check's":  {"nightly", func(*store.Arrival) {}, 0},
		"a slug that nobody has":      {"nightly", func(a *store.Arrival) { a.Err = errs.NotFoundf("not found") }, 1},
		"a slug that several have":    {"nightly", func(a *store.Arrival) { a.Err = store.ErrAmbiguousSlug }, 1},
		"a slug that is another ones": {"nightly", func(a *store.Arrival) { a.Code = uuid.UUID{9} }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			code := uuid.UUID{1}
			pings := 0
			s := &bySlug{&located{project: uuid.New()}, code}
			s.recording = func(batch []*store.Arrival) error {
				for _, a := range batch {
					if a.Code == uuid.Nil {
						a.Code = code
					}
					if pings++; pings == 2 {
						tc.found(a)
					}
				}
				return nil
			}
			r := quiet(s, ping.Limits{})
			defer r.Close()
			for range 3 {
				a := &store.Arrival{Code: code, Ping: monitor.Ping{Kind: monitor.PingSuccess}}
				if tc.slug != "" {
					a.Code = uuid.Nil
					a.PingKey = "key"
					a.Slug = tc.slug
				}
				_ = r.Record(a)
			}
			if s.looked != 1+tc.looks {
				t.Errorf("%d times looked up, want %d", s.looked, 1+tc.looks)
			}
		})
	}
}

// heldUp is a bySlug that looks checks up when it is released, and fails with err.
type heldUp struct {
	*bySlug
	release chan struct{}
	err     error
	tries   int
}

func (s *heldUp) Locate(ctx context.Context, batch []*store.Arrival) error {
	<-s.release
	s.tries++
	if s.err != nil {
		return s.err
	}
	return s.bySlug.Locate(ctx, batch)
}

// While the database does not answer, no more wait to be looked up than may wait
// to be recorded.
func TestFewWaitToBeLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &heldUp{bySlug: &bySlug{located: &located{recording: nothing, project: uuid.New()}}, release: make(chan struct{})}
		r := ping.NewRecorder(s, ping.Limits{Queue: 3}, slog.New(slog.DiscardHandler), ping.Observe{})
		defer r.Close()
		var all sync.WaitGroup
		record := func() {
			all.Go(func() {
				if err := r.Record(arrival(uuid.New(), monitor.PingSuccess)); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		// One is being looked up, three wait.
		for range 4 {
			record()
		}
		if err := r.Record(arrival(uuid.New(), monitor.PingSuccess)); errs.KindOf(err) != errs.Unavailable {
			t.Errorf("a fifth: %v", err)
		}
		close(s.release)
		all.Wait()
	})
}

// While the database stays away, who comes after the first hears so at once.
func TestWhoIsLookedUpLaterDoesNotWaitForTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &heldUp{bySlug: &bySlug{located: &located{recording: nothing, project: uuid.New()}}, release: make(chan struct{})}
		s.err = io.ErrUnexpectedEOF
		close(s.release)
		r := ping.NewRecorder(s, ping.Limits{Patience: 8 * time.Second}, slog.New(slog.DiscardHandler), ping.Observe{})
		defer r.Close()
		for n, want := range []time.Duration{8 * time.Second, 0, 0} {
			began := time.Now()
			s.tries = 0
			err := r.Record(arrival(uuid.New(), monitor.PingSuccess))
			took := time.Since(began)
			if errs.KindOf(err) != errs.Unavailable || took != want || n > 0 && s.tries != 1 {
				t.Errorf("ping %d: %v after %v and %d tries, want %v", n, err, took, s.tries, want)
			}
		}
		s.err = nil
		if err := r.Record(arrival(uuid.New(), monitor.PingSuccess)); err != nil {
			t.Errorf("with the database back: %v", err)
		}
	})
}

// A ping whose key is no project's makes no check.
func TestAPingWithoutAProjectIsNotAdmitted(t *testing.T) {
	r := quiet(&bySlug{&located{recording: nothing}, uuid.New()}, ping.Limits{})
	defer r.Close()
	if err := r.AdmitNew(&store.Arrival{PingKey: "nobody's", Slug: "nightly"}); errs.KindOf(err) != errs.NotFound {
		t.Errorf("got %v, want not found", err)
	}
}

// Who is refused for the moment is told when to try again.
func TestARefusalHasWhenToTryAgain(t *testing.T) {
	each(t, func(e *endpoint) {
		log := slog.New(slog.DiscardHandler)
		rec := ping.NewRecorder(e.store, ping.Limits{}, log, ping.Observe{})
		rec.Close()
		e.h = ping.NewHandler(e.store, rec, "/ping/", bodyLimit, proxies(log), log)
		w := e.do("GET", e.path("/ping/{U}"), "")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "10" {
			t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
	})
}
