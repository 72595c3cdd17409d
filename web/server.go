// Package web is the site people see: pages, forms, and the fragments their
// scripts ask for. routes.go has every address; each group of pages is a package
// below, a room.
//
// Pages are typed models rendered by html/template. Every action is a plain
// form post that works without JavaScript.
package web

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/channel"
	"punctual/internal/clientip"
	"punctual/internal/notify"
	projects "punctual/internal/project"
	"punctual/internal/store"
	"punctual/web/account"
	"punctual/web/admin"
	"punctual/web/badge"
	"punctual/web/check"
	"punctual/web/checks"
	"punctual/web/docs"
	"punctual/web/integrations"
	"punctual/web/project"
	"punctual/web/status"
	"punctual/web/ui"
)

// Deps is everything the site stands on.
type Deps struct {
	Site     ui.Instance
	Store    *store.Store
	Auth     *auth.Service
	Projects *projects.Service
	Sessions *auth.SessionStore
	Signer   *auth.Signer
	// BodiesFull tells whether bodies of new pings of a project are not kept, because
	// its owner has as many as they may; nil: they always are.
	BodiesFull func(ctx context.Context, project uuid.UUID) bool
	Notifiers  *notify.Registry
	Tester     integrations.Tester
	Channels   *channel.Service
	Templates  fs.FS
	Static     fs.FS
	// /api/…, nil = not offered
	API http.Handler
	// its OpenAPI document, for the page of it; nil = no page
	APIDocument []byte
	// /badge/… and /b/…, nil = not offered
	Badges http.Handler
	// their addresses, for the page of them
	BadgeLinks badge.Links
	// what Prometheus scrapes of a project, nil = not offered
	ProjectMetrics http.Handler
	// /status/ and its kin, nil = not offered
	Status *status.Deps
	// HSTS is for how long browsers are to come by https only, once they did; 0 =
	// they are not told to.
	HSTS time.Duration
	// templates are read again for each request
	Dev bool
	// those that are trusted to say whom a request comes from
	Proxies *clientip.Proxies
	Observe ui.Observe
	Log     *slog.Logger
}

// Server serves the site: the pages of all rooms, and what answers beside them.
type Server struct {
	*ui.Site
	http.Handler

	deps         Deps
	account      *account.Pages
	admin        *admin.Pages
	check        *check.Pages
	checks       *checks.Pages
	docs         *docs.Pages
	integrations *integrations.Pages
	project      *project.Pages
}

// New prepares the files and the page for when all else fails, and builds the routes.
func New(d Deps) (*Server, error) {
	site, err := ui.New(ui.Config{
		Instance: d.Site, Store: d.Store, Sessions: d.Sessions, Signer: d.Signer, Templates: d.Templates, Static: d.Static,
		FormTargets: d.Notifiers.ConnectURLs(), HSTS: d.HSTS, Dev: d.Dev, Proxies: d.Proxies, Observe: d.Observe, Log: d.Log,
	})
	if err != nil {
		return nil, err
	}
	s := &Server{Site: site, deps: d}
	s.admin = admin.New(site, d.Auth)
	s.account = account.New(site, d.Auth, d.Projects, s.admin.MayReadMailbox)
	s.project = project.New(site, project.Deps{
		Projects: d.Projects, AskRecentAuth: s.account.AskRecentAuth, HasBadges: d.Badges != nil, BadgeLinks: d.BadgeLinks,
	})
	s.integrations = integrations.New(site, integrations.Deps{Notifiers: d.Notifiers, Tester: d.Tester, Channels: d.Channels})
	s.checks = checks.New(site, s.integrations.View)
	s.check = check.New(site, s.integrations.View, d.BodiesFull)
	s.docs, err = docs.New(site, d.Notifiers.All(), d.APIDocument)
	if err != nil {
		return nil, err
	}
	s.Handler = s.routes()
	p := d.Site.Root.Path
	if p != "" {
		s.Handler = http.StripPrefix(strings.TrimSuffix(p, "/"), s.Handler)
	}
	return s, nil
}

// ShowMailbox prints to the log the address that opens the mailbox, where there
// is one.
func (s *Server) ShowMailbox(ctx context.Context) { s.admin.ShowMailbox(ctx) }
