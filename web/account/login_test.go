package account_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/web"
	"punctual/web/ui"
	"punctual/web/webtest"
)

func TestSigningUp(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Post("/accounts/signup/", webtest.SignupForm("Jane@Example.org")).LeadsTo("/accounts/login_link_sent/")
		s.Get("/accounts/login_link_sent/").Is(http.StatusOK).Has("link")

		opened := s.Get(s.LastLink()).Is(http.StatusSeeOther)
		s.Get(opened.Location).Is(http.StatusOK).Has("My First Check", "Add this line to your crontab", "Send a test alert")
		user, err := s.Store.UserByEmail(t.Context(), "jane@example.org")
		if err != nil || user.TZ != "Europe/Riga" {
			t.Fatalf("%+v, %v", user, err)
		}
		s.Get("/").Is(http.StatusOK).Has("Projects", "My project", "1 check", "1 integration")
	})
}

func TestOnceTheFirstCheckIsPingedAVisitorBeginsAtTheList(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, project := s.Login("jane@example.org")
		check := s.FirstCheck(project)
		s.Get("/checks/"+check.Code.String()+"/details/").Has("Add this line to your crontab", "Send a test alert")
		s.Ping(check, monitor.PingSuccess)
		s.Get("/checks/"+check.Code.String()+"/details/").HasNot("Add this line to your crontab", "Send a test alert")

		s.Post("/accounts/logout/", nil).LeadsTo("/")
		s.Post("/accounts/login/", webtest.SignupForm("jane@example.org"))
		s.Get(s.LastLink()).LeadsTo(ui.ListURL(project.ID))
	})
}

func TestALinkInAnotherBrowserAsksForAClick(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Post("/accounts/login/", webtest.SignupForm("jane@example.org"))
		link := s.LastLink()

		scanner := s.OtherBrowser()
		for range 3 {
			scanner.Get(link).Is(http.StatusOK).Has("another browser")
		}
		scanner.Do(http.MethodHead, link, nil).Is(http.StatusOK)
		scanner.Get("/accounts/profile/").Is(http.StatusSeeOther)
		phone := s.OtherBrowser()
		phone.Post(link, url.Values{}).Is(http.StatusSeeOther)
		phone.Get("/accounts/profile/").Is(http.StatusOK).Has("jane@example.org")

		if s.Get(link).Is(http.StatusGone).Has("does not work any more").Find(`form input[name=identity]`).Length() != 1 {
			t.Error("no form for another link")
		}
	})
}

func TestALinkClickedTwiceStillLeadsIn(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		s.Get(s.LastLink()).Is(http.StatusSeeOther)
	})
}

func TestHEADDoesNotUseALinkUp(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Post("/accounts/login/", webtest.SignupForm("jane@example.org"))
		s.Do(http.MethodHead, s.LastLink(), nil).Is(http.StatusOK)
		s.Get(s.LastLink()).Is(http.StatusSeeOther)
	})
}

func TestKnownAndUnknownAddressesGetTheSameAnswer(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			s := webtest.New(t, engine, func(d *web.Deps) { d.Site.RegistrationOpen = false })
			testdb.Account(t, s.Store, "known@example.org")
			var answers []string
			for _, address := range []string{"known@example.org", "stranger@example.org"} {
				b := s.OtherBrowser()
				sent := b.Post("/accounts/login/", webtest.SignupForm(address)).Is(http.StatusSeeOther)
				cookie := sent.Header.Get("Set-Cookie")
				answers = append(answers, sent.Location+b.Get(sent.Location).Text("main")+strings.SplitN(cookie, "=", 2)[0])
			}
			if answers[0] != answers[1] {
				t.Errorf("answers differ:\n%s\n%s", answers[0], answers[1])
			}
			// links are mailed behind the answer
			s.Auth.Wait(t.Context())
			if len(s.Sent.Links) != 1 {
				t.Errorf("mailed %q", s.Sent.Links)
			}
		})
	}
}

func TestWhatIsTypedWrongStays(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		page := s.Post("/accounts/login/", webtest.SignupForm("jane@")).Is(http.StatusBadRequest)
		v, _ := page.Find("#identity").Attr("value")
		if v != "jane@" {
			t.Errorf("the field has %q", v)
		}
		if page.Text("#identity-error") == "" {
			t.Error("no message beside the field")
		}
	})
}

