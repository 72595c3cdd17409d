package ping_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// A process that cannot take connections for hours, for want of file descriptors, keeps no
// deadline from being judged: its check is down or unknown.
func TestATakerThatStaysDeafDoesNotStopJudging(t *testing.T) {
	testdb.Each(t, func(t *testing.T, st *store.Store, clock *testdb.Clock) {
		s := newTakerSite(t, st, clock)
		s.sign()
		if err := s.ping(); err != nil {
			t.Fatal(err)
		}
		found := 0
		for range 3 * 3600 {
			clock.Advance(time.Second)
			s.taker.AcceptFailed()
			if clock.Now().Second() != 0 {
				continue
			}
			s.sign()
			got := s.judge()
			found += len(got.Flips) + len(got.Unknown)
		}
		if found == 0 {
			t.Error("a job is dead for three hours, neither down nor unknown")
		}
	})
}

// When the clock was set back, pings are not stamped with times that are yet to come: their
// jobs would be watched only from then on.
func TestNoPingComesFromTheFutureWhenTheClockWasSetBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, st *store.Store, clock *testdb.Clock) {
		s := newTakerSite(t, st, clock)
		s.sign()
		clock.Set(clock.Now().Add(-time.Hour))
		if err := s.ping(); err != nil {
			t.Fatal(err)
		}
		c, err := st.CheckByID(t.Context(), s.check.ID)
		if err != nil {
			t.Fatal(err)
		}
		if c.LastPing.After(clock.Now().Add(time.Second)) {
			t.Errorf("the ping is stamped %s ahead of the clock", c.LastPing.Sub(clock.Now()))
		}
		found := 0
		for range 20 {
			clock.Advance(30 * time.Second)
			s.sign()
			got := s.judge()
			found += len(got.Flips) + len(got.Unknown)
		}
		if found == 0 {
			t.Error("the job is dead for ten minutes, its deadline was after two")
		}
	})
}

// hanging is a store whose database takes the second mark only when nobody waits for it any more.
type hanging struct {
	*store.Store
	signs int
	third chan store.Sign
}

func (h *hanging) SignTaker(ctx context.Context, t *monitor.Taker, sign store.Sign) error {
	h.signs++
	switch h.signs {
	case 2:
		<-ctx.Done()
		return ctx.Err()
	case 3:
		h.third <- sign
	}
	return h.Store.SignTaker(ctx, t, sign)
}

// A process that waits for the database runs: it has heard whatever came.
func TestATakerThatWaitsForTheDatabaseIsNotSuspended(t *testing.T) {
	st := testdb.Open(t, db.SQLite, nil)
	h := &hanging{Store: st, third: make(chan store.Sign, 1)}
	r := ping.NewRecorder(st, ping.Limits{}, slog.New(slog.DiscardHandler), ping.Observe{})
	t.Cleanup(r.Close)
	self := monitor.Taker{ID: uuid.New(), Place: "here", Role: "serve", Ways: monitor.WayHTTP, BeganAt: st.Now()}
	taker := ping.NewTaker(r, h, self, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		taker.Run(ctx, nil)
	}()
	sign := <-h.third
	cancel()
	<-ended
	for _, g := range sign.Gaps {
		t.Errorf("%s for %s: every check is blind", g.Cause, g.Until.Sub(g.From))
	}
}
