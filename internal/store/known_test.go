package store_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// A process that has pinged a check before knows it. What others do to the check
// meanwhile counts all the same.
func TestWhatOthersChangeCountsForTheNextPing(t *testing.T) {
	type outcome struct {
		// by the other process
		change func(s *store.Store, c *monitor.Check) error
		// of the third ping from here; 0 = the check is gone
		n     int64
		kind  monitor.PingKind
		flips int
	}
	nothing := func(*store.Store, *monitor.Check) error { return nil }
	signal := func(kind monitor.PingKind) func(*store.Store, *monitor.Check) error {
		return func(s *store.Store, c *monitor.Check) error {
			return s.RecordPings(t.Context(), []*store.Arrival{arrival(s, c.Code, kind)})
		}
	}
	update := func(change func(*monitor.Check)) func(*store.Store, *monitor.Check) error {
		return func(s *store.Store, c *monitor.Check) error {
			_, err := s.UpdateCheck(t.Context(), c.Code, func(c *store.CheckChange) error { change(c.Check); return nil })
			return err
		}
	}
	// of one batch each
	for _, outcomes := range []map[string]outcome{
		{
			"untouched": {nothing, 3, monitor.PingSuccess, 1},
			"paused": {update(func(c *monitor.Check) {
				c.Status = monitor.StatusPaused
				c.ManualResume = true
			}), 3, monitor.PingIgn, 1},
			"filtered": {update(func(c *monitor.Check) { c.Filter.Methods = "POST" }), 3, monitor.PingIgn, 1},
			"deleted":  {func(s *store.Store, c *monitor.Check) error { _, err := s.DeleteCheck(t.Context(), c.Code); return err }, 0, "", 0},
		},
		{
			"untouched": {nothing, 3, monitor.PingSuccess, 1},
			"pinged":    {signal(monitor.PingSuccess), 4, monitor.PingSuccess, 1},
			"failed":    {signal(monitor.PingFail), 4, monitor.PingSuccess, 3},
		},
	} {
		twoStores(t, func(t *testing.T, here, there *store.Store) {
			a := testdb.Account(t, here)
			checks := make(map[string]*monitor.Check)
			for name := range outcomes {
				checks[name] = addCheck(t, here, a.Project.ID, name, "")
			}
			ping := func() map[string]*store.Arrival {
				out := make(map[string]*store.Arrival)
				for name, c := range checks {
					out[name] = arrival(here, c.Code, "")
					out[name].Classify = func(f *monitor.Filter) monitor.PingKind {
						return monitor.ClassifyHTTP(f, monitor.PingSuccess, "GET", nil)
					}
				}
				if err := here.RecordPings(t.Context(), slices.Collect(maps.Values(out))); err != nil {
					t.Fatal(err)
				}
				return out
			}
			ping()
			ping()
			for name, o := range outcomes {
				if err := o.change(there, checks[name]); err != nil {
					t.Fatal(err)
				}
			}
			got := ping()
			for name, want := range outcomes {
				p := got[name]
				id := checks[name].ID
				if want.n == 0 {
					if p.Err == nil {
						t.Errorf("%s: a ping was taken", name)
					}
				} else if p.Err != nil || p.Ping.N != want.n || p.Ping.Kind != want.kind {
					t.Errorf("%s: ping %d, %q, %v; want %d, %q", name, p.Ping.N, p.Ping.Kind, p.Err, want.n, want.kind)
				}
				n := count(t, there, "pings", "check_id = $1", id)
				if int64(n) != want.n {
					t.Errorf("%s: %d pings stored, want %d", name, n, want.n)
				}
				if n := count(t, there, "flips", "check_id = $1", id); n != want.flips {
					t.Errorf("%s: %d flips, want %d", name, n, want.flips)
				}
			}
		})
	}
}