func TestNextLeadsToOurOwnPagesOnly(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Get("/accounts/profile/?x=1").LeadsTo("/accounts/login/?next=%2Faccounts%2Fprofile%2F%3Fx%3D1")
		form := s.Get("/accounts/login/?next=%2Faccounts%2Fprofile%2F%3Fx%3D1").Is(http.StatusOK)
		v, _ := form.Find(`main input[name=next]`).First().Attr("value")
		if v != "/accounts/profile/?x=1" {
			t.Errorf("next %q", v)
		}
		login := webtest.SignupForm("jane@example.org")
		login.Set("next", "/accounts/profile/?x=1")
		s.Post("/accounts/login/", login)
		s.Get(s.LastLink()).LeadsTo("/accounts/profile/?x=1")
	})
}

func TestSafeNext(t *testing.T) {
	for in, want := range map[string]string{
		"/projects/1/checks/?a=b": "/projects/1/checks/?a=b", "/": "/",
		"": "", "https://evil.example/": "", "//evil.example/": "", `/\evil.example/`: "", "/\t/evil.example": "", "javascript:alert(1)": "",
		"evil.example": "", "/accounts/logout/": "", "/accounts/login/?next=/": "", "/accounts/check_token/1/2/": "", "/api/v3/checks/": "",
		"///x": "",
	} {
		got := ui.SafeNext(in)
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestLoggingInWithAPassword(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		_, err := s.Auth.CreateSuperuser(t.Context(), "root@example.org", "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		wrong := s.Post("/accounts/login/", url.Values{"email": {"root@example.org"}, "password": {"wrong horse"}}).Is(http.StatusBadRequest)
		if strings.Contains(wrong.Body, "wrong horse") {
			t.Error("the password is on the page")
		}
		s.Post("/accounts/login/", url.Values{"email": {"root@example.org"}, "password": {"correct horse"}}).Is(http.StatusSeeOther)
		s.Get("/admin/users/").Is(http.StatusOK).Has("root@example.org")
	})
}

func TestLoggingOut(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		other := s.OtherBrowser()
		other.Login("jane@example.org")

		s.Post("/accounts/logout/", nil).LeadsTo("/")
		s.Get("/accounts/profile/").Is(http.StatusSeeOther)
		other.Get("/accounts/profile/").Is(http.StatusOK)
	})
}

func TestLoggingOutElsewhere(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		other := s.OtherBrowser()
		other.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		other.Login("jane@example.org")
		stranger := s.OtherBrowser()
		stranger.Login("stranger@example.org")

		page := s.Get("/accounts/profile/").Is(http.StatusOK).Has("Firefox on Linux")
		id, _ := page.Find(`button[name=session]`).Attr("value")
		stranger.Post("/accounts/logout_everywhere/", url.Values{"session": {id}})
		other.Get("/accounts/profile/").Is(http.StatusOK)

		s.Post("/accounts/logout_everywhere/", url.Values{"session": {id}}).LeadsTo("/accounts/profile/")
		other.Get("/accounts/profile/").Is(http.StatusSeeOther)
		s.Get("/accounts/profile/").Is(http.StatusOK).Has("That device is logged out").HasNot("Firefox")
	})
}

func TestLoggingOutEverywhere(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		other := s.OtherBrowser()
		other.Login("jane@example.org")
		s.Post("/accounts/logout_everywhere/", nil).LeadsTo("/accounts/login/")
		s.Get("/accounts/profile/").Is(http.StatusSeeOther)
		other.Get("/accounts/profile/").Is(http.StatusSeeOther)
	})
}

func TestTheSessionChangesItsIDAtLogin(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Post("/accounts/profile/appearance/", url.Values{"theme": {"dark"}, "next": {"/docs/"}}).LeadsTo("/docs/")
		before := webtest.CookieOf(s)
		s.Login("jane@example.org")
		after := webtest.CookieOf(s)
		if before == "" || after == "" || before == after {
			t.Errorf("id %q, then %q", before, after)
		}
	})
}

