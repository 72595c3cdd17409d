package check_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/web/check"
	"punctual/web/ui"
	"punctual/web/webtest"
)

func TestTheDetailsShowHowToPing(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.AddNamed(p, "<b>bold</b>", func(c *monitor.Check) {
			c.Tags = "a&b"
			c.Description = "<script>alert(1)</script>"
		})
		a := s.Get("/checks/" + c.Code.String() + "/details/").Is(http.StatusOK)
		ping := s.URL + "/ping/" + c.Code.String()
		a.Has("<b>bold</b>", "<script>alert(1)</script>", ping, "curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null "+ping)
		n := a.Find(".usage .panel").Length()
		if n != 12 {
			t.Errorf("%d examples", n)
		}
		for _, e := range check.ExamplesFor(ping, "me@host.example", c) {
			if !strings.Contains(e.Code, ping) && e.ID != "email" || strings.Contains(e.Code, "URL") {
				t.Errorf("%s: %s", e.ID, e.Code)
			}
		}
		list := s.Get(ui.ListURL(p.ID))
		got := list.Find("#checks a[href*='" + c.Code.String() + "']").Text()
		if got != "<b>bold</b>" {
			t.Errorf("in the list: %q", got)
		}
	})
}

func TestTheDetailsStayCurrent(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		look := func(version string) (u check.DetailsUpdate) {
			t.Helper()
			a := s.Get("/checks/" + c.Code.String() + "/status/?v=" + version).Is(http.StatusOK)
			if err := json.Unmarshal([]byte(a.Body), &u); err != nil {
				t.Fatal(err)
			}
			return u
		}
		version := s.Get("/checks/"+c.Code.String()+"/details/").Find("#events").AttrOr("data-version", "")
		if u := look(version); u.Events != "" || !strings.Contains(u.State, "Waiting") {
			t.Errorf("nothing has happened: %+v", u)
		}
		s.Ping(c, monitor.PingFail)
		u := look(version)
		if !strings.Contains(u.Events, "Failure") || !strings.Contains(u.Facts, "Last ping") || !strings.Contains(u.State, "s-down") ||
			u.Down != 1 {
			t.Errorf("after a ping: %+v", u)
		}
		u = look(u.Version)
		if u.Events != "" {
			t.Errorf("the same again: %+v", u)
		}
		s.Clock.Advance(time.Minute)
		s.Post("/checks/"+c.Code.String()+"/pause/", nil)
		after := look(u.Version)
		if !strings.Contains(after.Events, "Paused") {
			t.Errorf("after a pause: %+v", after)
		}
	})
}

// A resume makes the API forget the last ping. The page has it from the log.
func TestAResumeLeavesTheLastPingOnThePage(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		base := "/checks/" + c.Code.String() + "/"
		lastPing := func() string {
			a := s.Get(base + "details/").Is(http.StatusOK)
			return a.Find("#facts dt:contains('Last ping') + dd").Text()
		}
		if got := lastPing(); got != "never" {
			t.Errorf("before the first ping: %q", got)
		}
		s.Ping(c, monitor.PingSuccess)
		s.Ping(c, monitor.PingLog)
		s.Clock.Advance(5 * time.Minute)
		s.Post(base+"pause/", nil)
		s.Post(base+"resume/", nil)
		if !s.Reload(c).LastPing.IsZero() {
			t.Error("the check still has a last ping")
		}
		if got := lastPing(); got != "5 min ago" {
			t.Errorf("last ping %q", got)
		}
		s.Get(base+"details/").Has("Waiting for the next ping", "the next ping starts the watching again")
		s.Post(base+"clear_events/", nil)
		if got := lastPing(); got != "never" {
			t.Errorf("after the events were cleared: %q", got)
		}
	})
}

// At three in the morning the reason is on the first screen.
func TestTheDetailsShowTheOutputOfAFailedRun(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		page := "/checks/" + c.Code.String() + "/details/"
		ping := func(kind monitor.PingKind, body string) {
			s.Ping(c, kind, func(p *monitor.Ping) { p.Body = []byte(body) })
		}
		ping(monitor.PingFail, strings.Repeat("a line before\n", 20)+"<b>no space left</b>\n")
		a := s.Get(page)
		got := a.Find(".output pre").Text()
		if !strings.HasSuffix(got, "\n<b>no space left</b>") || strings.Count(got, "a line before") != check.OutputLines-1 {
			t.Errorf("it shows %q", got)
		}
		href, _ := a.Find(".output a").Attr("href")
		if !strings.HasSuffix(href, "/pings/1/") {
			t.Errorf("it leads to %s", href)
		}
		for _, quiet := range []string{"", "\x00\x01"} {
			ping(monitor.PingFail, quiet)
			n := s.Get(page).Find(".output").Length()
			if n != 0 {
				t.Errorf("%q is shown", quiet)
			}
		}
		ping(monitor.PingSuccess, "fine again")
		n := s.Get(page).Find(".output").Length()
		if n != 0 {
			t.Error("a run that went well is shown")
		}
	})
}
