package ping

import (
	"errors"
	"sync"
	"time"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// arriving knows the pings that have arrived and are not answered yet, and those that were
// answered with an error of ours.
type arriving struct {
	mu sync.Mutex
	// of the ping that arrived last, or the mark that was given out since: no ping that
	// comes now is older
	last time.Time
	// in the order of their arrival; those that are answered leave from the front
	open []*arrived
	// whose intervals are not stored yet
	refused []store.Refusal
	// there are more than maxRefused of them
	tooMany bool
}

// arrived is a ping with the time of its arrival.
type arrived struct {
	at       time.Time
	answered bool
}

// maxRefused is how many refused pings are remembered one by one.
const maxRefused = 10000

// begin gives a ping its time of arrival: that it came with, unless a later one or a mark
// has gone before.
func (g *arriving) begin(a *store.Arrival) *arrived {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.Ping.CreatedAt.Before(g.last) {
		a.Ping.CreatedAt = g.last
	}
	g.last = a.Ping.CreatedAt
	w := &arrived{at: a.Ping.CreatedAt}
	g.open = append(g.open, w)
	return w
}

// end is to be called when the ping is recorded, or answered with err.
func (g *arriving) end(w *arrived, a *store.Arrival, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.answered = true
	n := 0
	for n < len(g.open) && g.open[n].answered {
		n++
	}
	g.open = g.open[n:]
	if isOurs(err) {
		g.lose(a, w.at)
	}
}

// lost notes a ping that was answered with an error of ours before it arrived here.
func (g *arriving) lost(a *store.Arrival, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lose(a, at)
}

func (g *arriving) lose(a *store.Arrival, at time.Time) {
	if len(g.refused) >= maxRefused {
		g.tooMany = true
		return
	}
	g.refused = append(g.refused, store.Refusal{Code: a.Code, PingKey: a.PingKey, Slug: a.Slug, At: at, Way: monitor.WayOf(a.Ping.Scheme)})
}

// isOurs tells whether a ping was refused by a fault of ours: it may have been in order,
// and is lost unless its sender repeats it.
func isOurs(err error) bool {
	if err == nil || errors.Is(err, store.ErrAmbiguousSlug) {
		return false
	}
	kind := errs.KindOf(err)
	return kind == errs.Internal || kind == errs.Unavailable
}

// heard returns the mark at time now: all pings that arrived before are recorded, or among
// the refused, which are now the caller's to store. tooMany tells that there were more of
// those.
func (g *arriving) heard(now time.Time) (mark time.Time, refused []store.Refusal, tooMany bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.After(g.last) {
		g.last = now
	}
	mark = g.last
	if len(g.open) > 0 {
		mark = g.open[0].at
	}
	refused = g.refused
	tooMany = g.tooMany
	g.refused = nil
	g.tooMany = false
	return mark, refused, tooMany
}

// putBack takes back what heard has given out and could not be stored.
func (g *arriving) putBack(refused []store.Refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = append(refused, g.refused...)
}

// waits tells whether refused pings are to be stored.
func (g *arriving) waits() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.refused) > 0
}
