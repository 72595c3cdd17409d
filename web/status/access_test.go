package status_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/status"
	webstatus "punctual/web/status"
)

func TestWhoSeesDetails(t *testing.T) {
	s := serve(t, well())
	for request, want := range map[string]bool{
		"":                                false,
		"?watchman-token=old-token":       true,
		"?watchman-token=new-token":       true,
		"?watchman-token=wrong":           false,
		"?watchman-token=":                false,
		"?token=new-token":                false,
		"Authorization: Bearer old-token": true,
		"Authorization: bearer new-token": true,
		"Authorization: Bearer wrong":     false,
		"Authorization: Bearer":           false,
		`Authorization: WATCHMAN-TOKEN Token="old-token"`:   true,
		`Authorization: WATCHMAN-TOKEN Token=new-token`:     true,
		`Authorization: WATCHMAN-TOKEN token = "new-token"`: true,
		`Authorization: WATCHMAN-TOKEN new-token`:           true,
		`Authorization: WATCHMAN-TOKEN Token="wrong"`:       false,
		`Authorization: WATCHMAN-TOKEN Token=""`:            false,
		`Authorization: WATCHMAN-TOKEN`:                     false,
		"Authorization: Token new-token":                    true,
		"Authorization: Basic new-token":                    false,
		"Authorization: new-token":                          false,
		"Cookie: who=root":                                  true,
		"Cookie: who=jane":                                  false,
		"From: 10.1.2.3:4567":                               true,
		"From: [::ffff:10.1.2.3]:4567":                      true,
		"From: 10.2.0.1:4567":                               false,
		"From: 127.0.0.1:4567":                              false,
		// believed from trusted proxies only, which the site has found out
		"X-Forwarded-For: 10.1.2.3": false,
	} {
		path := "/status/"
		headers := []string{"Accept: application/json"}
		if strings.HasPrefix(request, "?") {
			path += request
		} else if request != "" {
			headers = append(headers, request)
		}
		a := s.get(path, headers...).is(200)
		got := strings.Contains(a.body, "answers in 2 ms") && strings.Contains(a.body, "1.2.3")
		if got != want {
			t.Errorf("%q: details %v, want %v: %s", request, got, want, a.body)
		}
		if !want {
			a.same(`{"status":"ok","healthy":true}`)
		}
	}
	none := serve(t, well(), func(d *webstatus.Deps) {
		d.Tokens = nil
		d.Networks = nil
	})
	none.get("/status/?watchman-token=").same(`{"status":"ok","healthy":true}`)
	renamed := serve(t, well(), func(d *webstatus.Deps) { d.TokenName = "key" })
	if !strings.Contains(renamed.get("/status/?key=new-token").body, "checks") ||
		strings.Contains(renamed.get("/status/?watchman-token=new-token").body, "checks") {
		t.Error("the parameter of the token does not follow its setting")
	}
}

// What strangers get, in every format, and on the bare page: nothing of a check.
func TestStrangersLearnTheWholeOnly(t *testing.T) {
	s := serve(t, ill())
	for _, format := range names() {
		a := s.get("/status/?format=" + format)
		for _, detail := range []string{"atabase", "isk", "8 %", "Mail", "out", "1.2.3", "answer"} {
			if strings.Contains(a.body, detail) {
				t.Errorf("%s tells of %q: %s", format, detail, a.body)
			}
		}
	}
}

// No secret in any format, not for those who may see everything either.
func TestSecretsAreNobodys(t *testing.T) {
	s := serve(t, ill())
	for _, format := range names() {
		a := s.known("/status/?format=" + format)
		if strings.Contains(a.body, password) || strings.Contains(a.body, "goroutine") {
			t.Errorf("%s: %s", format, a.body)
		}
		if format != "openmetrics" && !strings.Contains(a.body, "********") {
			t.Errorf("%s has nothing in the place of the secret: %s", format, a.body)
		}
	}
}

