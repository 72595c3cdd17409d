package alert

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
)

const (
	// digestWindow is how long what follows a message of a channel waits, to go out in one.
	digestWindow = 10 * time.Second

	// digestTurn is how long a process that gathers keeps the others from it. It ends
	// before the window, whose next message would find itself in the way.
	digestTurn = digestWindow / 2

	// A check that changes between up and down so often within flapWindow flaps.
	flapChanges = 4
	flapWindow  = 10 * time.Minute
	// flapSettle is how long it has to stay up or down to be told again.
	flapSettle = 5 * time.Minute
)

// windows knows until when what follows a message waits, by channel. It is used by
// one goroutine.
type windows map[uuid.UUID]window

type window struct {
	until time.Time
	// claims leave the channel out: a message is just gathering what waits for it
	closed bool
}

// open begins the window of a channel through which a message goes out at time now.
// It is closed where the message gathers all that waits: what is claimed meanwhile
// would be left out of it.
func (w windows) open(channel uuid.UUID, now time.Time, closed bool) {
	w[channel] = window{until: now.Add(digestWindow), closed: closed}
}

// sent takes note that a message has gone out.
func (w windows) sent(channel uuid.UUID) {
	open, ok := w[channel]
	if ok {
		w[channel] = window{until: open.until}
	}
}

// forget drops the windows that have ended at time now.
func (w windows) forget(now time.Time) {
	for channel, open := range w {
		if !now.Before(open.until) {
			delete(w, channel)
		}
	}
}

// closed are the channels that claims leave out at time now.
func (w windows) closed(now time.Time) (channels []uuid.UUID) {
	for channel, open := range w {
		if open.closed && now.Before(open.until) {
			channels = append(channels, channel)
		}
	}
	return channels
}

// waits is until when a claimed delivery of a kind that digests waits, zero = it is
// told now. flaps are those of all claimed, nil when they are not known.
func (w windows) waits(c *store.Claimed, flaps map[int64]store.Flaps, now time.Time) time.Time {
	if c.WaitsFor == monitor.WaitsToSettle {
		if flaps == nil {
			return now.Add(digestWindow)
		}
		settled := flaps[c.CheckID].Last.Add(flapSettle)
		if now.Before(settled) {
			return settled
		}
	}
	open := w[c.ChannelID]
	if !now.Before(open.until) {
		return time.Time{}
	}
	return open.until
}

// bundle is what one message tells.
type bundle struct {
	// the latest first, one of each check
	events []notify.Event
	// what the message names and leaves waiting, by delivery, until when: the last change
	// of each check that begins to flap
	settles map[int64]time.Time
	// what there is no reason to tell any more
	outdated []*store.Claimed
}

// bundleOf makes one message of deliveries of one channel. Where a check has changed
// several times, its last change counts.
func bundleOf(deliveries []*store.Claimed, flaps map[int64]store.Flaps, now time.Time) bundle {
	b := bundle{settles: map[int64]time.Time{}}
	byCheck := map[int64][]*store.Claimed{}
	for _, c := range deliveries {
		byCheck[c.CheckID] = append(byCheck[c.CheckID], c)
	}
	var latest []*store.Claimed
	for check := range byCheck {
		slices.SortFunc(byCheck[check], func(a, b *store.Claimed) int { return int(a.ID - b.ID) })
		latest = append(latest, byCheck[check][len(byCheck[check])-1])
	}
	slices.SortFunc(latest, func(a, b *store.Claimed) int { return int(b.ID - a.ID) })
	for _, c := range latest {
		b.add(byCheck[c.CheckID], flaps[c.CheckID], now)
	}
	return b
}

// add adds what the deliveries of one check, in their order, have to tell.
func (b *bundle) add(deliveries []*store.Claimed, flaps store.Flaps, now time.Time) {
	first := deliveries[0]
	last := deliveries[len(deliveries)-1]
	ev := event(last, now)
	switch {
	case first.WaitsFor == monitor.WaitsToSettle:
		if otherwise(last) {
			// The channel does not want to know what the check is now.
			b.outdated = append(b.outdated, deliveries...)
			return
		}
		ev.Flaps = &notify.Flaps{Since: first.Flip.CreatedAt, Settle: flapSettle, Over: true}
		for _, c := range deliveries[1:] {
			if c.Flip.New == monitor.StatusDown {
				ev.Flaps.Downs++
			}
		}
	case flaps.Changes >= flapChanges:
		ev.Flaps = &notify.Flaps{Downs: flaps.Downs, Since: flaps.First, Settle: flapSettle}
		b.settles[last.ID] = flaps.Last.Add(flapSettle)
	}
	b.events = append(b.events, ev)
}

// otherwise tells whether the check is up or down now, and that is not what the
// delivery has to tell.
func otherwise(c *store.Claimed) bool {
	now := c.Check.Status
	return (now == monitor.StatusUp || now == monitor.StatusDown) && now != c.Flip.New
}

// gathers tells whether the message of the job tells what else waits for its channel.
// A fresh delivery that comes alone goes at once.
func (j *job) gathers(now time.Time) bool {
	alone := len(j.others) == 0 && j.Attempts == 1 && now.Sub(j.CreatedAt) < digestWindow/2
	return j.digests && !alone
}

// gather adds to a job of a kind that digests what else waits for its channel. It is
// false, and the job is not to be made now, where another process is just doing that.
func (d *Dispatcher) gather(ctx context.Context, j *job) bool {
	now := d.cfg.Store.Now()
	if !j.gathers(now) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	claimed := make([]int64, 0, 1+len(j.others))
	for _, c := range j.all() {
		claimed = append(claimed, c.ID)
	}
	rest, ok, err := d.cfg.Store.ClaimRest(ctx, store.Rest{
		Worker: d.cfg.Worker, Channel: j.ChannelID, Claimed: claimed, Lease: lease, Window: digestTurn,
	})
	switch {
	case err != nil:
		// What has been claimed is told all the same.
		d.cfg.Log.Warn("what else waits for a channel is told later", "channel", j.ChannelID, "error", err)
		return true
	case !ok:
		for _, c := range j.all() {
			d.recorder.add(held(c, now.Add(digestWindow)))
		}
		return false
	}
	for _, c := range rest {
		o, settled := d.withoutAttempt(c)
		if settled {
			d.settle(o)
			continue
		}
		j.others = append(j.others, c)
	}
	j.flaps = d.flapsOf(ctx, j.all())
	return true
}

// flapsOf counts how often the checks of deliveries have changed lately; nil when
// that cannot be found out.
func (d *Dispatcher) flapsOf(ctx context.Context, deliveries []*store.Claimed) map[int64]store.Flaps {
	var checks []int64
	for _, c := range deliveries {
		if d.digests(c) {
			checks = append(checks, c.CheckID)
		}
	}
	if len(checks) == 0 {
		return map[int64]store.Flaps{}
	}
	flaps, err := d.cfg.Store.FlapsOf(ctx, checks, d.cfg.Store.Now().Add(-flapWindow))
	if err != nil {
		d.cfg.Log.Warn("whether checks flap is not known", "error", err)
		return nil
	}
	return flaps
}

// digests tells whether one message may tell of several deliveries of the channel.
func (d *Dispatcher) digests(c *store.Claimed) bool {
	k := d.cfg.Registry.Kind(c.Channel.Kind)
	return k != nil && k.Digests(c.Channel.Config)
}

// held is a delivery that is to be told later, with no attempt made.
func held(c *store.Claimed, until time.Time) outcome {
	o := released(c)
	o.NextTry = until
	return o
}
