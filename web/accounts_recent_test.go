package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
)

// A password that was seen over a shoulder must not be enough to take the second
// factor away.
func TestShowingWhoOneIsTakesTheSecondFactorToo(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		s.post("/accounts/set_password/", url.Values{"password": {"correct horse"}}).is(http.StatusSeeOther)
		a, codes := s.setUpApp()
		s.clock.Advance(time.Hour)
		const delicate = "/accounts/two_factor/totp/remove/"
		asked := confirmPath + "?next=" + url.QueryEscape(delicate)
		password := url.Values{"password": {"correct horse"}, "next": {delicate}}
		s.get(delicate).leadsTo(asked)
		s.get(asked).has("second factor")
		before := s.cookie()
		s.post(confirmPath, password).leadsTo(secondStepPath)
		if s.cookie() == before {
			t.Error("the session has kept its id")
		}
		s.get("/accounts/profile/").is(http.StatusOK) // still logged in
		s.get(delicate).leadsTo(asked)
		s.get(secondStepPath).leadsTo(totpLogin)
		s.get(totpLogin).is(http.StatusOK).has("Not now").hasNot("somebody else")
		s.post(totpLogin, code("000000")).is(http.StatusBadRequest)
		s.get(delicate).leadsTo(asked)
		s.post(totpLogin, code(a.code(0))).leadsTo(delicate)
		s.get(delicate).is(http.StatusOK)

		// A recovery code stands in for it; what takes too long begins anew, without a log-out.
		s.clock.Advance(time.Hour)
		s.post(confirmPath, password).leadsTo(secondStepPath)
		s.post(recoveryLogin, code(codes[0])).leadsTo(delicate)
		s.clock.Advance(time.Hour)
		s.post(confirmPath, password).leadsTo(secondStepPath)
		s.clock.Advance(6 * time.Minute)
		s.post(totpLogin, code(a.code(0))).leadsTo(asked)
		s.get("/accounts/profile/").is(http.StatusOK).has("jane@example.org")
	})
}

func TestWhatHandsControlOverAsksAgain(t *testing.T) {
	eachSite(t, func(s *testSite) {
		jane, project := s.login("jane@example.org")
		joe, _ := s.otherBrowser().login("joe@example.org")
		if err := s.store.AddMember(t.Context(), project.ID, joe.ID, monitor.RoleMember); err != nil {
			t.Fatal(err)
		}
		root := superuser(s)
		_, full, err := s.auth.CreateToken(t.Context(), jane, "Terraform", false, "")
		if err != nil {
			t.Fatal(err)
		}
		token, _ := s.get("/accounts/profile/").Find("#tokens button[name=token]").Attr("value")
		s.clock.Advance(recentAuthLife + time.Minute)

		base := "/projects/" + project.ID.String()
		settings, admin := base+"/settings/", "/admin/users/"+jane.ID.String()
		for _, try := range []struct {
			who        *testSite
			path, back string
			form       url.Values
		}{
			{s, "/accounts/profile/tokens/", profilePath, url.Values{"name": {"x"}}},
			{s, "/accounts/profile/tokens/revoke/", profilePath, url.Values{"token": {token}}},
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
			try.who.post(try.path, try.form).leadsTo(confirmPath + "?next=" + url.QueryEscape(try.back))
		}
		s.post(admin+"/active/", url.Values{"active": {"0"}}).is(http.StatusNotFound) // not a word about what is there

		p, err := s.store.ProjectByID(t.Context(), project.ID)
		if err != nil || p.APIKey != project.APIKey || p.APIKeyReadonly != project.APIKeyReadonly || p.PingKey != project.PingKey {
			t.Errorf("%+v, %v", p, err)
		}
		members, err := s.store.MembersOf(t.Context(), project.ID)
		if err != nil || len(members) != 1 || members[0].Role != monitor.RoleMember || !members[0].Offered.IsZero() {
			t.Errorf("%+v, %v", members, err)
		}
		if tokens, err := s.store.AccountTokens(t.Context(), jane.ID); err != nil || len(tokens) != 1 {
			t.Errorf("%+v, %v", tokens, err)
		}
		if _, _, err := s.auth.TokenUser(t.Context(), full); err != nil {
			t.Error(err)
		}

		// With the mailed link it goes on where it was.
		s.post("/accounts/profile/tokens/", url.Values{"name": {"x"}}).is(http.StatusSeeOther)
		s.get("/accounts/profile/").has("Confirm that it is you")
		s.post(confirmPath, url.Values{"link": {"1"}, "next": {profilePath}}).leadsTo("/accounts/login_link_sent/")
		s.get(s.lastLink()).leadsTo(profilePath)
		s.get(profilePath).has("press the button again", "Make a token")
		s.post("/accounts/profile/tokens/", url.Values{"name": {"x"}}).is(http.StatusOK)
	})
}

