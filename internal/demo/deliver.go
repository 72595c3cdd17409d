package demo

import (
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// deliver adds to the flips of a check what became of their deliveries, and notes
// on the channels how the latest one went. Those from before the oldest ping
// that is kept are gone, as they are where Punctual prunes.
func deliver(d dice, flips []monitor.Flip, channels []*channel, now, oldest time.Time) []store.PastFlip {
	out := make([]store.PastFlip, len(flips))
	for i, f := range flips {
		out[i].Flip = f
		if !f.Notifies() || f.CreatedAt.Before(oldest) {
			continue
		}
		for _, h := range channels {
			if f.New == monitor.StatusUp && !h.up {
				continue
			}
			delivery, ok := h.deliver(d, f.CreatedAt, now)
			if ok {
				out[i].Deliveries = append(out[i].Deliveries, delivery)
			}
		}
	}
	return out
}

// deliver is one delivery of a flip at the given moment; false where the channel
// was disabled by then.
func (h *channel) deliver(d dice, at, now time.Time) (monitor.Delivery, bool) {
	end := now.Add(-h.broken)
	if h.broken > 0 && at.After(end) {
		return monitor.Delivery{}, false
	}
	out := monitor.Delivery{
		Code: d.uuid(), ChannelID: h.ID, Status: monitor.DeliverySent, Attempts: 1, CreatedAt: at,
		Latency: h.latency/2 + d.span(0, h.latency),
	}
	after := out.Latency + 40*time.Millisecond
	switch {
	case h.broken > 0 && at.Add(day).After(end):
		out.Status = monitor.DeliveryFailed
		out.LastError = h.lastError
	case d.chance(h.errors) && at.Add(13*hour).Before(now):
		out.Status = monitor.DeliveryFailed
		out.LastError = h.lastError
		out.Attempts = 12
		after = 12*hour + d.span(0, hour)
	case d.chance(h.errors):
		out.Attempts = 3
		after += 40 * second
	}
	out.FinishedAt = at.Add(after)
	if out.FinishedAt.After(now) {
		out.FinishedAt = now
	}
	out.NextTryAt = out.FinishedAt
	h.note(&out)
	return out, true
}

// note keeps the latest outcome on the channel.
func (h *channel) note(d *monitor.Delivery) {
	if d.FinishedAt.After(h.LastNotifyAt) {
		h.LastNotifyAt = d.FinishedAt
		h.LastLatency = d.Latency
		h.LastError = d.LastError
	}
	h.Disabled = h.Disabled || h.broken > 0 && d.Status == monitor.DeliveryFailed
}
