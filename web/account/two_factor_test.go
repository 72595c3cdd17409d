package account_test

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
	"punctual/web/account"
	"punctual/web/webtest"
)

// app is an authenticator app with a secret.
type app struct {
	*webtest.Site
	secret string
}

// code is what the app shows so long after now.
func (a app) code(later time.Duration) string {
	a.Helper()
	code, err := totp.GenerateCode(a.secret, a.Clock.Now().Add(later))
	if err != nil {
		a.Fatal(err)
	}
	return code
}

// setUpApp gives the user of the browser an authenticator app; codes are the
// recovery codes shown.
func setUpApp(s *webtest.Site) (a app, codes []string) {
	s.Helper()
	page := s.Get("/accounts/two_factor/totp/").Is(http.StatusOK)
	a = app{s, strings.ReplaceAll(page.Text(".totp .code code"), " ", "")}
	shown := s.Post("/accounts/two_factor/totp/", url.Values{"code": {a.code(0)}}).Is(http.StatusOK).Has("is on", "not shown again")
	codes = strings.Fields(shown.Find(".codes code").Text())
	if len(codes) != auth.RecoveryCodes {
		s.Fatalf("codes %q", codes)
	}
	// the code is used
	s.Clock.Advance(time.Minute)
	return a, codes
}

// firstStep logs the address in by link as far as that goes.
func firstStep(s *webtest.Site, address, next string) *webtest.Site {
	s.Helper()
	b := s.OtherBrowser()
	form := webtest.SignupForm(address)
	form.Set("next", next)
	b.Post("/accounts/login/", form).Is(http.StatusSeeOther)
	b.Get(s.LastLink()).LeadsTo("/accounts/login/two_factor/")
	return b
}

func code(text string) url.Values { return url.Values{"code": {text}} }

const (
	totpLogin     = "/accounts/login/two_factor/totp/"
	recoveryLogin = "/accounts/login/two_factor/recovery/"
)

func TestLoggingInTakesASecondStep(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		s.Get("/accounts/profile/").Has("Two-factor sign-in", "alone logs you in")
		wrong := s.Get("/accounts/two_factor/totp/").Text(".totp .code code")
		// the same secret
		s.Post("/accounts/two_factor/totp/", code("000000")).Is(http.StatusBadRequest).Has("not right", wrong)
		s.Get("/accounts/profile/").Has("alone logs you in")
		a, _ := setUpApp(s)
		s.Get("/accounts/profile/").Has("Authenticator app", "never used", "10 of 10 left", "your only second factor")
		s.Get("/accounts/two_factor/totp/").Is(http.StatusConflict)

		b := firstStep(s, "jane@example.org", "/accounts/profile/?x=1")
		b.Get("/accounts/login/two_factor/").LeadsTo(totpLogin)
		b.Get(totpLogin).Is(http.StatusOK).Has("authenticator app", "Use a recovery code")
		// clicked twice
		b.Get(s.LastLink()).LeadsTo("/accounts/login/two_factor/")
		for _, bad := range []string{"", "12345", "000000", "abcdef", a.code(-time.Hour)} {
			b.Post(totpLogin, code(bad)).Is(http.StatusBadRequest).Has("not right")
		}
		b.Get("/accounts/profile/").Is(http.StatusSeeOther)
		b.Post(totpLogin, code(" "+a.code(0)[:3]+" "+a.code(0)[3:])).LeadsTo("/accounts/profile/?x=1")
		// that is proof enough
		b.Get("/accounts/set_password/").Is(http.StatusOK)
		b.Get(totpLogin).LeadsTo("/")
		u, err := s.Store.UserByEmail(t.Context(), "jane@example.org")
		if err != nil || !u.LastLoginAt.Equal(s.Clock.Now()) {
			t.Errorf("logged in %v, %v", u.LastLoginAt, err)
		}
	})
}

