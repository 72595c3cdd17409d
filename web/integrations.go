package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/notify"
)

// The kinds of channels that need more here than a form (contract §2.11).
const (
	kindEmail    = "email"
	kindWebhook  = "webhook"
	kindPushover = "po"
)

// kindInfo is how a kind of channel is shown.
type kindInfo struct {
	Kind  string
	Label string
	Icon  string
	Blurb string // one sentence for the gallery
}

// kindInfoOf describes a kind; its notifier, nil when the site does not offer it,
// knows the label.
func kindInfoOf(kind string, n notify.Notifier) kindInfo {
	info := kindInfo{Kind: kind, Label: kind, Icon: "bell"}
	if n != nil {
		info.Label = n.Label()
	}
	switch kind {
	case kindEmail:
		info.Icon, info.Blurb = "mail", "A message to any address, with all that is known about the check."
	case kindWebhook:
		info.Icon, info.Blurb = "webhook", "An HTTP request to a server of yours, in the form it expects."
	case kindPushover:
		info.Icon, info.Blurb = "brand-pushover", "A push message to phones and desktops, with a priority for each event."
	}
	return info
}

// integrationsPage lists the channels of a project and the kinds it may add.
type integrationsPage struct {
	BasePage
	CanWrite bool
	Channels []channelView
	Kinds    []kindInfo
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
	Last     time.Time
	Latency  time.Duration
	Offered  bool // this site still has its kind
	Resend   bool // the question to its address can be sent again
}

// channelState is what to expect of a channel.
type channelState string

const (
	channelReady       channelState = "ready"
	channelUnconfirmed channelState = "unconfirmed"
	channelDisabled    channelState = "disabled"
	channelFailed      channelState = "failed"
)

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
	default:
		return "Last delivery failed"
	}
}

func stateOf(c *monitor.Channel) channelState {
	switch {
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
	project, role, err := s.projectFor(r)
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
	m := &integrationsPage{BasePage: integrationsBase("Integrations", project), CanWrite: role.CanWrite()}
	for i := range channels {
		v := s.viewChannel(&channels[i])
		v.Assigned, v.Checks = assigned[v.ID], checks
		m.Channels = append(m.Channels, v)
	}
	for _, kind := range s.Notifiers.Kinds() {
		m.Kinds = append(m.Kinds, kindInfoOf(kind, s.Notifiers.Notifier(kind)))
	}
	return s.render(w, r, http.StatusOK, "integrations", m)
}

func integrationsBase(title string, p *monitor.Project) BasePage {
	return BasePage{Title: title, Nav: "integrations", Project: &ProjectNav{ID: p.ID, Name: p.Name}}
}

func (s *Server) viewChannel(c *monitor.Channel) channelView {
	n := s.Notifiers.Notifier(c.Kind)
	v := channelView{
		kindInfo: kindInfoOf(c.Kind, n),
		ID:       c.ID, Name: c.Name, Title: c.Name,
		State: stateOf(c), Error: c.LastError, Last: c.LastNotifyAt, Latency: c.LastLatency,
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
