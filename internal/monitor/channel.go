package monitor

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Channel is one configured way to notify.
type Channel struct {
	ID        uuid.UUID
	ProjectID uuid.UUID
	Kind      string // email, webhook, po, …: the names of docs/contract.md §2.11
	Name      string
	Config    string // JSON; its shape belongs to the kind's notifier
	Verified  bool   // e-mail: the address has agreed
	Disabled  bool
	CreatedAt time.Time

	DisabledAt   time.Time // kept by the store; zero: it is not disabled, or not known since when
	LastNotifyAt time.Time
	LastLatency  time.Duration
	LastError    string // "" = the last delivery was accepted

	// UnsubscribedAt is since when the address wants nothing through the channel
	// any more, zero: it has not unsubscribed. The store keeps it, with Disabled set
	// and Verified not, until the address agrees again or is another one.
	UnsubscribedAt time.Time
}

// ErrorUnsubscribed is the LastError of a channel whose address has unsubscribed.
const ErrorUnsubscribed = "The recipient has unsubscribed."

// KindEmail is the kind of channel whose address must have agreed.
const KindEmail = "email"

// Address is where an e-mail channel sends, "" for other kinds.
func (c *Channel) Address() string {
	if c.Kind != KindEmail {
		return ""
	}
	var config struct {
		Address string `json:"address"`
	}
	if json.Unmarshal([]byte(c.Config), &config) != nil {
		return ""
	}
	return config.Address
}

// SameAddress tells whether two channels send to the same address; those that
// send to none do.
func (c *Channel) SameAddress(other *Channel) bool {
	return strings.EqualFold(c.Address(), other.Address())
}

// Ready tells whether deliveries through the channel are attempted.
func (c *Channel) Ready() bool { return c.Verified && !c.Disabled }