func TestWhoHasPassedOneStepOnlyIsNobody(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, project := s.Login("jane@example.org")
		check := s.FirstCheck(project)
		if _, err := s.Auth.CreateSuperuser(t.Context(), "jane@example.org", ""); err != nil {
			t.Fatal(err)
		}
		setUpApp(s)
		channels, err := s.Store.ChannelsOf(t.Context(), project.ID)
		if err != nil {
			t.Fatal(err)
		}
		half := firstStep(s, "jane@example.org", "")
		ids := strings.NewReplacer("{project}", project.ID.String(), "{check}", check.Code.String(), "{channel}", channels[0].ID.String(),
			"{user}", user.ID.String(), "{kind}", "email", "{n}", "1", "{id}", "1", "{key}", uuid.NewString(), "{page}", "cron", "/*", "/x")
		routes := 0
		err = chi.Walk(s.Server.Handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			path := ids.Replace(route)
			if strings.HasPrefix(path, account.SecondStepPath) || strings.Contains(path, "{") ||
				(method != http.MethodGet && method != http.MethodPost) {
				return nil
			}
			if path == "/accounts/logout/" || path == "/accounts/login/" || path == "/accounts/signup/" || strings.HasPrefix(path, "/welcome/") {
				// begin or end a session
				return nil
			}
			routes++
			form := url.Values{}
			if method == http.MethodGet {
				form = nil
			}
			got := half.Do(method, path, form)
			want := s.OtherBrowser().Do(method, path, form)
			if got.Status != want.Status || got.Location != want.Location ||
				(got.Status == http.StatusOK && strings.Contains(got.Body, "jane@example.org")) {
				t.Errorf("%s %s: %d %s, a stranger gets %d %s", method, path, got.Status, got.Location, want.Status, want.Location)
			}
			return nil
		})
		if err != nil || routes < 80 {
			t.Fatalf("%d routes, %v", routes, err)
		}
		// still between the steps
		half.Get(totpLogin).Is(http.StatusOK)
		if rows, err := s.Store.SessionsOf(t.Context(), user.ID); err != nil || len(rows) != 1 {
			t.Errorf("%d sessions, %v", len(rows), err)
		}
	})
}

func TestACodeOfTheAppWorksOnceAndOneStepBesideNow(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		a, _ := setUpApp(s)
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
			got := firstStep(s, "jane@example.org", "").Post(totpLogin, code(try.code))
			if (got.Status == http.StatusSeeOther) != try.ok {
				t.Errorf("%s: status %d", try.what, got.Status)
			}
		}
	})
}

func TestTheSecondStepIsTakenWithinFiveMinutes(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		a, _ := setUpApp(s)
		b := firstStep(s, "jane@example.org", "/walls/")
		s.Clock.Advance(auth.SecondStepLife + time.Second)
		b.Post(totpLogin, code(a.code(0))).LeadsTo("/accounts/login/?next=%2Fwalls%2F")
		b.Get("/accounts/login/").Has("longer than five minutes")
		b.Get("/accounts/profile/").Is(http.StatusSeeOther)
		for _, path := range []string{"/accounts/login/two_factor/", totpLogin, recoveryLogin} {
			b.Get(path).LeadsTo("/accounts/login/")
			s.OtherBrowser().Post(path, code(a.code(0))).LeadsTo("/accounts/login/")
		}
	})
}

// Somebody who knows the old password stands between the steps when it is changed.
func TestALogInHalfWayEndsWithThePassword(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		s.Post("/accounts/set_password/", url.Values{"password": {"correct horse"}}).Is(http.StatusSeeOther)
		a, _ := setUpApp(s)
		b := s.OtherBrowser()
		b.Post("/accounts/login/", url.Values{"email": {"jane@example.org"}, "password": {"correct horse"}}).LeadsTo(
			"/accounts/login/two_factor/")
		s.Post("/accounts/set_password/", url.Values{"password": {"battery staple"}}).Is(http.StatusSeeOther)
		b.Post(totpLogin, code(a.code(0))).LeadsTo("/accounts/login/")
		b.Get("/accounts/login/").Has("changed meanwhile")
		b.Get("/accounts/profile/").Is(http.StatusSeeOther)
	})
}

