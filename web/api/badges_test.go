package api_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/badge"
)

// badgeLinks makes the addresses of badges in tests.
func badgeLinks() badge.Links {
	return badge.Links{SecretKey: "s3cret", SiteURL: "https://p.example.org"}
}

// docs/contract.md §2.12, checklist 42: each tag has its badges, in each version
// for each kind of key, and all of their addresses work.
func TestBadges(t *testing.T) {
	each(t, func(c *client) {
		for _, tags := range []string{"prod db", "db", "", "a/b 100% %20 ünïcödé 🚀 .svg ?#&+", `"<>'`} {
			check := monitor.NewCheck(c.mine.Project.ID, c.clock.Now())
			check.Tags = tags
			if err := c.store.CreateCheck(c.Context(), &check, store.Channels{}); err != nil {
				c.Fatal(err)
			}
		}
		want := []string{`"<>'`, "%20", "*", ".svg", "100%", "?#&+", "a/b", "db", "prod", "ünïcödé", "🚀"}
		pictures := badge.New(badge.Deps{Store: c.store, Links: badgeLinks(), Label: "Punctual", Log: slog.New(slog.DiscardHandler)})
		for _, version := range []string{"v1", "v2", "v3"} {
			for _, key := range []string{rwKey, roKey} {
				status, body := c.callAs(key, "GET", "/api/"+version+"/badges/", "")
				var got struct {
					Badges map[string]map[string]string `json:"badges"`
				}
				if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
					c.Fatalf("%s: %d %s", version, status, body)
				}
				tags := make([]string, 0, len(got.Badges))
				for tag, links := range got.Badges {
					tags = append(tags, tag)
					if len(links) != 6 {
						c.Errorf("%s has %v", tag, links)
					}
					for name, link := range links {
						c.fetchBadge(pictures, tag, name, link)
					}
				}
				if slices.Sort(tags); !slices.Equal(tags, want) {
					c.Errorf("%s: tags %q, want %q", version, tags, want)
				}
			}
		}
		for _, refused := range []struct {
			key, method, path string
			status            int
		}{{"", "GET", "/api/v3/badges/", 401}, {rwKey, "POST", "/api/v3/badges/", 405}, {rwKey, "HEAD", "/api/v3/badges/", 405},
			{"", "OPTIONS", "/api/v3/badges/", 204}, {"", "PUT", "/api/v3/badges", 301}} {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(c.Context(), refused.method, refused.path, nil)
			r.Header.Set("X-Api-Key", refused.key)
			if c.bare.ServeHTTP(w, r); w.Code != refused.status {
				c.Errorf("%s %s: %d, want %d", refused.method, refused.path, w.Code, refused.status)
			}
		}
	})
}

// fetchBadge follows an address of the list; name is svg, svg3, json, ….
func (c *client) fetchBadge(pictures http.Handler, tag, name, link string) {
	c.Helper()
	format, three := strings.CutSuffix(name, "3")
	states := badge.TwoStates
	if three {
		states = badge.ThreeStates
	}
	if want := badgeLinks().Tag(c.mine.Project.BadgeKey, tag, states, format); link != want {
		c.Errorf("%s of %q is %s, want %s", name, tag, link, want)
	}
	path := strings.TrimPrefix(link, "https://p.example.org")
	w := httptest.NewRecorder()
	pictures.ServeHTTP(w, httptest.NewRequestWithContext(c.Context(), http.MethodGet, path, nil))
	total := map[string]int{"*": 6, "db": 2}[tag]
	want := map[string]string{
		"svg": "<svg", "shields": `"schemaVersion":1`, "json": fmt.Sprintf(`{"status":"up","total":%d,"grace":0,"down":0}`, max(1, total)),
	}[format]
	if w.Code != http.StatusOK || !strings.HasPrefix(strings.TrimPrefix(w.Body.String(), "{"), strings.TrimPrefix(want, "{")) {
		c.Errorf("%s of %q at %s: %d %s", name, tag, link, w.Code, w.Body)
	}
}

// The badge_url of a check leads to its badge.
func TestBadgeURL(t *testing.T) {
	each(t, func(c *client) {
		pictures := badge.New(badge.Deps{Store: c.store, Links: badgeLinks(), Label: "Punctual", Log: slog.New(slog.DiscardHandler)})
		link, _ := c.object(200, "GET", "/api/v3/checks/{U}", "")["badge_url"].(string)
		path, ours := strings.CutPrefix(link, "https://p.example.org")
		w := httptest.NewRecorder()
		pictures.ServeHTTP(w, httptest.NewRequestWithContext(c.Context(), "GET", path, nil))
		if !ours || w.Code != 200 || !strings.Contains(w.Body.String(), "<title>Nightly dump: up</title>") {
			c.Errorf("%s: %d %s", link, w.Code, w.Body)
		}
	})
}
