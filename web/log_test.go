package web

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"

	"punctual/internal/db"
	"punctual/internal/logs"
	"punctual/internal/monitor"
)

// logTo is a log that tests read; levels are those of PUNCTUAL_LOG_LEVEL.
func logTo(t *testing.T, out *bytes.Buffer, levels string) *slog.Logger {
	t.Helper()
	l, err := logs.ParseLevels(levels)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logs.New(&shared{out: out}, l, "json")
	if err != nil {
		t.Fatal(err)
	}
	return logs.In(log, logs.HTTP)
}

// shared is a buffer for many goroutines.
type shared struct {
	mu  sync.Mutex
	out *bytes.Buffer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(b)
}

// requestLine is the line about a request, as docs/logs.md has it.
type requestLine struct {
	Level, Area, Msg, Method, Route, Path, Remote, User, Project, Error string
	RequestID                                                           string  `json:"request_id"`
	Duration                                                            float64 `json:"duration_ms"`
	DBTime                                                              float64 `json:"db_ms"`
	Status, Bytes, Statements                                           int
}

// takeLines reads the lines of requests off the buffer.
func takeLines(t *testing.T, out *bytes.Buffer) (list []requestLine) {
	t.Helper()
	for line := range strings.Lines(out.String()) {
		var l requestLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if l.Msg == "request" {
			list = append(list, l)
		}
	}
	out.Reset()
	return list
}

func TestOneLineForEachRequest(t *testing.T) {
	var out bytes.Buffer
	s := newTestSite(t, db.SQLite, func(d *Deps) { d.Log = logTo(t, &out, "info") })
	user, p := s.login("jane@example.org")
	check := s.addNamed(p, "Backup")
	out.Reset()

	a := s.get("/checks/" + check.Code.String() + "/details/?secret=in-the-query")
	lines := takeLines(t, &out)
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	l := lines[0]
	if l.Duration <= 0 || l.DBTime <= 0 || l.Statements < 3 || l.Bytes != len(a.body) {
		t.Errorf("figures: %+v", l)
	}
	l.Duration, l.DBTime, l.Statements, l.Bytes = 0, 0, 0, 0
	want := requestLine{
		Level: "INFO", Area: "http", Msg: "request", Method: "GET", Route: "/checks/{check}/details", Path: "/checks/" + monitor.UniqueKey(check.Code) + "/details/",
		Remote: "127.0.0.1", User: user.ID.String(), Project: p.ID.String(), RequestID: a.header.Get("X-Request-Id"), Status: 200,
	}
	if l != want || l.RequestID == "" {
		t.Errorf("got  %+v\nwant %+v", l, want)
	}

	s.get("/static/css/nothing.css").is(404)
	s.get("/favicon.ico").is(200)
	s.get("/projects/" + p.ID.String() + "/checks/status/").is(200)
	if lines := takeLines(t, &out); len(lines) != 1 || lines[0].Status != 404 {
		t.Errorf("what browsers ask for by themselves: %+v", lines)
	}
}

func TestRequestIDsOfProxies(t *testing.T) {
	var out bytes.Buffer
	s := newTestSite(t, db.SQLite, func(d *Deps) { d.Log = logTo(t, &out, "info") })
	for _, tt := range []struct {
		peer, sent string
		taken      bool
	}{
		{"127.0.0.1:1", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", true},
		{"[::ffff:127.0.0.1]:1", "id.of_a-proxy", true},
		{"192.0.2.7:1", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", false},
		{"127.0.0.1:1", "<script>", false},
		{"127.0.0.1:1", strings.Repeat("x", 129), false},
		{"127.0.0.1:1", "", false},
		{"nowhere", "id", false},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/docs/", http.NoBody)
		r.RemoteAddr = tt.peer
		r.Header.Set("X-Request-Id", tt.sent)
		s.server.ServeHTTP(w, r)
		id := w.Header().Get("X-Request-Id")
		lines := takeLines(t, &out)
		if !logs.IsID(id) || (id == tt.sent) != tt.taken || len(lines) != 1 || lines[0].RequestID != id {
			t.Errorf("%+v: %q, log %+v", tt, id, lines)
		}
	}
}

func TestPathsInTheLogHaveNoSecrets(t *testing.T) {
	const code = "12345678-90ab-4def-8234-567890abcdef"
	unique := monitor.UniqueKey([16]byte{0x12, 0x34, 0x56, 0x78, 0x90, 0xab, 0x4d, 0xef, 0x82, 0x34, 0x56, 0x78, 0x90, 0xab, 0xcd, 0xef})
	var got string
	note := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = safePath(r) })
	r := chi.NewRouter()
	for _, route := range []string{
		"/", "/docs/{page}/", "/checks/{check}/pings/{n}/", "/accounts/check_token/{user}/{token}/", "/static/*", "/badge/*",
		"/projects/{project}/add_{kind}/", "/integrations/{channel}/unsub/{signed}/", "/checks/{check}/channels/{channel}/enabled",
	} {
		r.Handle(route, note)
	}
	api := chi.NewRouter()
	api.Handle("/{version:v[123]}/checks/{code:[0-9a-f]{8}-[0-9a-f-]{27}}/pause", note)
	api.Handle("/{version:v[123]}/notifications/{code:[0-9a-f-]{36}}/status", note)
	api.NotFound(note)
	r.Mount("/api", api)
	r.NotFound(note)
	for path, want := range map[string]string{
		"/":                              "/",
		"/docs/pinging_api/":             "/docs/pinging_api/",
		"/docs/A1b2C3d4E5f6G7h8J9k0/":    "/docs/…/",
		"/checks/" + code + "/pings/42/": "/checks/" + unique + "/pings/42/",
		"/checks/hunter2/pings/42/":      "/checks/{check}/pings/42/",
		"/accounts/check_token/" + code + "/hunter2/":        "/accounts/check_token/" + code + "/{token}/",
		"/static/css/app.0a1b2c3d4e5f.css":                   "/static/css/app.0a1b2c3d4e5f.css",
		"/badge/A1b2C3d4E5f6G7h8J9k0/Zx1Cv2/x.svg":           "/badge/…/Zx1Cv2/x.svg",
		"/projects/" + code + "/add_webhook/":                "/projects/" + code + "/add_webhook/",
		"/integrations/" + code + "/unsub/hunter2/":          "/integrations/" + code + "/unsub/{signed}/",
		"/checks/" + code + "/channels/" + code + "/enabled": "/checks/" + unique + "/channels/" + code + "/enabled",
		"/api/v3/checks/" + code + "/pause":                  "/api/v3/checks/" + unique + "/pause",
		"/api/v3/notifications/" + code + "/status":          "/api/v3/notifications/" + code + "/status",
		"/api/v3/check/" + code:                              "/api/v3/check/…",
		"/pign/" + code + "/fail":                            "/pign/…/fail",
		"/wp-login.php":                                      "/wp-login.php",
		"/A1b2C3d4E5f6G7h8J9k0/backup":                       "/…/backup",
		"/" + strings.Repeat("ab/", 100):                     "/" + strings.Repeat("ab/", 66) + "a…",
	} {
		got = "nothing"
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path+"?key=hunter2", http.NoBody))
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", path, got, want)
		}
	}
}
