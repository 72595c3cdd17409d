package check

import (
	"punctual/internal/text"
	"punctual/web/ui/channelstate"
)

// Trouble is what is wrong with the channel, a sentence; "" = nothing.
func (c detailsChannel) Trouble() string { return text.UpperFirst(c.Why) }

// Reach tells whether anybody hears when the check goes down.
func (p *detailsPage) Reach() channelstate.Reach {
	notifying := 0
	working := 0
	for i := range p.Channels {
		ch := &p.Channels[i]
		if !ch.On || !ch.NotifiesDown {
			continue
		}
		notifying++
		if ch.State.Works() {
			working++
		}
	}
	return channelstate.ReachOf(notifying, working)
}
