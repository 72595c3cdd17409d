package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSettingAPassword(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		other := s.otherBrowser()
		other.login("jane@example.org")

		s.get("/accounts/profile/").has("None: you log in by mailed link")
		short := s.post("/accounts/set_password/", url.Values{"password": {"short77"}}).is(http.StatusBadRequest)
		if short.text("#password-error") == "" || strings.Contains(short.body, "short77") {
			t.Error("no message beside the field, or the password is on the page")
		}
		s.post("/accounts/set_password/", url.Values{"password": {"correct horse"}}).leadsTo("/accounts/profile/")
		s.get("/accounts/profile/").has("Your password is set.", "logged out on 1 other device")
		other.get("/accounts/profile/").is(http.StatusSeeOther)
		other.post("/accounts/login/", url.Values{"email": {"jane@example.org"}, "password": {"correct horse"}}).is(http.StatusSeeOther)
		other.get("/accounts/profile/").is(http.StatusOK)

		s.post("/accounts/set_password/", url.Values{"remove": {"1"}}).leadsTo("/accounts/profile/")
		s.otherBrowser().post("/accounts/login/", url.Values{"email": {"jane@example.org"}, "password": {"correct horse"}}).is(http.StatusBadRequest)
	})
}

func TestDelicatePagesAskAgainAfterHalfAnHour(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		s.post("/accounts/set_password/", url.Values{"password": {"correct horse"}}).is(http.StatusSeeOther)
		s.clock.Advance(recentAuthLife + time.Minute)
		for _, path := range []string{"/accounts/set_password/", "/accounts/change_email/", "/accounts/close/"} {
			asked := "/accounts/confirm/?next=" + url.QueryEscape(path)
			s.get(path).leadsTo(asked)
			s.post(path, url.Values{"password": {"another one"}, "email": {"x@example.org"}, "confirmation": {"jane@example.org"}}).leadsTo(asked)
		}
		s.get("/accounts/confirm/?next=/accounts/close/").is(http.StatusOK).has("Is it you?")
		wrong := url.Values{"password": {"wrong horse"}, "next": {"/accounts/close/"}}
		if page := s.post("/accounts/confirm/", wrong).is(http.StatusBadRequest).has("not your password"); strings.Contains(page.body, "wrong horse") {
			t.Error("the password is on the page")
		}
		right := url.Values{"password": {"correct horse"}, "next": {"//evil.example/"}}
		s.post("/accounts/confirm/", right).leadsTo("/accounts/profile/")
		s.get("/accounts/close/").is(http.StatusOK)
	})
}

func TestAMailedLinkProvesWhoItIs(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		s.clock.Advance(recentAuthLife + time.Minute)
		if page := s.get("/accounts/confirm/?next=/accounts/set_password/"); page.Find("#password").Length() != 0 {
			t.Error("asks for a password where there is none")
		}
		s.post("/accounts/confirm/", url.Values{"link": {"1"}, "next": {"/accounts/set_password/"}}).leadsTo("/accounts/login_link_sent/")
		s.get("/accounts/set_password/").is(http.StatusSeeOther)
		s.get(s.lastLink()).leadsTo("/accounts/set_password/")
		s.get("/accounts/set_password/").is(http.StatusOK)
	})
}

func TestASuperuserChangesNobodysPassword(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.otherBrowser().login("jane@example.org")
		if _, err := s.auth.CreateSuperuser(t.Context(), "root@example.org", "correct horse"); err != nil {
			t.Fatal(err)
		}
		s.login("root@example.org")
		s.post("/admin/users/"+user.ID.String()+"/login/", nil).is(http.StatusSeeOther)
		for _, path := range []string{"/accounts/set_password/", "/accounts/change_email/", "/accounts/close/"} {
			s.get(path).is(http.StatusForbidden)
			s.post(path, url.Values{"password": {"correct horse"}, "confirmation": {"jane@example.org"}}).is(http.StatusForbidden)
		}
		s.post("/accounts/logout/", nil).leadsTo("/admin/users/")
		s.get("/accounts/set_password/").leadsTo("/accounts/confirm/?next=%2Faccounts%2Fset_password%2F") // coming back proves nothing
	})
}

