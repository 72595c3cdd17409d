package project_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web"
	"punctual/web/badge"
	"punctual/web/webtest"
)

// withBadges is a site that serves badges.
func withBadges(d *web.Deps) {
	d.BadgeLinks = badge.Links{SecretKey: webtest.Secret, SiteURL: d.Site.Root.String()}
	d.Badges = badge.New(badge.Deps{Store: d.Store, Links: d.BadgeLinks, Label: "Punctual", Log: slog.New(slog.DiscardHandler)})
}

func TestBadgesToCopy(t *testing.T) {
	for _, engine := range testdb.Engines {
		s := webtest.New(t, engine, withBadges)
		_, project := s.Login("jane@example.org")
		check := s.FirstCheck(project)
		_, err := s.Store.UpdateCheck(t.Context(), check.Code, func(c *store.CheckChange) error {
			c.Name = `Nightly [dump] "x"`
			c.Tags = "prod a/b"
			c.Status = monitor.StatusDown
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		path := "/projects/" + project.ID.String() + "/badges/"
		s.Get(webtest.SettingsPath(project)).Has("Create a badge")
		for of, label := range map[string]string{"project": "My project", "tag:a/b": "a/b", "tag:prod": "prod",
			"check:" + check.Code.String(): `Nightly \[dump\] "x"`} {
			for _, format := range badge.Formats() {
				page := s.Get(path + "?" + url.Values{"of": {of}, "format": {format}, "states": {"3"}}.Encode()).Is(http.StatusOK)
				copied := page.Find("#badge .code code")
				address := copied.Last().Text()
				served := s.Get(address).Is(http.StatusOK)
				if !strings.HasSuffix(address, "."+format) || !strings.Contains(served.Body, "down") {
					t.Errorf("%s: %s says %s", of, address, served.Body)
				}
				preview, _ := page.Find("#badge img").Attr("src")
				if s.Get(preview).Is(http.StatusOK).Header.Get("Content-Type") != "image/svg+xml" {
					t.Errorf("%s: the preview is %s", of, preview)
				}
				if format == "json" {
					if copied.Length() != 1 {
						t.Errorf("JSON is no picture: %s", copied.Text())
					}
					continue
				}
				markdown := copied.First().Text()
				if !strings.HasPrefix(markdown, "!["+label+"](http") || format == "svg" && !strings.Contains(markdown, address) ||
					format == "shields" && !strings.Contains(markdown, url.QueryEscape(address)) {
					t.Errorf("%s: %s", of, markdown)
				}
			}
		}
		html := s.Get(path + "?of=check:" + check.Code.String()).Text("#badge .code:nth-of-type(2) code")
		if !strings.Contains(html, `alt="Nightly [dump] &#34;x&#34;"`) {
			t.Errorf("HTML to copy: %s", html)
		}
		for _, of := range []string{"check:" + project.ID.String(), "check:x", "tag:", "tag:*", "x"} {
			s.Get(path + "?of=" + of).Is(http.StatusNotFound)
		}
		two := s.Get(path).Text("#badge .code:last-of-type code")
		if !strings.Contains(two, "-2.svg") {
			t.Errorf("two states by default: %s", two)
		}
		s.OtherBrowser().Get(path).Is(http.StatusSeeOther)
		stranger := s.OtherBrowser()
		stranger.Login("stranger@example.org")
		stranger.Get(path).Is(http.StatusNotFound)
	}
}
