package web_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/web/webtest"
)

// upload is a form with a file of the size.
func upload(tb testing.TB, size int) (contentType string, body []byte) {
	tb.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, err := w.CreateFormFile("f", "big.bin")
	if err != nil {
		tb.Fatal(err)
	}
	_, _ = part.Write(make([]byte, size))
	_ = w.WriteField("List-Unsubscribe", "One-Click")
	_ = w.Close()
	return w.FormDataContentType(), buf.Bytes()
}

// A file sent to any address, by anybody, is refused and leaves nothing behind.
func TestNoAddressTakesFiles(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	e := newEverything(t, db.SQLite)
	contentType, file := upload(t, 10)
	form := "f=" + strings.Repeat("a", 1<<20)
	for _, a := range e.addresses() {
		path := e.path(a.route, "", "")
		status := e.OtherBrowser().Send(a.method, path, contentType, bytes.NewReader(file)).StatusCode
		if readsForms(a) && status != http.StatusUnsupportedMediaType {
			t.Errorf("%s %s with a file: %d", a.method, a.route, status)
		}
		if a.method != http.MethodPost || !readsForms(a) {
			continue
		}
		status = e.OtherBrowser().Send(a.method, path, "application/x-www-form-urlencoded", strings.NewReader(form)).StatusCode
		if status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s %s with more than 1 MiB: %d", a.method, a.route, status)
		}
	}
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the directory for temporary files: %v %v", left, err)
	}
}

// readsForms tells whether the address is a page of the site: the others never
// look for a form, but for those that take either sort.
func readsForms(a address) bool {
	for _, other := range []string{"/api", "/badge/", "/b/", "/static/", "/status", "/livez", "/readyz", "/favicon", "/robots",
		"/integrations/{channel}/unsub/", "/accounts/unsubscribe_reports/"} {
		if strings.HasPrefix(a.route, other) {
			return false
		}
	}
	return !strings.Contains(a.route, "/metrics/")
}

// A body that says nothing about its length is cut off where it gets too large.
func TestAnEndlessBodyIsRefused(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	for _, path := range []string{"/accounts/profile/appearance/", "/accounts/login/"} {
		resp := s.Send(http.MethodPost, path, "application/x-www-form-urlencoded", io.LimitReader(endless{}, 4<<20))
		if resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
			t.Errorf("%s: %d, connection closed: %t", path, resp.StatusCode, resp.Close)
		}
	}
}

// A form is read as a whole or not at all.
func TestAFormOfTooManyPartsIsRefused(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	user, _ := s.Login("jane@example.org")
	path := s.Server.Signer.UnsubscribeReportsPath(user.ID, s.Store.Now())
	for parts, want := range map[int]int{100: http.StatusOK, 101: http.StatusBadRequest} {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for i := range parts - 1 {
			_ = w.WriteField(fmt.Sprint("field", i), "x")
		}
		_ = w.WriteField("List-Unsubscribe", "One-Click")
		_ = w.Close()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, &body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", w.FormDataContentType())
		resp, err := s.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != want || strings.Contains(string(page), "Please send fewer.") != (want == http.StatusBadRequest) {
			t.Errorf("%d parts: %d, want %d; %v", parts, resp.StatusCode, want, err)
		}
	}
}

// Only who is logged in may send the long texts that are there from before.
func TestALongBodyIsForThoseWhoAreLoggedIn(t *testing.T) {
	t.Parallel()
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			s := webtest.New(t, engine)
			_, project := s.Login("jane@example.org")
			path := "/checks/" + s.FirstCheck(project).Code.String() + "/name/"
			form := url.Values{"name": {"Renamed"}, "from": {strings.Repeat("a", 2<<20)}}.Encode()
			const kind = "application/x-www-form-urlencoded"
			resp := s.Send(http.MethodPost, path, kind, strings.NewReader(form))
			if resp.StatusCode != http.StatusSeeOther {
				t.Errorf("the owner: %d", resp.StatusCode)
			}
			name := s.FirstCheck(project).Name
			if name != "Renamed" {
				t.Errorf("the name is %q", name)
			}
			stranger := s.OtherBrowser()
			for what, body := range map[string]io.Reader{"a form": strings.NewReader(form), "no end": io.LimitReader(endless{}, 4<<20)} {
				resp := stranger.Send(http.MethodPost, path, kind, body)
				if resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
					t.Errorf("a stranger, %s: %d, connection closed: %t", what, resp.StatusCode, resp.Close)
				}
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("a"), len(p))), nil }

