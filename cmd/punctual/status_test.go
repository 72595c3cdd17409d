package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"punctual/internal/status"
	webstatus "punctual/web/status"
)

// command runs a command line with an environment and returns what came of it.
func command(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(t.Context(), args, &world{stdout: &out, stderr: &errs, env: env, now: time.Now})
	return code, out.String(), errs.String()
}

// watched is a server below /punctual whose parts are well, doubtful and, when
// broken, not well. It takes the token "right".
func watched(t *testing.T, broken bool) *httptest.Server {
	t.Helper()
	finding := status.Healthy("answers")
	if broken {
		finding = status.Failed("does not answer", context.DeadlineExceeded)
	}
	checks := []status.Check{
		{Name: "database", Run: func(context.Context) status.Finding { return finding }},
		{Name: "disk", Run: func(context.Context) status.Finding { return status.Warn("8 % free") }},
	}
	runner := status.NewRunner(checks, nil)
	pages := webstatus.New(webstatus.Deps{
		Checks: func() *status.Runner { return runner }, ErrorCode: 500, Tokens: []string{"right"}, Redact: strings.TrimSpace,
		Log: slog.New(slog.DiscardHandler),
	}, func(*http.Request) webstatus.Visitor { return webstatus.Visitor{} })
	mux := http.NewServeMux()
	mux.HandleFunc("/punctual/status/", pages.Report)
	mux.HandleFunc("/punctual/status/ping/", pages.Ping)
	mux.HandleFunc("/punctual/status/bare/", pages.Bare)
	mux.HandleFunc("/punctual/livez", pages.Live)
	mux.HandleFunc("/punctual/readyz", pages.Ready)
	mux.HandleFunc("/hangs/status/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<h1>It works!</h1>")) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestStatusAsksAServer(t *testing.T) {
	well := watched(t, false).URL
	ill := watched(t, true).URL
	for _, c := range []struct {
		url, token string
		args       string
		code       int
		// a part; "" = silence
		stderr string
	}{
		{url: well + "/punctual"},
		{url: well + "/punctual/"},
		{url: well + "/punctual/status"},
		{url: well + "/punctual/status/", token: "right"},
		{url: well + "/punctual/status/ping/"},
		{url: well + "/punctual/status/bare"},
		{url: well + "/punctual/livez"},
		{url: well + "/punctual/readyz/"},
		{url: ill + "/punctual/livez"},
		{url: well + "/punctual", token: "right", args: "-c disk"},
		{url: ill + "/punctual", token: "right", args: "-s database"},

		{url: ill + "/punctual", code: 1,
			stderr: "/punctual/status/ is not well (HTTP 500); a status token would tell why (PUNCTUAL_STATUS_TOKENS)\n"},
		{url: ill + "/punctual", token: "wrong", code: 1, stderr: "it does not take the status token, which would tell why\n"},
		{url: ill + "/punctual", token: "right,old", code: 1, stderr: "punctual: database: does not answer: context deadline exceeded\n"},
		{url: ill + "/punctual/status/bare/", code: 1, stderr: "/punctual/status/bare/ is not well (HTTP 500)\n"},
		{url: ill + "/punctual/readyz", code: 1, stderr: `/punctual/readyz says "not ready: the database does not answer" (HTTP 503)` + "\n"},
		{url: well + "/punctual", args: "-c disk", code: 1, stderr: "/punctual/status/ says: Choosing checks needs a status token."},
		{url: well + "/punctual", token: "right", args: "-c nonsense", code: 1,
			stderr: `says: there is no check "nonsense"; there are database, disk (HTTP 404)` + "\n"},
		{url: well + "/elsewhere", code: 1, stderr: "/elsewhere/status/ does not answer as Punctual does (HTTP 200, text/html; charset=utf-8)\n"},
		{url: well + "/elsewhere/livez", code: 1, stderr: "does not answer as Punctual does"},
		{url: well + "/hangs", args: "--timeout 50ms", code: 1, stderr: "/hangs/status/ did not answer within 50ms\n"},
		{url: "http://127.0.0.1:1", code: 1,
			stderr: "http://127.0.0.1:1/status/ cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused\n"},
		{url: "localhost:8000", code: 2,
			stderr: `"localhost:8000" is no address (allowed: http://HOST, https://HOST/PATH, or /PATH for this machine)`},
		{url: well + "/punctual/livez", args: "-c disk", code: 2, stderr: "/livez takes no choice"},
	} {
		args := append([]string{"status", "--url", c.url}, strings.Fields(c.args)...)
		code, stdout, stderr := command(t, map[string]string{"PUNCTUAL_STATUS_TOKENS": c.token}, args...)
		if code != c.code || stdout != "" || c.stderr == "" && stderr != "" || !strings.Contains(stderr, c.stderr) ||
			strings.Count(stderr, "\n") > 1 {
			t.Errorf("%s with token %q: exit %d, %q, %q\nwant %d, %q", strings.Join(args, " "), c.token, code, stdout, stderr, c.code, c.stderr)
		}
	}
}

