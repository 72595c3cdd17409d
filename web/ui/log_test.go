package ui_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"punctual/internal/db"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/web"
	"punctual/web/webtest"
)

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
	s := webtest.New(t, db.SQLite, func(d *web.Deps) { d.Log = webtest.LogTo(t, &out, "info") })
	user, p := s.Login("jane@example.org")
	check := s.AddNamed(p, "Backup")
	out.Reset()

	a := s.Get("/checks/" + check.Code.String() + "/details/?secret=in-the-query")
	lines := takeLines(t, &out)
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	l := lines[0]
	if l.Duration <= 0 || l.DBTime <= 0 || l.Statements < 3 || l.Bytes != len(a.Body) {
		t.Errorf("figures: %+v", l)
	}
	l.Duration = 0
	l.DBTime = 0
	l.Statements = 0
	l.Bytes = 0
	want := requestLine{
		Level: "INFO", Area: "http", Msg: "request", Method: "GET", Route: "/checks/{check}/details",
		Path:   "/checks/" + monitor.UniqueKey(check.Code) + "/details/",
		Remote: "127.0.0.1", User: user.ID.String(), Project: p.ID.String(), RequestID: a.Header.Get("X-Request-Id"), Status: 200,
	}
	if l != want || l.RequestID == "" {
		t.Errorf("got  %+v\nwant %+v", l, want)
	}

	s.Get("/static/css/nothing.css").Is(404)
	s.Get("/favicon.ico").Is(200)
	s.Get("/projects/" + p.ID.String() + "/checks/status/").Is(200)
	if lines := takeLines(t, &out); len(lines) != 1 || lines[0].Status != 404 {
		t.Errorf("what browsers ask for by themselves: %+v", lines)
	}
}

func TestRequestIDsOfProxies(t *testing.T) {
	var out bytes.Buffer
	s := webtest.New(t, db.SQLite, func(d *web.Deps) { d.Log = webtest.LogTo(t, &out, "info") })
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
		s.Server.ServeHTTP(w, r)
		id := w.Header().Get("X-Request-Id")
		lines := takeLines(t, &out)
		if !logs.IsID(id) || (id == tt.sent) != tt.taken || len(lines) != 1 || lines[0].RequestID != id {
			t.Errorf("%+v: %q, log %+v", tt, id, lines)
		}
	}
}
