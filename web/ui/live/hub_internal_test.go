package live

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// watching is a live with a database, and a project in it with a check to ping.
func watching(t *testing.T, engine db.Engine) (l *Hub, p *monitor.Project, ping func()) {
	t.Helper()
	clock := testdb.NewClock()
	st := testdb.Open(t, engine, clock)
	a := testdb.Account(t, st)
	l = New(st, slog.New(slog.DiscardHandler))
	t.Cleanup(l.End)
	ping = func() {
		t.Helper()
		arrival := &store.Arrival{
			Code:     a.Check.Code,
			Ping:     monitor.Ping{CreatedAt: clock.Now(), Scheme: "https", Method: "POST"},
			Classify: func(*monitor.Filter) monitor.PingKind { return monitor.PingSuccess },
		}
		if err := st.RecordPings(t.Context(), []*store.Arrival{arrival}); err != nil || arrival.Err != nil {
			t.Fatal(err, arrival.Err)
		}
	}
	return l, a.Project, ping
}

func TestManyViewersAreCalledAndTheListIsLoadedOnce(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			l, p, ping := watching(t, engine)
			viewers := make([]*viewer, 200)
			for i := range viewers {
				v, err := l.join(uuid.New(), []uuid.UUID{p.ID})
				if err != nil {
					t.Fatal(err)
				}
				viewers[i] = v
			}
			called := func() {
				t.Helper()
				// the first never answers
				for _, v := range viewers[1:] {
					select {
					case <-v.calls:
					case <-time.After(10 * time.Second):
						t.Fatal("a viewer is not called")
					}
				}
			}
			// by the first look
			called()
			for range 3 {
				ping()
				called()
			}
			var loads atomic.Int32
			load := func(context.Context) (any, error) {
				loads.Add(1)
				return "what is loaded", nil
			}
			l.mu.Lock()
			l.projects[p.ID].generation++
			l.mu.Unlock()
			done := make(chan error, len(viewers))
			for range viewers {
				go func() {
					_, err := l.Shared(t.Context(), p.ID, false, load)
					done <- err
				}()
			}
			for range viewers {
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
			// a change of settings may be suspected in between
			n := loads.Load()
			if n < 1 || n > 2 {
				t.Errorf("loaded %d times for %d viewers", n, len(viewers))
			}
			for _, v := range viewers {
				l.leave(v)
			}
			if len(l.projects) != 0 || len(l.byUser) != 0 || l.viewers != 0 || l.stop != nil {
				t.Errorf("left behind: %+v", l)
			}
		})
	}
}

func TestLivePagesAreBounded(t *testing.T) {
	l, p, _ := watching(t, db.SQLite)
	user := uuid.New()
	for range maxUserViewers {
		_, err := l.join(user, []uuid.UUID{p.ID})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := l.join(user, nil)
	if errs.KindOf(err) != errs.Unavailable {
		t.Errorf("one more of a user: %v", err)
	}
	for range maxViewers - maxUserViewers {
		_, err := l.join(uuid.New(), nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.join(uuid.New(), nil); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("one more of all: %v", err)
	}
}
