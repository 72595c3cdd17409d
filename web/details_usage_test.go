package web

import (
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/templates"
)

// retrying is an option of curl without the one that makes it try again when the
// connection is refused, as it is while a server restarts.
var retrying = regexp.MustCompile(`--retry \d+( [^-|]| --[^r]|$)`)

func TestEveryRetryOutlastsARestart(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, e := range examplesFor("URL", "me@host.example", &monitor.Check{}) {
		texts["example "+e.ID] = e.Code
	}
	collect := func(root fs.FS, under string) {
		err := fs.WalkDir(root, ".", func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".md") && !strings.HasSuffix(path, ".html") {
				return err
			}
			raw, err := fs.ReadFile(root, path)
			texts[under+path] = string(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	collect(templates.FS, "templates/")
	collect(os.DirFS("../docs"), "docs/")
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	texts["README.md"] = string(readme)
	for name, text := range texts {
		for line := range strings.Lines(text) {
			if retrying.MatchString(strings.ReplaceAll(line, "`--retry", "")) {
				t.Errorf("%s: --retry without --retry-connrefused: %s", name, line)
			}
		}
	}
}

// TestTheExamplesOutlastARestart runs what the page of a check shows while nothing
// listens there, and then while the server says 503 once.
func TestTheExamplesOutlastARestart(t *testing.T) {
	t.Parallel()
	interpreters := map[string][]string{
		"crontab": {"sh", "-c"},
		"curl":    {"sh", "-c"},
		"bash":    {"bash", "-c"},
		"python":  {"python3", "-c"},
		"node":    {"node", "--input-type=module", "-e"},
		"php":     {"php", "-r"},
		"ruby":    {"ruby", "-e"},
		"go":      {"go", "run"},
	}
	// What the examples call their own work.
	work := map[string]string{
		"python": "def work(): pass\n",
		"node":   "async function work() {}\n",
		"php":    "function work() {}\n",
		"ruby":   "def work; end\n",
	}
	job := filepath.Join(t.TempDir(), "backup.sh")
	if err := os.WriteFile(job, []byte("#!/bin/sh\necho done\n"), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	for _, e := range examplesFor("URL", "", &monitor.Check{}) {
		interpreter := interpreters[e.ID]
		if interpreter == nil {
			continue
		}
		t.Run(e.ID, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(interpreter[0]); err != nil {
				t.Skipf("%s is not installed", interpreter[0])
			}
			address, heard := restarting(t)
			code := strings.TrimPrefix(e.Code, "0 3 * * * ")
			code = strings.NewReplacer("URL", "http://"+address+"/ping", "/usr/local/bin/backup.sh", job, "<?php\n", "").Replace(work[e.ID] + code)
			if e.ID == "go" {
				code = goProgram(t, code)
			}
			ctx := t.Context()
			cmd := exec.CommandContext(ctx, interpreter[0], append(interpreter[1:], code)...)
			cmd.Dir = t.TempDir()
			output, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, output)
			}
			pings := heard()
			if len(pings) == 0 || strings.HasSuffix(pings[len(pings)-1], "/start") || strings.HasSuffix(pings[len(pings)-1], "/fail") {
				t.Errorf("pings that were accepted: %q\n%s", pings, output)
			}
		})
	}
}

// goProgram makes a file of an example that is a part of one.
func goProgram(t *testing.T, code string) (path string) {
	t.Helper()
	ping, rest, _ := strings.Cut(code, "\nping(")
	code = "package main\n\nimport (\n\t\"log\"\n\t\"net/http\"\n\t\"time\"\n)\n\n" + ping + "\nfunc work() error { return nil }\n\nfunc main() {\nping(" + rest + "\n}\n"
	path = filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// restarting is the address of a server that refuses connections for its first one
// and a half seconds and then answers one request with 503. The function returns
// the paths of what it accepted after that, in their order.
func restarting(t *testing.T) (address string, heard func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()

	var mu sync.Mutex
	var paths []string
	refused := false
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !refused {
			refused = true
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		paths = append(paths, r.URL.Path)
	}))
	opening := time.AfterFunc(1500*time.Millisecond, func() {
		again, err := net.Listen("tcp", address)
		if err != nil {
			t.Errorf("listen on %s again: %v", address, err)
			return
		}
		server.Listener.Close()
		server.Listener = again
		server.Start()
	})
	t.Cleanup(func() {
		opening.Stop()
		server.Close()
	})
	return address, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return paths
	}
}