func TestGuessingCodesEnds(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		a, codes := setUpApp(s)
		b := firstStep(s, "jane@example.org", "")
		for range 96 {
			b.Post(totpLogin, code("000000")).Is(http.StatusBadRequest)
		}
		b.Post(totpLogin, code(a.code(0))).Is(http.StatusTooManyRequests).Has("Too many attempts")
		for range 19 {
			b.Post(recoveryLogin, code("00000-00000")).Is(http.StatusBadRequest)
		}
		b.Post(recoveryLogin, code(codes[0])).Is(http.StatusSeeOther)
		firstStep(s, "jane@example.org", "").Post(recoveryLogin, code(codes[1])).Is(http.StatusTooManyRequests)
		// 96 a day
		s.Clock.Advance(16 * time.Minute)
		firstStep(s, "jane@example.org", "").Post(totpLogin, code(a.code(0))).Is(http.StatusSeeOther)
	})
}

func TestARecoveryCodeWorksOnce(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		_, codes := setUpApp(s)
		firstStep(s, "jane@example.org", "/walls/").Post(recoveryLogin, code(" "+strings.ToUpper(codes[0])+" ")).LeadsTo("/walls/")
		firstStep(s, "jane@example.org", "").Post(recoveryLogin, code(codes[0])).Is(http.StatusBadRequest).Has("not one of your recovery codes")
		mailed := s.Sent.Factors[len(s.Sent.Factors)-1]
		if mailed.To != "jane@example.org" || !strings.Contains(mailed.Done, "recovery code was used") || mailed.RecoveryCodes != 9 {
			t.Errorf("mailed %+v", mailed)
		}

		browsers := []*webtest.Site{firstStep(s, "jane@example.org", ""), firstStep(s, "jane@example.org", ""),
			firstStep(s, "jane@example.org", "")}
		var at sync.WaitGroup
		in := make([]bool, len(browsers))
		for i, b := range browsers {
			at.Go(func() { in[i] = b.Post(recoveryLogin, code(codes[1])).Status == http.StatusSeeOther })
		}
		at.Wait()
		n := 0
		for i, b := range browsers {
			if b.Get("/accounts/profile/").Status == http.StatusOK {
				n++
			} else if in[i] {
				t.Error("let in, but not logged in")
			}
		}
		if n != 1 {
			t.Errorf("%d of 3 at once are in, want 1", n)
		}

		s.Get("/accounts/profile/").Has("8 of 10 left")
		fresh := strings.Fields(s.Post("/accounts/two_factor/recovery/", url.Values{}).Is(http.StatusOK).Find(".codes code").Text())
		firstStep(s, "jane@example.org", "").Post(recoveryLogin, code(codes[2])).Is(http.StatusBadRequest)
		for i, c := range fresh {
			b := firstStep(s, "jane@example.org", "/walls/")
			want := "/walls/"
			if i == len(fresh)-1 {
				want = "/accounts/two_factor/recovery/"
			}
			b.Post(recoveryLogin, code(c)).LeadsTo(want)
			s.Clock.Advance(2 * time.Hour)
		}
	})
}

func TestTheCodesShownAreTheCodesDownloaded(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		setUpApp(s)
		page := s.Post("/accounts/two_factor/recovery/", url.Values{}).Is(http.StatusOK)
		href, _ := page.Find("a[download]").Attr("href")
		text, err := url.PathUnescape(strings.TrimPrefix(href, "data:text/plain;charset=utf-8,"))
		if err != nil || !strings.HasSuffix(text, "\n\n"+strings.TrimSpace(page.Find(".codes code").Text())+"\n") ||
			!strings.Contains(text, "jane@example.org") {
			t.Errorf("%v: %s", err, text)
		}
		s.Get("/accounts/two_factor/recovery/").Has("10 recovery codes").HasNot(strings.Fields(page.Find(".codes code").Text())[0])
	})
}