// The refusal comes before the body: whoever asks first is spared the sending.
func TestATooLargeBodyIsRefusedUnread(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, db.SQLite)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn,
		"POST /accounts/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "+
			"100000000\r\n\r\nidentity=")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 413 ") {
		t.Errorf("%.100s %v", answer, err)
	}
}

// Mail programs unsubscribe with either sort of form.
func TestUnsubscribingTakesBothForms(t *testing.T) {
	t.Parallel()
	e := newEverything(t, db.SQLite)
	user, err := e.Store.UserByEmail(t.Context(), "jane@example.org")
	if err != nil {
		t.Fatal(err)
	}
	var boundary bytes.Buffer
	w := multipart.NewWriter(&boundary)
	_ = w.WriteField("List-Unsubscribe", "One-Click")
	_ = w.Close()
	path := e.Server.Signer.UnsubscribeReportsPath(user.ID, e.Store.Now())
	resp := e.OtherBrowser().Send(http.MethodPost, path, w.FormDataContentType(), &boundary)
	user, err = e.Store.UserByEmail(t.Context(), "jane@example.org")
	if err != nil || resp.StatusCode != http.StatusOK || user.Reports != monitor.ReportsOff {
		t.Errorf("%d, reports %s, %v", resp.StatusCode, user.Reports, err)
	}
}

const unstorable = "a\x00b\xff\xedc"

// What no database can keep is cleaned or refused at every address, in every
// parameter, field and header: never an error of ours.
func TestUnstorableTextIsNoError(t *testing.T) {
	for _, engine := range []db.Engine{db.Postgres, db.SQLite} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			e := newEverything(t, engine)
			all := url.Values{}
			for _, name := range fields(t) {
				all.Set(name, unstorable)
			}
			for _, a := range e.addresses() {
				// it is not, in tests
				if a.route == "/readyz" {
					continue
				}
				for _, name := range params(a.route) {
					e.survives(a, e.path(a.route, name, unstorable), nil)
				}
				e.survives(a, e.path(a.route, "", "")+"?"+all.Encode(), nil)
				if a.method == http.MethodPost {
					e.survives(a, e.path(a.route, "", ""), all)
				}
			}
			if engine == db.Postgres {
				e.fieldByField(t)
			}
		})
	}
}

// survives holds that nobody gets an error of ours for it.
func (e *everything) survives(a address, path string, form url.Values) {
	e.Helper()
	for who, b := range e.browsers(path) {
		b.Header = http.Header{
			"User-Agent": {"x\xff\xfe"}, "Referer": {"\xff"}, "X-Request-Id": {"\xff"}, "X-Forwarded-For": {"\xff"}, "Accept-Language": {"\xff"},
			"If-None-Match": {"\xff"}, "X-Api-Key": {strings.Repeat("\xff", 32)}, "Authorization": {"Bearer " + strings.Repeat("\xff", 32)},
			"X-Metrics-Key": {"\xff"},
		}
		got := b.Do(a.method, path, form)
		b.Header = http.Header{}
		if got.Status >= http.StatusInternalServerError {
			e.Errorf("%s %s as %s: %d", a.method, strings.ReplaceAll(fmt.Sprintf("%.200s", path), url.PathEscape(unstorable), "BAD"), who,
				got.Status)
		}
	}
}

