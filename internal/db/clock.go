package db

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"punctual/internal/boottime"
)

// Clock tells the time all processes on one database agree on: that of the database when
// the process started, carried on by a clock that nobody can set. Deadlines and leases thus
// mean the same on every machine, even where clocks are minutes apart, and a clock that is
// set changes none of them. An SQLite database has one machine, whose clock is the
// database's.
//
// From then on SyncClock brings it nearer to the database's, by a second a minute at most.
// A difference of more than five seconds is followed after a minute, and only where this
// machine's clock agrees with the database's: one that differs alone is wrong.
type Clock struct {
	// of this machine
	base func() time.Time
	// that nobody can set
	boot func() time.Duration
	// an injected clock is the truth
	fixed bool
	// the time when boot was 0, in nanoseconds since 1970
	zero atomic.Int64
	// how far the database's is ahead of base, as measured last
	skew atomic.Int64

	// guards what follows
	mu sync.Mutex
	// by boot, when SyncClock has measured last; 0: never
	measured time.Duration
	// by boot, since when the difference is large; 0: it is not
	apartSince time.Duration
	apart      Apart
}

// Apart is a large difference between the time of this process and the database's.
type Apart struct {
	// how far the database's is ahead; 0: there is none
	By time.Duration
	// for how long
	For time.Duration
	// the clock of this machine does not agree with the database's
	Alone bool
}

const (
	// what is larger is followed after followAfter, or not at all
	largeSkew   = 5 * time.Second
	followAfter = time.Minute
	// one part in so many is how fast smaller differences are made up for
	slewing = 60
	// what is smaller is no difference
	minSlack = 50 * time.Millisecond
)

func newClock(base func() time.Time) *Clock {
	c := &Clock{base: base, boot: boottime.Now, fixed: base != nil}
	if base == nil {
		c.base = time.Now
	}
	c.zero.Store(c.base().UnixNano() - int64(c.boot()))
	return c
}

// Injected tells whether somebody else moves this clock, as tests do.
func (c *Clock) Injected() bool { return c.fixed }

// Now returns the time in UTC, in whole microseconds.
func (c *Clock) Now() time.Time {
	if c.fixed {
		return c.base().UTC().Truncate(time.Microsecond)
	}
	return time.Unix(0, c.zero.Load()+int64(c.boot())).UTC().Truncate(time.Microsecond)
}

// Skew is how far the database's clock was ahead of this machine's when last measured.
func (c *Clock) Skew() time.Duration { return time.Duration(c.skew.Load()) }

// Apart is whether the time of this process and the database's differ by more than five
// seconds.
func (c *Clock) Apart() Apart {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.apart
}

// SyncClock measures the difference to the database's clock anew. Differences
// below 50 ms are left alone: they are within what the measurement can tell.
func (d *DB) SyncClock(ctx context.Context) error {
	if d.fixed {
		return nil
	}
	if d.Engine != Postgres {
		d.correct(d.base().Sub(d.Now()), minSlack, true)
		return nil
	}
	skew, slack, err := d.measureSkew(ctx)
	if err != nil {
		return err
	}
	d.skew.Store(int64(beyond(skew, slack)))
	d.correct(d.base().Add(skew).Sub(d.Now()), slack, skew.Abs() <= largeSkew+slack)
	return nil
}

// beyond is a difference, 0 where it is within what the measurement can tell.
func beyond(skew, slack time.Duration) time.Duration {
	if skew.Abs() < slack {
		return 0
	}
	return skew
}

// correct takes up that the database's clock is ahead of this one, as exactly as slack
// says. agrees tells whether this machine's clock agrees with the database's.
func (c *Clock) correct(ahead, slack time.Duration, agrees bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.boot()
	since := now - c.measured
	first := c.measured == 0
	c.measured = now
	switch {
	case ahead.Abs() < slack:
		ahead = 0
	case first:
		c.zero.Add(int64(ahead))
		ahead = 0
	case ahead.Abs() <= largeSkew:
		most := min(since, followAfter) / slewing
		c.zero.Add(int64(max(-most, min(most, ahead))))
	}
	if ahead.Abs() <= largeSkew {
		c.apartSince = 0
		c.apart = Apart{}
		return
	}
	if c.apartSince == 0 {
		c.apartSince = now
	}
	c.apart = Apart{By: ahead, For: now - c.apartSince, Alone: !agrees}
	if agrees && c.apart.For >= followAfter {
		c.zero.Add(int64(ahead))
		c.apartSince = 0
	}
}

// MeasureSkew asks a PostgreSQL database how far its clock is ahead of this
// machine's. A difference that is within what the measurement can tell is none; there is
// none either from an SQLite database, which goes by the local clock, and to an
// injected clock.
func (d *DB) MeasureSkew(ctx context.Context) (time.Duration, error) {
	if d.Engine != Postgres || d.fixed {
		return 0, nil
	}
	skew, slack, err := d.measureSkew(ctx)
	return beyond(skew, slack), err
}

func (d *DB) measureSkew(ctx context.Context) (skew, slack time.Duration, err error) {
	began := d.boot()
	before := d.base()
	var theirs time.Time
	if err := d.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&theirs); err != nil {
		return 0, 0, fmt.Errorf("ask the database for the time: %w", err)
	}
	took := d.boot() - began
	return theirs.Sub(before.Add(took / 2)), minSlack + took, nil
}
