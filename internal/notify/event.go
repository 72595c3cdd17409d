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
	Status  monitor.Status // Flip.New: up or down
	Now     time.Time

	DownFor        time.Duration   // up: how long it was down, 0 = unknown
	LastPing       *monitor.Ping   // with its body; nil = none yet
	OtherDown      []monitor.Check // other checks of the project that are down, at most MaxOtherDown
	OtherDownTotal int             // how many there are in all
	OwnerTZ        *time.Location  // zone of the project's owner; nil = UTC

	Test    bool   // sent by hand to see whether the channel works
	Attempt int    // 1 for the first
	Key     string // idempotency key: the delivery's code, the same in every attempt
}

// MaxOtherDown is how many other checks a message names.
const MaxOtherDown = 10

// Result is what the other side answered, for the page of a test notification
// and for the log. It is filled in as far as known, also when Send fails.
type Result struct {
	StatusCode int    // HTTP status, 0 = none
	Response   string // at most the first 500 bytes of the answer, valid UTF-8
}