// fieldByField fills forms as people do, but for one field.
func (e *everything) fieldByField(t *testing.T) {
	e = newEverything(t, db.Postgres)
	project := "/projects/" + e.project.ID.String()
	check := "/checks/" + e.check.Code.String()
	forms := map[string]url.Values{
		"/accounts/login/": {"identity": {"x@example.org"}, "tz": {"UTC"}, "next": {"/"}, "email": {"jane@example.org"},
			"password": {"p"}},
		"/accounts/signup/":                {"identity": {"x@example.org"}, "tz": {"UTC"}},
		"/accounts/profile/":               {"tz": {"UTC"}},
		"/accounts/profile/tokens/":        {"name": {"token"}, "readonly": {"1"}},
		"/accounts/profile/appearance/":    {"theme": {"dark"}},
		"/accounts/profile/notifications/": {"reports": {"daily"}, "nag": {"0"}, "tz": {"UTC"}},
		"/accounts/set_password/":          {"password": {"correct horse battery"}, "repeat": {"correct horse battery"}},
		"/accounts/change_email/":          {"email": {"y@example.org"}},
		"/projects/add/":                   {"name": {"Second"}},
		project + "/settings/":             {"action": {"name"}, "name": {"Renamed"}, "badge_key": {"x"}},
		project + "/members/":              {"email": {"z@example.org"}, "role": {"member"}},
		project + "/checks/add/": {"name": {"n"}, "slug": {"n"}, "tags": {"t"}, "desc": {"d"}, "kind": {"simple"}, "timeout": {"3600"},
			"grace": {"3600"}, "tz": {"UTC"}, "schedule": {"* * * * *"}},
		project + "/checks/bulk/": {"action": {"tag"}, "tag": {"t"}, "check": {e.check.Code.String()}, "back": {"?tag=x"}},
		check + "/name/":          {"name": {"n"}, "slug": {"m"}, "tags": {"t"}, "desc": {"d"}, "from": {"details"}},
		check + "/timeout/": {"kind": {"cron"}, "schedule": {"* * * * *"}, "tz": {"UTC"}, "grace": {"3600"}, "timeout": {"3600"},
			"from": {"details"}},
		check + "/filtering_rules/": {"start_kw": {"a"}, "success_kw": {"b"}, "failure_kw": {"c"}, "methods": {"POST"},
			"filter_subject": {"on"}},
		check + "/schedule_preview/": {"kind": {"cron"}, "schedule": {"* * * * *"}, "tz": {"UTC"}},
		check + "/zone/":             {"zone": {"UTC"}, "next": {"/"}},
		project + "/add_email/":      {"value": {"q@example.org"}, "name": {"n"}, "down": {"on"}},
		project + "/add_webhook/": {"name": {"n"}, "method_down": {"POST"}, "url_down": {"https://h.example.org/$NAME"},
			"body_down": {"b"}, "headers_down": {"A: b"}},
		project + "/add_pushover/": {"name": {"n"}, "value": {"u" + strings.Repeat("a", 29)}, "priority": {"0"}, "prio_up": {"0"}},
		"/walls/":                  {"name": {"w"}, "project": {e.project.ID.String()}},
		"/docs/example/":           {"check": {e.check.Code.String()}, "back": {"x"}},
	}
	for path, form := range forms {
		for name := range form {
			bad := url.Values{}
			for k, v := range form {
				bad[k] = v
			}
			bad.Set(name, unstorable+form.Get(name))
			e.survives(address{http.MethodPost, path}, path, bad)
		}
	}
}

// The same for the API, whose texts are refused by name.
func TestUnstorableTextInTheAPI(t *testing.T) {
	for _, engine := range []db.Engine{db.Postgres, db.SQLite} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			e := newEverything(t, engine)
			check := `/api/v3/checks/` + e.check.Code.String()
			channel := `/api/v3/channels/` + e.channel.ID.String()
			project := `/api/v3/projects/` + e.project.ID.String()
			for _, field := range []string{
				"channels", "desc", "failure_kw", "methods", "name", "schedule", "slug", "start_kw", "subject", "subject_fail", "success_kw", "tags",
				"tz", "unique",
				"kind", "config", "checks", "revoke", "make", "api_key",
			} {
				for _, value := range []string{`"a\u0000b"`, "\"a\xffb\"", "\"a\x00b\"", `"\ud800"`, `["a\u0000b"]`,
					`{"url_down":"https://a.example.org/\u0000"}`, `{"a\u0000":"b"}`} {
					for _, path := range []string{check, "/api/v3/checks/", "/api/v1/checks/", channel, "/api/v3/channels/", channel + "/checks", project,
						"/api/v3/projects/", project + "/keys"} {
						body := `{"kind":"webhook","` + field + `":` + value + `}`
						e.Header = http.Header{"X-Api-Key": {e.apiKey}}
						if strings.Contains(path, "/projects/") {
							e.Header = http.Header{"X-Api-Key": {e.token}}
						}
						req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, e.URL+path, strings.NewReader(body))
						req.Header = e.Header
						resp, err := e.Client.Do(req)
						if err != nil {
							t.Fatal(err)
						}
						resp.Body.Close()
						if resp.StatusCode >= http.StatusInternalServerError {
							t.Errorf("POST %s %q: %d", path, body, resp.StatusCode)
						}
					}
				}
			}
		})
	}
}
