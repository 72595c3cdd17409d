package monitor

import "time"

// Rescheduled brings c in line with settings that were just edited, at time
// now. Where the new schedule makes the check overdue it is down at once: the
// flip that is returned is stamped with the edit, and people are not to be told
// of it, since a person has just done it. Otherwise nil.
func Rescheduled(c *Check, now time.Time) *Flip {
	c.Recompute(now)
	if c.Status == StatusDown || c.statusAt(now) != StatusDown {
		return nil
	}
	flip := &Flip{CheckID: c.ID, CreatedAt: now, Old: c.Status, New: StatusDown, Reason: ReasonTimeout, Silent: true}
	c.Status = StatusDown
	c.Recompute(now)
	return flip
}
