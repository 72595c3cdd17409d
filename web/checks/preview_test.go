package checks_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/web/webtest"
)

func schedulePath(c *monitor.Check, page string) string {
	return "/checks/" + c.Code.String() + "/" + page + "/"
}

// TestAScheduleIsTriedOnStoredPings pings each hour with one gap of five hours.
func TestAScheduleIsTriedOnStoredPings(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		path := schedulePath(c, "schedule_preview")
		hourly := url.Values{"kind": {"simple"}, "timeout_value": {"1"}, "timeout_unit": {"3600"}, "grace_value": {"30"}, "grace_unit": {"60"}}
		got := s.Post(path, hourly).Is(http.StatusOK).Text(".trial")
		if !strings.Contains(got, "No ping is stored yet") {
			t.Errorf("without pings: %s", got)
		}
		for _, hours := range []time.Duration{1, 1, 5, 1, 1} {
			s.Ping(c, monitor.PingSuccess)
			s.Clock.Advance(hours * time.Hour)
		}
		a := s.Post(path, hourly)
		if got := a.Text(".trial"); !strings.Contains(got, "you would have been alerted once since the first ping, 9 hours ago.") ||
			!strings.Contains(got, "no ping in time") || !strings.Contains(got, "With the schedule as it is stored: never.") {
			t.Errorf("hourly: %s", got)
		}
		if got := a.Text(".told"); got != "You are told after 1 hr 30 min without a ping." {
			t.Errorf("told: %s", got)
		}
		hourly.Set("grace_value", "300")
		a = s.Post(path, hourly)
		if got := a.Text(".trial"); !strings.Contains(got, "not have been alerted") {
			t.Errorf("with grace: %s", got)
		}
		if got := a.Text(".warn"); !strings.Contains(got, "The grace time of 5 hours is longer than the 1 hour between two runs") {
			t.Errorf("too much grace: %q", got)
		}
		if got := s.Reload(c); got.Timeout != 24*time.Hour || got.NPings != 5 || got.Status != monitor.StatusUp {
			t.Errorf("a preview has changed the check: %+v", got)
		}

		s.Ping(c, monitor.PingFail)
		if got := s.Post(path, hourly).Text(".trial"); !strings.Contains(got, "alerted once") ||
			!strings.Contains(got, "a failure was signalled") {
			t.Errorf("a failure: %s", got)
		}
		// What is wrong is said.
		hourly.Set("grace_value", "0")
		if got := s.Post(path, hourly).Text(".error"); got != "The grace time must be at least one minute." {
			t.Errorf("no grace: %s", got)
		}
	})
}

func TestPingsThatAreNotKeptAreNotTriedOn(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		user.PingLogLimit = 3
		if err := testdb.PutUser(s.Context(), s.Store, user); err != nil {
			t.Fatal(err)
		}
		for range 6 {
			s.Ping(c, monitor.PingSuccess)
			s.Clock.Advance(24 * time.Hour)
		}
		form := url.Values{"kind": {"simple"}, "timeout": {"3600"}, "grace": {"3600"}}
		got := s.Post(schedulePath(c, "schedule_preview"), form).Text(".trial")
		if !strings.Contains(got, "alerted 3 times in the last 3 days. ") || !strings.Contains(got, "reach back no further") {
			t.Errorf("%s", got)
		}
	})
}

func TestPreviewsWorkWithoutScripts(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		// whose zone is Europe/Riga
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		path := schedulePath(c, "timeout")
		form := s.Get(path).Is(http.StatusOK)
		if got := form.Text("#preview"); !strings.Contains(got, "Every day You are told after 1 d 1 hr without a ping.") {
			t.Errorf("at first: %s", got)
		}
		if form.Find(`button[name=preview][formaction]`).Length() != 1 || form.Find(`.actions button`).First().Text() != "Save" {
			t.Error("the button to preview comes after the one that Enter presses")
		}
		values := url.Values{"kind": {"cron"}, "schedule": {"30 3 29 3 0"}, "tz": {"America/New_York"}, "grace_value": {"1"},
			"grace_unit": {"3600"}, "preview": {"1"}, "from": {"list"}}
		a := s.Post(path, values).Is(http.StatusOK)
		got := a.Text("#preview")
		for _, words := range []string{"At 03:30 on the 29th of the month or on Sunday, in March", "either of them matches",
			"Europe/Riga (yours)", "You are told 1 hour after one of these times"} {
			if !strings.Contains(got, words) {
				t.Errorf("the preview does not say %q: %s", words, got)
			}
		}
		if a.Find(`[name=from]`).AttrOr("value", "") != "list" || a.Text("textarea[name=schedule]") != "30 3 29 3 0" {
			t.Error("what was typed is lost")
		}
		cells := a.Find(".runs tbody tr").First().Find("td")
		if cells.Length() != 4 || cells.Eq(1).Text() != "Sun, 8 Mar 2026, 03:30" || cells.Eq(2).Text() != "Sun, 8 Mar 2026, 09:30" {
			t.Errorf("runs: %s", a.Text(".runs"))
		}
		if s.Reload(c).Kind != "simple" {
			t.Error("a preview was stored")
		}
		// The form of a new check has it too.
		values.Set("name", "Not yet")
		a = s.Post("/projects/"+p.ID.String()+"/checks/add/", values).Is(http.StatusOK)
		if got := a.Text("#preview"); !strings.Contains(got, "At 03:30 on the 29th") || strings.Contains(got, "alerted") {
			t.Errorf("of a new check: %s", got)
		}
		if a.Find(`[name=name]`).AttrOr("value", "") != "Not yet" {
			t.Error("the name is lost")
		}
		checks, err := testdb.ChecksOf(s.Context(), s.Store, p.ID)
		if err != nil || len(checks) != 1 {
			t.Errorf("%d checks, %v", len(checks), err)
		}
		if got := s.Post("/checks/schedule_preview/",
			url.Values{"kind": {"simple"}, "timeout": {"300"}, "grace": {"60"}}).Is(http.StatusOK).Text(
			".means"); got != "Every 5 minutes You are told after 6 min without a ping." {
			t.Errorf("%q", got)
		}
		// Nobody else tries anything on the check.
		stranger := s.OtherBrowser()
		stranger.Post(schedulePath(c, "schedule_preview"), values).Is(http.StatusSeeOther)
		stranger.Login("eve@example.org")
		stranger.Post(schedulePath(c, "schedule_preview"), values).Is(http.StatusNotFound)
	})
}
