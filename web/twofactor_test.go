package web

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"punctual/internal/auth"
	"punctual/internal/monitor"
)

// app is an authenticator app with a secret.
type app struct {
	*testSite
	secret string
}

// code is what the app shows so long after now.
func (a app) code(later time.Duration) string {
	a.Helper()
	code, err := totp.GenerateCode(a.secret, a.clock.Now().Add(later))
	if err != nil {
		a.Fatal(err)
	}
	return code
}

// setUpApp gives the user of the browser an authenticator app; codes are the
// recovery codes shown.
func (s *testSite) setUpApp() (a app, codes []string) {
	s.Helper()
	page := s.get("/accounts/two_factor/totp/").is(http.StatusOK)
	a = app{s, strings.ReplaceAll(page.text(".totp .code code"), " ", "")}
	shown := s.post("/accounts/two_factor/totp/", url.Values{"code": {a.code(0)}}).is(http.StatusOK).has("is on", "not shown again")
	codes = strings.Fields(shown.Find(".codes code").Text())
	if len(codes) != auth.RecoveryCodes {
		s.Fatalf("codes %q", codes)
	}
	s.clock.Advance(time.Minute) // the code is used
	return a, codes
}

// firstStep logs the address in by link as far as that goes.
func (s *testSite) firstStep(address, next string) *testSite {
	s.Helper()
	b := s.otherBrowser()
	form := signupForm(address)
	form.Set("next", next)
	b.post("/accounts/login/", form).is(http.StatusSeeOther)
	b.get(s.lastLink()).leadsTo("/accounts/login/two_factor/")
	return b
}

func code(text string) url.Values { return url.Values{"code": {text}} }

const (
	totpLogin     = "/accounts/login/two_factor/totp/"
	recoveryLogin = "/accounts/login/two_factor/recovery/"
)

func TestLoggingInTakesASecondStep(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		s.get("/accounts/profile/").has("Two-factor sign-in", "alone logs you in")
		wrong := s.get("/accounts/two_factor/totp/").text(".totp .code code")
		s.post("/accounts/two_factor/totp/", code("000000")).is(http.StatusBadRequest).has("not right", wrong) // the same secret
		s.get("/accounts/profile/").has("alone logs you in")
		a, _ := s.setUpApp()
		s.get("/accounts/profile/").has("Authenticator app", "never used", "10 of 10 left", "your only second factor")
		s.get("/accounts/two_factor/totp/").is(http.StatusConflict)

		b := s.firstStep("jane@example.org", "/accounts/profile/?x=1")
		b.get("/accounts/login/two_factor/").leadsTo(totpLogin)
		b.get(totpLogin).is(http.StatusOK).has("authenticator app", "Use a recovery code")
		b.get(s.lastLink()).leadsTo("/accounts/login/two_factor/") // clicked twice
		for _, bad := range []string{"", "12345", "000000", "abcdef", a.code(-time.Hour)} {
			b.post(totpLogin, code(bad)).is(http.StatusBadRequest).has("not right")
		}
		b.get("/accounts/profile/").is(http.StatusSeeOther)
		b.post(totpLogin, code(" "+a.code(0)[:3]+" "+a.code(0)[3:])).leadsTo("/accounts/profile/?x=1")
		b.get("/accounts/set_password/").is(http.StatusOK) // that is proof enough
		b.get(totpLogin).leadsTo("/")
		if u, err := s.store.UserByEmail(t.Context(), "jane@example.org"); err != nil || !u.LastLoginAt.Equal(s.clock.Now()) {
			t.Errorf("logged in %v, %v", u.LastLoginAt, err)
		}
	})
}

