package db

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Clock tells the time all processes on one database agree on: the local clock
// corrected by its difference to the database's. Deadlines and leases thus mean
// the same on every machine, even where clocks are minutes apart. An SQLite
// database has one machine and needs no correction.
type Clock struct {
	base func() time.Time
	// an injected clock is the truth
	fixed  bool
	offset atomic.Int64
}

func newClock(base func() time.Time) *Clock {
	if base == nil {
		return &Clock{base: time.Now}
	}
	return &Clock{base: base, fixed: true}
}

// Injected tells whether somebody else moves this clock, as tests do.
func (c *Clock) Injected() bool { return c.fixed }

// Now returns the time in UTC, in whole microseconds.
func (c *Clock) Now() time.Time {
	return c.base().Add(time.Duration(c.offset.Load())).UTC().Truncate(time.Microsecond)
}

// Skew is how far the database's clock was ahead of the local one when last
// measured.
func (c *Clock) Skew() time.Duration { return time.Duration(c.offset.Load()) }

// SyncClock measures the difference to the database's clock anew. Differences
// below 50 ms are left alone: they are within what the measurement can tell.
func (d *DB) SyncClock(ctx context.Context) error {
	skew, err := d.MeasureSkew(ctx)
	if err != nil {
		return err
	}
	d.offset.Store(int64(skew))
	return nil
}

// MeasureSkew asks a PostgreSQL database how far its clock is ahead of the local
// one. A difference that is within what the measurement can tell is none; there is
// none either from an SQLite database, which goes by the local clock, and to an
// injected clock.
func (d *DB) MeasureSkew(ctx context.Context) (time.Duration, error) {
	if d.Engine != Postgres || d.fixed {
		return 0, nil
	}
	before := d.base()
	var theirs time.Time
	if err := d.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&theirs); err != nil {
		return 0, fmt.Errorf("ask the database for the time: %w", err)
	}
	after := d.base()
	skew := theirs.Sub(before.Add(after.Sub(before) / 2))
	if skew.Abs() < 50*time.Millisecond+after.Sub(before) {
		return 0, nil
	}
	return skew, nil
}
