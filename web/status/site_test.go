package status_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"punctual/internal/status"
	webstatus "punctual/web/status"
)

// The secrets that are nobody's to see.
const (
	password = "hunter2secret"
	dsn      = "postgres://punctual:" + password + "@db.internal:5432/punctual"
)

// noon is when everything is looked at.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 123_000_000, time.UTC) }

// finds is a check that finds something.
func finds(name, title string, f status.Finding, labels ...string) status.Check {
	return status.Check{Name: name, Title: title, Labels: labels, Run: func(context.Context) status.Finding { return f }}
}

// well are checks of which none finds fault.
func well() []status.Check {
	return []status.Check{
		finds("database", "Database", status.Healthy("answers in 2 ms", status.Field{Name: "engine", Value: "postgres"},
			status.Field{Name: "round_trip_ms", Value: 1.5}), "data"),
		finds("storage", "Storage", status.Healthy("written and read"), "data"),
		finds("mail", "Mail", status.Healthy("takes our mail"), "mail"),
		finds("sendalerts", "Alerts", status.Healthy("watching", status.Field{Name: "processes", Value: 2},
			status.Field{Name: "alone", Value: false}), "worker"),
	}
}

// ill are checks of which some find fault, in words that hold secrets.
func ill() []status.Check {
	return []status.Check{
		finds("sendalerts", "Alerts", status.Healthy("watching"), "worker"),
		finds("disk", "Disk", status.Warn("8 % free", status.Field{Name: "free_bytes", Value: int64(1 << 30)})),
		finds("database", "Database", status.Failed("does not answer at "+dsn, errors.New("dial "+dsn+": refused")), "data"),
		{Name: "mail", Title: `Mail "out" <&>`, Run: func(context.Context) status.Finding { panic("the password is " + password) }},
	}
}

// site is the pages with a stand-in for the web site around them: who sends the
// cookie who=root is a superuser, and the page for people is its model.
type site struct {
	*testing.T
	http.Handler
}

func serve(t *testing.T, checks []status.Check, change ...func(*webstatus.Deps)) *site {
	t.Helper()
	return &site{T: t, Handler: newHandler(checks, change...)}
}

func newHandler(checks []status.Check, change ...func(*webstatus.Deps)) http.Handler {
	runner := status.NewRunner(checks, noon)
	d := webstatus.Deps{
		Checks: func() *status.Runner { return runner }, SiteName: "Punctual", URL: "https://punctual.example.org/status/", Version: "1.2.3",
		ErrorCode: 500, TokenName: "watchman-token", Tokens: []string{"old-token", "new-token"},
		Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
		Redact:   strings.NewReplacer(dsn, "********", password, "********").Replace, Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&d)
	}
	own := webstatus.New(d, visitor)
	mux := http.NewServeMux()
	mux.HandleFunc("/status/{$}", own.Report)
	mux.HandleFunc("/status/ping/", own.Ping)
	mux.HandleFunc("/status/bare/", own.Bare)
	mux.HandleFunc("/livez", own.Live)
	mux.HandleFunc("/readyz", own.Ready)
	return mux
}

func visitor(r *http.Request) webstatus.Visitor {
	who, _ := r.Cookie("who")
	return webstatus.Visitor{
		Superuser: who != nil && who.Value == "root",
		Render: func(w http.ResponseWriter, code int, d *webstatus.Dashboard) error {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(code)
			return json.NewEncoder(w).Encode(d)
		},
	}
}

// answer is what came back.
type answer struct {
	*testing.T
	code   int
	header http.Header
	body   string
}

// get asks for a path, with headers given as "Name: value".
func (s *site) get(path string, headers ...string) *answer {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), http.MethodGet, path, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
		// of the connection
		if name == "From" {
			r.RemoteAddr = value
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return &answer{T: s.T, code: w.Code, header: w.Header(), body: w.Body.String()}
}

// known is get with a token.
func (s *site) known(path string) *answer {
	s.Helper()
	return s.get(path, "Authorization: Bearer new-token")
}

func (a *answer) is(code int) *answer {
	a.Helper()
	if a.code != code {
		a.Errorf("HTTP %d, want %d: %s", a.code, code, a.body)
	}
	return a
}

// json decodes the body into v.
func (a *answer) json(v any) {
	a.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		a.Fatalf("%v in %s", err, a.body)
	}
}

// names are those of all formats.
func names() []string {
	return []string{"atom", "health-check", "html", "json", "openmetrics", "panopticon", "rss", "text", "watchman"}
}
