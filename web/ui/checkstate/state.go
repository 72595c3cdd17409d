// Package checkstate says how a check is, as pages colour it, and draws how its last
// runs went.
package checkstate

import "punctual/internal/monitor"

// State is a state as pages colour it: the class s-<shown> and the filter
// ?status=<shown>. It is the status, except that a run under way shows as
// started unless the check is down.
type State string

// The shown states, in the order of the chips above the list.
const (
	Up      State = "up"
	Down    State = "down"
	Late    State = "grace"
	Started State = "started"
	Paused  State = "paused"
	New     State = "new"
)

// All are the states, in the order of the chips above the list.
func All() []State {
	return []State{Up, Down, Late, Started, Paused, New}
}

// Word names the state for people.
func (s State) Word() string {
	switch s {
	case Up:
		return "Up"
	case Down:
		return "Down"
	case Late:
		return "Late"
	case Started:
		return "Running"
	case Paused:
		return "Paused"
	default:
		return "New"
	}
}

// At is how the check is, read at a time.
func At(c *monitor.Check, at monitor.Reading) State {
	switch status := c.StatusAt(at); {
	case status == monitor.StatusDown:
		return Down
	case c.Started():
		return Started
	default:
		return State(status)
	}
}