func TestWhoHasPassedOneStepOnlyIsNobody(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, project := s.login("jane@example.org")
		check := s.firstCheck(project)
		if _, err := s.auth.CreateSuperuser(t.Context(), "jane@example.org", ""); err != nil {
			t.Fatal(err)
		}
		s.setUpApp()
		channels, err := s.store.ChannelsOf(t.Context(), project.ID)
		if err != nil {
			t.Fatal(err)
		}
		half := s.firstStep("jane@example.org", "")
		ids := strings.NewReplacer("{project}", project.ID.String(), "{check}", check.Code.String(), "{channel}", channels[0].ID.String(),
			"{user}", user.ID.String(), "{kind}", "email", "{n}", "1", "{id}", "1", "{key}", uuid.NewString(), "{page}", "cron", "/*", "/x")
		routes := 0
		err = chi.Walk(s.server.Handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			path := ids.Replace(route)
			if strings.HasPrefix(path, secondStepPath) || strings.Contains(path, "{") || (method != http.MethodGet && method != http.MethodPost) {
				return nil
			}
			if path == "/accounts/logout/" || path == "/accounts/login/" || path == "/accounts/signup/" || strings.HasPrefix(path, "/welcome/") {
				return nil // begin or end a session
			}
			routes++
			form := url.Values{}
			if method == http.MethodGet {
				form = nil
			}
			got, want := half.do(method, path, form), s.otherBrowser().do(method, path, form)
			if got.status != want.status || got.location != want.location || (got.status == http.StatusOK && strings.Contains(got.body, "jane@example.org")) {
				t.Errorf("%s %s: %d %s, a stranger gets %d %s", method, path, got.status, got.location, want.status, want.location)
			}
			return nil
		})
		if err != nil || routes < 80 {
			t.Fatalf("%d routes, %v", routes, err)
		}
		half.get(totpLogin).is(http.StatusOK) // still between the steps
		if rows, err := s.store.SessionsOf(t.Context(), user.ID); err != nil || len(rows) != 1 {
			t.Errorf("%d sessions, %v", len(rows), err)
		}
	})
}

func TestACodeOfTheAppWorksOnceAndOneStepBesideNow(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		a, _ := s.setUpApp()
		for _, try := range []struct {
			what string
			code string
			ok   bool
		}{
			{"two steps early", a.code(time.Minute), false},
			{"two steps late", a.code(-time.Minute), false},
			{"a step late", a.code(-30 * time.Second), true},
			{"the same again", a.code(-30 * time.Second), false},
			{"a step early", a.code(30 * time.Second), true},
			{"that of now, after a later one", a.code(0), false},
		} {
			got := s.firstStep("jane@example.org", "").post(totpLogin, code(try.code))
			if (got.status == http.StatusSeeOther) != try.ok {
				t.Errorf("%s: status %d", try.what, got.status)
			}
		}
	})
}

func TestTheSecondStepIsTakenWithinFiveMinutes(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		a, _ := s.setUpApp()
		b := s.firstStep("jane@example.org", "/walls/")
		s.clock.Advance(auth.SecondStepLife + time.Second)
		b.post(totpLogin, code(a.code(0))).leadsTo("/accounts/login/?next=%2Fwalls%2F")
		b.get("/accounts/login/").has("longer than five minutes")
		b.get("/accounts/profile/").is(http.StatusSeeOther)
		for _, path := range []string{"/accounts/login/two_factor/", totpLogin, recoveryLogin} {
			b.get(path).leadsTo("/accounts/login/")
			s.otherBrowser().post(path, code(a.code(0))).leadsTo("/accounts/login/")
		}
	})
}

// Somebody who knows the old password stands between the steps when it is changed.
func TestALogInHalfWayEndsWithThePassword(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		s.post("/accounts/set_password/", url.Values{"password": {"correct horse"}}).is(http.StatusSeeOther)
		a, _ := s.setUpApp()
		b := s.otherBrowser()
		b.post("/accounts/login/", url.Values{"email": {"jane@example.org"}, "password": {"correct horse"}}).leadsTo("/accounts/login/two_factor/")
		s.post("/accounts/set_password/", url.Values{"password": {"battery staple"}}).is(http.StatusSeeOther)
		b.post(totpLogin, code(a.code(0))).leadsTo("/accounts/login/")
		b.get("/accounts/login/").has("changed meanwhile")
		b.get("/accounts/profile/").is(http.StatusSeeOther)
	})
}

