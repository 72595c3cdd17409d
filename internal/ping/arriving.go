package ping

import (
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

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
	// of the ping that arrived last
	stamped time.Time
	// in the order of their arrival; those that are answered leave from the front
	open []*arrived
	// whose intervals are not stored yet
	refused map[address]*store.Refusal
	// since when there are more than maxRefused of them; zero: there are not
	tooMany time.Time
	// no two pings arrive at the same microsecond: by that one that was kept is found again
	strict bool
}

// address is what a ping was sent to.
type address struct {
	code          uuid.UUID
	pingKey, slug string
	way           monitor.Ways
}

// arrived is a ping with the time of its arrival.
type arrived struct {
	at       time.Time
	answered bool
}

// setBack tells whether the clock was set back between two moments: time is then what it
// says now.
func setBack(now, last time.Time) bool { return last.Sub(now) > 5*time.Second }

// maxRefused is how many addresses are remembered whose pings were refused.
const maxRefused = 10000

// begin gives a ping its time of arrival: that it came with, unless a later one or a mark
// has gone before.
func (g *arriving) begin(a *store.Arrival) *arrived {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !setBack(a.Ping.CreatedAt, g.last) && a.Ping.CreatedAt.Before(g.last) {
		a.Ping.CreatedAt = g.last
	}
	if g.strict {
		a.Ping.CreatedAt = a.Ping.CreatedAt.Truncate(time.Microsecond)
		if a.Ping.CreatedAt.Equal(g.stamped) {
			a.Ping.CreatedAt = a.Ping.CreatedAt.Add(time.Microsecond)
		}
		g.stamped = a.Ping.CreatedAt
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
		g.lose(a, w.at, errors.Is(err, errFull))
	}
}

// lost notes a ping that was answered with an error of ours before it arrived here.
func (g *arriving) lost(a *store.Arrival, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lose(a, at, true)
}

// lose notes a ping that was refused at a time. Beyond maxRefused addresses it concerns
// all checks, but for want of room alone: else whoever sends pings to very many addresses
// of no check would make us blind.
func (g *arriving) lose(a *store.Arrival, at time.Time, full bool) {
	to := address{a.Code, a.PingKey, a.Slug, monitor.WayOf(a.Ping.Scheme)}
	r := g.refused[to]
	switch {
	case r != nil:
		r.Widen(at, at)
	case len(g.refused) < maxRefused:
		if g.refused == nil {
			g.refused = make(map[address]*store.Refusal)
		}
		g.refused[to] = &store.Refusal{Code: a.Code, PingKey: a.PingKey, Slug: a.Slug, Way: to.way, First: at, Last: at}
	case !full && g.tooMany.IsZero():
		g.tooMany = at
	}
}

// errFull is why a ping was refused that found no room.
var errFull = errors.New("full")

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
// the refused, which are now the caller's to store. tooMany is since when there were more of
// those, zero where there were not.
func (g *arriving) heard(now time.Time) (mark time.Time, refused []store.Refusal, tooMany time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.After(g.last) || setBack(now, g.last) {
		g.last = now
	}
	mark = g.last
	if len(g.open) > 0 {
		mark = g.open[0].at
	}
	for _, r := range g.refused {
		refused = append(refused, *r)
	}
	tooMany = g.tooMany
	g.refused = nil
	g.tooMany = time.Time{}
	return mark, refused, tooMany
}

// putBack takes back what heard has given out and could not be stored.
func (g *arriving) putBack(refused []store.Refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refused == nil {
		g.refused = make(map[address]*store.Refusal)
	}
	for _, r := range refused {
		to := address{r.Code, r.PingKey, r.Slug, r.Way}
		later := g.refused[to]
		if later == nil {
			g.refused[to] = &r
			continue
		}
		later.Widen(r.First, r.Last)
	}
}

// waits tells whether refused pings are to be stored.
func (g *arriving) waits() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.refused) > 0
}
