package monitor

import (
	"time"
)

// Reason says why a check went down.
type Reason string

// The reasons of a flip.
const (
	// not down, or paused, resumed, edited by a person
	ReasonNone Reason = ""
	// the deadline passed
	ReasonTimeout Reason = "timeout"
	// a failure signal came
	ReasonFail Reason = "fail"
)

// Flip is a stored change of status.
type Flip struct {
	ID      int64
	CheckID int64
	// for a timeout: the deadline
	CreatedAt time.Time
	Old, New  Status
	Reason    Reason
	// nobody is told, since a person has just brought it about
	Silent bool
	// until when all pings were known when a deadline was judged; zero: none was
	Heard time.Time
}

// Notifies tells whether people are told of the flip whatever came before: of
// every change to down, and of up after down. The first success and the end of a
// pause are no news by themselves, see MayNotify (docs/contract.md §1.7).
func (f *Flip) Notifies() bool {
	if f.Silent {
		return false
	}
	switch f.New {
	case StatusDown:
		return f.Old != StatusDown
	case StatusUp:
		return f.Old == StatusDown
	default:
		return false
	}
}

// MayNotify tells whether people are told of the flip where the last they were told
// of the check is that it is down: of the first success after a pause, whether a
// person or the ping has ended that. Else they would go on believing it
// (docs/contract.md §1.7).
func (f *Flip) MayNotify() bool {
	return !f.Silent && f.New == StatusUp && (f.Old == StatusPaused || f.Old == StatusNew)
}

// Pause stops the watching of c at time now. It returns the flip, or nil when c
// was paused already (docs/contract.md §2.8).
func Pause(c *Check, now time.Time) *Flip {
	if c.Status == StatusPaused {
		return nil
	}
	flip := &Flip{CheckID: c.ID, CreatedAt: now, Old: c.Status, New: StatusPaused}
	c.Status = StatusPaused
	c.ActedAt = now
	c.clearStart()
	c.Recompute(now)
	return flip
}

// Resume ends the pause of c at time now: the check is new again and waits for
// its first ping. It returns nil when c was not paused (docs/contract.md §2.8).
func Resume(c *Check, now time.Time) *Flip {
	if c.Status != StatusPaused {
		return nil
	}
	flip := &Flip{CheckID: c.ID, CreatedAt: now, Old: c.Status, New: StatusNew}
	c.Status = StatusNew
	c.ActedAt = now
	c.LastPing = time.Time{}
	c.clearStart()
	c.Recompute(now)
	return flip
}

// Reset forgets what has happened to c: it is new and has no last ping, but its
// pings keep counting where they were. The page calls it "clear events".
func Reset(c *Check, now time.Time) {
	n := c.NPings
	// a start that is still on its way stays late
	ended := c.EndedRuns
	c.State = State{Status: StatusNew, NPings: n, EndedRuns: ended, ActedAt: now}
	c.Recompute(now)
}
