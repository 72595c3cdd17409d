//go:build programs

package check

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// command returns how the sample is run, with url as the address it pings. It skips
// the test where the language is not installed or lacks a library.
func (s sample) command(t *testing.T, url string) []string {
	t.Helper()
	// What the samples call their own work.
	work := map[string]string{
		"python": "def work(): pass\n",
		"node":   "async function work() {}\n",
		"php":    "function work() {}\n",
		"ruby":   "def work; end\n",
	}
	dir := t.TempDir()
	job := filepath.Join(dir, "backup.sh")
	write(t, job, "#!/bin/sh\necho done\n")
	code := strings.NewReplacer("PING_URL", url, "/usr/local/bin/backup.sh", job, "<?php\n", "").Replace(work[s.language] + s.code)
	switch s.language {
	case "sh", "bash":
		return []string{installed(t, s.language), "-c", code}
	case "python":
		if strings.Contains(code, "import requests") {
			requires(t, "python3", "-c", "import requests")
		}
		return []string{installed(t, "python3"), "-c", code}
	case "node", "js":
		return []string{installed(t, "node"), "--input-type=module", "-e", code}
	case "php":
		if strings.Contains(code, "curl_init") {
			requires(t, "php", "-r", "exit(function_exists('curl_init') ? 0 : 1);")
		}
		return []string{installed(t, "php"), "-r", code}
	case "ruby":
		return []string{installed(t, "ruby"), "-e", code}
	case "go":
		write(t, filepath.Join(dir, "main.go"), code)
		program := filepath.Join(dir, "job")
		compile(t, dir, installed(t, "go"), "build", "-o", program, "main.go")
		return []string{program}
	case "java":
		write(t, filepath.Join(dir, "Job.java"), code)
		compile(t, dir, installed(t, "javac"), "Job.java")
		return []string{installed(t, "java"), "-cp", dir, "Job"}
	}
	t.Skipf("nothing here runs %s", s.language)
	return nil
}

func installed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	return path
}

// requires skips the test when a program fails that asks for a library.
func requires(t *testing.T, program string, args ...string) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), installed(t, program), args...).Run(); err != nil {
		t.Skipf("%s %q: %v", program, args, err)
	}
}

func compile(t *testing.T, dir, compiler string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), compiler, args...)
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil { //nolint:gosec // some are run
		t.Fatal(err)
	}
}

// run runs a sample and returns what it wrote to standard error.
func run(t *testing.T, command []string) (stderr string, err error) {
	t.Helper()
	var errors strings.Builder
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir = t.TempDir()
	cmd.Stderr = &errors
	err = cmd.Run()
	return errors.String(), err
}

// TestTheExamplesOutlastARestart runs what the page of a check shows while nothing
// listens there, and then while the server says 503 once.
func TestTheExamplesOutlastARestart(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		// Those of the documentation are alike, and this test is slow.
		if strings.HasPrefix(s.name, "docs/") {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			address, heard := restarting(t)
			stderr, err := run(t, s.command(t, "http://"+address+"/ping"))
			if err != nil {
				t.Errorf("%v\n%s", err, stderr)
			}
			pings := heard()
			if len(pings) == 0 || strings.HasSuffix(pings[len(pings)-1], "/start") || strings.HasSuffix(pings[len(pings)-1], "/fail") {
				t.Errorf("pings that were accepted: %q\n%s", pings, stderr)
			}
		})
	}
}

// TestTheExamplesRepeatOnlyWhatMayPass runs the samples, without their pauses, against
// a server that gives each address the same answers in turn, the last one for ever.
func TestTheExamplesRepeatOnlyWhatMayPass(t *testing.T) {
	t.Parallel()
	cases := []struct {
		answers []int
		tries   int
	}{
		{[]int{200}, 1},
		{[]int{400}, 1},
		{[]int{404}, 1},
		{[]int{429, 200}, 2},
		{[]int{503, 200}, 2},
		{[]int{503}, 6},
	}
	hurry := strings.NewReplacer(
		pauses, "0, 0, 0, 0, 0, 0",
		shellPauses, "0 0 0 0 0 0",
		"backoff_factor=1", "backoff_factor=0",
		"--retry 5", "--retry 1",
	)
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			byCurl := strings.Contains(s.code, "--retry 5")
			s.code = hurry.Replace(s.code)
			server := newAnswering(t)
			command := s.command(t, server.URL+"/ping")
			check := func(what string, silent bool) {
				stderr, err := run(t, command)
				// Behind && the exit status is that of curl, which cron does not look at.
				if err != nil && s.name != "crontab" {
					t.Errorf("%s: %v\n%s", what, err, stderr)
				}
				if (stderr == "") != silent {
					t.Errorf("%s: on standard error: %q", what, stderr)
				}
			}
			for _, c := range cases {
				server.begin(c.answers)
				// The library of Python says nothing of a try that is repeated with success.
				check(fmt.Sprint(c.answers), c.answers[0] == 200 || strings.Contains(s.code, "Retry(") && c.tries == 2)
				tries := c.tries
				if byCurl {
					tries = min(tries, 2)
				}
				heard := server.heard()
				for path, n := range heard {
					if n != tries {
						t.Errorf("%v: %d requests of %s, want %d", c.answers, n, path, tries)
					}
				}
				if len(heard) == 0 {
					t.Errorf("%v: no ping came", c.answers)
				}
			}
			server.Close()
			check("connection refused", false)
		})
	}
}

// answering is a server with the same answers for each address.
type answering struct {
	*httptest.Server
	mu       sync.Mutex
	answers  []int
	requests map[string]int
}

func newAnswering(t *testing.T) *answering {
	t.Helper()
	a := &answering{}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.requests[r.URL.Path]
	a.requests[r.URL.Path]++
	w.WriteHeader(a.answers[min(n, len(a.answers)-1)])
}

// begin forgets what came and gives these answers from now on.
func (a *answering) begin(answers []int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers = answers
	a.requests = map[string]int{}
}

// heard returns how often each address was requested.
func (a *answering) heard() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.requests)
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
