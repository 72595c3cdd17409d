package monitor

import (
	"fmt"
	"time"

	"punctual/internal/schedule"
)

// Expected returns when the next ping of an up check is expected, leaving a run
// under way aside: counted from the last ping, or from the end of the interval that
// hid the last run, whichever is later. It is zero when none is: the check is not up,
// or its schedule has no further occurrence (docs/contract.md §1.8).
func (c *Check) Expected() (time.Time, error) {
	if c.Status != StatusUp || c.LastPing.IsZero() {
		return time.Time{}, nil
	}
	base := c.LastPing
	if c.BlindUntil.After(base) {
		base = c.BlindUntil
	}
	if c.Kind == schedule.Simple {
		return base.Add(c.Timeout), nil
	}
	s, err := schedule.Parse(c.Kind, c.Schedule, c.TZ)
	if err != nil {
		return time.Time{}, fmt.Errorf("schedule %q in %s: %w", c.Schedule, c.TZ, err)
	}
	next, ok := s.Next(base)
	if !ok {
		return time.Time{}, nil
	}
	return next, nil
}

// Due returns the moment the grace time begins, shown as next_ping: the
// expected time, or the start of the run under way when that is earlier. Zero
// means never (docs/contract.md §1.8).
func (c *Check) Due() (time.Time, error) {
	due, err := c.Expected()
	if err != nil {
		return time.Time{}, err
	}
	if c.Started() && c.Status != StatusDown && (due.IsZero() || c.LastStart.Before(due)) {
		due = c.LastStart
	}
	return due, nil
}

// Recompute brings DueAt, AlertAt and ScheduleError in line with everything
// they depend on. It is called after each change of a check.
//
// A schedule that cannot be computed is kept on the check as ScheduleError. It
// has no due time then, and AlertAt is the moment to try again, an hour from
// now; only a run under way still has its deadline.
func (c *Check) Recompute(now time.Time) {
	due, err := c.Due()
	c.ScheduleError = ""
	if err != nil {
		c.ScheduleError = err.Error()
		if c.Started() && c.Status != StatusDown {
			due = c.LastStart
		}
	}
	c.DueAt = due
	c.AlertAt = time.Time{}
	switch {
	case !due.IsZero():
		c.AlertAt = due.Add(c.Grace)
	case err != nil:
		c.AlertAt = now.Add(scheduleRetry)
	}
	c.watch()
}

// watch makes sure that the watcher looks at c by its deadline. It never puts
// the look off: a deadline that moves on, as it does with every ping, leaves
// WatchAt alone, and the watcher finds out when it looks. WatchAt is the one
// moment that is indexed, so pings change no index.
func (c *Check) watch() {
	if c.AlertAt.IsZero() || c.Status == StatusDown {
		return
	}
	if c.WatchAt.IsZero() || c.WatchAt.After(c.AlertAt) {
		c.WatchAt = c.AlertAt
	}
}

// scheduleRetry is how long a check whose schedule cannot be computed is put
// aside.
const scheduleRetry = time.Hour

// Reading is a moment at which statuses are read.
type Reading struct {
	Now time.Time
	// until when all pings are known; not after Now
	Heard time.Time
}

// AllHeard is a reading at time now by who knows of all pings.
func AllHeard(now time.Time) Reading {
	return Reading{Now: now, Heard: now}
}

// StatusAt returns the status to show: the stored one, unless time alone has changed
// it. A deadline counts from the moment it is reached, so a check reads down before any
// worker has noticed (docs/contract.md §1.8). One that has passed since pings are not
// all known does not count: the check is shown as in its grace time.
//
// It relies on DueAt and AlertAt being current (Recompute).
func (c *Check) StatusAt(at Reading) Status {
	s := c.statusAt(at.Now)
	if s == StatusDown && c.Status != StatusDown && c.statusAt(at.Heard) != StatusDown {
		return StatusGrace
	}
	return s
}

// statusAt is StatusAt for who knows of all pings until now.
func (c *Check) statusAt(now time.Time) Status {
	if c.Started() && !now.Before(c.LastStart.Add(c.Grace)) {
		return StatusDown
	}
	if c.Status != StatusUp {
		return c.Status
	}
	expected, err := c.expectedFromState()
	switch {
	case err != nil || expected.IsZero():
		return StatusUp
	case !now.Before(expected.Add(c.Grace)):
		return StatusDown
	case !now.Before(expected):
		return StatusGrace
	default:
		return StatusUp
	}
}

// expectedFromState is Expected without computing the schedule where the stored
// DueAt already tells it, which is whenever no run is under way.
func (c *Check) expectedFromState() (time.Time, error) {
	if !c.Started() && c.ScheduleError == "" {
		return c.DueAt, nil
	}
	return c.Expected()
}
