// Package boottime has a clock that nobody can set, and that goes on while the machine
// sleeps.
package boottime

import (
	"sync/atomic"
	"time"
)

// clock asks the system once, for that costs twenty times as much as asking for the time,
// and again when the machine may have slept: then the time of day, which anybody can set,
// has gone on, and that which Go measures intervals with has not.
type clock struct {
	began time.Time
	// how much longer than since then the machine has been on, in nanoseconds
	before atomic.Int64
	// the time of day when that was measured, less the time since then
	seen atomic.Int64
}

var system = &clock{began: time.Now()}

// moved is how far the time of day has moved by itself when the system is asked again.
const moved = 100 * time.Millisecond

// Now is how long the machine has been on, the time it slept included.
func Now() time.Duration { return system.now() }

func (c *clock) now() time.Duration {
	now := time.Now()
	since := now.Sub(c.began)
	day := now.UnixNano() - int64(since)
	if time.Duration(day-c.seen.Load()).Abs() > moved {
		c.before.Store(int64(read(c.began) - time.Since(c.began)))
		c.seen.Store(day)
	}
	return since + time.Duration(c.before.Load())
}
