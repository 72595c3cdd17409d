package account_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/report"
	"punctual/web/account"
	"punctual/web/webtest"
)

func TestReportsAreChosenOnThePageOfTheirOwn(t *testing.T) {
	// Sunday, 1 March 2026, 14:00 in Riga
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		stored := func() *monitor.User {
			t.Helper()
			u, err := s.Store.UserByID(t.Context(), user.ID)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
		page := s.Get(account.ReportsPath).Is(http.StatusOK)
		page.Has("The next report comes on Wed, 1 Apr 2026, " +
			report.Next(user, s.Clock.Now()).In(time.FixedZone("", 3*3600)).Format("15:04:05") + " EEST")
		value, _ := page.Find("[name=reports]:checked").Attr("value")
		if value != "monthly" {
			t.Errorf("a new account gets reports %q", value)
		}
		if value, _ := page.Find("[name=nag]:checked").Attr("value"); value != "off" {
			t.Errorf("a new account gets reminders %q", value)
		}
		s.Get("/accounts/profile/").Has("A report each month, no reminders.")

		s.Post(account.ReportsPath, url.Values{"reports": {"weekly"}, "nag": {"hour"}}).LeadsTo(account.ReportsPath)
		u := stored()
		if u.Reports != monitor.ReportsWeekly || u.NagEvery != time.Hour || u.NextReportAt.Format(time.DateOnly) != "2026-03-02" {
			t.Errorf("stored: %s, %s, next on %s", u.Reports, u.NagEvery, u.NextReportAt)
		}
		s.Get(account.ReportsPath).Has("Saved. The next report comes on Mon, 2 Mar 2026, ", "EET")
		s.Get("/accounts/profile/").Has("A report each week, a reminder every hour while something is down.")

		// What stays as it was keeps its date, also one that has come; another zone moves it.
		past := s.Clock.Now().Add(-time.Minute)
		change(s, user.ID, func(u *monitor.User) {
			u.NextReportAt = past
			u.NextNagAt = s.Clock.Now().Add(time.Hour)
		})
		s.Get(account.ReportsPath).Has("The next report is on its way.",
			"Something is down. The next reminder comes on Sun, 1 Mar 2026, 15:00:00 EET")
		s.Post(account.ReportsPath, url.Values{"reports": {"weekly"}, "nag": {"hour"}}).LeadsTo(account.ReportsPath)
		if u := stored(); !u.NextReportAt.Equal(past) || u.NextNagAt.IsZero() {
			t.Errorf("saving without a change moved the dates: %s, %s", u.NextReportAt, u.NextNagAt)
		}
		s.Post("/accounts/profile/", url.Values{"tz": {"Pacific/Auckland"}, "date_format": {""}}).Is(http.StatusSeeOther)
		// in the evening, UTC
		if u := stored(); u.NextReportAt.Format(time.DateOnly) != "2026-03-01" {
			t.Errorf("where Monday has begun the next report is at %s", u.NextReportAt)
		}

		s.Post(account.ReportsPath, url.Values{"reports": {"off"}, "nag": {"off"}}).LeadsTo(account.ReportsPath)
		if u := stored(); !u.NextReportAt.IsZero() || !u.NextNagAt.IsZero() {
			t.Errorf("switched off, with the dates %s and %s", u.NextReportAt, u.NextNagAt)
		}
		s.Get(account.ReportsPath).Has("You get no reports.")
		s.Post(account.ReportsPath, url.Values{"reports": {"hourly"}, "nag": {"x"}}).Is(http.StatusBadRequest).Has(
			"Please choose off, daily, weekly or monthly.", "Please choose off, every hour or every day.")
		s.OtherBrowser().Get(account.ReportsPath).Is(http.StatusSeeOther)
		s.OtherBrowser().Post(account.ReportsPath, url.Values{"reports": {"off"}}).Is(http.StatusSeeOther)
	})
}

func change(s *webtest.Site, user uuid.UUID, change func(*monitor.User)) {
	s.Helper()
	_, err := s.Store.ChangeUser(s.Context(), user, func(u *monitor.User) error { change(u); return nil })
	if err != nil {
		s.Fatal(err)
	}
}

func TestUnsubscribingFromReports(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		wants := func(when string, want bool) {
			t.Helper()
			u, err := s.Store.UserByID(t.Context(), user.ID)
			if err != nil || (u.Reports != monitor.ReportsOff || u.NagEvery != 0 || !u.NextReportAt.IsZero()) != want {
				t.Errorf("%s: reports %s, nags %s, %v", when, u.Reports, u.NagEvery, err)
			}
		}
		again := func() {
			change(s, user.ID, func(u *monitor.User) {
				u.Reports = monitor.ReportsDaily
				u.NagEvery = time.Hour
				u.NextReportAt = s.Clock.Now()
			})
		}
		again()
		link := s.Server.Signer.UnsubscribeReportsPath(user.ID, s.Clock.Now())
		// whoever has the mail
		stranger := s.OtherBrowser()

		page := stranger.Get(link).Is(http.StatusOK).Has("No more reports and reminders to jane@example.org?")
		if page.Find("form[data-send]").Length() != 0 {
			t.Error("a young link acts by itself: a scanner of mails would unsubscribe")
		}
		s.Clock.Advance(account.ObviousTime)
		if stranger.Get(link).Find("form[data-send]").Length() != 0 {
			t.Error("a link of five minutes acts by itself")
		}
		s.Clock.Advance(time.Second)
		if stranger.Get(link).Find("form[data-send]").Length() != 1 {
			t.Error("an old link waits for a click")
		}
		wants("after looking", true)
		stranger.Post(link, url.Values{}).Is(http.StatusOK).Has("Unsubscribed", "jane@example.org gets no more reports and reminders")
		wants("after the button", false)
		stranger.Get(link).Has("Unsubscribed").HasNot("?")

		again()
		// RFC 8058: of a mail program, with an origin of its own
		machine := s.OtherBrowser()
		machine.Header.Set("Origin", "https://mail.example.com")
		machine.Header.Set("Sec-Fetch-Site", "cross-site")
		machine.Post(link, url.Values{"List-Unsubscribe": {"One-Click"}}).Is(http.StatusOK)
		wants("after one click", false)

		again()
		s.Clock.Advance(400 * 24 * time.Hour)
		stranger.Post(link, url.Values{}).Is(http.StatusOK)
		wants("by a link of last year", false)

		again()
		other := strings.Replace(link, user.ID.String(), uuid.NewString(), 1)
		for _, wrong := range []string{other, link[:len(link)-2] + "/", "/accounts/unsubscribe_reports/x/",
			"/accounts/unsubscribe_reports/" + user.ID.String() + ".1." + s.Server.Signer.Sign("unsubscribe", user.ID.String()+".1") + "/"} {
			stranger.Get(wrong).Is(http.StatusNotFound)
			stranger.Post(wrong, url.Values{}).Is(http.StatusNotFound)
		}
		wants("by wrong links", true)
		stranger.Get(s.Server.Signer.UnsubscribeReportsPath(uuid.New(), s.Clock.Now())).Is(http.StatusNotFound).Has("has been closed")
	})
}
