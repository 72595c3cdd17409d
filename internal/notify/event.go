package notify

import (
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

	// sent by hand to see whether the channel works
	Test bool
	// 1 for the first
	Attempt int
	// idempotency key: the delivery's code, the same in every attempt
	Key string
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
}
