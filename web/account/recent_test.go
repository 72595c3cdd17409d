package account_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/web/account"
	"punctual/web/webtest"
)

// A password that was seen over a shoulder must not be enough to take the second
// factor away.
func TestShowingWhoOneIsTakesTheSecondFactorToo(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		s.Post("/accounts/set_password/", url.Values{"password": {"correct horse"}}).Is(http.StatusSeeOther)
		a, codes := setUpApp(s)
		s.Clock.Advance(time.Hour)
		const delicate = "/accounts/two_factor/totp/remove/"
		asked := account.ConfirmPath + "?next=" + url.QueryEscape(delicate)
		password := url.Values{"password": {"correct horse"}, "next": {delicate}}
		s.Get(delicate).LeadsTo(asked)
		s.Get(asked).Has("second factor")
		before := cookie(s)
		s.Post(account.ConfirmPath, password).LeadsTo(account.SecondStepPath)
		if cookie(s) == before {
			t.Error("the session has kept its id")
		}
		// still logged in
		s.Get("/accounts/profile/").Is(http.StatusOK)
		s.Get(delicate).LeadsTo(asked)
		s.Get(account.SecondStepPath).LeadsTo(totpLogin)
		s.Get(totpLogin).Is(http.StatusOK).Has("Not now").HasNot("somebody else")
		s.Post(totpLogin, code("000000")).Is(http.StatusBadRequest)
		s.Get(delicate).LeadsTo(asked)
		s.Post(totpLogin, code(a.code(0))).LeadsTo(delicate)
		s.Get(delicate).Is(http.StatusOK)

		// A recovery code stands in for it; what takes too long begins anew, without a log-out.
		s.Clock.Advance(time.Hour)
		s.Post(account.ConfirmPath, password).LeadsTo(account.SecondStepPath)
		s.Post(recoveryLogin, code(codes[0])).LeadsTo(delicate)
		s.Clock.Advance(time.Hour)
		s.Post(account.ConfirmPath, password).LeadsTo(account.SecondStepPath)
		s.Clock.Advance(6 * time.Minute)
		s.Post(totpLogin, code(a.code(0))).LeadsTo(asked)
		s.Get("/accounts/profile/").Is(http.StatusOK).Has("jane@example.org")
	})
}

func TestWhatHandsControlOverAsksAgain(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		jane, project := s.Login("jane@example.org")
		joe, _ := s.OtherBrowser().Login("joe@example.org")
		if err := s.Store.AddMember(t.Context(), project.ID, joe.ID, monitor.RoleMember); err != nil {
			t.Fatal(err)
		}
		root := webtest.Superuser(s)
		_, full, err := s.Auth.CreateToken(t.Context(), jane, "Terraform", false, "")
		if err != nil {
			t.Fatal(err)
		}
		token, _ := s.Get("/accounts/profile/").Find("#tokens button[name=token]").Attr("value")
		s.Clock.Advance(account.RecentAuthLife + time.Minute)

		base := "/projects/" + project.ID.String()
		settings := base + "/settings/"
		admin := "/admin/users/" + jane.ID.String()
		for _, try := range []struct {
			who        *webtest.Site
			path, back string
			form       url.Values
		}{
			{s, "/accounts/profile/tokens/", webtest.ProfilePath, url.Values{"name": {"x"}}},
			{s, "/accounts/profile/tokens/revoke/", webtest.ProfilePath, url.Values{"token": {token}}},
			{s, settings, settings, url.Values{"create_key": {"api_key"}}},
			{s, settings, settings, url.Values{"create_key": {"api_key_readonly"}}},
			{s, settings, settings, url.Values{"revoke_key": {"ping_key"}}},
			{s, base + "/members/", settings, url.Values{"email": {"thief@example.org"}, "role": {"m"}}},
			{s, base + "/members/" + joe.ID.String() + "/", settings, url.Values{"role": {"m"}}},
			{s, base + "/members/" + joe.ID.String() + "/", settings, url.Values{"remove": {"1"}}},
			{s, base + "/transfer/", settings, url.Values{"to": {joe.ID.String()}}},
			{s, base + "/remove/", base + "/remove/", url.Values{"confirmation": {project.Name}}},
			{root, admin + "/active/", "/admin/users/", url.Values{"active": {"0"}}},
			{root, admin + "/login/", "/admin/users/", url.Values{}},
			{root, admin + "/two_factor/", "/admin/users/", url.Values{}},
		} {
			try.who.Post(try.path, try.form).LeadsTo(account.ConfirmPath + "?next=" + url.QueryEscape(try.back))
		}
		// not a word about what is there
		s.Post(admin+"/active/", url.Values{"active": {"0"}}).Is(http.StatusNotFound)

		p, err := s.Store.ProjectByID(t.Context(), project.ID)
		if err != nil || p.APIKey != project.APIKey || p.APIKeyReadonly != project.APIKeyReadonly || p.PingKey != project.PingKey {
			t.Errorf("%+v, %v", p, err)
		}
		members, err := s.Store.MembersOf(t.Context(), project.ID)
		if err != nil || len(members) != 1 || members[0].Role != monitor.RoleMember || !members[0].Offered.IsZero() {
			t.Errorf("%+v, %v", members, err)
		}
		if tokens, err := s.Store.AccountTokens(t.Context(), jane.ID); err != nil || len(tokens) != 1 {
			t.Errorf("%+v, %v", tokens, err)
		}
		if _, _, err := s.Auth.TokenUser(t.Context(), full); err != nil {
			t.Error(err)
		}

		// With the mailed link it goes on where it was.
		s.Post("/accounts/profile/tokens/", url.Values{"name": {"x"}}).Is(http.StatusSeeOther)
		s.Get("/accounts/profile/").Has("Confirm that it is you")
		s.Post(account.ConfirmPath, url.Values{"link": {"1"}, "next": {webtest.ProfilePath}}).LeadsTo("/accounts/login_link_sent/")
		s.Get(s.LastLink()).LeadsTo(webtest.ProfilePath)
		s.Get(webtest.ProfilePath).Has("press the button again", "Create a token")
		s.Post("/accounts/profile/tokens/", url.Values{"name": {"x"}}).Is(http.StatusOK)
	})
}

