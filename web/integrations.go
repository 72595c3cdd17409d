package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui"
)

// The kinds of channels that need more here than a form (contract §2.11).
const (
	kindEmail    = "email"
	kindWebhook  = "webhook"
	kindPushover = "po"
)

// The groups of the gallery, in their order.
const (
	groupPeople   = "For people"
	groupPrograms = "For programs"
)

// kindInfo is how a kind of channel is shown.
type kindInfo struct {
	Kind  string
	Label string
	Icon  string
	Group string // of the gallery
	Blurb string // one sentence for the gallery
	Needs string // what to have at hand
}

// kindInfoOf describes a kind; its notifier, nil when the site does not offer it,
// knows the label.
func kindInfoOf(kind string, n notify.Notifier) kindInfo {
	info := kindInfo{Kind: kind, Label: kind, Icon: "bell", Group: "More"}
	if n != nil {
		info.Label = n.Label()
	}
	switch kind {
	case kindEmail:
		info.Icon, info.Group, info.Blurb = "mail", groupPeople, "A message to any address, with all that is known about the check."
		info.Needs = "An address. One that is not yours is asked first."
	case kindWebhook:
		info.Icon, info.Group, info.Blurb = "webhook", groupPrograms, "An HTTP request to a server of yours, in the form it expects."
		info.Needs = "A URL that takes GET, POST or PUT."
	case kindPushover:
		info.Icon, info.Group, info.Blurb = "brand-pushover", groupPeople, "A push message to phones and desktops, with a priority for each event."
		info.Needs = "An account at Pushover, and its app."
	}
	return info
}

// integrationsPage lists the channels of a project and the kinds it may add.
type integrationsPage struct {
	ui.BasePage
	CanWrite bool
	Channels []channelView
	Groups   []kindGroup
	Search   bool // the gallery is large enough to be searched
}

// kindGroup is a part of the gallery.
type kindGroup struct {
	Name  string
	Kinds []kindInfo
}

// searchedKinds is how many kinds can be seen at a glance.
const searchedKinds = 6

// galleryOf sorts kinds into their groups: people, programs, then all others in
// the order they come.
func galleryOf(kinds []kindInfo) []kindGroup {
	groups := []kindGroup{{Name: groupPeople}, {Name: groupPrograms}}
	for _, k := range kinds {
		i := slices.IndexFunc(groups, func(g kindGroup) bool { return g.Name == k.Group })
		if i < 0 {
			i, groups = len(groups), append(groups, kindGroup{Name: k.Group})
		}
		groups[i].Kinds = append(groups[i].Kinds, k)
	}
	return slices.DeleteFunc(groups, func(g kindGroup) bool { return len(g.Kinds) == 0 })
}

// channelView is a row of the list of channels.
type channelView struct {
	kindInfo
	ID       uuid.UUID
	Name     string // as given, may be ""
	Title    string // the name, or where alerts go
	Summary  string // where alerts go, "" when Title says it
	Events   string // which changes it tells
	Assigned int
	Checks   int
	State    channelState
	Error    string
	Disabled time.Time // since when, zero: it is not, or nobody knows
	Last     time.Time
	Latency  time.Duration
	Health   store.ChannelHealth // of the last 30 days
	Offered  bool                // this site still has its kind
	Verified bool                // false: the address has to agree first, not even tests are sent
	Resend   bool                // the question to its address can be sent again
}

// healthTime is how far back the health of a channel looks.
const healthTime = 30 * 24 * time.Hour

// Delivered says how many alerts of the last 30 days arrived, "" when there
// were none.
func (v *channelView) Delivered() string {
	h, all := v.Health, v.Health.Sent+v.Health.Failed
	var said string
	switch {
	case all == 0:
	case h.Failed == 0:
		said = text.Plural(all, "alert", "alerts") + " in 30 days, all delivered"
	default:
		// Rounded down: 100 % is all of them.
		said = fmt.Sprintf("%d of %s delivered in 30 days (%d %%)", h.Sent, text.Plural(all, "alert", "alerts"), h.Sent*100/all)
	}
	if h.Waiting > 0 {
		if said != "" {
			said += ", "
		}
		said += fmt.Sprintf("%d to be tried again", h.Waiting)
	}
	return said
}

// channelState is what to expect of a channel.
type channelState string

