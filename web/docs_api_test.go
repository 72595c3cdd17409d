package web

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"punctual/internal/db"
	"punctual/web/api"
)

// withReference gives the site the page of the API.
func withReference() func(*Deps) {
	return func(d *Deps) {
		d.APIDocument = api.Deps{SiteURL: d.Site.Root.String(), PingEndpoint: d.Site.PingEndpoint}.Document()
	}
}

func TestTheReferenceOfTheAPI(t *testing.T) {
	t.Parallel()
	s := newTestSite(t, db.SQLite, withReference())
	page := s.get("/docs/api-reference/").is(200).has("API reference", "Make a check", "Objects")
	if got := page.text("#createCheck"); !strings.HasPrefix(got, "Make a check") {
		t.Errorf("#createCheck is %q", got)
	}
	seen := map[string]bool{}
	page.Find("[id]").Each(func(_ int, e *goquery.Selection) {
		if id := e.AttrOr("id", ""); seen[id] {
			t.Errorf("two things are called %s", id)
		} else {
			seen[id] = true
		}
	})
	page.Find(`article a[href^="#"]`).Each(func(_ int, e *goquery.Selection) {
		if href := e.AttrOr("href", ""); !seen[href[1:]] {
			t.Errorf("nothing is called %s", href)
		}
	})
	if strings.Contains(page.body, "punctual.example.org") || !strings.Contains(page.body, s.url+"/api/v3/checks/") {
		t.Error("the page has not the addresses of this site")
	}
	s.get("/docs/").is(200).has("API reference")
	newTestSite(t, db.SQLite).get("/docs/api-reference/").is(404)
}