func TestGuessingCodesEnds(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		a, codes := s.setUpApp()
		b := s.firstStep("jane@example.org", "")
		for range 96 {
			b.post(totpLogin, code("000000")).is(http.StatusBadRequest)
		}
		b.post(totpLogin, code(a.code(0))).is(http.StatusTooManyRequests).has("Too many attempts")
		for range 19 {
			b.post(recoveryLogin, code("00000-00000")).is(http.StatusBadRequest)
		}
		b.post(recoveryLogin, code(codes[0])).is(http.StatusSeeOther)
		s.firstStep("jane@example.org", "").post(recoveryLogin, code(codes[1])).is(http.StatusTooManyRequests)
		s.clock.Advance(16 * time.Minute) // 96 a day
		s.firstStep("jane@example.org", "").post(totpLogin, code(a.code(0))).is(http.StatusSeeOther)
	})
}

func TestARecoveryCodeWorksOnce(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		_, codes := s.setUpApp()
		s.firstStep("jane@example.org", "/walls/").post(recoveryLogin, code(" "+strings.ToUpper(codes[0])+" ")).leadsTo("/walls/")
		s.firstStep("jane@example.org", "").post(recoveryLogin, code(codes[0])).is(http.StatusBadRequest).has("not one of your recovery codes")
		if mailed := s.sent.factors[len(s.sent.factors)-1]; mailed.To != "jane@example.org" || !strings.Contains(mailed.Done, "recovery code was used") || mailed.Left != 9 {
			t.Errorf("mailed %+v", mailed)
		}

		browsers := []*testSite{s.firstStep("jane@example.org", ""), s.firstStep("jane@example.org", ""), s.firstStep("jane@example.org", "")}
		var at sync.WaitGroup
		in := make([]bool, len(browsers))
		for i, b := range browsers {
			at.Go(func() { in[i] = b.post(recoveryLogin, code(codes[1])).status == http.StatusSeeOther })
		}
		at.Wait()
		n := 0
		for i, b := range browsers {
			if b.get("/accounts/profile/").status == http.StatusOK {
				n++
			} else if in[i] {
				t.Error("let in, but not logged in")
			}
		}
		if n != 1 {
			t.Errorf("%d of 3 at once are in, want 1", n)
		}

		s.get("/accounts/profile/").has("8 of 10 left")
		fresh := strings.Fields(s.post("/accounts/two_factor/recovery/", url.Values{}).is(http.StatusOK).Find(".codes code").Text())
		s.firstStep("jane@example.org", "").post(recoveryLogin, code(codes[2])).is(http.StatusBadRequest)
		for i, c := range fresh {
			b := s.firstStep("jane@example.org", "/walls/")
			want := "/walls/"
			if i == len(fresh)-1 {
				want = "/accounts/two_factor/recovery/"
			}
			b.post(recoveryLogin, code(c)).leadsTo(want)
			s.clock.Advance(2 * time.Hour)
		}
	})
}

func TestTheCodesShownAreTheCodesDownloaded(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		s.setUpApp()
		page := s.post("/accounts/two_factor/recovery/", url.Values{}).is(http.StatusOK)
		href, _ := page.Find("a[download]").Attr("href")
		text, err := url.PathUnescape(strings.TrimPrefix(href, "data:text/plain;charset=utf-8,"))
		if err != nil || !strings.HasSuffix(text, "\n\n"+strings.TrimSpace(page.Find(".codes code").Text())+"\n") || !strings.Contains(text, "jane@example.org") {
			t.Errorf("%v: %s", err, text)
		}
		s.get("/accounts/two_factor/recovery/").has("10 recovery codes").hasNot(strings.Fields(page.Find(".codes code").Text())[0])
	})
}

