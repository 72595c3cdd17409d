package web

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web/badge"
)

// withBadges is a site that serves badges.
func withBadges(d *Deps) {
	d.BadgeLinks = badge.Links{SecretKey: testSecret, SiteURL: d.Site.Root.String()}
	d.Badges = badge.New(badge.Deps{Store: d.Store, Links: d.BadgeLinks, Label: "Punctual", Log: slog.New(slog.DiscardHandler)})
}

func TestBadgesToCopy(t *testing.T) {
	for _, engine := range testdb.Engines {
		s := newTestSite(t, engine, withBadges)
		_, project := s.login("jane@example.org")
		check := s.firstCheck(project)
		if _, err := s.store.UpdateCheck(t.Context(), check.Code, func(c *store.CheckChange) error {
			c.Name, c.Tags, c.Status = `Nightly [dump] "x"`, "prod a/b", monitor.StatusDown
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		path := "/projects/" + project.ID.String() + "/badges/"
		s.get(settingsPath(project)).has("Make a badge")
		for of, label := range map[string]string{"project": "My project", "tag:a/b": "a/b", "tag:prod": "prod", "check:" + check.Code.String(): `Nightly \[dump\] "x"`} {
			for _, format := range badge.Formats() {
				page := s.get(path + "?" + url.Values{"of": {of}, "format": {format}, "states": {"3"}}.Encode()).is(http.StatusOK)
				copied := page.Find("#badge .code code")
				address := copied.Last().Text()
				served := s.get(address).is(http.StatusOK)
				if !strings.HasSuffix(address, "."+format) || !strings.Contains(served.body, "down") {
					t.Errorf("%s: %s says %s", of, address, served.body)
				}
				if preview, _ := page.Find("#badge img").Attr("src"); s.get(preview).is(http.StatusOK).header.Get("Content-Type") != "image/svg+xml" {
					t.Errorf("%s: the preview is %s", of, preview)
				}
				if format == "json" {
					if copied.Length() != 1 {
						t.Errorf("JSON is no picture: %s", copied.Text())
					}
					continue
				}
				markdown := copied.First().Text()
				if !strings.HasPrefix(markdown, "!["+label+"](http") || format == "svg" && !strings.Contains(markdown, address) || format == "shields" && !strings.Contains(markdown, url.QueryEscape(address)) {
					t.Errorf("%s: %s", of, markdown)
				}
			}
		}
		if html := s.get(path + "?of=check:" + check.Code.String()).text("#badge .code:nth-of-type(2) code"); !strings.Contains(html, `alt="Nightly [dump] &#34;x&#34;"`) {
			t.Errorf("HTML to copy: %s", html)
		}
		for _, of := range []string{"check:" + project.ID.String(), "check:x", "tag:", "tag:*", "x"} {
			s.get(path + "?of=" + of).is(http.StatusNotFound)
		}
		if two := s.get(path).text("#badge .code:last-of-type code"); !strings.Contains(two, "-2.svg") {
			t.Errorf("two states by default: %s", two)
		}
		s.otherBrowser().get(path).is(http.StatusSeeOther)
		stranger := s.otherBrowser()
		stranger.login("stranger@example.org")
		stranger.get(path).is(http.StatusNotFound)
	}
}
