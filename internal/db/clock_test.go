package db_test

import (
	"testing"
	"time"

	"punctual/internal/db"
)

func TestTheClockFollowsTheDatabase(t *testing.T) {
	d := open(t, address(t, db.Postgres), db.Options{})
	skew := d.Skew()
	if skew != 0 {
		t.Fatalf("skew %v on one machine", skew)
	}
	for _, shift := range []time.Duration{-time.Hour, 3 * time.Minute} {
		db.ShiftLocalClock(d, shift)
		if err := d.SyncClock(t.Context()); err != nil {
			t.Fatal(err)
		}
		wrong := d.Skew() + shift
		if wrong.Abs() > 2*time.Second {
			t.Errorf("local clock %v ahead: skew %v", shift, d.Skew())
		}
		if wrong := time.Until(d.Now()); wrong.Abs() > 2*time.Second {
			t.Errorf("local clock %v ahead: the time is wrong by %v", shift, wrong)
		}
	}
	db.ShiftLocalClock(d, 0)
	if err := d.SyncClock(t.Context()); err != nil || d.Skew() != 0 {
		t.Errorf("clocks that agree: skew %v, %v", d.Skew(), err)
	}
}

func TestAnInjectedClockIsTheTruth(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		now := d.Now()
		if time.Since(now).Abs() > time.Minute || now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
			t.Errorf("without one, the time is %v", now)
		}
	})
	at := time.Date(2020, 2, 29, 13, 0, 0, 1999, time.FixedZone("CET", 3600))
	d := open(t, address(t, db.Postgres), db.Options{Now: func() time.Time { return at }})
	if err := d.SyncClock(t.Context()); err != nil || d.Skew() != 0 {
		t.Errorf("skew %v, %v", d.Skew(), err)
	}
	want := time.Date(2020, 2, 29, 12, 0, 0, 1000, time.UTC)
	if d.Now() != want {
		t.Errorf("now %v, want %v", d.Now(), want)
	}
}

func TestSQLiteNeedsNoCorrection(t *testing.T) {
	d := open(t, address(t, db.SQLite), db.Options{})
	db.ShiftLocalClock(d, time.Hour)
	if err := d.SyncClock(t.Context()); err != nil || d.Skew() != 0 {
		t.Errorf("skew %v, %v", d.Skew(), err)
	}
}

// host is a machine, and its database, whose clocks are set while a process runs.
type host struct {
	// that truly passed since the start
	passed time.Duration
	// how wrong they are
	wall, database time.Duration
}

var truth = time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC)

func (h *host) now() time.Time         { return truth.Add(h.passed) }
func (h *host) boot() time.Duration    { return time.Hour + h.passed }
func (h *host) base() time.Time        { return h.now().Add(h.wall) }
func (h *host) clock() *db.Clock       { return db.NewClock(h.base, h.boot) }
func (h *host) theDatabase() time.Time { return h.now().Add(h.database) }

// run lets time pass, with a measurement every five seconds, and returns the largest error
// of the clock meanwhile.
func (h *host) run(c *db.Clock, d time.Duration) (worst time.Duration) {
	for end := h.passed + d; h.passed < end; h.passed += 5 * time.Second {
		c.SyncWith(h.theDatabase())
		off := c.Now().Sub(h.now())
		if off.Abs() > worst.Abs() {
			worst = off
		}
	}
	return worst
}

var steps = []time.Duration{-time.Hour, -5 * time.Minute, 5 * time.Minute, time.Hour}

// The clock of a machine is set, for ten minutes: its processes do not notice.
func TestAClockThatIsSetAloneIsNotFollowed(t *testing.T) {
	for _, step := range steps {
		h := &host{}
		c := h.clock()
		h.run(c, time.Minute)
		h.wall = step
		worst := h.run(c, 10*time.Minute)
		h.wall = 0
		worst = max(worst.Abs(), h.run(c, 10*time.Minute).Abs())
		if worst > 100*time.Millisecond || c.Apart().By != 0 {
			t.Errorf("this machine's clock set by %s: the time was wrong by %s", step, worst)
		}

		h = &host{}
		c = h.clock()
		h.run(c, time.Minute)
		h.database = step
		worst = h.run(c, 10*time.Minute)
		if apart := c.Apart(); !apart.Alone || apart.By != step || apart.For < 9*time.Minute {
			t.Errorf("the database's clock set by %s: %+v", step, apart)
		}
		h.database = 0
		worst = max(worst.Abs(), h.run(c, 10*time.Minute).Abs())
		if worst > 100*time.Millisecond || c.Apart().By != 0 {
			t.Errorf("the database's clock set by %s: the time was wrong by %s", step, worst)
		}
	}
}

// Where the clocks agree that it is another time, that is followed after a minute.
func TestTheOnlyClockIsFollowedAfterAMinute(t *testing.T) {
	for _, step := range steps {
		h := &host{}
		c := h.clock()
		h.run(c, time.Minute)
		h.wall = step
		h.database = step
		if worst := h.run(c, 55*time.Second); worst.Abs() > 100*time.Millisecond {
			t.Errorf("set by %s: followed by %s within a minute", step, worst)
		}
		h.run(c, 15*time.Second)
		if off := c.Now().Sub(h.now()); (off - step).Abs() > 100*time.Millisecond {
			t.Errorf("set by %s: the time is off by %s after a minute", step, off)
		}
	}
}

// A small difference is made up for by a second a minute.
func TestASmallDifferenceIsMadeUpForSlowly(t *testing.T) {
	for _, step := range []time.Duration{-3 * time.Second, 3 * time.Second} {
		h := &host{}
		c := h.clock()
		h.run(c, time.Minute)
		h.database = step
		worst := h.run(c, 2*time.Minute)
		if worst.Abs() > 2100*time.Millisecond || worst.Abs() < 1900*time.Millisecond {
			t.Errorf("%s: moved by %s within two minutes", step, worst)
		}
		h.run(c, 2*time.Minute)
		if off := c.Now().Sub(h.now()); (off - step).Abs() > 100*time.Millisecond {
			t.Errorf("%s: moved by %s in the end", step, off)
		}
	}
}
