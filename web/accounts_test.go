package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/testkit/testdb"
)

func signupForm(address string) url.Values {
	return url.Values{"identity": {address}, "tz": {"Europe/Riga"}}
}

func TestSigningUp(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.post("/accounts/signup/", signupForm("Jane@Example.org")).leadsTo("/accounts/login_link_sent/")
		s.get("/accounts/login_link_sent/").is(http.StatusOK).has("link")

		opened := s.get(s.lastLink()).is(http.StatusSeeOther)
		if !strings.HasPrefix(opened.location, "/projects/") || !strings.HasSuffix(opened.location, "/checks/") {
			t.Errorf("leads to %s, want the checks of the only project", opened.location)
		}
		user, err := s.store.UserByEmail(t.Context(), "jane@example.org")
		if err != nil || user.TZ != "Europe/Riga" {
			t.Fatalf("%+v, %v", user, err)
		}
		s.get("/").is(http.StatusOK).has("Projects", "My project", "1 check", "1 integration")
	})
}

func TestALinkInAnotherBrowserAsksForAClick(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.post("/accounts/login/", signupForm("jane@example.org"))
		link := s.lastLink()

		scanner := s.otherBrowser()
		for range 3 {
			scanner.get(link).is(http.StatusOK).has("another browser")
		}
		scanner.do(http.MethodHead, link, nil).is(http.StatusOK)
		scanner.get("/accounts/profile/").is(http.StatusSeeOther)
		phone := s.otherBrowser()
		phone.post(link, url.Values{}).is(http.StatusSeeOther)
		phone.get("/accounts/profile/").is(http.StatusOK).has("jane@example.org")

		if s.get(link).is(http.StatusGone).has("does not work any more").Find(`form input[name=identity]`).Length() != 1 {
			t.Error("no form for another link")
		}
	})
}

func TestALinkClickedTwiceStillLeadsIn(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		s.get(s.lastLink()).is(http.StatusSeeOther)
	})
}

func TestHEADDoesNotUseALinkUp(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.post("/accounts/login/", signupForm("jane@example.org"))
		s.do(http.MethodHead, s.lastLink(), nil).is(http.StatusOK)
		s.get(s.lastLink()).is(http.StatusSeeOther)
	})
}

func TestKnownAndUnknownAddressesGetTheSameAnswer(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			s := newTestSite(t, engine, func(d *Deps) { d.Site.RegistrationOpen = false })
			testdb.Account(t, s.store, "known@example.org")
			var answers []string
			for _, address := range []string{"known@example.org", "stranger@example.org"} {
				b := s.otherBrowser()
				sent := b.post("/accounts/login/", signupForm(address)).is(http.StatusSeeOther)
				cookie := sent.header.Get("Set-Cookie")
				answers = append(answers, sent.location+b.get(sent.location).text("main")+strings.SplitN(cookie, "=", 2)[0])
			}
			if answers[0] != answers[1] {
				t.Errorf("answers differ:\n%s\n%s", answers[0], answers[1])
			}
			if len(s.sent.links) != 1 {
				t.Errorf("mailed %q", s.sent.links)
			}
		})
	}
}

func TestWhatIsTypedWrongStays(t *testing.T) {
	eachSite(t, func(s *testSite) {
		page := s.post("/accounts/login/", signupForm("jane@")).is(http.StatusBadRequest)
		if v, _ := page.Find("#identity").Attr("value"); v != "jane@" {
			t.Errorf("the field has %q", v)
		}
		if page.text("#identity-error") == "" {
			t.Error("no message beside the field")
		}
	})
}

func TestNextLeadsToOurOwnPagesOnly(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.get("/accounts/profile/?x=1").leadsTo("/accounts/login/?next=%2Faccounts%2Fprofile%2F%3Fx%3D1")
		form := s.get("/accounts/login/?next=%2Faccounts%2Fprofile%2F%3Fx%3D1").is(http.StatusOK)
		if v, _ := form.Find(`main input[name=next]`).First().Attr("value"); v != "/accounts/profile/?x=1" {
			t.Errorf("next %q", v)
		}
		login := signupForm("jane@example.org")
		login.Set("next", "/accounts/profile/?x=1")
		s.post("/accounts/login/", login)
		s.get(s.lastLink()).leadsTo("/accounts/profile/?x=1")
	})
}

