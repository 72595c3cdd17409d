package notify

import (
	"slices"
	"time"

	"punctual/internal/monitor"
)

// Event is one thing to tell through one channel.
type Event struct {
	Check   monitor.Check
	Flip    monitor.Flip
	Channel monitor.Channel
	Project monitor.Project
	// Flip.New: up or down
	Status monitor.Status
	Now    time.Time

	// the flip was stored; zero: not yet, as in a test
	Decided time.Time
	// up: how long it was down, 0 = unknown
	DownFor time.Duration
	// with its body; nil = none yet
	LastPing *monitor.Ping
	// other checks of the project that are down, at most MaxOtherDown
	OtherDown []monitor.Check
	// how many there are in all
	OtherDownTotal int
	// zone of the project's owner; nil = UTC
	OwnerTZ *time.Location

	// Flaps says that the check changes its status too often for each change to be
	// told; nil = it does not.
	Flaps *Flaps

	// sent by hand to see whether the channel works
	Test bool
	// 1 for the first
	Attempt int
	// idempotency key: the delivery's code, the same in every attempt
	Key string
}

// Flaps are changes of a check that follow each other so fast that one message tells
// of all of them.
type Flaps struct {
	// Downs is how many times it went down, at least 1, and Since when the first change
	// was.
	Downs int
	Since time.Time
	// Settle is how long the check has to stay up or down before it is told again.
	Settle time.Duration
	// Over says that it has.
	Over bool
}

// Began tells whether the event is the beginning of flapping.
func (ev *Event) Began() bool { return ev.Flaps != nil && !ev.Flaps.Over }

// Level is how much the event matters.
func (ev *Event) Level() Level {
	if ev.Began() || ev.Status == monitor.StatusDown {
		return Critical
	}
	return OK
}

// Urgent are the events with the most urgent first, else in their order.
func Urgent(events []Event) []Event {
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b Event) int { return int(b.Level() - a.Level()) })
	return sorted
}

// MaxOtherDown is how many other checks a message names.
const MaxOtherDown = 10

// Result is what the other side answered, for the page of a test notification
// and for the log. It is filled in as far as known, also when Send fails.
type Result struct {
	// HTTP status, 0 = none
	StatusCode int
	// at most the first 500 bytes of the answer, valid UTF-8
	Response string
	// Said is who answered and what, in one line of at most 200 characters that gives
	// nothing away but the name of a host: "mx.example.org 250 2.0.0 Ok: queued as 4bX",
	// "hooks.example.org 200 OK"; "" = nothing is known.
	Said string
	// the message was sent a second time, as plain text, because the other side had
	// rejected it as it was
	Plain bool
}