func TestEachStepHasASessionOfItsOwn(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		a, _ := setUpApp(s)
		b := s.OtherBrowser()
		// a session of nobody, which somebody else may have planted
		b.Post("/accounts/profile/appearance/", url.Values{"theme": {"dark"}})
		planted := cookie(b)
		b.Post("/accounts/login/", webtest.SignupForm("jane@example.org"))
		b.Get(s.LastLink()).LeadsTo("/accounts/login/two_factor/")
		between := cookie(b)
		b.Post(totpLogin, code(a.code(0))).Is(http.StatusSeeOther)
		in := cookie(b)
		if planted == "" || between == planted || in == between || in == planted {
			t.Errorf("sessions %q, %q, %q", planted, between, in)
		}
		for _, old := range []string{planted, between} {
			c := s.OtherBrowser()
			c.Header.Set("Cookie", webtest.SessionCookie+"="+old)
			c.Get("/accounts/profile/").Is(http.StatusSeeOther)
			c.Get(totpLogin).LeadsTo("/accounts/login/")
		}
	})
}

// cookie is the id of the browser's session.
func cookie(s *webtest.Site) string {
	root, _ := url.Parse(s.URL)
	for _, c := range s.Client.Jar.Cookies(root) {
		if c.Name == webtest.SessionCookie {
			return c.Value
		}
	}
	return ""
}

func TestAPasswordIsAFirstStepToo(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		s.Post("/accounts/set_password/", url.Values{"password": {"correct horse"}}).Is(http.StatusSeeOther)
		a, _ := setUpApp(s)
		b := s.OtherBrowser()
		login := url.Values{"email": {"jane@example.org"}, "password": {"correct horse"}, "next": {"https://evil.example/"}}
		b.Post("/accounts/login/", login).LeadsTo("/accounts/login/two_factor/")
		b.Post(totpLogin, code(a.code(0)))
		b.Get("/accounts/profile/").Is(http.StatusOK)
		// Who is logged in shows that it is still them by password or link, and the second factor.
		s.Clock.Advance(time.Hour)
		b.Get("/accounts/two_factor/totp/remove/").LeadsTo("/accounts/confirm/?next=%2Faccounts%2Ftwo_factor%2Ftotp%2Fremove%2F")
		b.Post("/accounts/confirm/", url.Values{"link": {"1"}, "next": {"/accounts/two_factor/totp/remove/"}})
		b.Get(s.LastLink()).LeadsTo("/accounts/login/two_factor/")
		b.Get("/accounts/two_factor/totp/remove/").LeadsTo("/accounts/confirm/?next=%2Faccounts%2Ftwo_factor%2Ftotp%2Fremove%2F")
		b.Post(totpLogin, code(a.code(0))).LeadsTo("/accounts/two_factor/totp/remove/")
		b.Get("/accounts/two_factor/totp/remove/").Is(http.StatusOK).Has("only second factor")
		b.Post("/accounts/two_factor/totp/remove/", url.Values{}).Is(http.StatusSeeOther)
		b.Get("/accounts/profile/").Has("one step again", "alone logs you in")
		s.Login("jane@example.org")
		n := len(s.Sent.Factors)
		if n != 2 || !strings.Contains(s.Sent.Factors[1].Done, "removed") || s.Sent.Factors[1].On {
			t.Errorf("mailed %+v", s.Sent.Factors)
		}
	})
}

func TestOnlyTheRecentlyAuthenticatedChangeFactors(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		setUpApp(s)
		root := webtest.Superuser(s)
		root.Post("/admin/users/"+user.ID.String()+"/login/", nil).Is(http.StatusSeeOther)
		s.Clock.Advance(31 * time.Minute)
		some := uuid.NewString()
		for _, path := range []string{"webauthn/", "totp/", "totp/remove/", "recovery/", some + "/name/", some + "/remove/"} {
			path = "/accounts/two_factor/" + path
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				s.Do(method, path, url.Values{}).LeadsTo("/accounts/confirm/?next=" + url.QueryEscape(path))
				root.Do(method, path, url.Values{}).Is(http.StatusForbidden)
			}
		}
		on, err := s.Auth.TwoFactorOn(t.Context(), user.ID)
		if !on || err != nil {
			t.Error(on, err)
		}
	})
}

