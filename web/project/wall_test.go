package project_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/web/webtest"
)

// makesWall makes a wall of the projects on its page and returns its path.
func makesWall(s *webtest.Site, projects ...*monitor.Project) string {
	s.Helper()
	form := url.Values{"name": {"Office"}}
	for _, p := range projects {
		form.Add("project", p.ID.String())
	}
	s.Post("/walls/", form).LeadsTo("/walls/")
	return strings.TrimPrefix(strings.TrimSpace(s.Get("/walls/").Find(".wall-about code").Last().Text()), s.URL)
}

func TestAWallShowsWhatIsDownFirst(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("jane@example.org")
		s.Ping(s.AddNamed(p, "A fine one"), monitor.PingSuccess)
		older := s.AddNamed(p, "Older")
		newer := s.AddNamed(p, "Newer <b>")
		s.Ping(older, monitor.PingFail)
		s.Clock.Advance(2 * time.Hour)
		s.Ping(newer, monitor.PingFail)
		s.Clock.Advance(14 * time.Minute)
		path := makesWall(s, p)

		stranger := s.OtherBrowser()
		page := stranger.Get(path).Is(http.StatusOK).Has("2 down", "Newer <b>", "Down for 14 min", "Down for 2 hr 14 min", "A fine one")
		got := page.Find(".bad li b").First().Text()
		if got != "Newer <b>" {
			t.Errorf("first comes %q", got)
		}
		if got := page.Find("title").Text(); got != "(2 down) Office · Punctual" {
			t.Errorf("title %q", got)
		}
		for _, secret := range []string{older.Code.String(), p.ID.String(), "jane@example.org"} {
			if strings.Contains(page.Body, secret) {
				t.Errorf("the wall tells %s", secret)
			}
		}
		part := stranger.Get(path + "?part=1").Is(http.StatusOK)
		if strings.Contains(part.Body, "<html") || !strings.Contains(part.Body, "Down for 14 min") {
			t.Errorf("the part is %.300s", part.Body)
		}
		if page := s.Get("/walls/"); !strings.Contains(page.Text(".wall-about"), "Last shown: just now") {
			t.Errorf("%s", page.Text(".wall-about"))
		}
	})
}

func TestWhoMayOpenAndRevokeAWall(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Get("/walls/").Is(http.StatusSeeOther)
		_, p := s.Login("jane@example.org")
		path := makesWall(s, p)
		id := strings.Split(path, "/")[2]
		stranger := s.OtherBrowser()
		for _, wrong := range []string{
			"/wall/" + id + "/x/", strings.Replace(path, id, "6b9e9a39-3a0a-4b9e-8b7c-111111111111", 1), "/wall/nothing/x/",
			"/wall/" + id + "/" + s.Server.Signer.Sign("unsubscribe", id) + "/",
		} {
			stranger.Get(wrong).Is(http.StatusNotFound)
		}
		_, theirs := stranger.Login("other@example.org")
		stranger.Post("/walls/"+id+"/remove/", url.Values{}).Is(http.StatusNotFound)
		stranger.Post("/walls/", url.Values{"project": {p.ID.String()}}).Is(http.StatusBadRequest).Has("Choose at least one project")
		stranger.Post("/walls/", url.Values{"name": {strings.Repeat("é", 61)}, "project": {theirs.ID.String()}}).Is(http.StatusBadRequest).Has(
			"at most 60 characters")
		stranger.Get(path).Is(http.StatusOK)
		s.Post("/walls/"+id+"/remove/", url.Values{}).LeadsTo("/walls/")
		stranger.Get(path).Is(http.StatusNotFound)
		s.Post("/walls/"+id+"/remove/", url.Values{}).Is(http.StatusNotFound)
	})
}
