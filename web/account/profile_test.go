package account_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/web/account"
	"punctual/web/webtest"
)

func TestSettingAPassword(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		other := s.OtherBrowser()
		other.Login("jane@example.org")

		s.Get("/accounts/profile/").Has("Not set. You log in by mailed link")
		short := s.Post("/accounts/set_password/", url.Values{"password": {"short77"}}).Is(http.StatusBadRequest)
		if short.Text("#password-error") == "" || strings.Contains(short.Body, "short77") {
			t.Error("no message beside the field, or the password is on the page")
		}
		s.Post("/accounts/set_password/", url.Values{"password": {"correct horse"}}).LeadsTo("/accounts/profile/")
		s.Get("/accounts/profile/").Has("Your password is set.", "logged out on 1 other device")
		other.Get("/accounts/profile/").Is(http.StatusSeeOther)
		other.Post("/accounts/login/", url.Values{"email": {"jane@example.org"}, "password": {"correct horse"}}).Is(http.StatusSeeOther)
		other.Get("/accounts/profile/").Is(http.StatusOK)

		s.Post("/accounts/set_password/", url.Values{"remove": {"1"}}).LeadsTo("/accounts/profile/")
		s.OtherBrowser().Post("/accounts/login/", url.Values{"email": {"jane@example.org"}, "password": {"correct horse"}}).Is(
			http.StatusBadRequest)
	})
}

func TestDelicatePagesAskAgainAfterHalfAnHour(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		s.Post("/accounts/set_password/", url.Values{"password": {"correct horse"}}).Is(http.StatusSeeOther)
		s.Clock.Advance(account.RecentAuthLife + time.Minute)
		for _, path := range []string{"/accounts/set_password/", "/accounts/change_email/", "/accounts/close/"} {
			asked := "/accounts/confirm/?next=" + url.QueryEscape(path)
			s.Get(path).LeadsTo(asked)
			s.Post(path, url.Values{"password": {"another one"}, "email": {"x@example.org"}, "confirmation": {"jane@example.org"}}).LeadsTo(asked)
		}
		s.Get("/accounts/confirm/?next=/accounts/close/").Is(http.StatusOK).Has("Confirm that it is you")
		wrong := url.Values{"password": {"wrong horse"}, "next": {"/accounts/close/"}}
		page := s.Post("/accounts/confirm/", wrong).Is(http.StatusBadRequest).Has("not your password")
		if strings.Contains(page.Body, "wrong horse") {
			t.Error("the password is on the page")
		}
		right := url.Values{"password": {"correct horse"}, "next": {"//evil.example/"}}
		s.Post("/accounts/confirm/", right).LeadsTo("/accounts/profile/")
		s.Get("/accounts/close/").Is(http.StatusOK)
	})
}

func TestAMailedLinkAuthenticates(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		s.Clock.Advance(account.RecentAuthLife + time.Minute)
		page := s.Get("/accounts/confirm/?next=/accounts/set_password/")
		if page.Find("#password").Length() != 0 {
			t.Error("asks for a password where there is none")
		}
		s.Post("/accounts/confirm/", url.Values{"link": {"1"}, "next": {"/accounts/set_password/"}}).LeadsTo("/accounts/login_link_sent/")
		s.Get("/accounts/set_password/").Is(http.StatusSeeOther)
		s.Get(s.LastLink()).LeadsTo("/accounts/set_password/")
		s.Get("/accounts/set_password/").Is(http.StatusOK)
	})
}

func TestASuperuserChangesNobodysPassword(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.OtherBrowser().Login("jane@example.org")
		_, err := s.Auth.CreateSuperuser(t.Context(), "root@example.org", "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		s.Login("root@example.org")
		s.Post("/admin/users/"+user.ID.String()+"/login/", nil).Is(http.StatusSeeOther)
		for _, path := range []string{"/accounts/set_password/", "/accounts/change_email/", "/accounts/close/"} {
			s.Get(path).Is(http.StatusForbidden)
			s.Post(path, url.Values{"password": {"correct horse"}, "confirmation": {"jane@example.org"}}).Is(http.StatusForbidden)
		}
		s.Post("/accounts/logout/", nil).LeadsTo("/admin/users/")
		// coming back proves nothing
		s.Get("/accounts/set_password/").LeadsTo("/accounts/confirm/?next=%2Faccounts%2Fset_password%2F")
	})
}