// securityMail is the mail last sent about the ways into the account.
func securityMail(s *webtest.Site, to string, words ...string) {
	s.Helper()
	s.Sent.Mu.Lock()
	defer s.Sent.Mu.Unlock()
	for i := len(s.Sent.Security) - 1; i >= 0; i-- {
		m := s.Sent.Security[i]
		if m.To != to {
			continue
		}
		for _, w := range words {
			if !strings.Contains(m.Done+" "+m.From, w) {
				s.Errorf("the mail does not say %q: %+v", w, m)
			}
		}
		return
	}
	s.Errorf("no mail to %s: %+v", to, s.Sent.Security)
}

func TestAccountTokensEndWithTheOtherWaysInUnlessTheyAreKept(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		jane, _ := s.Login("jane@example.org")
		opens := func(token string) bool {
			_, _, err := s.Auth.TokenUser(t.Context(), token)
			return err == nil
		}
		make2 := func() (first, second string) {
			first = s.Post("/accounts/profile/tokens/", url.Values{"name": {"one"}}).Is(http.StatusOK).Text("#tokens .code code")
			securityMail(s, "jane@example.org", "“one” was created", "Firefox on Linux", "127.0.0.1")
			_, second, err := s.Auth.CreateToken(t.Context(), jane, "two", true, "")
			if err != nil {
				t.Fatal(err)
			}
			return first, second
		}
		one, two := make2()
		s.Get("/accounts/set_password/").Has("Keep 2 account tokens working")
		s.Get("/accounts/profile/").Has("Keep 2 account tokens working")
		s.Post("/accounts/set_password/", url.Values{"password": {"correct horse"}, "keep_tokens": {"1"}}).Is(http.StatusSeeOther)
		securityMail(s, "jane@example.org", "A password was set.")
		if !opens(one) || !opens(two) {
			t.Error("tokens that were to be kept are gone")
		}
		s.Post("/accounts/set_password/", url.Values{"password": {"short"}}).Is(http.StatusBadRequest)
		if !opens(one) {
			t.Error("a token ended with a password that was refused")
		}
		s.Post("/accounts/set_password/", url.Values{"password": {"better horse"}}).Is(http.StatusSeeOther)
		s.Get("/accounts/profile/").Has("2 account tokens revoked")
		securityMail(s, "jane@example.org", "Your password was changed.", "All 2 account tokens were revoked")
		if opens(one) || opens(two) {
			t.Error("a token outlasts a change of the password")
		}
		one, _ = make2()
		s.Post("/accounts/set_password/", url.Values{"remove": {"1"}}).Is(http.StatusSeeOther)
		if opens(one) {
			t.Error("a token outlasts the end of the password")
		}
		one, _ = make2()
		s.Post("/accounts/logout_everywhere/", url.Values{"keep_tokens": {"1"}}).LeadsTo("/accounts/login/")
		if !opens(one) {
			t.Error("a token that was to be kept is gone")
		}
		s.Login("jane@example.org")
		s.Post("/accounts/login/", webtest.SignupForm("jane@example.org"))
		pending := s.LastLink()
		s.Post("/accounts/logout_everywhere/", nil).LeadsTo("/accounts/login/")
		securityMail(s, "jane@example.org", "logged out everywhere", "All 2 account tokens were revoked")
		if opens(one) {
			t.Error("a token outlasts log out everywhere")
		}
		s.Get(pending).Is(http.StatusGone)
	})
}

func TestOtherSessionsEndWithTheOldAddress(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		thief := s.OtherBrowser()
		thief.Login("jane@example.org")
		s.Post("/accounts/change_email/", url.Values{"email": {"boss@example.org"}}).Is(http.StatusSeeOther)
		s.Post(s.LinkTo("boss@example.org"), url.Values{"answer": {"agree"}}).Is(http.StatusOK)
		thief.Get("/accounts/profile/").Is(http.StatusOK)
		s.Post(s.LinkTo("jane@example.org"), url.Values{"answer": {"agree"}}).Is(http.StatusOK).Has("The address is changed")
		thief.Get("/accounts/profile/").Is(http.StatusSeeOther)
		s.Get("/accounts/profile/").Is(http.StatusOK).Has("boss@example.org")
		for _, to := range []string{"jane@example.org", "boss@example.org"} {
			securityMail(s, to, "changed from jane@example.org to boss@example.org")
		}
	})
}

// Somebody with a superuser's session must not outlast its end as somebody else.
func TestWhatASuperuserDoesInSomebodysNameEndsWithTheirOwnSessions(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		thief := webtest.Superuser(s)
		thief.Post("/admin/users/"+user.ID.String()+"/login/", nil).Is(http.StatusSeeOther)
		thief.Get("/accounts/profile/").Is(http.StatusOK)
		thief.Post("/accounts/logout_everywhere/", nil).Is(http.StatusForbidden)
		root := s.OtherBrowser()
		root.Login("root@example.org")
		root.Post("/accounts/logout_everywhere/", nil).LeadsTo("/accounts/login/")
		thief.Get("/accounts/profile/").Is(http.StatusSeeOther)
		s.Get("/accounts/profile/").Is(http.StatusOK)
	})
}
