package ui_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/notify"
	"punctual/internal/testkit/kindtest"
	"punctual/web"
	"punctual/web/webtest"
)

func TestEveryAnswerGuardsItself(t *testing.T) {
	s := webtest.New(t, db.SQLite, func(d *web.Deps) {
		settings := map[string]string{"pushover-subscription-url": "https://pushover.net/subscribe/Punctual-x"}
		d.Notifiers = kindtest.Registry(notify.Env{}, settings)
	})
	for _, path := range []string{"/", "/docs/", "/nothing/", "/robots.txt"} {
		a := s.Get(path)
		policy := a.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'self'", "object-src 'none'", "frame-ancestors 'none'",
			"form-action 'self' https://pushover.net"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: policy %q has no %q", path, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if a.Header.Get("X-Content-Type-Options") != "nosniff" || a.Header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
}

func TestAddressesThatAreNotThere(t *testing.T) {
	webtest.Each(t, func(s *webtest.Site) {
		s.Get("/nothing/").Is(http.StatusNotFound).Has("There is no such page")
		a := s.Do(http.MethodPut, "/accounts/login/", nil).Is(http.StatusMethodNotAllowed)
		got := strings.Join(a.Header.Values("Allow"), ", ")
		if got != "GET, POST" {
			t.Errorf("Allow: %s", got)
		}
		s.Login("jane@example.org")
		if s.Get("/nothing/").Is(http.StatusNotFound).Find("header .avatar").Length() == 0 {
			t.Error("the error page does not know who is logged in")
		}
	})
}

func TestInternalErrorsShowAReferenceAndNothingElse(t *testing.T) {
	var log bytes.Buffer
	s := webtest.New(t, db.SQLite, func(d *web.Deps) { d.Log = webtest.LogTo(t, &log, "info") })
	for name, h := range map[string]http.Handler{
		"an error": s.Server.Wrap(func(http.ResponseWriter, *http.Request) error { return errors.New("the password is hunter2") }),
		"a panic":  http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the password is hunter2") }),
	} {
		t.Run(name, func(t *testing.T) {
			log.Reset()
			w := httptest.NewRecorder()
			s.Server.LogRequests(s.Server.RecoverPanics(h)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			body := w.Body.String()
			if w.Code != http.StatusInternalServerError || strings.Contains(body, "hunter2") || !strings.Contains(body, "Something broke") {
				t.Fatalf("%d\n%s", w.Code, body)
			}
			ref := regexp.MustCompile(`<code>([2-7a-z]{8})</code>`).FindStringSubmatch(body)
			if ref == nil || w.Header().Get("X-Request-Id") != ref[1] || strings.Count(log.String(), `"request_id":"`+ref[1]+`"`) != 1 ||
				!strings.Contains(log.String(), "hunter2") {
				t.Errorf("reference %v, header %v, log:\n%s", ref, w.Header(), log.String())
			}
		})
	}
}

func TestTheDatabaseIsDown(t *testing.T) {
	s := webtest.New(t, db.SQLite)
	s.Login("jane@example.org")
	if err := s.Store.DB().Close(); err != nil {
		t.Fatal(err)
	}
	s.Get("/").Is(http.StatusInternalServerError).Has("Something broke")
}

func TestTheLogHasNoSecrets(t *testing.T) {
	var log bytes.Buffer
	s := webtest.New(t, db.SQLite, func(d *web.Deps) {
		d.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s.Login("jane@example.org")
	link := s.LastLink()
	token := strings.Split(link, "/")[6]
	text := log.String()
	if strings.Contains(text, token) || !strings.Contains(text, "route=/accounts/check_token/{user}/{token}") {
		t.Errorf("log:\n%s", text)
	}
}

func TestUnderAPath(t *testing.T) {
	s := webtest.New(t, db.SQLite, func(d *web.Deps) {
		root := *d.Site.Root
		root.Path = "/watch"
		d.Site.Root = &root
	})
	s.Get("/accounts/profile/").LeadsTo("/accounts/login/?next=%2Faccounts%2Fprofile%2F")
	form := webtest.SignupForm("jane@example.org")
	form.Set("next", "/accounts/profile/")
	s.Post("/accounts/login/", form).LeadsTo("/accounts/login_link_sent/")
	s.Get(s.LastLink()).LeadsTo("/accounts/profile/")
	page := s.Get("/accounts/profile/").Is(http.StatusOK)
	for _, a := range page.Find("a[href], form[action]").EachIter() {
		to := a.AttrOr("href", a.AttrOr("action", ""))
		if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/watch/") {
			t.Errorf("leads out of the path: %s", to)
		}
	}
}

func TestHTTPSIsPromisedWhereARequestCameByIt(t *testing.T) {
	for _, try := range []struct {
		root, proto string
		age         time.Duration
		want        string
	}{
		{"https://punctual.example.org", "https", 180 * 24 * time.Hour, "max-age=15552000"},
		{"https://punctual.example.org", "http", time.Hour, ""},
		{"https://punctual.example.org", "", time.Hour, ""},
		{"https://punctual.example.org", "https, http", time.Hour, "max-age=3600"},
		{"https://punctual.example.org", "nonsense", time.Hour, ""},
		{"https://punctual.example.org", "https", 0, ""},
		{"http://punctual.example.org", "https", time.Hour, ""},
	} {
		root, err := url.Parse(try.root)
		if err != nil {
			t.Fatal(err)
		}
		s := webtest.New(t, db.SQLite, func(d *web.Deps) {
			d.Site.Root = root
			d.HSTS = try.age
		})
		for _, path := range []string{"/", "/nothing/", "/robots.txt"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.RemoteAddr = "127.0.0.1:1234"
			if try.proto != "" {
				r.Header.Set("X-Forwarded-Proto", try.proto)
			}
			w := httptest.NewRecorder()
			s.Server.ServeHTTP(w, r)
			got := w.Header().Get("Strict-Transport-Security")
			if got != try.want {
				t.Errorf("%+v, %s: %q", try, path, got)
			}
			// no proxy that is trusted
			r.RemoteAddr = "192.0.2.7:1234"
			w = httptest.NewRecorder()
			s.Server.ServeHTTP(w, r)
			if got := w.Header().Get("Strict-Transport-Security"); got != "" {
				t.Errorf("from anywhere, %+v, %s: %q", try, path, got)
			}
		}
	}
}
