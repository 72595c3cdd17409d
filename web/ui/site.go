// Package ui is what the pages of all rooms stand on: the visitor and their session,
// a page made of its model and a template, forms, errors, the middleware, links and
// live pages. It knows no room.
package ui

import (
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"punctual/internal/auth"
	"punctual/internal/clientip"
	"punctual/internal/limit"
	"punctual/internal/store"
	"punctual/web/ui/assets"
	"punctual/web/ui/live"
)

// Config is what the kernel stands on.
type Config struct {
	Instance
	Store     *store.Store
	Sessions  *auth.SessionStore
	Signer    *auth.Signer
	Templates fs.FS
	Static    fs.FS
	// FormTargets are addresses of others that forms may lead to; empty ones are
	// none.
	FormTargets []string
	// HSTS is for how long browsers are to come by https only, once they did; 0 =
	// they are not told to.
	HSTS time.Duration
	// Dev: templates are read again for each request.
	Dev bool
	// Proxies are those that are trusted to say whom a request comes from.
	Proxies *clientip.Proxies
	Observe Observe
	Log     *slog.Logger
}

// Site is what all pages stand on: who visits, how a page is made of its model
// and how errors are shown. Each room embeds it.
type Site struct {
	Config
	Assets  *assets.Assets
	Streams *live.Hub

	pages *engine
	// room for those of requests
	bodies *limit.Bytes
	// brokenPages answer, by status, when nothing can be rendered any more.
	brokenPages map[int][]byte
}

// New prepares the files, and the pages for when all else fails. It fails where a
// file cannot be read, or the template of such a page.
func New(c Config) (*Site, error) {
	s := &Site{Config: c, bodies: limit.NewBytes(bodiesRoom, bodiesWait), Streams: live.New(c.Store, c.Log)}
	var err error
	s.Assets, err = assets.New(c.Static, c.Root.Path, c.Dev)
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	s.pages = newEngine(c.Templates, c.Dev, s.templateFuncs())
	err = s.prepareErrorPages()
	if err != nil {
		return nil, err
	}
	return s, nil
}
