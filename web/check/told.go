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
	// those of the project
	channels map[uuid.UUID]ui.Channel
	// operators hold all alerts now
	held bool
}

// told is what has been loaded for tellings.
type told struct {
	untold map[int64][]store.Untold
	// of the project
	channels map[uuid.UUID]ui.Channel
	// how many alerts were asked for
	most int
	// the time of the oldest ping that is kept, before which deliveries may have been removed
	oldest time.Time
}

// tellings are those of the flips to down, by flip, as far as it is known what became of
// them.
func (s *Pages) tellings(ctx context.Context, by describer, flips []monitor.Flip, alerts []alert, known told) (map[int64]*telling, error) {
	out := make(map[int64]*telling)
	for i := range flips {
		f := &flips[i]
		if f.New != monitor.StatusDown || f.Old == monitor.StatusDown {
			continue
		}
		out[f.ID] = &telling{describer: by, flip: f, untold: known.untold[f.ID], channels: known.channels}
	}
	if len(out) == 0 {
		return nil, nil
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
		if t.forgotten(alerts, known) {
			delete(out, id)
		}
	}
	return out, nil
}

// forgotten tells whether it is not known any more who was told, or never was: by a
// version that did not keep it, or because there are too many alerts since.
func (t *telling) forgotten(alerts []alert, known told) bool {
	if len(t.alerts)+len(t.untold) > 0 {
		return false
	}
	at := t.flip.CreatedAt
	before := t.flip.Reason == monitor.ReasonTimeout && !t.flip.Silent && t.flip.Heard.IsZero()
	pruned := t.now.Sub(at) > store.DeliveriesKept && at.Before(known.oldest)
	cut := len(alerts) == known.most && !at.After(alerts[len(alerts)-1].Due)
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
	var untold []template.HTML
	for _, u := range t.untold {
		h := t.channels[u.ChannelID]
		// one of the project that the check was in before has no name here
		untold = append(untold, sentence("%s (%s)", cmp.Or(h.Title, h.Label, "an integration"), untoldWords(u.Why)))
	}
	slices.Sort(untold)
	not = append(not, untold...)
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

// channelsOf are the channels of the project as pages show them.
func (s *Pages) channelsOf(ctx context.Context, project uuid.UUID) (map[uuid.UUID]ui.Channel, error) {
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
