package check

import (
	"context"
	"html/template"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui"
	"punctual/web/ui/checkstate"
	"punctual/web/ui/human"
)

// alert is a delivery as the log of a check shows it.
type alert struct {
	store.DeliveryRow
	describer

	Channel ui.Channel
}

// alerts loads the deliveries of the check that f chooses, newest first, for a
// reader in the zone.
func (s *Pages) alerts(ctx context.Context, c *monitor.Check, channels map[uuid.UUID]ui.Channel, f store.DeliveryFilter,
	zone *time.Location) ([]alert, error) {
	deliveries, err := s.Store.DeliveriesOf(ctx, c.ID, f)
	if err != nil || len(deliveries) == 0 {
		return nil, err
	}
	alerts := make([]alert, len(deliveries))
	by := describer{c: c, now: s.Store.Now(), tz: zone}
	for i, d := range deliveries {
		ch, ok := channels[d.ChannelID]
		if !ok {
			// of the project that the check was in before
			ch = ui.Channel{Title: d.ChannelName, Label: d.ChannelKind}
		}
		alerts[i] = alert{d, by, ch}
	}
	return alerts, nil
}

// Verb begins the sentence: "Notified", "Could not notify".
func (a *alert) Verb() string {
	switch {
	case a.Status == monitor.DeliverySent:
		return "Notified"
	case a.Status == monitor.DeliveryFailed:
		return "Could not notify"
	case a.LastError != "":
		return "Could not yet notify"
	case a.WaitsFor == monitor.WaitsToSettle:
		return "Waiting to notify"
	default:
		return "Notifying"
	}
}

// Name is what the channel is called, Kind that of its kind where it has a name of
// its own, else "".
func (a *alert) Name() string {
	if a.Channel.Title == "" {
		return a.Channel.Label
	}
	return a.Channel.Title
}

// Kind names the kind of the channel; "" where its name does.
func (a *alert) Kind() string {
	if a.Channel.Label == a.Name() {
		return ""
	}
	return a.Channel.Label
}

// After is how long it took from the change of status until the other side had
// accepted; "" where it has not.
func (a *alert) After() string {
	if a.Status != monitor.DeliverySent {
		return ""
	}
	return human.Duration(a.FinishedAt.Sub(a.CreatedAt).Round(time.Millisecond))
}

// Proof is how fast it was told: "Due 02:05:00, decided +0.2 s, accepted by
// mx.example.org +0.8 s"; of a signal when it came. "" where it has not been told.
func (a *alert) Proof() template.HTML {
	if a.Status != monitor.DeliverySent {
		return ""
	}
	began := "Signal"
	if a.Reason == monitor.ReasonTimeout {
		began = "Due"
	}
	host, _, _ := strings.Cut(a.Answer, " ")
	by := ""
	if host != "" {
		by = " by " + host
	}
	due := a.Due.In(a.tz)
	return sentence("%s %s%s, decided +%s, accepted%s +%s", began, due.Format("15:04:05"), zoneTag(due), text.Lag(a.CreatedAt.Sub(a.Due)), by,
		text.Lag(a.FinishedAt.Sub(a.Due)))
}

// Trouble is why it could not be told, and what comes of it; "" where it could.
func (a *alert) Trouble() template.HTML {
	switch {
	case a.Status == monitor.DeliverySent:
		return ""
	case a.LastError == "" && a.WaitsFor == monitor.WaitsToSettle:
		return "It is flapping."
	case a.LastError == "":
		return ""
	}
	reason := strings.TrimSuffix(a.LastError, ".") + "."
	switch {
	case a.Status == monitor.DeliveryFailed:
		return sentence("%s Given up after %s.", reason, text.Plural(a.Attempts, "attempt", "attempts"))
	case a.UnderWay || !a.NextTryAt.After(a.now):
		return sentence("%s Trying again now.", reason)
	default:
		return sentence("%s Trying again %s.", reason, a.at(a.NextTryAt))
	}
}

func (a *alert) class() checkstate.State {
	switch {
	case a.Status == monitor.DeliveryFailed:
		return checkstate.Down
	case a.Status == monitor.DeliveryPending && a.LastError != "":
		return checkstate.Late
	default:
		return checkstate.Paused
	}
}