func TestEachStepHasASessionOfItsOwn(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		a, _ := s.setUpApp()
		b := s.otherBrowser()
		b.post("/accounts/profile/appearance/", url.Values{"theme": {"dark"}}) // a session of nobody, which somebody else may have planted
		planted := b.cookie()
		b.post("/accounts/login/", signupForm("jane@example.org"))
		b.get(s.lastLink()).leadsTo("/accounts/login/two_factor/")
		between := b.cookie()
		b.post(totpLogin, code(a.code(0))).is(http.StatusSeeOther)
		in := b.cookie()
		if planted == "" || between == planted || in == between || in == planted {
			t.Errorf("sessions %q, %q, %q", planted, between, in)
		}
		for _, old := range []string{planted, between} {
			c := s.otherBrowser()
			c.header.Set("Cookie", sessionCookie+"="+old)
			c.get("/accounts/profile/").is(http.StatusSeeOther)
			c.get(totpLogin).leadsTo("/accounts/login/")
		}
	})
}

// cookie is the id of the browser's session.
func (s *testSite) cookie() string {
	root, _ := url.Parse(s.url)
	for _, c := range s.client.Jar.Cookies(root) {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	return ""
}

func TestAPasswordIsAFirstStepToo(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		s.post("/accounts/set_password/", url.Values{"password": {"correct horse"}}).is(http.StatusSeeOther)
		a, _ := s.setUpApp()
		b := s.otherBrowser()
		login := url.Values{"email": {"jane@example.org"}, "password": {"correct horse"}, "next": {"https://evil.example/"}}
		b.post("/accounts/login/", login).leadsTo("/accounts/login/two_factor/")
		b.post(totpLogin, code(a.code(0)))
		b.get("/accounts/profile/").is(http.StatusOK)
		// Who is logged in shows that it is still them by password or link, and the second factor.
		s.clock.Advance(time.Hour)
		b.get("/accounts/two_factor/totp/remove/").leadsTo("/accounts/confirm/?next=%2Faccounts%2Ftwo_factor%2Ftotp%2Fremove%2F")
		b.post("/accounts/confirm/", url.Values{"link": {"1"}, "next": {"/accounts/two_factor/totp/remove/"}})
		b.get(s.lastLink()).leadsTo("/accounts/login/two_factor/")
		b.get("/accounts/two_factor/totp/remove/").leadsTo("/accounts/confirm/?next=%2Faccounts%2Ftwo_factor%2Ftotp%2Fremove%2F")
		b.post(totpLogin, code(a.code(0))).leadsTo("/accounts/two_factor/totp/remove/")
		b.get("/accounts/two_factor/totp/remove/").is(http.StatusOK).has("only second factor")
		b.post("/accounts/two_factor/totp/remove/", url.Values{}).is(http.StatusSeeOther)
		b.get("/accounts/profile/").has("one step again", "alone logs you in")
		s.login("jane@example.org")
		if n := len(s.sent.factors); n != 2 || !strings.Contains(s.sent.factors[1].Done, "removed") || s.sent.factors[1].On {
			t.Errorf("mailed %+v", s.sent.factors)
		}
	})
}

func TestOnlyWhoIsProvenChangesFactors(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		s.setUpApp()
		root := superuser(s)
		root.post("/admin/users/"+user.ID.String()+"/login/", nil).is(http.StatusSeeOther)
		s.clock.Advance(31 * time.Minute)
		some := uuid.NewString()
		for _, path := range []string{"webauthn/", "totp/", "totp/remove/", "recovery/", some + "/name/", some + "/remove/"} {
			path = "/accounts/two_factor/" + path
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				s.do(method, path, url.Values{}).leadsTo("/accounts/confirm/?next=" + url.QueryEscape(path))
				root.do(method, path, url.Values{}).is(http.StatusForbidden)
			}
		}
		if on, err := s.auth.TwoFactorOn(t.Context(), user.ID); !on || err != nil {
			t.Error(on, err)
		}
	})
}

