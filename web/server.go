// Package web is the site people see: pages, forms, and the fragments their
// scripts ask for. routes.go has every address; each group of pages has a file.
//
// Pages are typed models rendered by html/template. Every action is a plain
// form post that works without JavaScript (DESIGN §8).
package web

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/clientip"
	"punctual/internal/limit"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/project"
	"punctual/internal/store"
	"punctual/web/badge"
	"punctual/web/status"
)

// Site is what pages need to know of this instance.
type Site struct {
	Name             string   // "Punctual" unless set
	Root             *url.URL // without a slash at the end; may hold a path
	PingEndpoint     string   // ends with a slash
	PingBodyLimit    int      // bytes, 0 = unlimited
	PingBodyTotal    int64    // bytes that the bodies of all pings of an owner may have, 0 = unlimited
	PingEmailDomain  string   // of the addresses that take pings by e-mail, "" = nobody listens
	Version          string
	SupportEmail     string
	RegistrationOpen bool
	HasSMTP          bool // false: mail is kept, the local mailbox is shown to loopback
	VerifyEmail      bool // addresses of others must confirm before they get alerts
	CheckLimit       int  // of new accounts
	PingLogLimit     int  // of new accounts
}

// Path puts the path of SITE_ROOT before an absolute path of ours.
func (s *Site) Path(path string) string { return s.Root.Path + path }

// URL is the full address of an absolute path of ours.
func (s *Site) URL(path string) string { return s.Root.String() + path }

// PingURL is the address a job pings.
func (s *Site) PingURL(c *monitor.Check) string { return s.PingEndpoint + c.Code.String() }

// PingEmail is the address that takes pings by e-mail for who: the code of a
// check, or "ping-key+slug"; "" when this instance takes none (contract §1.11).
func (s *Site) PingEmail(who string) string {
	if s.PingEmailDomain == "" {
		return ""
	}
	return who + "@" + s.PingEmailDomain
}

// Tester sends a test notification through a channel at once and tells how it
// went.
type Tester interface {
	SendTest(ctx context.Context, ch *monitor.Channel) (notify.Result, error)
}

// SendVerify mails the question whether an address may get alerts; mail.Queue
// behind mail.Composer.Verify does it.
type SendVerify func(ctx context.Context, v mail.Verify) error

// Deps is everything the site stands on.
type Deps struct {
	Site     Site
	Store    *store.Store
	Auth     *auth.Service
	Projects *project.Service
	Sessions *auth.SessionStore
	Signer   *auth.Signer
	// BodiesFull tells whether bodies of new pings of a project are not kept, because
	// its owner has as many as they may; nil: they always are.
	BodiesFull func(ctx context.Context, project uuid.UUID) bool
	Notifiers  *notify.Registry
	Tester     Tester
	SendVerify SendVerify
	// PushoverSubscription is where people subscribe to our Pushover application;
	// empty: they type their user key.
	PushoverSubscription string
	Templates            fs.FS
	Static               fs.FS
	API                  http.Handler // /api/…, nil = not offered
	APIDocument          []byte       // its OpenAPI document, for the page of it; nil = no page
	Badges               http.Handler // /badge/… and /b/…, nil = not offered
	BadgeLinks           badge.Links  // their addresses, for the page of them
	ProjectMetrics       http.Handler // what Prometheus scrapes of a project, nil = not offered
	Status               *status.Deps // /status/ and its kin, nil = not offered
	// HSTS is for how long browsers are to come by https only, once they did; 0 =
	// they are not told to.
	HSTS    time.Duration
	Dev     bool              // templates are read again for each request
	Proxies *clientip.Proxies // those that are trusted to say whom a request comes from
	Observe Observe
	Log     *slog.Logger
}

// Server serves the site.
type Server struct {
	Deps
	pages      *engine
	assets     *assets
	handler    http.Handler
	docs       func() (*docs, error) // read when a page of them is asked for first
	addresses  *auth.Addresses
	live       *live
	mailboxKey mailboxKey
	bodies     *limit.Bytes // room for those of requests
	// brokenPages answer, by status, when nothing can be rendered any more.
	brokenPages map[int][]byte
}

// New prepares the files and the page for when all else fails, and builds the routes.
func New(d Deps) (*Server, error) {
	s := &Server{Deps: d, addresses: &auth.Addresses{
		Store: d.Store, Signer: d.Signer, SiteRoot: d.Site.Root.String(), Verify: d.Site.VerifyEmail, Send: d.SendVerify,
	}}
	s.bodies = limit.NewBytes(bodiesRoom, bodiesWait)
	s.live = newLive(d.Store, s.loadList, d.Log)
	var err error
	if s.assets, err = newAssets(d.Static, d.Site.Root.Path); err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	s.pages = newEngine(d.Templates, d.Dev, s.templateFuncs())
	copyIcon, err := s.assets.icon("copy")
	if err != nil {
		return nil, err
	}
	s.docs = sync.OnceValues(func() (*docs, error) {
		return loadDocs(d.Templates, &s.Site, copyIcon, d.APIDocument)
	})
	if err = s.prepareErrorPages(); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	if p := d.Site.Root.Path; p != "" {
		s.handler = http.StripPrefix(strings.TrimSuffix(p, "/"), s.handler)
	}
	return s, nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }
