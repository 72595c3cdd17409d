package check

import (
	"cmp"
	"context"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/ui"
)

// telling is who was told that a check went down, and who was not.
type telling struct {
	describer
	flip *monitor.Flip
	// the oldest first
	alerts []*alert
	untold []store.Untold
	// what the channels are called
	names map[uuid.UUID]string
	// operators hold all alerts now
	held bool
}

// tellings are those of the flips to down, by flip, as far as it is known what became of
// them. alerts are the newest, most or all; oldest is that of the oldest ping that is
// kept, before which deliveries may have been removed.
func (s *Pages) tellings(ctx context.Context, by describer, flips []monitor.Flip, alerts []alert, most int, oldest time.Time) (
	map[int64]*telling, error) {
	out := make(map[int64]*telling)
	var first time.Time
	for i := range flips {
		f := &flips[i]
		if f.New != monitor.StatusDown || f.Old == monitor.StatusDown {
			continue
		}
		out[f.ID] = &telling{describer: by, flip: f, names: map[uuid.UUID]string{}}
		first = f.CreatedAt
	}
	if len(out) == 0 {
		return nil, nil
	}
	untold, err := s.Store.UntoldOf(ctx, by.c.ID, store.FlipFilter{From: first})
	if err != nil {
		return nil, err
	}
	channels, err := s.channelsByID(ctx, by.c.ProjectID, len(untold) > 0)
	if err != nil {
		return nil, err
	}
	for i := range untold {
		u := &untold[i]
		t := out[u.FlipID]
		if t == nil {
			continue
		}
		t.untold = append(t.untold, *u)
		t.names[u.ChannelID] = cmp.Or(channels[u.ChannelID].Title, u.ChannelName, u.ChannelKind)
	}
	for i := range slices.Backward(alerts) {
		t := out[alerts[i].FlipID]
		if t != nil {
			t.alerts = append(t.alerts, &alerts[i])
		}
	}
	held := false
	if slices.ContainsFunc(alerts, func(a alert) bool { return a.Status == monitor.DeliveryPending }) {
		hold, err := s.Store.AlertHold(ctx)
		if err != nil {
			return nil, err
		}
		held = hold != nil
	}
	for id, t := range out {
		t.held = held
		if t.forgotten(alerts, most, oldest) {
			delete(out, id)
		}
	}
	return out, nil
}

// forgotten tells whether it is not known any more who was told, or never was: by a
// version that did not keep it, or because there are too many alerts since.
func (t *telling) forgotten(alerts []alert, most int, oldest time.Time) bool {
	if len(t.alerts)+len(t.untold) > 0 {
		return false
	}
	at := t.flip.CreatedAt
	before := t.flip.Reason == monitor.ReasonTimeout && !t.flip.Silent && t.flip.Heard.IsZero()
	pruned := t.now.Sub(at) > store.DeliveriesKept && at.Before(oldest)
	cut := len(alerts) == most && !at.After(alerts[len(alerts)-1].Due)
	return before || pruned || cut
}

// Sentence says who was told and when, or why nobody was: "Told: Night shift at 02:05:01.
// Not told: Pager (disabled)."
func (t *telling) Sentence() template.HTML {
	var told, not []template.HTML
	waiting := false
	for _, a := range t.alerts {
		name := sentence("%s", a.Name())
		switch a.Status {
		case monitor.DeliverySent:
			told = append(told, name+" "+t.at(a.FinishedAt))
		case monitor.DeliveryFailed:
			not = append(not, name+" (given up)")
		default:
			waiting = true
			not = append(not, name+" (not yet)")
		}
	}
	for _, u := range t.untold {
		not = append(not, sentence("%s (%s)", t.names[u.ChannelID], untoldWords(u.Why)))
	}
	switch {
	case len(told) > 0 && len(not) > 0:
		return sentence("Told: %s. Not told: %s.", list(told), list(not))
	case len(told) > 0:
		return sentence("Told: %s.", list(told))
	case waiting && t.held:
		return sentence("Nobody has been told yet: %s. The operators of this site hold all alerts.", list(not))
	case waiting:
		return sentence("Nobody has been told yet: %s.", list(not))
	case len(not) > 0:
		return sentence("Nobody was told: %s.", list(not))
	case t.flip.Silent:
		return "Nobody was told: a person had just changed the check."
	default:
		return "Nobody was told: the check had no integration, or it has been removed since."
	}
}

// untoldWords say why somebody was not told.
func untoldWords(why monitor.WhyUntold) string {
	switch why {
	case monitor.UntoldDisabled:
		return "disabled"
	case monitor.UntoldUnverified:
		return "its address had not agreed"
	default:
		return "not told when a check goes down"
	}
}

// list puts commas between the parts.
func list(parts []template.HTML) template.HTML {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = string(p)
	}
	return template.HTML(strings.Join(texts, ", ")) //nolint:gosec // each is escaped
}

// channelsByID are the channels of the project as pages show them; none where they are not
// needed.
func (s *Pages) channelsByID(ctx context.Context, project uuid.UUID, needed bool) (map[uuid.UUID]ui.Channel, error) {
	if !needed {
		return nil, nil
	}
	channels, err := s.Store.ChannelsOf(ctx, project)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]ui.Channel, len(channels))
	for i := range channels {
		byID[channels[i].ID] = s.viewChannel(&channels[i])
	}
	return byID, nil
}