func TestChoosingChecks(t *testing.T) {
	s := serve(t, well())
	for query, want := range map[string]string{
		"check=database":                      "database",
		"check=mail&check=database":           "database mail",
		"check=data":                          "database storage",
		"skip=data":                           "mail sendalerts",
		"check=data&skip=storage":             "database",
		"skip=mail&skip=sendalerts&skip=data": "",
		"check=nonsense":                      "",
		"skip=nonsense":                       "",
		"check=":                              "",
	} {
		for _, format := range names() {
			a := s.known("/status/?format=" + format + "&" + query)
			if want == "" {
				var refusal struct {
					Error          int
					Message        string
					Checks, Labels []string
				}
				a.is(404).json(&refusal)
				diff := cmp.Diff([]string{"database", "storage", "mail", "sendalerts"}, refusal.Checks)
				if diff != "" || refusal.Error != 404 || refusal.Message == "" || len(refusal.Labels) != 3 {
					t.Errorf("%s as %s: %+v", query, format, refusal)
				}
				continue
			}
			a.is(200)
		}
		if want == "" {
			continue
		}
		var document struct{ Checks []struct{ Name string } }
		s.known("/status/?" + query).json(&document)
		var got []string
		for _, c := range document.Checks {
			got = append(got, c.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	s.known("/status/bare/?check=nonsense").is(404)
}

// Strangers may not choose: they would learn of the parts, and could have costly
// checks run.
func TestStrangersMayNotChoose(t *testing.T) {
	var sent atomic.Int32
	checks := append(well(), status.Check{Name: "mail-send", Costly: true, Run: func(context.Context) status.Finding {
		sent.Add(1)
		return status.Healthy("sent")
	}})
	s := serve(t, checks)
	for _, path := range []string{"/status/?check=mail-send", "/status/?check=database", "/status/?skip=database", "/status/?check=nonsense",
		"/status/bare/?check=mail-send"} {
		a := s.get(path).is(403)
		if strings.Contains(a.body, "database") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	s.known("/status/").is(200)
	if sent.Load() != 0 {
		t.Error("a costly check ran")
	}
	s.get("/status/?check=mail-send", "Cookie: who=root").is(200)
	if sent.Load() != 1 {
		t.Error("a costly check did not run for who may choose it")
	}
}

func TestCodes(t *testing.T) {
	for _, code := range []int{500, 503, 200} {
		s := serve(t, ill(), func(d *webstatus.Deps) { d.ErrorCode = code })
		for _, format := range names() {
			want := code
			if format == "openmetrics" || format == "rss" || format == "atom" {
				want = 200
			}
			s.get("/status/?format=" + format).is(want)
			s.known("/status/?format=" + format).is(want)
		}
		a := s.get("/status/bare/").is(code)
		if a.body != "" {
			t.Errorf("bare: %q", a.body)
		}
		// else the browser would note an error
		s.get("/status/?format=html", "X-Part: 1").is(200)
	}
	warned := serve(t, []status.Check{finds("disk", "Disk", status.Warn("8 %"))})
	warned.get("/status/").is(200)
	warned.get("/status/bare/").is(200)
}

func TestHeaders(t *testing.T) {
	s := serve(t, well())
	for _, path := range []string{"/status/", "/status/?format=pdf", "/status/?check=x", "/status/bare/", "/status/ping/", "/livez",
		"/readyz"} {
		h := s.get(path).header
		if h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %v", path, h)
		}
		if h.Get("X-Punctual-Version") != "" {
			t.Errorf("%s tells the version", path)
		}
	}
	got := s.get("/status/").header.Get("Vary")
	if got != "Accept, Authorization, Cookie" {
		t.Errorf("Vary: %s", got)
	}
	answer := serve(t, well(), func(d *webstatus.Deps) { d.VersionHeader = true })
	if got := answer.get("/status/").header.Get("X-Punctual-Version"); got != "1.2.3" {
		t.Errorf("version %q", got)
	}
}

// These run nothing: they answer whatever the checks do.
func TestPingAndLiveRunNothing(t *testing.T) {
	s := serve(t, nil, func(d *webstatus.Deps) { d.Checks = func() *status.Runner { panic("asked") } })
	for path, want := range map[string]string{"/status/ping/": "pong", "/livez": "alive\n"} {
		a := s.get(path).is(200)
		if a.body != want {
			t.Errorf("%s: %q", path, a.body)
		}
	}
}

func TestReady(t *testing.T) {
	serve(t, append(well(), finds("disk", "Disk", status.Failed("full", nil)))).get("/readyz").is(200)
	a := serve(t, ill()).get("/readyz").is(503)
	if strings.Contains(a.body, "db.internal") {
		t.Errorf("tells too much: %s", a.body)
	}
}

// Neither a check nor the question who asks holds the answer up.
func TestAnswersThoughEverythingHangs(t *testing.T) {
	for _, path := range []string{"/status/", "/status/?format=html", "/status/bare/", "/readyz"} {
		synctest.Test(t, func(t *testing.T) {
			hang := make(chan struct{})
			runner := status.NewRunner([]status.Check{{Name: "database", Run: func(context.Context) status.Finding {
				<-hang
				return status.Healthy("late")
			}}}, nil)
			d := webstatus.Deps{Checks: func() *status.Runner { return runner }, SiteName: "Punctual", ErrorCode: 500}
			own := webstatus.New(d, func(r *http.Request) webstatus.Visitor {
				if r.Header.Get("Cookie") != "" {
					<-hang
				}
				return visitor(r)
			})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.Header.Set("Cookie", "who=root")
			w := httptest.NewRecorder()
			begin := time.Now()
			switch {
			case strings.Contains(path, "bare"):
				own.Bare(w, r)
			case path == "/readyz":
				own.Ready(w, r)
			default:
				own.Report(w, r)
			}
			took := time.Since(begin)
			if took >= 2*time.Second || w.Code < 500 || strings.Contains(w.Body.String(), "did not report") {
				t.Errorf("%s: %d after %s: %s", path, w.Code, took, w.Body)
			}
			close(hang)
			synctest.Wait()
		})
	}
}

// Whatever is asked, the answer is one of those there are, and details need a token.
func FuzzRequest(f *testing.F) {
	h := newHandler(ill())
	f.Add("format=json&check=database", "text/html;q=0.8, */*", "Bearer new-token")
	f.Add("watchman-token=wrong&format=atom", "application/*;q=1.5", `WATCHMAN-TOKEN Token="x"`)
	f.Add("check=a&skip=b&format=%00", `text/plain; q="0.5"; a=", b"`, "Token")
	f.Fuzz(func(t *testing.T, query, accept, authorization string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/status/", nil)
		r.URL.RawQuery = query
		r.Header.Set("Accept", accept)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		switch w.Code {
		case 200, 403, 404, 406, 500:
		default:
			t.Errorf("HTTP %d", w.Code)
		}
		held := false
		for _, token := range []string{"old-token", "new-token"} {
			held = held || strings.Contains(authorization, token) || strings.Contains(r.URL.Query().Get("watchman-token"), token)
		}
		body := w.Body.String()
		if !held && (w.Code == 404 || strings.Contains(body, "8 %")) || strings.Contains(body, password) {
			t.Errorf("told a stranger: %s", body)
		}
	})
}
