package docs_test

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"punctual/internal/db"
	"punctual/web/webtest"
)

func TestTheReferenceOfTheAPI(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite, webtest.WithReference())
	page := s.Get("/docs/api-reference/").Is(200).Has("API reference", "Create a check", "Objects")
	got := page.Text("#createCheck")
	if !strings.HasPrefix(got, "Create a check") {
		t.Errorf("#createCheck is %q", got)
	}
	// without scripts all is to be read
	if open, all := page.Find("details.group[open]").Length(), page.Find("details.group").Length(); open != all || all < 5 {
		t.Errorf("%d of %d resources are open", open, all)
	}
	seen := map[string]bool{}
	page.Find("[id]").Each(func(_ int, e *goquery.Selection) {
		id := e.AttrOr("id", "")
		if seen[id] {
			t.Errorf("two things are called %s", id)
		} else {
			seen[id] = true
		}
	})
	page.Find(`article a[href^="#"]`).Each(func(_ int, e *goquery.Selection) {
		href := e.AttrOr("href", "")
		if !seen[href[1:]] {
			t.Errorf("nothing is called %s", href)
		}
	})
	if strings.Contains(page.Body, "punctual.example.org") || !strings.Contains(page.Body, s.URL+"/api/v3/checks/") {
		t.Error("the page has not the addresses of this site")
	}
	s.Get("/docs/").Is(200).Has("API reference")
	webtest.New(t, db.SQLite).Get("/docs/api-reference/").Is(404)
}
