package integrations

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui"
	"punctual/web/ui/channelstate"
)

// kindView is a kind of channel as it is shown.
type kindView struct {
	Kind  string
	Label string
	Icon  string
	Blurb string
	Needs string
}

// viewKind shows a kind by its name, also one that this program does not know.
func (s *Pages) viewKind(name string) kindView {
	k := s.Notifiers.Known(name)
	if k == nil {
		return kindView{Kind: name, Label: name, Icon: "bell"}
	}
	v := kindView{Kind: name, Label: k.Label, Icon: "bell", Blurb: k.Blurb, Needs: k.Needs}
	icon := "integrations/" + name
	if s.Assets.Has("img/" + icon + ".svg") {
		v.Icon = icon
	}
	return v
}

// channelView is a row of the list of channels.
type channelView struct {
	kindView
	ID uuid.UUID
	// as given, may be ""
	Name string
	// the name, or where alerts go
	Title string
	// where alerts go, "" when Title says it
	Summary string
	// which changes it tells
	Events   string
	Assigned int
	Checks   int
	State    channelstate.State
	Error    string
	// since when, zero: it is not, or nobody knows
	Disabled time.Time
	Last     time.Time
	Latency  time.Duration
	// of the last 30 days
	Health store.ChannelHealth
	// from deadlines to acceptance, of the last 30 days
	Whole store.ChannelLatency
	// this site still has its kind
	Offered bool
	// false: the address has to agree first, not even tests are sent
	Verified bool
	// the question to its address can be sent again
	Resend bool
}

// Delivered says how many alerts of the last 30 days arrived, "" when there
// were none.
func (v *channelView) Delivered() string {
	h := v.Health
	all := v.Health.Sent + v.Health.Failed
	var message string
	switch {
	case all == 0:
	case h.Failed == 0:
		message = text.Plural(all, "alert", "alerts") + " in 30 days, all delivered"
	default:
		// Rounded down: 100 % is all of them.
		message = fmt.Sprintf("%d of %s delivered in 30 days (%d %%)", h.Sent, text.Plural(all, "alert", "alerts"), h.Sent*100/all)
	}
	if h.Waiting > 0 {
		if message != "" {
			message += ", "
		}
		message += fmt.Sprintf("%d to be tried again", h.Waiting)
	}
	return message
}

// Fast says how long alerts took from the deadline until the other side had accepted:
// "0.8 s (median), 2.1 s (p99), 5 s at most"; "" where there were none.
func (v *channelView) Fast() string {
	l := v.Whole
	switch l.N {
	case 0:
		return ""
	case 1:
		return text.Lag(l.Max)
	default:
		return fmt.Sprintf("%s (median), %s (p99), %s at most", text.Lag(l.Median), text.Lag(l.P99), text.Lag(l.Max))
	}
}

func (s *Pages) viewChannel(c *monitor.Channel) channelView {
	k := s.Notifiers.Kind(c.Kind)
	v := channelView{
		kindView: s.viewKind(c.Kind),
		ID:       c.ID, Name: c.Name, Title: c.Name,
		State: channelstate.Of(c, k != nil), Verified: c.Verified, Error: c.LastError,
		Disabled: c.DisabledAt, Last: c.LastNotifyAt, Latency: c.LastLatency,
		Offered: k != nil,
		Resend:  s.Store.AddressOf(c) != "" && !c.Verified,
	}
	if k == nil {
		v.Error = "This site no longer offers integrations of this kind; nothing is sent."
	} else {
		v.Summary = k.Summary(c.Config)
		v.Events = eventsOf(k, c.Config)
	}
	switch {
	case v.Title != "":
	case v.Summary != "" && !k.Obscure:
		v.Title = v.Summary
		v.Summary = ""
	default:
		v.Title = v.Label
	}
	return v
}

// eventsOf says which changes of a check a channel tells.
func eventsOf(k *notify.Kind, config string) string {
	var events []string
	if k.Wants(config, goesDown()) {
		events = append(events, "goes down")
	}
	if k.Wants(config, monitor.Flip{Old: monitor.StatusDown, New: monitor.StatusUp}) {
		events = append(events, "comes back up")
	}
	if len(events) == 0 {
		return "Sends nothing"
	}
	return "Alerts when a check " + strings.Join(events, " or ")
}

// View is a channel as the pages of checks show it.
func (s *Pages) View(c *monitor.Channel) ui.Channel {
	v := s.viewChannel(c)
	k := s.Notifiers.Kind(c.Kind)
	return ui.Channel{
		ID: v.ID, Title: v.Title, Icon: v.Icon, Label: v.Label, State: v.State, Why: v.State.Why(c.LastError),
		NotifiesDown: k == nil || k.Wants(c.Config, goesDown()),
	}
}

// goesDown is a check's change to down.
func goesDown() monitor.Flip { return monitor.Flip{Old: monitor.StatusUp, New: monitor.StatusDown} }