func TestChangingTheAddressOfTheAccount(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		if page := s.post("/accounts/change_email/", url.Values{"email": {"jane"}}).is(http.StatusBadRequest); page.text("#email-error") == "" {
			t.Error("no message beside the field")
		}
		s.post("/accounts/change_email/", url.Values{"email": {"Boss@example.org"}}).leadsTo("/accounts/profile/")
		s.get("/accounts/profile/").has("We have mailed both addresses", "neither address has agreed yet")

		outside := s.otherBrowser() // opened on a phone, say
		fromNew, fromOld := s.linkTo("boss@example.org"), s.linkTo("jane@example.org")
		for range 2 { // looking does nothing
			outside.get(fromNew).is(http.StatusOK).has("Is this your new address?", "boss@example.org")
		}
		outside.post(fromNew, url.Values{"answer": {"agree"}}).is(http.StatusOK).has("the present address")
		outside.get(fromNew).has("has agreed already")
		s.get("/accounts/change_email/").has("the new address has agreed, the present one has not yet")
		outside.post(strings.Replace(fromNew, "/new/", "/old/", 1), url.Values{"answer": {"agree"}}).is(http.StatusNotFound)
		outside.post(fromOld, url.Values{"answer": {"agree"}}).is(http.StatusOK).has("boss@example.org", "The address is changed")
		if u, err := s.store.UserByID(t.Context(), user.ID); err != nil || u.Email != "boss@example.org" {
			t.Errorf("%+v, %v", u, err)
		}
		outside.get(fromOld).is(http.StatusNotFound).has("over")
		s.get("/accounts/profile/").is(http.StatusSeeOther) // the address is a way in: other sessions end with it
		s.login("boss@example.org")
		s.get("/accounts/profile/").has("boss@example.org").hasNot("jane@example.org")
	})
}

func TestStoppingAChangeOfAddress(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		change := url.Values{"email": {"thief@example.net"}}
		s.post("/accounts/change_email/", change).is(http.StatusSeeOther)
		first := s.linkTo("thief@example.net")
		s.otherBrowser().post(s.linkTo("jane@example.org"), url.Values{"answer": {"stop"}}).is(http.StatusOK).has("The change is stopped")
		s.otherBrowser().post(first, url.Values{"answer": {"agree"}}).is(http.StatusNotFound)

		s.post("/accounts/change_email/", change).is(http.StatusSeeOther)
		s.post("/accounts/change_email/", url.Values{"stop": {"1"}}).leadsTo("/accounts/profile/")
		s.get("/accounts/profile/").has("stays jane@example.org").hasNot("thief@example.net")
		s.get("/accounts/change_email/not-a-uuid/x/old/y/").is(http.StatusNotFound)
	})
}

func TestDatesAreWrittenAsChosen(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		for format, want := range map[string]string{
			"": "Sun, 1 Mar 2026, 14:00:00 EET", "iso": "2026-03-01 14:00:00 EET", "dots": "01.03.2026 14:00:00 EET", "us": "Mar 1, 2026, 2:00:00 PM EET",
		} {
			s.post("/accounts/profile/", url.Values{"tz": {"Europe/Riga"}, "date_format": {format}}).leadsTo("/accounts/profile/")
			page := s.get("/accounts/profile/")
			if got, _ := page.Find("time[title]").First().Attr("title"); got != want {
				t.Errorf("%q: %s, want %s", format, got, want)
			}
			if chosen := page.text("#date_format option[selected]"); chosen != want {
				t.Errorf("%q: chosen is %s", format, chosen)
			}
		}
		s.post("/accounts/profile/", url.Values{"tz": {"Europe/Riga"}, "date_format": {"%"}}).is(http.StatusBadRequest)
	})
}
