package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/report"
)

func TestReportsAreChosenOnThePageOfTheirOwn(t *testing.T) {
	eachSite(t, func(s *testSite) { // Sunday, 1 March 2026, 14:00 in Riga
		user, _ := s.login("jane@example.org")
		stored := func() *monitor.User {
			t.Helper()
			u, err := s.store.UserByID(t.Context(), user.ID)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
		page := s.get(reportsPath).is(http.StatusOK)
		page.has("The next report comes on Wed, 1 Apr 2026, " + report.Next(user, s.clock.Now()).In(time.FixedZone("", 3*3600)).Format("15:04:05") + " EEST")
		if value, _ := page.Find("[name=reports]:checked").Attr("value"); value != "monthly" {
			t.Errorf("a new account gets reports %q", value)
		}
		if value, _ := page.Find("[name=nag]:checked").Attr("value"); value != "off" {
			t.Errorf("a new account gets reminders %q", value)
		}
		s.get("/accounts/profile/").has("A report each month, no reminders.")

		s.post(reportsPath, url.Values{"reports": {"weekly"}, "nag": {"hour"}}).leadsTo(reportsPath)
		u := stored()
		if u.Reports != monitor.ReportsWeekly || u.NagEvery != time.Hour || u.NextReportAt.Format(time.DateOnly) != "2026-03-02" {
			t.Errorf("stored: %s, %s, next on %s", u.Reports, u.NagEvery, u.NextReportAt)
		}
		s.get(reportsPath).has("Saved. The next report comes on Mon, 2 Mar 2026, ", "EET")
		s.get("/accounts/profile/").has("A report each week, a reminder every hour while something is down.")

		// What stays as it was keeps its date, also one that has come; another zone moves it.
		past := s.clock.Now().Add(-time.Minute)
		s.change(user.ID, func(u *monitor.User) { u.NextReportAt, u.NextNagAt = past, s.clock.Now().Add(time.Hour) })
		s.get(reportsPath).has("The next report is on its way.", "Something is down. The next reminder comes on Sun, 1 Mar 2026, 15:00:00 EET")
		s.post(reportsPath, url.Values{"reports": {"weekly"}, "nag": {"hour"}}).leadsTo(reportsPath)
		if u := stored(); !u.NextReportAt.Equal(past) || u.NextNagAt.IsZero() {
			t.Errorf("saving without a change moved the dates: %s, %s", u.NextReportAt, u.NextNagAt)
		}
		s.post("/accounts/profile/", url.Values{"tz": {"Pacific/Auckland"}, "date_format": {""}}).is(http.StatusSeeOther)
		if u := stored(); u.NextReportAt.Format(time.DateOnly) != "2026-03-01" { // in the evening, UTC
			t.Errorf("where Monday has begun the next report is at %s", u.NextReportAt)
		}

		s.post(reportsPath, url.Values{"reports": {"off"}, "nag": {"off"}}).leadsTo(reportsPath)
		if u := stored(); !u.NextReportAt.IsZero() || !u.NextNagAt.IsZero() {
			t.Errorf("switched off, with the dates %s and %s", u.NextReportAt, u.NextNagAt)
		}
		s.get(reportsPath).has("You get no reports.")
		s.post(reportsPath, url.Values{"reports": {"hourly"}, "nag": {"x"}}).is(http.StatusBadRequest).has("Please choose off, daily, weekly or monthly.", "Please choose off, every hour or every day.")
		s.otherBrowser().get(reportsPath).is(http.StatusSeeOther)
		s.otherBrowser().post(reportsPath, url.Values{"reports": {"off"}}).is(http.StatusSeeOther)
	})
}

func (s *testSite) change(user uuid.UUID, change func(*monitor.User)) {
	s.Helper()
	if _, err := s.store.ChangeUser(s.Context(), user, func(u *monitor.User) error { change(u); return nil }); err != nil {
		s.Fatal(err)
	}
}

func TestUnsubscribingFromReports(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		wants := func(when string, want bool) {
			t.Helper()
			u, err := s.store.UserByID(t.Context(), user.ID)
			if err != nil || (u.Reports != monitor.ReportsOff || u.NagEvery != 0 || !u.NextReportAt.IsZero()) != want {
				t.Errorf("%s: reports %s, nags %s, %v", when, u.Reports, u.NagEvery, err)
			}
		}
		again := func() {
			s.change(user.ID, func(u *monitor.User) {
				u.Reports, u.NagEvery, u.NextReportAt = monitor.ReportsDaily, time.Hour, s.clock.Now()
			})
		}
		again()
		link := s.server.Signer.UnsubscribeReportsPath(user.ID, s.clock.Now())
		stranger := s.otherBrowser() // whoever has the mail

		page := stranger.get(link).is(http.StatusOK).has("No more reports and reminders to jane@example.org?")
		if page.Find("form[data-send]").Length() != 0 {
			t.Error("a young link acts by itself: a scanner of mails would unsubscribe")
		}
		s.clock.Advance(obviousTime)
		if stranger.get(link).Find("form[data-send]").Length() != 0 {
			t.Error("a link of five minutes acts by itself")
		}
		s.clock.Advance(time.Second)
		if stranger.get(link).Find("form[data-send]").Length() != 1 {
			t.Error("an old link waits for a click")
		}
		wants("after looking", true)
		stranger.post(link, url.Values{}).is(http.StatusOK).has("Unsubscribed", "jane@example.org gets no more reports and reminders")
		wants("after the button", false)
		stranger.get(link).has("Unsubscribed").hasNot("?")

		again()
		machine := s.otherBrowser() // RFC 8058: of a mail program, with an origin of its own
		machine.header.Set("Origin", "https://mail.example.com")
		machine.header.Set("Sec-Fetch-Site", "cross-site")
		machine.post(link, url.Values{"List-Unsubscribe": {"One-Click"}}).is(http.StatusOK)
		wants("after one click", false)

		again()
		s.clock.Advance(400 * 24 * time.Hour)
		stranger.post(link, url.Values{}).is(http.StatusOK)
		wants("by a link of last year", false)

		again()
		other := strings.Replace(link, user.ID.String(), uuid.NewString(), 1)
		for _, wrong := range []string{other, link[:len(link)-2] + "/", "/accounts/unsubscribe_reports/x/", "/accounts/unsubscribe_reports/" + user.ID.String() + ".1." + s.server.Signer.Sign("unsubscribe", user.ID.String()+".1") + "/"} {
			stranger.get(wrong).is(http.StatusNotFound)
			stranger.post(wrong, url.Values{}).is(http.StatusNotFound)
		}
		wants("by wrong links", true)
		stranger.get(s.server.Signer.UnsubscribeReportsPath(uuid.New(), s.clock.Now())).is(http.StatusNotFound).has("has been closed")
	})
}
