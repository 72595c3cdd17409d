package monitor

import (
	"time"

	"github.com/google/uuid"
)

// Channel is one configured way to notify.
type Channel struct {
	ID        uuid.UUID
	ProjectID uuid.UUID
	// email, webhook, po, …
	Kind string
	Name string
	// JSON; only its kind in internal/notify/kinds reads it
	Config string
	// e-mail: the address has agreed
	Verified  bool
	Disabled  bool
	CreatedAt time.Time

	// kept by the store; zero: it is not disabled, or not known since when
	DisabledAt   time.Time
	LastNotifyAt time.Time
	LastLatency  time.Duration
	// "" = the last delivery was accepted
	LastError string

	// UnsubscribedAt is since when the address wants nothing through the channel
	// any more, zero: it has not unsubscribed. The store keeps it, with Disabled set
	// and Verified not, until the address agrees again or is another one.
	UnsubscribedAt time.Time
}

// ErrorUnsubscribed is the LastError of a channel whose address has unsubscribed.
const ErrorUnsubscribed = "The recipient has unsubscribed."

// Ready tells whether deliveries through the channel are attempted.
func (c *Channel) Ready() bool { return c.Verified && !c.Disabled }