// What is recorded already when the rest of its batch fails is not recorded
// again with it.
func TestATriedAgainBatchRecordsOnlyWhatIsMissing(t *testing.T) {
	s := testdb.Open(t, db.Postgres, testdb.NewClock())
	d := s.DB()
	a := testdb.Account(t, s)
	held := addCheck(t, s, a.Project.ID, "held", "")
	batch := func() []*store.Arrival {
		return []*store.Arrival{arrival(s, a.Check.Code, monitor.PingSuccess), arrival(s, held.Code, monitor.PingSuccess)}
	}
	if err := s.RecordPings(t.Context(), batch()); err != nil {
		t.Fatal(err)
	}

	if _, err := d.Exec(t.Context(), `UPDATE checks SET name = 'changed' WHERE id = $1`, held.ID); err != nil {
		t.Fatal(err)
	}
	lock, err := d.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Rollback(context.Background())
	if _, err := lock.Exec(t.Context(), `SELECT id FROM checks WHERE id = $1 FOR UPDATE`, held.ID); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	again := batch()
	if err := s.RecordPings(soon, again); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v, want the deadline", err)
	}
	n := count(t, s, "pings", "check_id = $1", a.Check.ID)
	if n != 2 {
		t.Fatalf("%d pings of the check that nobody holds, want 2", n)
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.RecordPings(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*monitor.Check{a.Check, held} {
		n := count(t, s, "pings", "check_id = $1", c.ID)
		if n != 2 {
			t.Errorf("%s: %d pings, want 2", c.Name, n)
		}
	}
}

// Whether a ping whose answer was lost has been recorded is found out before it
// is recorded again.
func TestAPingWhoseAnswerWasLostCountsOnce(t *testing.T) {
	s := testdb.Open(t, db.Postgres, testdb.NewClock())
	a := testdb.Account(t, s)
	recorded := arrival(s, a.Check.Code, monitor.PingFail)
	lost := arrival(s, a.Check.Code, monitor.PingSuccess)
	if err := s.RecordPings(t.Context(), []*store.Arrival{recorded}); err != nil {
		t.Fatal(err)
	}
	recorded.LoseAnswer()
	// on its way to the database
	lost.LoseAnswer()
	if err := s.RecordPings(t.Context(), []*store.Arrival{recorded, lost}); err != nil {
		t.Fatal(err)
	}
	n := count(t, s, "pings", "1 = 1")
	if n != 2 || recorded.Ping.N != 1 || lost.Ping.N != 2 {
		t.Errorf("%d pings, numbers %d and %d; want 2, 1 and 2", n, recorded.Ping.N, lost.Ping.N)
	}
	c := load(t, s, a.Check)
	if c.NPings != 2 || c.Status != monitor.StatusUp {
		t.Errorf("%d pings counted, %s", c.NPings, c.Status)
	}
	if n := count(t, s, "flips", "1 = 1"); n != 2 {
		t.Errorf("%d flips, want 2", n)
	}
}

// Whoever waits long for a check that somebody holds gives up what it may hold
// itself, and waits in the way that cannot deadlock.
func TestAPingOfACheckThatIsHeldIsRecorded(t *testing.T) {
	s := testdb.Open(t, db.Postgres, testdb.NewClock())
	d := s.DB()
	a := testdb.Account(t, s)
	signal(t, s, a.Check, monitor.PingSuccess)

	lock, err := d.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Rollback(context.Background())
	if _, err := lock.Exec(t.Context(), `SELECT id FROM checks WHERE id = $1 FOR UPDATE`, a.Check.ID); err != nil {
		t.Fatal(err)
	}
	recorded := make(chan error)
	go func() {
		recorded <- s.RecordPings(t.Context(), []*store.Arrival{arrival(s, a.Check.Code, monitor.PingSuccess)})
	}()
	waiting := func() (n int) {
		err := d.Pool().QueryRow(t.Context(),
			`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%NO KEY UPDATE%'`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for deadline := time.Now().Add(20 * time.Second); waiting() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("it does not wait for the lock")
		}
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-recorded; err != nil {
		t.Error(err)
	}
	n := count(t, s, "pings", "1 = 1")
	if n != 2 {
		t.Errorf("%d pings, want 2", n)
	}
}
