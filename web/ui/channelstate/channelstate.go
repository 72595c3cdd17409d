// Package channelstate says what to expect of a channel, in the words and colours of
// the pages, and whether anybody hears of a check through its channels.
package channelstate

import (
	"strings"

	"punctual/internal/monitor"
)

// State is what to expect of a channel.
type State string

// The states.
const (
	Ready State = "ready"
	// Unconfirmed: its address has not agreed yet.
	Unconfirmed State = "unconfirmed"
	Disabled    State = "disabled"
	// Unsubscribed: the recipient has said no, there is nothing to repair.
	Unsubscribed State = "unsubscribed"
	// Failed: the last message was not delivered. The next one is tried.
	Failed State = "failed"
	// Gone: this site no longer offers channels of its kind.
	Gone State = "gone"
)

// Of is the state of a channel; offered tells whether this site offers its kind.
func Of(c *monitor.Channel, offered bool) State {
	switch {
	case !offered:
		return Gone
	case !c.UnsubscribedAt.IsZero():
		return Unsubscribed
	case c.Disabled:
		return Disabled
	case !c.Verified:
		return Unconfirmed
	case c.LastError != "":
		return Failed
	default:
		return Ready
	}
}

// Works tells whether a message is likely to arrive.
func (s State) Works() bool { return s == Ready }

// Broken tells whether the owner has something to repair.
func (s State) Broken() bool { return s == Disabled || s == Failed }

// Class is the colour of the state, as a class of the style sheet.
func (s State) Class() string {
	switch s {
	case Ready:
		return "s-up"
	case Unconfirmed:
		return "s-grace"
	default:
		return "s-down"
	}
}

// Text is the state in words: "Last delivery failed".
func (s State) Text() string {
	switch s {
	case Ready:
		return "Ready"
	case Unconfirmed:
		return "Unconfirmed"
	case Disabled:
		return "Disabled"
	case Unsubscribed:
		return "Unsubscribed"
	case Gone:
		return "Not offered any more"
	default:
		return "Last delivery failed"
	}
}

// Why says what is wrong in a clause that ends with a full stop, "" where nothing is;
// lastError is that of the channel: "the last message could not be delivered:
// connection refused."
func (s State) Why(lastError string) string {
	why := ""
	switch s {
	case Ready:
		return ""
	case Unconfirmed:
		return "its address has not been confirmed yet."
	case Unsubscribed:
		return "the recipient has unsubscribed."
	case Gone:
		return "this site no longer offers integrations of this kind."
	case Disabled:
		why = "it is disabled"
	default:
		why = "the last message could not be delivered"
	}
	if lastError != "" {
		why += ": " + lastError
	}
	return strings.TrimSuffix(why, ".") + "."
}