// securityMail is the mail last sent about the ways into the account.
func (s *testSite) securityMail(to string, words ...string) {
	s.Helper()
	s.sent.mu.Lock()
	defer s.sent.mu.Unlock()
	for i := len(s.sent.security) - 1; i >= 0; i-- {
		m := s.sent.security[i]
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
	s.Errorf("no mail to %s: %+v", to, s.sent.security)
}

func TestAccountTokensEndWithTheOtherWaysInUnlessTheyAreKept(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		jane, _ := s.login("jane@example.org")
		opens := func(token string) bool {
			_, _, err := s.auth.TokenUser(t.Context(), token)
			return err == nil
		}
		make2 := func() (first, second string) {
			first = s.post("/accounts/profile/tokens/", url.Values{"name": {"one"}}).is(http.StatusOK).text("#tokens .code code")
			s.securityMail("jane@example.org", "“one” was made", "Firefox on Linux", "127.0.0.1")
			_, second, err := s.auth.CreateToken(t.Context(), jane, "two", true, "")
			if err != nil {
				t.Fatal(err)
			}
			return first, second
		}
		one, two := make2()
		s.get("/accounts/set_password/").has("Keep 2 account tokens working")
		s.get("/accounts/profile/").has("Keep 2 account tokens working")
		s.post("/accounts/set_password/", url.Values{"password": {"correct horse"}, "keep_tokens": {"1"}}).is(http.StatusSeeOther)
		s.securityMail("jane@example.org", "A password was set.")
		if !opens(one) || !opens(two) {
			t.Error("tokens that were to be kept are gone")
		}
		s.post("/accounts/set_password/", url.Values{"password": {"short"}}).is(http.StatusBadRequest)
		if !opens(one) {
			t.Error("a token ended with a password that was refused")
		}
		s.post("/accounts/set_password/", url.Values{"password": {"better horse"}}).is(http.StatusSeeOther)
		s.get("/accounts/profile/").has("2 account tokens revoked")
		s.securityMail("jane@example.org", "Your password was changed.", "All 2 account tokens were revoked")
		if opens(one) || opens(two) {
			t.Error("a token outlasts a change of the password")
		}
		one, _ = make2()
		s.post("/accounts/set_password/", url.Values{"remove": {"1"}}).is(http.StatusSeeOther)
		if opens(one) {
			t.Error("a token outlasts the end of the password")
		}
		one, _ = make2()
		s.post("/accounts/logout_everywhere/", url.Values{"keep_tokens": {"1"}}).leadsTo("/accounts/login/")
		if !opens(one) {
			t.Error("a token that was to be kept is gone")
		}
		s.login("jane@example.org")
		s.post("/accounts/login/", signupForm("jane@example.org"))
		pending := s.lastLink()
		s.post("/accounts/logout_everywhere/", nil).leadsTo("/accounts/login/")
		s.securityMail("jane@example.org", "logged out everywhere", "All 2 account tokens were revoked")
		if opens(one) {
			t.Error("a token outlasts log out everywhere")
		}
		s.get(pending).is(http.StatusGone)
	})
}

func TestOtherSessionsEndWithTheOldAddress(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		thief := s.otherBrowser()
		thief.login("jane@example.org")
		s.post("/accounts/change_email/", url.Values{"email": {"boss@example.org"}}).is(http.StatusSeeOther)
		s.post(s.linkTo("boss@example.org"), url.Values{"answer": {"agree"}}).is(http.StatusOK)
		thief.get("/accounts/profile/").is(http.StatusOK)
		s.post(s.linkTo("jane@example.org"), url.Values{"answer": {"agree"}}).is(http.StatusOK).has("The address is changed")
		thief.get("/accounts/profile/").is(http.StatusSeeOther)
		s.get("/accounts/profile/").is(http.StatusOK).has("boss@example.org")
		for _, to := range []string{"jane@example.org", "boss@example.org"} {
			s.securityMail(to, "changed from jane@example.org to boss@example.org")
		}
	})
}

// Somebody with a superuser's session must not outlast its end as somebody else.
func TestWhatASuperuserDoesInSomebodysNameEndsWithTheirOwnSessions(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		thief := superuser(s)
		thief.post("/admin/users/"+user.ID.String()+"/login/", nil).is(http.StatusSeeOther)
		thief.get("/accounts/profile/").is(http.StatusOK)
		thief.post("/accounts/logout_everywhere/", nil).is(http.StatusForbidden)
		root := s.otherBrowser()
		root.login("root@example.org")
		root.post("/accounts/logout_everywhere/", nil).leadsTo("/accounts/login/")
		thief.get("/accounts/profile/").is(http.StatusSeeOther)
		s.get("/accounts/profile/").is(http.StatusOK)
	})
}
