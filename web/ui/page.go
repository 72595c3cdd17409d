package ui

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// BasePage is what the layout shows on every page. Each page's model embeds it
// and sets Title, Nav and, on pages of a project, Project before rendering; the
// rest is filled in.
type BasePage struct {
	// of the browser tab, without the site's name
	Title string
	// the highlighted entry: projects, checks, integrations, settings, account, walls, admin, docs
	Nav string

	Site *Instance
	// nil: a visitor
	User *monitor.User
	// nil: not a page of one project
	Project *ProjectNav
	// of the user, for the switcher
	Projects []ProjectNav
	Flashes  []Flash
	// superusers only: no sendalerts is alive
	AlertsDead bool
	// superusers only: all alerts are held; nil: they are not
	Held *store.AlertHold
	// "", light, dark
	Theme string
	// a superuser looks through this user's eyes: the superuser's address
	LoggedInAs string
	// of this page, for ?next=
	Path string
	Now  time.Time
	// times are shown in: the reader's, unless the page has set another
	TZ *time.Location

	// of the user, where the page has loaded them already
	Own []store.ProjectRow
}

func (b *BasePage) base() *BasePage { return b }

// ProjectNav is a project as the layout shows it.
type ProjectNav struct {
	ID          uuid.UUID
	Name        string
	Role        monitor.Role
	Down        int
	Channels    int
	BadChannels int
}

// Trouble tells whether people would not hear of an alert: there is no channel,
// or one is broken. Of the project of others, which a superuser looks at, that is
// not known.
func (p *ProjectNav) Trouble() bool {
	return p.Role != monitor.RoleNone && (p.Channels == 0 || p.BadChannels > 0)
}

// Muted tells whether there is trouble and no channel works at all.
func (p *ProjectNav) Muted() bool { return p.Trouble() && p.BadChannels == p.Channels }

// Flash is a message shown once, on the next page.
type Flash struct {
	// ok, warning, error
	Kind string
	Text string
	// where to post to take back what the text tells of, "" = that cannot be
	Undo string
}

// FillBase completes the base of a page for the one who asks.
func (s *Site) FillBase(r *http.Request, b *BasePage) error {
	v := VisitorOf(r)
	b.Site = &s.Instance
	b.User = v.User
	b.Path = r.URL.RequestURI()
	b.Now = s.Store.Now()
	b.Theme = v.theme()
	if b.TZ == nil {
		b.TZ = v.zone()
	}
	if v.User == nil {
		return nil
	}
	b.LoggedInAs = v.superuser()
	if b.Own == nil {
		var err error
		b.Own, err = s.Store.ProjectsOf(r.Context(), v.User.ID)
		if err != nil {
			return fmt.Errorf("projects of the user: %w", err)
		}
	}
	for _, p := range b.Own {
		b.Projects = append(b.Projects, NavOf(&p))
		if b.Project != nil && b.Project.ID == p.ID {
			*b.Project = NavOf(&p)
		}
	}
	if v.User.IsSuperuser {
		alive, err := s.Store.AlertsAlive(r.Context())
		if err != nil {
			return err
		}
		b.AlertsDead = !alive
		b.Held, err = s.Store.AlertHold(r.Context())
		if err != nil {
			return err
		}
	}
	return nil
}

// NavOf is a project of the user as the layout shows it.
func NavOf(p *store.ProjectRow) ProjectNav {
	return ProjectNav{ID: p.ID, Name: p.Title(), Role: p.Role, Down: p.DownChecks, Channels: p.Channels, BadChannels: p.BadChannels}
}

// ChecksBase is the base of the pages about a project's checks.
func ChecksBase(project *monitor.Project, title string) BasePage {
	return BasePage{Title: title, Nav: "checks", Project: &ProjectNav{ID: project.ID, Name: project.Title()}}
}