func TestASuperuserTakesFactorsAway(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		s.setUpApp()
		root := superuser(s)
		path := "/admin/users/" + user.ID.String() + "/two_factor/"
		s.post(path, url.Values{}).is(http.StatusNotFound)
		if root.get("/admin/users/").is(http.StatusOK).has("two-factor").Find(`form[action="`+path+`"]`).Length() != 1 {
			t.Error("no button")
		}
		root.post(path, url.Values{}).leadsTo("/admin/users/?q=")
		root.get("/admin/users/").has("one step now").hasNot("Reset…")
		s.otherBrowser().login("jane@example.org")
		if last := s.sent.factors[len(s.sent.factors)-1]; last.To != "jane@example.org" || last.On || last.Left != 0 || !strings.Contains(last.Done, "Whoever runs this site") {
			t.Errorf("mailed %+v", last)
		}
	})
}

func TestTheSecretOfAnAppIsNotInTheDatabase(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		secret := strings.ReplaceAll(s.get("/accounts/two_factor/totp/").text(".totp .code code"), " ", "")
		rows, err := s.store.SessionsOf(t.Context(), user.ID)
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		a, codes := s.setUpApp()
		if a.secret != secret || !regexp.MustCompile(`^[A-Z2-7]{32}$`).MatchString(secret) {
			t.Errorf("secret %q, then %q", secret, a.secret)
		}
		f, err := s.store.FactorsOf(t.Context(), user.ID)
		if err != nil || f.TOTPSecret == "" || strings.Contains(f.TOTPSecret, secret) || bytes.Contains(rows[0].Data, []byte(secret)) {
			t.Errorf("%v: stored %q, session %s", err, f.TOTPSecret, rows[0].Data)
		}
		if ok, err := s.store.UseRecoveryCode(t.Context(), user.ID, []byte(codes[0])); ok || err != nil {
			t.Error("recovery codes are stored as they are")
		}
	})
}

func TestKeysOfProgramsNeedNoSecondStep(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		_, token, err := s.auth.CreateToken(t.Context(), user, "Terraform", false, "")
		if err != nil {
			t.Fatal(err)
		}
		s.setUpApp()
		if _, u, err := s.auth.TokenUser(t.Context(), token); err != nil || u.ID != user.ID {
			t.Error(u, err)
		}
	})
}

// Other devices have proved less than what logging in takes from now on.
func TestOtherDevicesAreLoggedOutWithTheFirstFactor(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		other := s.otherBrowser()
		other.login("jane@example.org")
		page := s.get("/accounts/two_factor/totp/")
		a := app{s, strings.ReplaceAll(page.text(".totp .code code"), " ", "")}
		s.post("/accounts/two_factor/totp/", code(a.code(0))).is(http.StatusOK).has("logged out on 1 other device")
		other.get("/accounts/profile/").is(http.StatusSeeOther)
		s.get("/accounts/profile/").is(http.StatusOK)
	})
}

func TestWithoutHTTPSThePagesSayWhyThereAreNoKeys(t *testing.T) {
	eachSite(t, func(s *testSite) { // at a bare number
		s.login("jane@example.org")
		s.get("/accounts/profile/").has("Security keys and passkeys need a site with https")
		s.get("/accounts/two_factor/webauthn/").is(http.StatusOK).has("https only, or on localhost", "authenticator app")
		s.post("/accounts/two_factor/webauthn/", url.Values{"name": {"x"}, "credential": {"{}"}}).is(http.StatusBadRequest)
	})
}

func TestSomebodyDeactivatedMeanwhileDoesNotPass(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, _ := s.login("jane@example.org")
		a, _ := s.setUpApp()
		b := s.firstStep("jane@example.org", "")
		if _, err := s.store.ChangeUser(t.Context(), user.ID, func(u *monitor.User) error { u.IsActive = false; return nil }); err != nil {
			t.Fatal(err)
		}
		b.post(totpLogin, code(a.code(0))).leadsTo("/accounts/login/")
	})
}
