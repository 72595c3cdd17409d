package integrations

import (
	"net/http"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/web/ui"
)

// listPage lists the channels of a project and the kinds it may add.
type listPage struct {
	ui.BasePage
	CanWrite bool
	Channels []channelView
	Groups   []kindGroup
	// the gallery is large enough to be searched
	Search bool
}

// kindGroup is a part of the gallery.
type kindGroup struct {
	Name  notify.Group
	Kinds []kindView
}

// searchedKinds is how many kinds can be seen at a glance.
const searchedKinds = 6

// gallery are the kinds that are offered, by their groups.
func (s *Pages) gallery() []kindGroup {
	var groups []kindGroup
	for _, name := range notify.Groups() {
		g := kindGroup{Name: name}
		for _, kind := range s.Notifiers.Kinds() {
			if s.Notifiers.Kind(kind).Group == name {
				g.Kinds = append(g.Kinds, s.viewKind(kind))
			}
		}
		if len(g.Kinds) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// healthTime is how far back the health of a channel looks.
const healthTime = 30 * 24 * time.Hour

// List: GET /projects/{project}/integrations/.
func (s *Pages) List(w http.ResponseWriter, r *http.Request) error {
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
	latency, err := s.Store.ChannelsLatency(r.Context(), project.ID, s.Store.Now().Add(-healthTime))
	if err != nil {
		return err
	}
	m := &listPage{BasePage: basePage("Integrations", project), CanWrite: role.CanWrite()}
	for i := range channels {
		v := s.viewChannel(&channels[i])
		v.Assigned = assigned[v.ID]
		v.Checks = checks
		v.Health = health[v.ID]
		v.Whole = latency[v.ID]
		m.Channels = append(m.Channels, v)
	}
	m.Groups = s.gallery()
	m.Search = len(s.Notifiers.Kinds()) > searchedKinds
	return s.Render(w, r, http.StatusOK, "integrations/list", m)
}

func basePage(title string, p *monitor.Project) ui.BasePage {
	return ui.BasePage{Title: title, Nav: "integrations", Project: &ui.ProjectNav{ID: p.ID, Name: p.Name}}
}
