// Package e2e drives the real binary as its users do: processes, settings from
// the environment, HTTP, a real SMTP server, signals. It has tests only.
package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	// go test runs this package again when what is in the binary has changed
	_ "punctual/internal/app"
	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	// "browser" is here who does without scripts
	chromium "punctual/internal/testkit/browser"
	"punctual/internal/testkit/tempdir"
	"punctual/internal/testkit/testdb"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) { pgtest.Main(building{chromium.Closing(m)}) }

// building builds the binary before the tests run.
type building struct{ tests interface{ Run() int } }

func (b building) Run() int {
	dir, err := os.MkdirTemp("", "punctual-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "punctual")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", binary, "punctual/cmd/punctual")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the binary: %v\n%s", err, out)
		return 1
	}
	return b.tests.Run()
}

// each runs the test on both engines.
func each(t *testing.T, test func(t *testing.T, engine db.Engine)) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

// patience bounds every wait of these tests. It is long because CI is slow;
// nothing waits longer than it has to.
const patience = 30 * time.Second

// eventually polls until ok, or fails the test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	eventuallyWithin(t, patience, what, ok)
}

func eventuallyWithin(t *testing.T, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
		pause := time.NewTimer(20 * time.Millisecond)
		<-pause.C
	}
}

// env is the environment of the processes of one test.
type env map[string]string

// newEnv is an instance with a database of its own and free ports.
func newEnv(t *testing.T, engine db.Engine) env {
	t.Helper()
	port := freePort(t)
	e := env{
		"PUNCTUAL_LISTEN":            "127.0.0.1:" + port,
		"PUNCTUAL_SITE_ROOT":         "http://127.0.0.1:" + port,
		"PUNCTUAL_SECRET_KEY":        "an e2e secret of thirty-two chars",
		"PUNCTUAL_LOG_FORMAT":        "json",
		"PUNCTUAL_ALLOW_PRIVATE_IPS": "true",
		// load tests send more than one account may
		"PUNCTUAL_PING_CHECK_RATE":   "0",
		"PUNCTUAL_PING_PROJECT_RATE": "0",
		// where no test is about it: directories of tests are in memory
		"PUNCTUAL_SPOOL_DIR": "off",
	}
	if engine == db.Postgres {
		e["PUNCTUAL_DATABASE_URL"] = pgtest.DSN(t)
	} else {
		e["PUNCTUAL_DATABASE_URL"] = "sqlite:" + filepath.Join(tempdir.New(t), "data", "punctual.db")
	}
	return e
}

func (e env) with(more env) env {
	out := env{}
	for _, m := range []env{e, more} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func (e env) site(path string) string { return e["PUNCTUAL_SITE_ROOT"] + path }

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// store opens the database of the instance beside the processes.
func (e env) store(t *testing.T) *store.Store {
	t.Helper()
	d, err := db.Open(t.Context(), e["PUNCTUAL_DATABASE_URL"], db.Options{MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return store.New(d, kinds.Address)
}

// run runs a command to its end and returns exit code, stdout and stderr.
func (e env) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := e.command(t, args...)
	var out, errs strings.Builder
	cmd.Stdout = &out
	cmd.Stderr = &errs
	err := cmd.Run()
	exit := (*exec.ExitError)(nil)
	if err != nil && !asExit(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func asExit(err error, target **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError) //nolint:errorlint // as os/exec returns it
	*target = e
	return ok
}

// binary is the program under test, unless the environment names another build.
func (e env) binary() string {
	other := e["TEST_BINARY"]
	if other != "" {
		return other
	}
	return binary
}

func (e env) command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.Command(e.binary(), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir}
	for k, v := range e {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	return cmd
}

// process is a running command.
type process struct {
	*testing.T
	cmd   *exec.Cmd
	mu    sync.Mutex
	lines []string
	ended chan struct{}
}

// start starts a command that keeps running; the test ends it at the latest.
func (e env) start(t *testing.T, args ...string) *process {
	t.Helper()
	p := e.launch(t, args...)
	p.waitFor("Punctual is running")
	return p
}

// launch is start for a command that may end by itself: it does not wait.
func (e env) launch(t *testing.T, args ...string) *process {
	t.Helper()
	return launch(t, e.command(t, args...), strings.Join(args, " "))
}

// launch starts the command, which is punctual with these arguments in the end.
func launch(t *testing.T, cmd *exec.Cmd, args string) *process {
	t.Helper()
	p := &process{T: t, cmd: cmd, ended: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(stderr)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of punctual %s, but for requests that were answered well:\n%s", args, p.notable())
		}
	})
	return p
}

func (p *process) read(stderr io.Reader) {
	for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
		p.mu.Lock()
		p.lines = append(p.lines, scanner.Text())
		p.mu.Unlock()
	}
	p.cmd.Wait()
	close(p.ended)
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// notable is the log without what it says in thousands of lines when all is well.
func (p *process) notable() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	well := regexp.MustCompile(`"msg":"request".*"status":[23]\d\d`)
	return strings.Join(slices.DeleteFunc(slices.Clone(p.lines), well.MatchString), "\n")
}

// waitFor waits until the log matches the pattern and returns its submatches.
func (p *process) waitFor(pattern string) (match []string) {
	p.Helper()
	re := regexp.MustCompile(pattern)
	eventually(p.T, "the log says "+pattern, func() bool {
		match = re.FindStringSubmatch(p.log())
		select {
		case <-p.ended:
			if match == nil {
				p.Fatalf("the process ended: %s", p.log())
			}
		default:
		}
		return match != nil
	})
	return match
}

// mailbox is the address that opens the local mailbox, as printed last.
func (p *process) mailbox() string {
	p.Helper()
	address := regexp.MustCompile(`"mailbox":"([^"]*)"`)
	p.waitFor(address.String())
	all := address.FindAllStringSubmatch(p.log(), -1)
	return all[len(all)-1][1]
}

// kill is kill -9.
func (p *process) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.ended
}

// terminate is an orderly end; it returns the exit code.
func (p *process) terminate() int {
	p.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.Fatal("the process did not end after SIGTERM")
	}
	return p.cmd.ProcessState.ExitCode()
}

// browser is a visitor with cookies who does not run scripts.
type browser struct {
	*testing.T
	env
	http.Client
}

func (e env) browser(t *testing.T) *browser {
	// cannot fail
	jar, _ := cookiejar.New(nil)
	return &browser{T: t, env: e, Client: http.Client{Jar: jar, Timeout: patience}}
}

// get follows an address of the site, or a full one, and returns status, body
// and where redirects led.
func (b *browser) get(address string) (status int, body string, at *url.URL) {
	b.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.site(address)
	}
	return b.read(b.Get(address))
}

func (b *browser) post(path string, form url.Values) (status int, body string, at *url.URL) {
	b.Helper()
	return b.read(b.PostForm(b.site(path), form))
}

func (b *browser) read(res *http.Response, err error) (int, string, *url.URL) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return res.StatusCode, string(body), res.Request.URL
}

// find returns the first submatch of pattern in body.
func find(t *testing.T, pattern, body string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no match of %s in:\n%.3000s", pattern, body)
	}
	return m[1]
}