// A redirect may lead elsewhere, but not with a token.
func TestStatusTakesItsTokenToNoOtherHost(t *testing.T) {
	there := strings.Replace(watched(t, false).URL, "127.0.0.1", "localhost", 1)
	here := httptest.NewServer(http.RedirectHandler(there+"/punctual/status/?format=json", http.StatusFound))
	t.Cleanup(here.Close)
	for token, want := range map[string]string{"": "", "right": "the redirect leads to another host, localhost:"} {
		code, _, stderr := command(t, map[string]string{"PUNCTUAL_STATUS_TOKENS": token}, "status", "--url", here.URL)
		if (code == 0) != (want == "") || !strings.Contains(stderr, want) {
			t.Errorf("with token %q: exit %d, %q", token, code, stderr)
		}
	}
}

// A path alone is a page of the server of these settings.
func TestStatusFindsTheServerOfItsSettings(t *testing.T) {
	listen := strings.TrimPrefix(watched(t, false).URL, "http://")
	env := map[string]string{"PUNCTUAL_LISTEN": listen, "PUNCTUAL_SITE_ROOT": "https://example.org/punctual"}
	for _, page := range []string{"/readyz", "/", "/status/"} {
		code, _, stderr := command(t, env, "status", "--url", page)
		if code != 0 || stderr != "" {
			t.Errorf("%s: exit %d, %s", page, code, stderr)
		}
	}
	for listen, want := range map[string]string{
		":8000": "http://127.0.0.1:8000", "0.0.0.0:80": "http://127.0.0.1:80", "[::]:80": "http://127.0.0.1:80",
		"[::1]:80": "http://[::1]:80", "10.0.0.1:80": "http://10.0.0.1:80", "web:80": "http://web:80",
	} {
		got := local(listen)
		if got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}

func TestStatusPrintsLinesOfJSON(t *testing.T) {
	env := map[string]string{"PUNCTUAL_STATUS_TOKENS": "right"}
	code, stdout, stderr := command(t, env, "status", "--url", watched(t, true).URL+"/punctual", "-v")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != 1 || len(lines) != 2 || !strings.Contains(stderr, "database") || strings.Contains(stderr, "disk") {
		t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	var got []string
	for _, line := range lines {
		var c webstatus.Check
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		got = append(got, c.Name+" "+c.Status+" "+c.Fact)
	}
	if strings.Join(got, ", ") != "database error does not answer, disk warning 8 % free" {
		t.Error(got)
	}
}

// Without --url it looks itself; no secret is told.
func TestStatusLooksItself(t *testing.T) {
	env := map[string]string{"PUNCTUAL_DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "none.db")}
	code, stdout, stderr := command(t, env, "status", "-c", "database")
	if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "punctual: database: ") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	env["PUNCTUAL_DATABASE_URL"] = "postgres://punctual:hunter2secret@127.0.0.1:1/punctual"
	code, stdout, stderr = command(t, env, "status", "-v", "-c", "database")
	if code != 1 || strings.Contains(stdout+stderr, "hunter2secret") || !strings.Contains(stdout, `"status":"error"`) {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if code, _, stderr := command(t, env, "status", "-c", "nonsense"); code != 2 || !strings.Contains(stderr, "database") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}
