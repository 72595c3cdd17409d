package admin_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"punctual/internal/db"
	"punctual/internal/status"
	"punctual/internal/testkit/testdb"
	"punctual/web"
	webstatus "punctual/web/status"
	"punctual/web/webtest"
)

// statusSite is a site whose only self-check, the disk, is well or not.
func statusSite(t *testing.T, engine db.Engine, full *atomic.Bool) *webtest.Site {
	t.Helper()
	check := status.Check{Name: "disk", Title: "Disk", Keep: 1, Run: func(context.Context) status.Finding {
		if full.Load() {
			return status.Failed("no room", errors.New("write: ENOSPC"), status.Field{Name: "free_bytes", Value: 0})
		}
		return status.Healthy("room enough")
	}}
	runner := status.NewRunner([]status.Check{check}, nil)
	return webtest.New(t, engine, func(d *web.Deps) {
		d.Status = &webstatus.Deps{
			Checks: func() *status.Runner { return runner }, SiteName: "Punctual", URL: d.Site.URL("/status/"), Version: "1.2.3", ErrorCode: 500,
			TokenName: "watchman-token", Tokens: []string{"token"}, Redact: strings.TrimSpace, Log: slog.New(slog.DiscardHandler),
		}
	})
}

func TestStatusPageIsForSuperusers(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var full atomic.Bool
			s := statusSite(t, engine, &full)
			s.Get("/status/?format=html").Is(http.StatusOK).Has("Punctual is well.")
			root := webtest.Superuser(s)
			a := root.Get("/status/?format=html").Is(http.StatusOK).Has("Everything works.").Has("room enough")
			if a.Find(`nav.tabs a[href="/status/"][aria-current=page]`).Length() != 1 {
				t.Error("it is not a page of the administration")
			}
			if root.Get("/admin/users/").Find(`nav.tabs a[href="/status/"]`).Length() != 1 {
				t.Error("the administration does not lead there")
			}
			full.Store(true)
			root.Get("/status/?format=html").Is(http.StatusInternalServerError).Has("Broken: Disk.").Has("no room: write: ENOSPC")
			stranger := s.OtherBrowser().Get("/status/?format=html").Is(http.StatusInternalServerError).Has("Punctual is not well.")
			if strings.Contains(stranger.Body, "Disk") || strings.Contains(stranger.Body, "ENOSPC") {
				t.Errorf("a stranger sees details: %s", stranger.Body)
			}
			if a := s.OtherBrowser().Do(http.MethodPost, "/status/", nil); a.Status != http.StatusMethodNotAllowed {
				t.Errorf("POST: %d", a.Status)
			}
		})
	}
}
