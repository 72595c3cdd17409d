package checks

import (
	"context"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/web/ui"
	"punctual/web/ui/channelstate"
	"punctual/web/ui/checkstate"
)

// reaches finds out whether anybody hears of a check: of each channel that tells when a
// check goes down, whether it works.
type reaches map[uuid.UUID]bool

func reachesOf(channels []ui.Channel) reaches {
	out := reaches{}
	for i := range channels {
		if channels[i].NotifiesDown {
			out[channels[i].ID] = channels[i].State.Works()
		}
	}
	return out
}

// by is the reach of a check that has these channels.
func (m reaches) by(channels []uuid.UUID) channelstate.Reach {
	notifying := 0
	working := 0
	for _, id := range channels {
		works, notifies := m[id]
		if notifies {
			notifying++
		}
		if works {
			working++
		}
	}
	return channelstate.ReachOf(notifying, working)
}

// nobody is the value of ?told= that lets through checks of which nobody hears.
const nobody = "nobody"

// UnreachedOnly tells whether the filter is for checks of which nobody hears when they go
// down, since no channel tells it or none of those works.
func (f *listFilter) UnreachedOnly() bool { return f.Notified == nobody }

// reaches tells whether the filter lets a check of that reach through.
func (f *listFilter) reaches(r channelstate.Reach) bool {
	return !f.UnreachedOnly() || r != channelstate.Reached
}

// UnreachedToggled is the query string with that filter, or without.
func (f *listFilter) UnreachedToggled() string {
	g := *f
	g.Notified = nobody
	if f.UnreachedOnly() {
		g.Notified = ""
	}
	return g.Query()
}

func notifiedFilter(q url.Values) string {
	if q.Get("told") == nobody {
		return nobody
	}
	return ""
}

// letThrough are the checks of a project that a filter lets through, on all pages.
func (s *Pages) letThrough(ctx context.Context, project uuid.UUID, f listFilter) ([]monitor.Check, error) {
	d, err := s.loadList(ctx, project)
	if err != nil {
		return nil, err
	}
	reached := reachesOf(s.views(d.channels))
	at := s.Store.Reading()
	return slices.DeleteFunc(d.checks, func(c monitor.Check) bool {
		return !f.matches(&c, checkstate.At(&c, at)) || !f.reaches(reached.by(d.assigned[c.ID]))
	}), nil
}
