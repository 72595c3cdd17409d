package monitor

import (
	"time"

	"punctual/internal/schedule"
)

// Judged is what the passing of time has made of a check.
type Judged struct {
	// in the order of time
	Flips []*Flip
	// in the order of their deadlines
	Unknown []*UnknownRun
}

func (j *Judged) add(more Judged) {
	j.Flips = append(j.Flips, more.Flips...)
	j.Unknown = append(j.Unknown, more.Unknown...)
}

// Judge looks at the truth of a check at a time at which all pings that arrived until
// heard are known, together with what blinds say of pings that may be lost. Deadlines
// up to heard are judged, in their order:
//
//   - Where a blind interval hides the run, the run is unknown: the status stays, a
//     run under way is forgotten, and the next one is expected from the end of the
//     interval on.
//   - Else the check goes down. The flip is stamped with the deadline, not with the
//     moment somebody noticed.
//
// WatchAt is then the next deadline, if there is one. A deadline hidden by an interval
// that goes on is left alone: WatchAt stays where it is.
func (c *Check) Judge(heard time.Time, blinds []Blind) Judged {
	var out Judged
	c.WatchAt = time.Time{}
	c.Recompute(heard)
	for c.Status != StatusDown && !c.DueAt.IsZero() && !heard.Before(c.AlertAt) {
		b := c.blinding(blinds)
		if b == nil {
			out.Flips = append(out.Flips, c.timeOut())
			break
		}
		if b.Until.IsZero() {
			break
		}
		out.Unknown = append(out.Unknown, c.lose(b))
	}
	return out
}

// timeOut makes c go down at its deadline.
func (c *Check) timeOut() *Flip {
	flip := &Flip{CheckID: c.ID, CreatedAt: c.AlertAt, Old: c.Status, New: StatusDown, Reason: ReasonTimeout}
	c.Status = StatusDown
	c.RecentRuns = AppendRun(c.RecentRuns, RunMissed)
	c.WatchAt = time.Time{}
	c.Recompute(c.AlertAt)
	return flip
}

// lose makes the run unknown whose deadline has passed, hidden by b.
func (c *Check) lose(b *Blind) *UnknownRun {
	run := &UnknownRun{CheckID: c.ID, Due: c.DueAt, Deadline: c.AlertAt, BlindFrom: b.From, BlindUntil: b.Until, Cause: b.Cause}
	c.clearStart()
	until := b.Until
	// an occurrence at the very end of the interval is this run, not the next
	if c.Kind != schedule.Simple && c.DueAt.After(until) {
		until = c.DueAt
	}
	if until.After(c.BlindUntil) {
		c.BlindUntil = until
	}
	c.RecentRuns = AppendRun(c.RecentRuns, RunUnknown)
	c.WatchAt = time.Time{}
	c.Recompute(c.AlertAt)
	return run
}
