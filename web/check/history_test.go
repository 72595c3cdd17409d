package check_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/web/webtest"
)

// season lets a check be pinged every day at noon for a number of days; every
// tenth run fails and is repeated two hours later.
func season(s *webtest.Site, c *monitor.Check, days int) {
	s.Helper()
	for i := range days {
		s.Ping(c, monitor.PingStart)
		s.Clock.Advance(time.Duration(4+i%7) * time.Minute)
		if i%10 == 5 {
			exit := 2
			s.Ping(c, monitor.PingFail, func(p *monitor.Ping) {
				p.ExitStatus = &exit
				p.Body = []byte("copying…\nDisk FULL on /var")
			})
			s.Clock.Advance(2 * time.Hour)
		}
		s.Ping(c, monitor.PingSuccess, func(p *monitor.Ping) { p.Body = fmt.Appendf(nil, "dumped %d tables", 10+i) })
		s.Clock.Advance(time.Date(2026, 3, 2+i, 12, 0, 0, 0, time.UTC).Sub(s.Clock.Now()))
	}
}

func TestTheHistoryIsOnThePageOfTheCheck(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.AddNamed(p, "job")
		base := "/checks/" + c.Code.String() + "/"
		s.Get(base + "details/").Is(http.StatusOK).Has("The history begins with the first ping")
		season(s, c, 40)
		// the session is over
		s.Login("me@example.org")
		a := s.Get(base + "details/").Is(http.StatusOK)
		a.Has("April 2026 99.13 % 1 2 hours", "March 2026 99.17 % 3 6 hours", "February 2026 – – –",
			"4 days with downtime", "1 downtime, 2 hours")
		rows := a.Find(".runtable tbody tr")
		if rows.Length() != 40 || rows.Find("a").First().Text() != "84" {
			t.Errorf("%d runs", rows.Length())
		}
		label := a.Find(".calendar").AttrOr("aria-label", "")
		if !strings.Contains(label, "4 with downtime") {
			t.Errorf("label of the calendar: %q", label)
		}
		a.Has("median", "95th percentile")
	})
}

func TestTheZoneOfThePageIsChosenAndRemembered(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		// in Riga
		_, p := s.Login("me@example.org")
		c := s.AddNamed(p, "job", func(c *monitor.Check) {
			c.Kind = "cron"
			c.Schedule = "0 3 * * *"
			c.TZ = "Asia/Tokyo"
		})
		// at noon UTC
		s.Ping(c, monitor.PingSuccess)
		base := "/checks/" + c.Code.String() + "/"
		shown := func(path, name, at string) {
			s.Helper()
			a := s.Get(path).Is(http.StatusOK)
			got := a.Find(".zones [aria-pressed=true]").Text()
			if got != name {
				t.Errorf("%s: the zone is %q, want %q", path, got, name)
			}
			if got := a.Text(".event .at"); !strings.Contains(got, at) {
				t.Errorf("%s: events at %q, want %s", path, got, at)
			}
		}
		shown(base+"details/", "Europe/Riga", "1 Mar 14:00:00")
		s.Post(base+"zone/", url.Values{"zone": {"check"}, "next": {base + "log/?kind=success"}}).LeadsTo(base + "log/?kind=success")
		shown(base+"log/", "Asia/Tokyo", "1 Mar 21:00:00")
		shown(base+"details/", "Asia/Tokyo", "1 Mar 21:00:00")
		s.Post(base+"zone/", url.Values{"zone": {"utc"}, "next": {"https://elsewhere.example/"}}).LeadsTo(base + "details/")
		shown(base+"details/", "UTC", "1 Mar 12:00:00")
		s.Post(base+"zone/", url.Values{"zone": {"mars"}}).Is(http.StatusBadRequest)
		simple := s.AddNamed(p, "simple")
		n := s.Get("/checks/" + simple.Code.String() + "/details/").Find(".zones button").Length()
		if n != 2 {
			t.Errorf("a check with a period has no zone of its own: %d to choose from", n)
		}
		// to the login
		s.OtherBrowser().Post(base+"zone/", url.Values{"zone": {"utc"}}).Is(http.StatusSeeOther)
	})
}

func TestPingsLeadToTheirRunAndTheirNeighbours(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, p := s.Login("me@example.org")
		c := s.FirstCheck(p)
		run := func(name string) func(*monitor.Ping) {
			return func(p *monitor.Ping) { p.RID = uuid.NullUUID{UUID: uuid.NewSHA1(uuid.Nil, []byte(name)), Valid: true} }
		}
		for _, ping := range []struct {
			kind monitor.PingKind
			run  string
		}{{"start", "a"}, {"start", "b"}, {"success", "a"}, {"fail", "b"}, {"start", "c"}} {
			s.Ping(c, ping.kind, run(ping.run))
			s.Clock.Advance(time.Minute)
		}
		base := "/checks/" + c.Code.String() + "/pings/"
		links := func(n string) (out []string) {
			a := s.Get(base + n + "/").Is(http.StatusOK)
			for _, link := range a.Find("main a[href*='/pings/']").EachIter() {
				out = append(out, strings.Join(strings.Fields(link.Text()), " "))
			}
			return out
		}
		for n, want := range map[string]string{
			"1": "Ping 2,Ping 3", "2": "Ping 1,Ping 3,Ping 4", "3": "Ping 2,Ping 4,Ping 1", "4": "Ping 3,Ping 5,Ping 2", "5": "Ping 4",
		} {
			got := strings.Join(links(n), ",")
			if got != want {
				t.Errorf("ping %s leads to %s, want %s", n, got, want)
			}
		}
		s.Get(base+"1/").Has("Ended by", "Ping 3: Success", "Duration2 min")
		s.Get(base+"4/").Has("Started by", "Ping 2: Started")
	})
}
