package web

import (
	"punctual/internal/monitor"
	"time"
)

// shown is a state as pages colour it: the class s-<shown> and the filter
// ?status=<shown>. It is the status, except that a run under way shows as
// started unless the check is down.
type shown string

// The shown states, in the order of the chips above the list.
const (
	shownUp      shown = "up"
	shownDown    shown = "down"
	shownLate    shown = "grace"
	shownStarted shown = "started"
	shownPaused  shown = "paused"
	shownNew     shown = "new"
)

func allShown() []shown {
	return []shown{shownUp, shownDown, shownLate, shownStarted, shownPaused, shownNew}
}

// Word names the state for people.
func (s shown) Word() string {
	switch s {
	case shownUp:
		return "Up"
	case shownDown:
		return "Down"
	case shownLate:
		return "Late"
	case shownStarted:
		return "Running"
	case shownPaused:
		return "Paused"
	default:
		return "New"
	}
}

func shownAt(c *monitor.Check, now time.Time) shown {
	switch status := c.StatusAt(now); {
	case status == monitor.StatusDown:
		return shownDown
	case c.Started():
		return shownStarted
	default:
		return shown(status)
	}
}
