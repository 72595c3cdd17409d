package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// makesWall makes a wall of the projects on its page and returns its path.
func (s *testSite) makesWall(projects ...*monitor.Project) string {
	s.Helper()
	form := url.Values{"name": {"Office"}}
	for _, p := range projects {
		form.Add("project", p.ID.String())
	}
	s.post("/walls/", form).leadsTo("/walls/")
	return strings.TrimPrefix(strings.TrimSpace(s.get("/walls/").Find(".wall-about code").Last().Text()), s.url)
}

func TestAWallShowsWhatIsDownFirst(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("jane@example.org")
		s.ping(s.addNamed(p, "A fine one"), monitor.PingSuccess)
		older, newer := s.addNamed(p, "Older"), s.addNamed(p, "Newer <b>")
		s.ping(older, monitor.PingFail)
		s.clock.Advance(2 * time.Hour)
		s.ping(newer, monitor.PingFail)
		s.clock.Advance(14 * time.Minute)
		path := s.makesWall(p)

		stranger := s.otherBrowser()
		page := stranger.get(path).is(http.StatusOK).has("2 down", "Newer <b>", "Down for 14 min", "Down for 2 hr 14 min", "A fine one")
		if got := page.Find(".bad li b").First().Text(); got != "Newer <b>" {
			t.Errorf("first comes %q", got)
		}
		if got := page.Find("title").Text(); got != "(2 down) Office · Punctual" {
			t.Errorf("title %q", got)
		}
		for _, secret := range []string{older.Code.String(), p.ID.String(), "jane@example.org"} {
			if strings.Contains(page.body, secret) {
				t.Errorf("the wall tells %s", secret)
			}
		}
		part := stranger.get(path + "?part=1").is(http.StatusOK)
		if strings.Contains(part.body, "<html") || !strings.Contains(part.body, "Down for 14 min") {
			t.Errorf("the part is %.300s", part.body)
		}
		if page := s.get("/walls/"); !strings.Contains(page.text(".wall-about"), "Last shown: just now") {
			t.Errorf("%s", page.text(".wall-about"))
		}
	})
}

func TestWhoMayOpenAndRevokeAWall(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.get("/walls/").is(http.StatusSeeOther)
		_, p := s.login("jane@example.org")
		path := s.makesWall(p)
		id := strings.Split(path, "/")[2]
		stranger := s.otherBrowser()
		for _, wrong := range []string{
			"/wall/" + id + "/x/", strings.Replace(path, id, "6b9e9a39-3a0a-4b9e-8b7c-111111111111", 1), "/wall/nothing/x/",
			"/wall/" + id + "/" + s.server.Signer.Sign("unsubscribe", id) + "/",
		} {
			stranger.get(wrong).is(http.StatusNotFound)
		}
		_, theirs := stranger.login("other@example.org")
		stranger.post("/walls/"+id+"/remove/", url.Values{}).is(http.StatusNotFound)
		stranger.post("/walls/", url.Values{"project": {p.ID.String()}}).is(http.StatusBadRequest).has("Choose at least one project")
		stranger.post("/walls/", url.Values{"name": {strings.Repeat("é", 61)}, "project": {theirs.ID.String()}}).is(http.StatusBadRequest).has("at most 60 characters")
		stranger.get(path).is(http.StatusOK)
		s.post("/walls/"+id+"/remove/", url.Values{}).leadsTo("/walls/")
		stranger.get(path).is(http.StatusNotFound)
		s.post("/walls/"+id+"/remove/", url.Values{}).is(http.StatusNotFound)
	})
}

func TestWallOfMore(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	check := func(status monitor.Status, due, alert time.Duration) store.WallCheck {
		c := store.WallCheck{Check: monitor.NewCheck([16]byte{1}, now.Add(-time.Hour)), StateSince: now.Add(-time.Hour)}
		c.Status, c.LastPing, c.DueAt, c.AlertAt = status, now.Add(-time.Hour), now.Add(due), now.Add(alert)
		return c
	}
	up, late, over := check("up", time.Hour, 2*time.Hour), check("up", -time.Minute, time.Hour), check("up", -2*time.Hour, -3*time.Minute)
	paused := check("paused", 0, 0)
	for _, c := range []struct {
		checks  []store.WallCheck
		state   shown
		summary string
		since   string
	}{
		{nil, shownNew, "No checks", ""},
		{[]store.WallCheck{up, paused}, shownUp, "All well", ""},
		{[]store.WallCheck{paused}, shownPaused, "All paused", ""},
		{[]store.WallCheck{up, late}, shownLate, "1 late", "1 min"},
		{[]store.WallCheck{late, over, up}, shownDown, "1 down, 1 late", "3 min"},
	} {
		got := newWallProject("", c.checks, now)
		since := ""
		if len(got.Trouble) > 0 {
			since = got.Trouble[0].Since
		}
		if got.State != c.state || got.Summary != c.summary || since != c.since {
			t.Errorf("%s, %q, since %q; want %s, %q, %q", got.State, got.Summary, since, c.state, c.summary, c.since)
		}
	}
	if got := newWallProject("x", make([]store.WallCheck, 50), now); got.More != 10 || len(got.Well) != maxWallRows {
		t.Errorf("%d named, %d more", len(got.Well), got.More)
	}
}
