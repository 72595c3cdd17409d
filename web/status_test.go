package web

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
	webstatus "punctual/web/status"
)

// statusSite is a site whose only self-check, the disk, is well or not.
func statusSite(t *testing.T, engine db.Engine, full *atomic.Bool) *testSite {
	t.Helper()
	check := status.Check{Name: "disk", Title: "Disk", Keep: 1, Run: func(context.Context) status.Finding {
		if full.Load() {
			return status.Failed("no room", errors.New("write: ENOSPC"), status.Field{Name: "free_bytes", Value: 0})
		}
		return status.Well("room enough")
	}}
	runner := status.NewRunner([]status.Check{check}, nil)
	return newTestSite(t, engine, func(d *Deps) {
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
			s.get("/status/?format=html").is(http.StatusOK).has("Punctual is well.")
			root := superuser(s)
			a := root.get("/status/?format=html").is(http.StatusOK).has("Everything works.").has("room enough")
			if a.Find(`nav.tabs a[href="/status/"][aria-current=page]`).Length() != 1 {
				t.Error("it is not a page of the administration")
			}
			if root.get("/admin/users/").Find(`nav.tabs a[href="/status/"]`).Length() != 1 {
				t.Error("the administration does not lead there")
			}
			full.Store(true)
			root.get("/status/?format=html").is(http.StatusInternalServerError).has("Broken: Disk.").has("no room: write: ENOSPC")
			stranger := s.otherBrowser().get("/status/?format=html").is(http.StatusInternalServerError).has("Punctual is not well.")
			if strings.Contains(stranger.body, "Disk") || strings.Contains(stranger.body, "ENOSPC") {
				t.Errorf("a stranger sees details: %s", stranger.body)
			}
			if a := s.otherBrowser().do(http.MethodPost, "/status/", nil); a.status != http.StatusMethodNotAllowed {
				t.Errorf("POST: %d", a.status)
			}
		})
	}
}
