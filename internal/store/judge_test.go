package store_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// wantFlips compares the new statuses of flips, oldest first.
func wantFlips(t *testing.T, flips []*monitor.Flip, want ...monitor.Status) {
	t.Helper()
	if len(flips) != len(want) {
		t.Fatalf("%d flips, want %v", len(flips), want)
	}
	for i, f := range flips {
		if f.New != want[i] {
			t.Errorf("flip %d: %+v, want %s", i, f, want[i])
		}
	}
}

// A ping behind a deadline that nobody has judged is down and up, also of a check that the
// process that takes it knows.
func TestALatePingOfAKnownCheckIsDownAndUp(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := minuteCheck(t, s)
		for range 3 {
			pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
			clock.Advance(time.Second)
		}
		clock.Advance(3 * time.Minute)
		pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
		if flips, err := s.Flips(t.Context(), c.ID, store.FlipFilter{}); err != nil || len(flips) != 1 {
			t.Fatalf("before it is judged: %+v, %v", flips, err)
		}
		wantFlips(t, judges(t, s).Flips, monitor.StatusDown, monitor.StatusUp)
	})
}

// A person who pauses a check behind a deadline that nobody has judged makes no flip: it was
// down first.
func TestAPauseBehindADeadlineWaitsForTheJudging(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := minuteCheck(t, s)
		pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
		clock.Advance(3 * time.Minute)
		paused, err := s.UpdateCheck(t.Context(), c.Code, func(e *store.CheckChange) error {
			e.Flip = monitor.Pause(e.Check, e.Now)
			return nil
		})
		if err != nil || paused.Status != monitor.StatusPaused {
			t.Fatalf("%+v, %v", paused, err)
		}
		wantFlips(t, judges(t, s).Flips, monitor.StatusDown, monitor.StatusPaused)
	})
}

// Pings that are yet to be folded are kept beyond the limit of the log, by the recorder and by
// the pruning.
func TestPingsThatAreToBeFoldedAreKept(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := minuteCheck(t, s)
		pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
		clock.Advance(3 * time.Minute)
		for range 250 {
			pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
			clock.Advance(100 * time.Millisecond)
		}
		for _, stale := range s.StaleHistory(0, c.ID) {
			if n, err := s.CountStale(t.Context(), stale); err != nil || n != 0 {
				t.Errorf("%d %s are to be pruned, %v", n, stale.Name, err)
			}
		}
		if n := count(t, s, "pings", "check_id > 0"); n != 251 {
			t.Errorf("%d pings are left of 251", n)
		}
		wantFlips(t, judges(t, s).Flips, monitor.StatusDown, monitor.StatusUp)
	})
}