const (
	channelReady       channelState = "ready"
	channelUnconfirmed channelState = "unconfirmed"
	channelDisabled    channelState = "disabled"
	// The recipient has said no: there is nothing to repair.
	channelUnsubscribed channelState = "unsubscribed"
	channelFailed       channelState = "failed"
)

// Broken tells whether the owner has something to repair.
func (s channelState) Broken() bool { return s == channelDisabled || s == channelFailed }

// Class is the colour of the state.
func (s channelState) Class() string {
	switch s {
	case channelReady:
		return "s-up"
	case channelUnconfirmed:
		return "s-grace"
	default:
		return "s-down"
	}
}

// Text is the state in words.
func (s channelState) Text() string {
	switch s {
	case channelReady:
		return "Ready"
	case channelUnconfirmed:
		return "Unconfirmed"
	case channelDisabled:
		return "Disabled"
	case channelUnsubscribed:
		return "Unsubscribed"
	default:
		return "Last delivery failed"
	}
}

func stateOf(c *monitor.Channel) channelState {
	switch {
	case !c.UnsubscribedAt.IsZero():
		return channelUnsubscribed
	case c.Disabled:
		return channelDisabled
	case !c.Verified:
		return channelUnconfirmed
	case c.LastError != "":
		return channelFailed
	default:
		return channelReady
	}
}

// integrations: GET /projects/{project}/integrations/.
func (s *Server) integrations(w http.ResponseWriter, r *http.Request) error {
	project, role, err := s.ProjectFor(r)
	if err != nil {
		return err
	}
	channels, err := s.Store.ChannelsOf(r.Context(), project.ID)
	if err != nil {
		return err
	}
	assigned, checks, err := s.Store.ChannelCounts(r.Context(), project.ID)
	if err != nil {
		return err
	}
	health, err := s.Store.ChannelsHealth(r.Context(), project.ID, s.Store.Now().Add(-healthTime))
	if err != nil {
		return err
	}
	m := &integrationsPage{BasePage: integrationsBase("Integrations", project), CanWrite: role.CanWrite()}
	for i := range channels {
		v := s.viewChannel(&channels[i])
		v.Assigned, v.Checks, v.Health = assigned[v.ID], checks, health[v.ID]
		m.Channels = append(m.Channels, v)
	}
	var kinds []kindInfo
	for _, kind := range s.Notifiers.Kinds() {
		kinds = append(kinds, kindInfoOf(kind, s.Notifiers.Notifier(kind)))
	}
	m.Groups, m.Search = galleryOf(kinds), len(kinds) > searchedKinds
	return s.Render(w, r, http.StatusOK, "integrations", m)
}

func integrationsBase(title string, p *monitor.Project) ui.BasePage {
	return ui.BasePage{Title: title, Nav: "integrations", Project: &ui.ProjectNav{ID: p.ID, Name: p.Name}}
}

func (s *Server) viewChannel(c *monitor.Channel) channelView {
	n := s.Notifiers.Notifier(c.Kind)
	v := channelView{
		kindInfo: kindInfoOf(c.Kind, n),
		ID:       c.ID, Name: c.Name, Title: c.Name,
		State: stateOf(c), Verified: c.Verified, Error: c.LastError, Disabled: c.DisabledAt, Last: c.LastNotifyAt, Latency: c.LastLatency,
		Offered: n != nil,
		Resend:  c.Kind == kindEmail && !c.Verified,
	}
	if n == nil {
		v.Error = "This site no longer offers integrations of this kind; nothing is sent."
		v.State = channelDisabled
	} else {
		v.Summary, v.Events = n.Summary(c.Config), eventsOf(n, c.Config)
	}
	switch {
	case v.Title != "":
	case v.Summary != "" && c.Kind != kindPushover: // a key tells people nothing
		v.Title, v.Summary = v.Summary, ""
	default:
		v.Title = v.Label
	}
	return v
}

// eventsOf says which changes of a check a channel tells.
func eventsOf(n notify.Notifier, config string) string {
	var events []string
	if n.Wants(config, monitor.Flip{Old: monitor.StatusUp, New: monitor.StatusDown}) {
		events = append(events, "goes down")
	}
	if n.Wants(config, monitor.Flip{Old: monitor.StatusDown, New: monitor.StatusUp}) {
		events = append(events, "comes back up")
	}
	if len(events) == 0 {
		return "Tells nothing"
	}
	return "Tells when a check " + strings.Join(events, " or ")
}