func TestChangingTheAddressOfTheAccount(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		page := s.Post("/accounts/change_email/", url.Values{"email": {"jane"}}).Is(http.StatusBadRequest)
		if page.Text("#email-error") == "" {
			t.Error("no message beside the field")
		}
		s.Post("/accounts/change_email/", url.Values{"email": {"Boss@example.org"}}).LeadsTo("/accounts/profile/")
		s.Get("/accounts/profile/").Has("We have mailed both addresses", "neither address has agreed yet")

		// opened on a phone, say
		outside := s.OtherBrowser()
		fromNew := s.LinkTo("boss@example.org")
		fromOld := s.LinkTo("jane@example.org")
		// looking does nothing
		for range 2 {
			outside.Get(fromNew).Is(http.StatusOK).Has("Is this your new address?", "boss@example.org")
		}
		outside.Post(fromNew, url.Values{"answer": {"agree"}}).Is(http.StatusOK).Has("the present address")
		outside.Get(fromNew).Has("has agreed already")
		s.Get("/accounts/change_email/").Has("the new address has agreed, the present one has not yet")
		outside.Post(strings.Replace(fromNew, "/new/", "/old/", 1), url.Values{"answer": {"agree"}}).Is(http.StatusNotFound)
		outside.Post(fromOld, url.Values{"answer": {"agree"}}).Is(http.StatusOK).Has("boss@example.org", "The address is changed")
		u, err := s.Store.UserByID(t.Context(), user.ID)
		if err != nil || u.Email != "boss@example.org" {
			t.Errorf("%+v, %v", u, err)
		}
		outside.Get(fromOld).Is(http.StatusNotFound).Has("over")
		// the address is a way in: other sessions end with it
		s.Get("/accounts/profile/").Is(http.StatusSeeOther)
		s.Login("boss@example.org")
		s.Get("/accounts/profile/").Has("boss@example.org").HasNot("jane@example.org")
	})
}

func TestStoppingAChangeOfAddress(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		change := url.Values{"email": {"thief@example.net"}}
		s.Post("/accounts/change_email/", change).Is(http.StatusSeeOther)
		first := s.LinkTo("thief@example.net")
		s.OtherBrowser().Post(s.LinkTo("jane@example.org"), url.Values{"answer": {"stop"}}).Is(http.StatusOK).Has("The change is stopped")
		s.OtherBrowser().Post(first, url.Values{"answer": {"agree"}}).Is(http.StatusNotFound)

		s.Post("/accounts/change_email/", change).Is(http.StatusSeeOther)
		s.Post("/accounts/change_email/", url.Values{"stop": {"1"}}).LeadsTo("/accounts/profile/")
		s.Get("/accounts/profile/").Has("stays jane@example.org").HasNot("thief@example.net")
		s.Get("/accounts/change_email/not-a-uuid/x/old/y/").Is(http.StatusNotFound)
	})
}

func TestDatesAreWrittenAsChosen(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		for format, want := range map[string]string{
			"": "Sun, 1 Mar 2026, 14:00:00 EET", "iso": "2026-03-01 14:00:00 EET", "dots": "01.03.2026 14:00:00 EET",
			"us": "Mar 1, 2026, 2:00:00 PM EET",
		} {
			s.Post("/accounts/profile/", url.Values{"tz": {"Europe/Riga"}, "date_format": {format}}).LeadsTo("/accounts/profile/")
			page := s.Get("/accounts/profile/")
			got, _ := page.Find("time[title]").First().Attr("title")
			if got != want {
				t.Errorf("%q: %s, want %s", format, got, want)
			}
			chosen := page.Text("#date_format option[selected]")
			if chosen != want {
				t.Errorf("%q: chosen is %s", format, chosen)
			}
		}
		s.Post("/accounts/profile/", url.Values{"tz": {"Europe/Riga"}, "date_format": {"%"}}).Is(http.StatusBadRequest)
	})
}

func TestTheProfileListsItsSections(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		page := s.Get("/accounts/profile/").Is(http.StatusOK)
		links := page.Find(".on-page a")
		if links.Length() != page.Find(".sections .card").Length() {
			t.Errorf("%d of %d sections are listed", links.Length(), page.Find(".sections .card").Length())
		}
		for _, link := range links.EachIter() {
			if page.Find(link.AttrOr("href", "")).Length() != 1 {
				t.Errorf("there is no section %s", link.AttrOr("href", ""))
			}
		}
	})
}