func TestThemeAndTimeZone(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Post("/accounts/profile/appearance/", url.Values{"theme": {"dark"}})
		theme, _ := s.Get("/docs/").Find("html").Attr("data-theme")
		if theme != "dark" {
			t.Errorf("a visitor's theme %q", theme)
		}
		s.Login("jane@example.org")
		s.Post("/accounts/profile/appearance/", url.Values{"theme": {"light"}, "next": {"/accounts/profile/"}}).LeadsTo("/accounts/profile/")
		if theme, _ := s.Get("/docs/").Find("html").Attr("data-theme"); theme != "light" {
			t.Errorf("a user's theme %q", theme)
		}
		s.Post("/accounts/profile/appearance/", url.Values{"theme": {`"><script>`}}).Is(http.StatusBadRequest)

		s.Post("/accounts/profile/", url.Values{"tz": {"America/New_York"}}).LeadsTo("/accounts/profile/")
		v, _ := s.Get("/accounts/profile/").Find("#tz option[selected]").Html()
		if v != "America/New_York" {
			t.Errorf("time zone %q", v)
		}
		s.Post("/accounts/profile/", url.Values{"tz": {"Mars/Olympus"}}).Is(http.StatusBadRequest).Has("choose a time zone")
	})
}

func TestClosingTheAccount(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		user, project := s.Login("jane@example.org")
		other := s.OtherBrowser()
		other.Login("jane@example.org")

		s.Get("/accounts/close/").Is(http.StatusOK).Has("1 project", "1 check")
		s.Post("/accounts/close/", url.Values{"confirmation": {"joe@example.org"}}).Is(http.StatusBadRequest)
		s.Post("/accounts/close/", url.Values{"confirmation": {" Jane@example.org"}}).LeadsTo("/")
		_, err := s.Store.UserByID(t.Context(), user.ID)
		if err == nil {
			t.Error("the user is still there")
		}
		if _, err := s.Store.ProjectByID(t.Context(), project.ID); err == nil {
			t.Error("the project is still there")
		}
		s.Get("/accounts/profile/").Is(http.StatusSeeOther)
		other.Get("/accounts/profile/").Is(http.StatusSeeOther)
	})
}

func TestPostsOfOtherSitesAreRefused(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Login("jane@example.org")
		s.Header.Set("Sec-Fetch-Site", "cross-site")
		s.Post("/accounts/logout_everywhere/", nil).Is(http.StatusForbidden)
		s.Header.Del("Sec-Fetch-Site")
		s.Header.Set("Origin", "https://evil.example")
		s.Post("/accounts/logout_everywhere/", nil).Is(http.StatusForbidden)
		s.Header.Set("Origin", s.URL)
		s.Get("/accounts/profile/").Is(http.StatusOK)
		s.Post("/accounts/logout/", nil).Is(http.StatusSeeOther)
	})
}

// Browsers write the origin of a site in one spelling, whatever spelling its
// operator has set; the proxy before it may write another host.
func TestTheOriginOfTheSiteIsKnownInEverySpelling(t *testing.T) {
	for _, root := range []string{"https://Cron.example.org", "https://cron.example.org:443", "https://cron.example.org.",
		"https://cron.example.org"} {
		listen := ""
		s := webtest.New(t, db.SQLite, func(d *web.Deps) {
			listen = d.Site.Root.String()
			d.Site.Root, _ = url.Parse(root)
		})
		s.URL = listen
		s.Header.Set("Origin", "https://cron.example.org")
		s.Post("/accounts/logout/", nil).Is(http.StatusSeeOther)
		s.Header.Set("Origin", "https://cron.example.org:8443")
		s.Post("/accounts/logout/", nil).Is(http.StatusForbidden)
	}
}

func TestTooManyAttemptsShowWhenToComeBack(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		for range 10 {
			s.Post("/accounts/login/", webtest.SignupForm("jane@example.org")).Is(http.StatusSeeOther)
		}
		s.Post("/accounts/login/", webtest.SignupForm("jane@example.org")).Is(http.StatusTooManyRequests).Has("Too many attempts")
	})
}

// Whatever somebody without an account does, no session is stored for it.
func TestStrangersLeaveNoSessions(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
		s.Get("/")
		s.Get("/docs/")
		for _, path := range []string{
			"/accounts/login/", "/accounts/signup/", "/accounts/logout/", "/accounts/profile/appearance/", "/accounts/login/two_factor/",
			"/docs/example/",
			"/accounts/unsubscribe_reports/x/", "/integrations/" + uuid.NewString() + "/unsub/x/", "/accounts/check_token/x/y/", "/nothing/",
		} {
			s.Post(path, url.Values{"identity": {"stranger@example.org"}, "theme": {"dark"}, "email": {"x"}, "password": {"y"}, "code": {"1"}})
			s.Get("/")
		}
		var rows int
		if err := s.Store.DB().QueryRow(s.Context(), `SELECT count(*) FROM sessions`).Scan(&rows); err != nil || rows != 0 {
			s.Errorf("%d sessions are stored, %v", rows, err)
		}
	})
}
