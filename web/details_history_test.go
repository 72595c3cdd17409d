package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// A downtime from ten hours before midnight UTC to one hour after it, at the end
// of February: where it belongs depends on the zone.
func TestMonthsAndDaysAreThoseOfTheZone(t *testing.T) {
	border := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	now := border.Add(24 * time.Hour)
	spells := []monitor.Spell{
		{From: border.Add(-240 * time.Hour), Until: border.Add(-10 * time.Hour), Status: monitor.StatusUp},
		{From: border.Add(-10 * time.Hour), Until: border.Add(time.Hour), Status: monitor.StatusDown},
		{From: border.Add(time.Hour), Until: now, Status: monitor.StatusUp},
	}
	for _, tc := range []struct {
		zone string
		want []string
	}{
		{"UTC", []string{"March 2026: 95.83 %, 1, 1 hour", "February 2026: 95.83 %, 1, 10 hours", "January 2026: –, 0, –", "Sun, 1 Mar: 1 hour", "Sat, 28 Feb: 10 hours"}},
		{"Asia/Tokyo", []string{"March 2026: 69.69 %, 1, 10 hours", "February 2026: 99.56 %, 1, 1 hour", "January 2026: –, 0, –", "Sun, 1 Mar: 10 hours", "Sat, 28 Feb: 1 hour"}},
		{"America/New_York", []string{"March 2026: 100 %, 0, –", "February 2026: 95.51 %, 1, 11 hours", "January 2026: –, 0, –", "Sat, 28 Feb: 11 hours"}},
	} {
		zone, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		h := historyOf(spells, now.In(zone))
		var got []string
		for _, m := range h.Months {
			got = append(got, fmt.Sprintf("%s: %s, %d, %s", m.Name, m.Uptime(), m.Downtimes, m.Lost()))
		}
		for _, d := range h.Bad {
			got = append(got, d.Name+": "+d.Lost())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.zone, diff)
		}
		if bad := strings.Count(string(h.Calendar), "<g><title>"); bad != h.BadDays {
			t.Errorf("%s: %d days are drawn as bad, want %d", tc.zone, bad, h.BadDays)
		}
	}
}

func TestTheCalendarBeginsOnAMondayAndEndsToday(t *testing.T) {
	riga, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	beirut, err := time.LoadLocation("Asia/Beirut") // clocks skip midnight there
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		now   time.Time
		known time.Duration
		weeks int
	}{
		{time.Date(2026, 3, 29, 12, 0, 0, 0, riga), time.Hour, fewestWeeks}, // a Sunday, the day clocks change
		{time.Date(2026, 3, 30, 0, 0, 0, 0, riga), time.Hour, fewestWeeks},
		{time.Date(2026, 6, 3, 23, 59, 0, 0, riga), 200 * 24 * time.Hour, 30},
		{time.Date(2026, 6, 3, 23, 59, 0, 0, riga), 2000 * 24 * time.Hour, historyWeeks},
		{time.Date(2026, 3, 30, 5, 0, 0, 0, beirut), 90 * 24 * time.Hour, fewestWeeks},
	} {
		spells := []monitor.Spell{{From: tc.now.Add(-tc.known), Until: tc.now, Status: monitor.StatusUp}}
		days := daysOf(spells, tc.now)
		if n := (len(days) + 6) / 7; n != tc.weeks {
			t.Errorf("%v: %d weeks, want %d", tc.now, n, tc.weeks)
		}
		if days[0].From.Weekday() != time.Monday {
			t.Errorf("%v: begins on a %v", tc.now, days[0].From.Weekday())
		}
		for i := 1; i < len(days); i++ {
			if dayNumber(days[i].From)-dayNumber(days[i-1].From) != 1 {
				t.Errorf("%v: %v is followed by %v", tc.now, days[i-1].From, days[i].From)
			}
		}
		if last := days[len(days)-1]; dayNumber(last.From) != dayNumber(tc.now) || last.Watched == 0 && tc.now.Hour() > 0 {
			t.Errorf("%v: ends with %v, %v", tc.now, last.From, last.Watched)
		}
	}
}

// season lets a check be pinged every day at noon for a number of days; every
// tenth run fails and is repeated two hours later.
func (s *testSite) season(c *monitor.Check, days int) {
	s.Helper()
	for i := range days {
		s.ping(c, monitor.PingStart)
		s.clock.Advance(time.Duration(4+i%7) * time.Minute)
		if i%10 == 5 {
			exit := 2
			s.ping(c, monitor.PingFail, func(p *monitor.Ping) { p.ExitStatus, p.Body = &exit, []byte("copying…\nDisk FULL on /var") })
			s.clock.Advance(2 * time.Hour)
		}
		s.ping(c, monitor.PingSuccess, func(p *monitor.Ping) { p.Body = fmt.Appendf(nil, "dumped %d tables", 10+i) })
		s.clock.Advance(time.Date(2026, 3, 2+i, 12, 0, 0, 0, time.UTC).Sub(s.clock.Now()))
	}
}