func TestASuperuserTakesFactorsAway(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		setUpApp(s)
		root := webtest.Superuser(s)
		path := "/admin/users/" + user.ID.String() + "/two_factor/"
		s.Post(path, url.Values{}).Is(http.StatusNotFound)
		if root.Get("/admin/users/").Is(http.StatusOK).Has("two-factor").Find(`form[action="`+path+`"]`).Length() != 1 {
			t.Error("no button")
		}
		root.Post(path, url.Values{}).LeadsTo("/admin/users/?q=")
		root.Get("/admin/users/").Has("one step now").HasNot("Reset…")
		s.OtherBrowser().Login("jane@example.org")
		last := s.Sent.Factors[len(s.Sent.Factors)-1]
		if last.To != "jane@example.org" || last.On || last.RecoveryCodes != 0 || !strings.Contains(last.Done, "An operator of this site") {
			t.Errorf("mailed %+v", last)
		}
	})
}

func TestTheSecretOfAnAppIsNotInTheDatabase(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		secret := strings.ReplaceAll(s.Get("/accounts/two_factor/totp/").Text(".totp .code code"), " ", "")
		rows, err := s.Store.SessionsOf(t.Context(), user.ID)
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		a, codes := setUpApp(s)
		if a.secret != secret || !regexp.MustCompile(`^[A-Z2-7]{32}$`).MatchString(secret) {
			t.Errorf("secret %q, then %q", secret, a.secret)
		}
		f, err := s.Store.FactorsOf(t.Context(), user.ID)
		if err != nil || f.TOTPSecret == "" || strings.Contains(f.TOTPSecret, secret) || bytes.Contains(rows[0].Data, []byte(secret)) {
			t.Errorf("%v: stored %q, session %s", err, f.TOTPSecret, rows[0].Data)
		}
		if ok, err := s.Store.UseRecoveryCode(t.Context(), user.ID, []byte(codes[0])); ok || err != nil {
			t.Error("recovery codes are stored as they are")
		}
	})
}

func TestKeysOfProgramsNeedNoSecondStep(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		_, token, err := s.Auth.CreateToken(t.Context(), user, "Terraform", false, "")
		if err != nil {
			t.Fatal(err)
		}
		setUpApp(s)
		if _, u, err := s.Auth.TokenUser(t.Context(), token); err != nil || u.ID != user.ID {
			t.Error(u, err)
		}
	})
}

// Other devices have proved less than what logging in takes from now on.
func TestOtherDevicesAreLoggedOutWithTheFirstFactor(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		other := s.OtherBrowser()
		other.Login("jane@example.org")
		page := s.Get("/accounts/two_factor/totp/")
		a := app{s, strings.ReplaceAll(page.Text(".totp .code code"), " ", "")}
		s.Post("/accounts/two_factor/totp/", code(a.code(0))).Is(http.StatusOK).Has("logged out on 1 other device")
		other.Get("/accounts/profile/").Is(http.StatusSeeOther)
		s.Get("/accounts/profile/").Is(http.StatusOK)
	})
}

func TestWithoutHTTPSThePagesExplainWhyThereAreNoKeys(t *testing.T) {
	// at a bare number
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		s.Get("/accounts/profile/").Has("Security keys and passkeys need a site with https")
		s.Get("/accounts/two_factor/webauthn/").Is(http.StatusOK).Has("https only, or on localhost", "authenticator app")
		s.Post("/accounts/two_factor/webauthn/", url.Values{"name": {"x"}, "credential": {"{}"}}).Is(http.StatusBadRequest)
	})
}

func TestSomebodyDeactivatedMeanwhileDoesNotPass(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, _ := s.Login("jane@example.org")
		a, _ := setUpApp(s)
		b := firstStep(s, "jane@example.org", "")
		_, err := s.Store.ChangeUser(t.Context(), user.ID, func(u *monitor.User) error { u.IsActive = false; return nil })
		if err != nil {
			t.Fatal(err)
		}
		b.Post(totpLogin, code(a.code(0))).LeadsTo("/accounts/login/")
	})
}
