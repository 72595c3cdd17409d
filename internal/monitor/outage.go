package monitor

import (
	"time"

	"punctual/internal/schedule"
)

// Outage is a time in which no ping could reach Punctual, so that the silence of
// a check says nothing about its job.
type Outage struct {
	// the last sign of life before it
	Began time.Time
	// the first one after it
	Ended time.Time
}

// outagePatience bounds how much later than an outage's end a check is told that
// went silent in it. The ping of a job that runs once a day may well be lost, but
// nobody would want to hear of a job that did fail only a day later.
const outagePatience = 15 * time.Minute

// deadline is when c goes down: AlertAt, or later where an outage stands between
// the last signal and AlertAt. A job that pings often gets the time to ping again
// after the outage, all others outagePatience. The outages are in the order of
// their end.
func (c *Check) deadline(outages []Outage) time.Time {
	deadline := c.AlertAt
	signal := c.LastPing
	if c.LastStart.After(signal) {
		signal = c.LastStart
	}
	for _, o := range outages {
		if signal.After(o.Ended) || deadline.Before(o.Began) {
			continue
		}
		again := c.expectedAfter(o.Ended).Add(c.Grace)
		latest := o.Ended.Add(outagePatience)
		if again.After(latest) {
			again = latest
		}
		if again.After(deadline) {
			deadline = again
		}
	}
	return deadline
}

// expectedAfter is when a job whose ping before t was lost will ping again; t
// itself when that cannot be told.
func (c *Check) expectedAfter(t time.Time) time.Time {
	if c.Status != StatusUp || c.Started() {
		return t
	}
	if c.Kind == schedule.Simple {
		return t.Add(c.Timeout)
	}
	s, err := schedule.Parse(c.Kind, c.Schedule, c.TZ)
	if err != nil {
		return t
	}
	next, ok := s.Next(t)
	if ok {
		return next
	}
	return t
}