func TestSafeNext(t *testing.T) {
	for in, want := range map[string]string{
		"/projects/1/checks/?a=b": "/projects/1/checks/?a=b", "/": "/",
		"": "", "https://evil.example/": "", "//evil.example/": "", `/\evil.example/`: "", "/\t/evil.example": "", "javascript:alert(1)": "",
		"evil.example": "", "/accounts/logout/": "", "/accounts/login/?next=/": "", "/accounts/check_token/1/2/": "", "/api/v3/checks/": "", "///x": "",
	} {
		if got := safeNext(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestLoggingInWithAPassword(t *testing.T) {
	eachSite(t, func(s *testSite) {
		if _, err := s.auth.CreateSuperuser(t.Context(), "root@example.org", "correct horse"); err != nil {
			t.Fatal(err)
		}
		wrong := s.post("/accounts/login/", url.Values{"email": {"root@example.org"}, "password": {"wrong horse"}}).is(http.StatusBadRequest)
		if strings.Contains(wrong.body, "wrong horse") {
			t.Error("the password is on the page")
		}
		s.post("/accounts/login/", url.Values{"email": {"root@example.org"}, "password": {"correct horse"}}).is(http.StatusSeeOther)
		s.get("/admin/users/").is(http.StatusOK).has("root@example.org")
	})
}

func TestLoggingOut(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		other := s.otherBrowser()
		other.login("jane@example.org")

		s.post("/accounts/logout/", nil).leadsTo("/")
		s.get("/accounts/profile/").is(http.StatusSeeOther)
		other.get("/accounts/profile/").is(http.StatusOK)
	})
}

func TestLoggingOutElsewhere(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		other := s.otherBrowser()
		other.header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		other.login("jane@example.org")
		stranger := s.otherBrowser()
		stranger.login("stranger@example.org")

		page := s.get("/accounts/profile/").is(http.StatusOK).has("Firefox on Linux")
		id, _ := page.Find(`button[name=session]`).Attr("value")
		stranger.post("/accounts/logout_everywhere/", url.Values{"session": {id}})
		other.get("/accounts/profile/").is(http.StatusOK)

		s.post("/accounts/logout_everywhere/", url.Values{"session": {id}}).leadsTo("/accounts/profile/")
		other.get("/accounts/profile/").is(http.StatusSeeOther)
		s.get("/accounts/profile/").is(http.StatusOK).has("That device is logged out").hasNot("Firefox")
	})
}

func TestLoggingOutEverywhere(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		other := s.otherBrowser()
		other.login("jane@example.org")
		s.post("/accounts/logout_everywhere/", nil).leadsTo("/accounts/login/")
		s.get("/accounts/profile/").is(http.StatusSeeOther)
		other.get("/accounts/profile/").is(http.StatusSeeOther)
	})
}

func TestTheSessionChangesItsIDAtLogin(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.post("/accounts/profile/appearance/", url.Values{"theme": {"dark"}, "next": {"/docs/"}}).leadsTo("/docs/")
		before := cookieOf(s)
		s.login("jane@example.org")
		if after := cookieOf(s); before == "" || after == "" || before == after {
			t.Errorf("id %q, then %q", before, after)
		}
	})
}

func cookieOf(s *testSite) string {
	u, _ := url.Parse(s.url)
	for _, c := range s.client.Jar.Cookies(u) {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	return ""
}

func TestThemeAndTimeZone(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.post("/accounts/profile/appearance/", url.Values{"theme": {"dark"}})
		if theme, _ := s.get("/docs/").Find("html").Attr("data-theme"); theme != "dark" {
			t.Errorf("a visitor's theme %q", theme)
		}
		s.login("jane@example.org")
		s.post("/accounts/profile/appearance/", url.Values{"theme": {"light"}, "next": {"/accounts/profile/"}}).leadsTo("/accounts/profile/")
		if theme, _ := s.get("/docs/").Find("html").Attr("data-theme"); theme != "light" {
			t.Errorf("a user's theme %q", theme)
		}
		s.post("/accounts/profile/appearance/", url.Values{"theme": {`"><script>`}}).is(http.StatusBadRequest)

		s.post("/accounts/profile/", url.Values{"tz": {"America/New_York"}}).leadsTo("/accounts/profile/")
		if v, _ := s.get("/accounts/profile/").Find("#tz option[selected]").Html(); v != "America/New_York" {
			t.Errorf("time zone %q", v)
		}
		s.post("/accounts/profile/", url.Values{"tz": {"Mars/Olympus"}}).is(http.StatusBadRequest).has("choose a time zone")
	})
}