func TestTheHistoryIsOnThePageOfTheCheck(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.addNamed(p, "job")
		base := "/checks/" + c.Code.String() + "/"
		s.get(base + "details/").is(http.StatusOK).has("The history begins with the first ping")
		s.season(c, 40)
		s.login("me@example.org") // the session is over
		a := s.get(base + "details/").is(http.StatusOK)
		a.has("April 202699.13 %12 hours", "March 202699.17 %36 hours", "February 2026–––",
			"4 days with downtime", "1 downtime, 2 hours")
		if rows := a.Find(".runtable tbody tr"); rows.Length() != 40 || rows.Find("a").First().Text() != "84" {
			t.Errorf("%d runs", rows.Length())
		}
		if label := a.Find(".calendar").AttrOr("aria-label", ""); !strings.Contains(label, "4 with downtime") {
			t.Errorf("label of the calendar: %q", label)
		}
		a.has("half of them (p50)", "95 of 100 (p95)")
	})
}

func TestTheZoneOfThePageIsChosenAndRemembered(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org") // in Riga
		c := s.addNamed(p, "job", func(c *monitor.Check) { c.Kind, c.Schedule, c.TZ = "cron", "0 3 * * *", "Asia/Tokyo" })
		s.ping(c, monitor.PingSuccess) // at noon UTC
		base := "/checks/" + c.Code.String() + "/"
		shown := func(path, name, at string) {
			s.Helper()
			a := s.get(path).is(http.StatusOK)
			if got := a.Find(".zones [aria-pressed=true]").Text(); got != name {
				t.Errorf("%s: the zone is %q, want %q", path, got, name)
			}
			if got := a.text(".event .at"); !strings.Contains(got, at) {
				t.Errorf("%s: events at %q, want %s", path, got, at)
			}
		}
		shown(base+"details/", "Europe/Riga", "1 Mar 14:00:00")
		s.post(base+"zone/", url.Values{"zone": {"check"}, "next": {base + "log/?kind=success"}}).leadsTo(base + "log/?kind=success")
		shown(base+"log/", "Asia/Tokyo", "1 Mar 21:00:00")
		shown(base+"details/", "Asia/Tokyo", "1 Mar 21:00:00")
		s.post(base+"zone/", url.Values{"zone": {"utc"}, "next": {"https://elsewhere.example/"}}).leadsTo(base + "details/")
		shown(base+"details/", "UTC", "1 Mar 12:00:00")
		s.post(base+"zone/", url.Values{"zone": {"mars"}}).is(http.StatusBadRequest)
		simple := s.addNamed(p, "simple")
		if n := s.get("/checks/" + simple.Code.String() + "/details/").Find(".zones button").Length(); n != 2 {
			t.Errorf("a check with a period has no zone of its own: %d to choose from", n)
		}
		s.otherBrowser().post(base+"zone/", url.Values{"zone": {"utc"}}).is(http.StatusSeeOther) // to the login
	})
}

func TestPingsLeadToTheirRunAndTheirNeighbours(t *testing.T) {
	eachSite(t, func(s *testSite) {
		_, p := s.login("me@example.org")
		c := s.firstCheck(p)
		run := func(name string) func(*monitor.Ping) {
			return func(p *monitor.Ping) { p.RID = uuid.NullUUID{UUID: uuid.NewSHA1(uuid.Nil, []byte(name)), Valid: true} }
		}
		for _, ping := range []struct {
			kind monitor.PingKind
			run  string
		}{{"start", "a"}, {"start", "b"}, {"success", "a"}, {"fail", "b"}, {"start", "c"}} {
			s.ping(c, ping.kind, run(ping.run))
			s.clock.Advance(time.Minute)
		}
		base := "/checks/" + c.Code.String() + "/pings/"
		links := func(n string) (out []string) {
			a := s.get(base + n + "/").is(http.StatusOK)
			for _, link := range a.Find("main a[href*='/pings/']").EachIter() {
				out = append(out, strings.TrimSpace(link.Text()))
			}
			return out
		}
		for n, want := range map[string]string{
			"1": "Ping 2,Ping 3", "2": "Ping 1,Ping 3,Ping 4", "3": "Ping 2,Ping 4,Ping 1", "4": "Ping 3,Ping 5,Ping 2", "5": "Ping 4",
		} {
			if got := strings.Join(links(n), ","); got != want {
				t.Errorf("ping %s leads to %s, want %s", n, got, want)
			}
		}
		s.get(base+"1/").has("Ended by", "Ping 3: Success", "Duration2 min")
		s.get(base+"4/").has("Started by", "Ping 2: Started")
	})
}

func TestMomentsInListsFollowTheDateFormat(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for format, want := range map[string][2]string{
		"":     {"28 Feb 13:05:09", "28 Feb 2025 13:05:09"},
		"iso":  {"02-28 13:05:09", "2025-02-28 13:05:09"},
		"dots": {"28.02. 13:05:09", "28.02.2025 13:05:09"},
		"us":   {"Feb 28, 1:05:09 PM", "Feb 28, 2025, 1:05:09 PM"},
	} {
		page := &errorPage{BasePage: BasePage{Now: now, User: &monitor.User{DateFormat: format}}}
		for i, year := range []int{2026, 2025} {
			if got := string(clockTag(page, time.Date(year, 2, 28, 13, 5, 9, 0, time.UTC))); !strings.Contains(got, ">"+want[i]+"<") {
				t.Errorf("%q: %s, want %s", format, got, want[i])
			}
		}
	}
}
