package ping_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// held is a store whose database takes no ping until it is released.
type held struct {
	*store.Store
	entered chan struct{}
	release chan struct{}
	failing atomic.Bool
}

func (h *held) RecordPings(ctx context.Context, batch []*store.Arrival) error {
	if h.failing.Load() {
		return errors.New("the disk is full")
	}
	if h.entered != nil {
		h.entered <- struct{}{}
		<-h.release
	}
	return h.Store.RecordPings(ctx, batch)
}

// site is a process that takes pings for one check with a minute of period and of grace.
type takerSite struct {
	*testing.T
	*held
	clock    *testdb.Clock
	check    *monitor.Check
	recorder *ping.Recorder
	taker    *ping.Taker
}

func newTakerSite(t *testing.T, s *store.Store, clock *testdb.Clock) *takerSite {
	t.Helper()
	a := testdb.Account(t, s)
	c, err := s.UpdateCheck(t.Context(), a.Check.Code, func(c *store.CheckChange) error {
		c.Timeout = time.Minute
		c.Grace = time.Minute
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &held{Store: s}
	r := ping.NewRecorder(h, ping.Limits{}, slog.New(slog.DiscardHandler), ping.Observe{})
	t.Cleanup(r.Close)
	self := monitor.Taker{ID: uuid.New(), Place: "here", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
	return &takerSite{t, h, clock, c, r, ping.NewTaker(r, s, self, slog.New(slog.DiscardHandler))}
}

func (s *takerSite) ping() error {
	return s.recorder.Record(&store.Arrival{Code: s.check.Code,
		Ping: monitor.Ping{CreatedAt: s.clock.Now(), Kind: monitor.PingSuccess, Scheme: "http", Method: "GET"}})
}

func (s *takerSite) sign() {
	s.Helper()
	if err := s.taker.Sign(s.Context()); err != nil {
		s.Fatal(err)
	}
}

func (s *takerSite) judge() store.Round {
	s.Helper()
	got, err := s.JudgeOverdue(s.Context(), 10)
	if err != nil {
		s.Fatal(err)
	}
	return got
}

// A ping that arrived in time and is committed when the deadline has passed was in time.
func TestNoDeadlineIsJudgedBeforeAPingThatArrivedIsCommitted(t *testing.T) {
	testdb.Each(t, func(t *testing.T, st *store.Store, clock *testdb.Clock) {
		s := newTakerSite(t, st, clock)
		if err := s.ping(); err != nil {
			t.Fatal(err)
		}
		clock.Advance(2*time.Minute - time.Second)
		s.entered = make(chan struct{})
		s.release = make(chan struct{})
		release := sync.OnceFunc(func() { close(s.release) })
		defer release()
		answered := make(chan error, 1)
		go func() { answered <- s.ping() }()
		<-s.entered
		clock.Advance(3 * time.Second)
		s.sign()
		if got := s.judge(); len(got.Flips) != 0 {
			t.Fatalf("judged while a ping is being committed: %+v", got)
		}
		release()
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		s.sign()
		if got := s.judge(); len(got.Flips) != 0 || len(got.Unknown) != 0 {
			t.Errorf("the ping was in time: %+v", got)
		}
	})
}

// A ping that was refused by a fault of ours makes its run unknown, and no other.
func TestARefusedPingMakesItsRunUnknown(t *testing.T) {
	testdb.Each(t, func(t *testing.T, st *store.Store, clock *testdb.Clock) {
		s := newTakerSite(t, st, clock)
		if err := s.ping(); err != nil {
			t.Fatal(err)
		}
		clock.Advance(90 * time.Second)
		s.failing.Store(true)
		if err := s.ping(); errs.KindOf(err) != errs.Internal || err == nil {
			t.Fatal(err)
		}
		if err := s.recorder.Record(&store.Arrival{Code: uuid.New(), Ping: monitor.Ping{CreatedAt: clock.Now()}}); err == nil {
			t.Fatal("an unknown address is recorded")
		}
		s.failing.Store(false)
		clock.Advance(time.Minute)
		s.sign()
		if got := s.judge(); len(got.Flips) != 0 || len(got.Unknown) != 1 || got.Unknown[0].Cause != monitor.CauseRefused {
			t.Errorf("%+v", got)
		}
	})
}

// What could not be stored is stored with the next mark.
func TestARefusalIsNotForgotten(t *testing.T) {
	testdb.Each(t, func(t *testing.T, st *store.Store, clock *testdb.Clock) {
		s := newTakerSite(t, st, clock)
		s.sign()
		if err := s.ping(); err != nil {
			t.Fatal(err)
		}
		clock.Advance(90 * time.Second)
		s.failing.Store(true)
		if err := s.ping(); err == nil {
			t.Fatal("recorded")
		}
		s.failing.Store(false)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.taker.Sign(gone); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
		s.sign()
		if got := s.judge(); len(got.Unknown) != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// wound is a store whose clock may be set.
type wound struct{ *store.Store }

func (wound) ClockMayBeSet() bool { return true }

// The clock is set forward: nobody is down since his deadline was in the time that never was.
func TestAClockThatIsSetForwardIsNoSilence(t *testing.T) {
	testdb.Each(t, func(t *testing.T, st *store.Store, clock *testdb.Clock) {
		s := newTakerSite(t, st, clock)
		self := monitor.Taker{ID: uuid.New(), Place: "here", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
		s.taker = ping.NewTaker(s.recorder, wound{st}, self, slog.New(slog.DiscardHandler))
		s.sign()
		if err := s.ping(); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
		s.sign()
		if got := s.judge(); len(got.Flips) != 0 || len(got.Unknown) != 1 || got.Unknown[0].Cause != monitor.CauseClock {
			t.Errorf("%+v", got)
		}
	})
}