func TestClosingTheAccount(t *testing.T) {
	eachSite(t, func(s *testSite) {
		user, project := s.login("jane@example.org")
		other := s.otherBrowser()
		other.login("jane@example.org")

		s.get("/accounts/close/").is(http.StatusOK).has("1 project", "1 check")
		s.post("/accounts/close/", url.Values{"confirmation": {"joe@example.org"}}).is(http.StatusBadRequest)
		s.post("/accounts/close/", url.Values{"confirmation": {" Jane@example.org"}}).leadsTo("/")
		if _, err := s.store.UserByID(t.Context(), user.ID); err == nil {
			t.Error("the user is still there")
		}
		if _, err := s.store.ProjectByID(t.Context(), project.ID); err == nil {
			t.Error("the project is still there")
		}
		s.get("/accounts/profile/").is(http.StatusSeeOther)
		other.get("/accounts/profile/").is(http.StatusSeeOther)
	})
}

func TestPostsOfOtherSitesAreRefused(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.login("jane@example.org")
		s.header.Set("Sec-Fetch-Site", "cross-site")
		s.post("/accounts/logout_everywhere/", nil).is(http.StatusForbidden)
		s.header.Del("Sec-Fetch-Site")
		s.header.Set("Origin", "https://evil.example")
		s.post("/accounts/logout_everywhere/", nil).is(http.StatusForbidden)
		s.header.Set("Origin", s.url)
		s.get("/accounts/profile/").is(http.StatusOK)
		s.post("/accounts/logout/", nil).is(http.StatusSeeOther)
	})
}

// Browsers write the origin of a site in one spelling, whatever spelling its
// operator has set; the proxy before it may write another host.
func TestTheOriginOfTheSiteIsKnownInEverySpelling(t *testing.T) {
	for _, root := range []string{"https://Cron.example.org", "https://cron.example.org:443", "https://cron.example.org.", "https://cron.example.org"} {
		listen := ""
		s := newTestSite(t, db.SQLite, func(d *Deps) {
			listen = d.Site.Root.String()
			d.Site.Root, _ = url.Parse(root)
		})
		s.url = listen
		s.header.Set("Origin", "https://cron.example.org")
		s.post("/accounts/logout/", nil).is(http.StatusSeeOther)
		s.header.Set("Origin", "https://cron.example.org:8443")
		s.post("/accounts/logout/", nil).is(http.StatusForbidden)
	}
}

func TestTooManyAttemptsSayWhenToComeBack(t *testing.T) {
	eachSite(t, func(s *testSite) {
		for range 10 {
			s.post("/accounts/login/", signupForm("jane@example.org")).is(http.StatusSeeOther)
		}
		s.post("/accounts/login/", signupForm("jane@example.org")).is(http.StatusTooManyRequests).has("Too many attempts")
	})
}

func TestDevices(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15":            "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile Safari/604": "Chrome on iPhone",
		"Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36":                  "Chrome on Android",
		"curl/8.5.0": "curl", "": "Unknown device",
	} {
		if got := deviceOf(agent); got != want {
			t.Errorf("%q: %s, want %s", agent, got, want)
		}
	}
}

// Whatever somebody without an account does, no session is stored for it.
func TestStrangersLeaveNoSessions(t *testing.T) {
	eachSite(t, func(s *testSite) {
		s.header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
		s.get("/")
		s.get("/docs/")
		for _, path := range []string{
			"/accounts/login/", "/accounts/signup/", "/accounts/logout/", "/accounts/profile/appearance/", "/accounts/login/two_factor/", "/docs/example/",
			"/accounts/unsubscribe_reports/x/", "/integrations/" + uuid.NewString() + "/unsub/x/", "/accounts/check_token/x/y/", "/nothing/",
		} {
			s.post(path, url.Values{"identity": {"stranger@example.org"}, "theme": {"dark"}, "email": {"x"}, "password": {"y"}, "code": {"1"}})
			s.get("/")
		}
		var rows int
		if err := s.store.DB().QueryRow(s.Context(), `SELECT count(*) FROM sessions`).Scan(&rows); err != nil || rows != 0 {
			s.Errorf("%d sessions are stored, %v", rows, err)
		}
	})
}
