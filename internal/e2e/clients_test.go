package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/need"
)

// TestClients runs the programs of others that people already have, unchanged,
// against the real binary: only the host name is ours (issue 4). Programs that
// are not to be had here are in clients_replay_test.go.
func TestClients(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		clients := map[string]func(*user){
			"curl": curl, "wget": wget, "busybox wget": busyboxWget, "Python": python, "Node": node,
			"npm healthchecks-io-client": npmClient, "PHP": php, "Ruby": ruby,
		}
		// slow to start, and what it sends is sent by others as well
		if engine == db.SQLite {
			clients["borgmatic"] = borgmatic
		}
		withUsers(t, engine, clients)
	})
}

// TestCurlComesAgain: the line that our documentation gives people rides out a
// database that is away, and the ping is there once.
func TestCurlComesAgain(t *testing.T) {
	t.Parallel()
	required(t, "curl")
	e := newEnv(t, db.Postgres)
	direct, err := url.Parse(e["PUNCTUAL_DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, filepath.Join(direct.Query().Get("host"), ".s.PGSQL.5432"))
	up := e.with(env{"PUNCTUAL_DATABASE_URL": p.dsn(direct.String())}).start(t, "up")
	c := newUser(t, e, e.store(t)).check()

	// A check that this process knows: others are looked for first.
	runs(t, "curl", "-fsS", "-o", "/dev/null", c.URL)
	p.cut(true)
	cmd, stop := command("curl", "-fsS", "-m", "10", "--retry", "5", "-o", "/dev/null", c.URL)
	defer stop()
	var output strings.Builder
	cmd.Stderr = &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up.waitFor("pings are refused")
	p.cut(false)
	if err := cmd.Wait(); err != nil || !strings.Contains(output.String(), "503") {
		t.Errorf("curl: %v, it said %q; want success after a 503", err, output.String())
	}
	c.heard("success", "success")
}

// user is somebody with a project of their own and a client for it.
type user struct {
	*testing.T
	env
	store *store.Store
	keys
}

// keys are what `punctual project create` prints.
type keys struct {
	Project        string `json:"project"`
	APIKey         string `json:"api_key"`
	APIKeyReadonly string `json:"api_key_readonly"`
	PingKey        string `json:"ping_key"`
}

// withUsers starts an instance and lets users at it, all at the same time.
func withUsers(t *testing.T, engine db.Engine, users map[string]func(*user)) {
	e := newEnv(t, engine)
	e.start(t, "up")
	s := e.store(t)
	for name, use := range users {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			use(newUser(t, e, s))
		})
	}
}

// newUser makes a project in a running instance.
func newUser(t *testing.T, e env, s *store.Store) *user {
	t.Helper()
	u := &user{T: t, env: e, store: s}
	code, stdout, stderr := e.run(t, "project", "create", "--owner", uuid.NewString()+"@example.org", "--name", "P", "--json")
	if err := json.Unmarshal([]byte(stdout), &u.keys); code != 0 || err != nil {
		t.Fatalf("project create: exit %d, %s%s", code, stdout, stderr)
	}
	return u
}

// check is a check of the user.
type check struct {
	*user
	UUID string
	// of its pings
	URL string
}

// check makes a check with defaults.
func (u *user) check() *check {
	u.Helper()
	status, body := api(u.T, u.env, u.APIKey, "POST", "/api/v3/checks/", `{"name":"Job","slug":"job"}`)
	var made struct {
		UUID string `json:"uuid"`
		URL  string `json:"ping_url"`
	}
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != 201 {
		u.Fatalf("create a check: %d %s", status, body)
	}
	return &check{u, made.UUID, made.URL}
}

func (c *check) load() *monitor.Check {
	c.Helper()
	found, err := c.store.CheckByCode(c.Context(), uuid.MustParse(c.UUID))
	if err != nil {
		c.Fatal(err)
	}
	return found
}

// pings are all pings of the check, oldest first.
func (c *check) pings() []store.PingRow {
	c.Helper()
	rows, err := c.store.Pings(c.Context(), c.load().ID, store.PingFilter{Limit: 1000, Bodies: true})
	if err != nil {
		c.Fatal(err)
	}
	slices.Reverse(rows)
	return rows
}

// heard fails the test unless the check has heard exactly this: each ping as
// its kind, its exit status and its body, with blanks between.
func (c *check) heard(want ...string) {
	c.Helper()
	got := make([]string, 0, len(want))
	for _, p := range c.pings() {
		text := string(p.Kind)
		if p.ExitStatus != nil {
			text += " " + strconv.Itoa(*p.ExitStatus)
		}
		if len(p.Body) > 0 {
			text += " " + string(p.Body)
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		c.Errorf("the check heard %q, want %q", got, want)
	}
}

// optional ends the test when the machine lacks a client: a build must not
// depend on programs of others, so this never fails it.
func optional(t *testing.T, tool string) {
	t.Helper()
	_, err := exec.LookPath(tool)
	if err != nil {
		fmt.Fprintf(os.Stderr, "SKIPPED %s: %s is not installed\n", t.Name(), tool)
		t.Skipf("%s is not installed", tool)
	}
}

func required(t *testing.T, tool string) {
	t.Helper()
	_, err := exec.LookPath(tool)
	if err != nil {
		need.Missing(t, tool, err)
	}
}

// command is a program of others, ended when it takes too long.
func command(name string, args ...string) (cmd *exec.Cmd, stop func()) {
	ctx, stop := context.WithTimeout(context.Background(), 2*patience)
	return exec.CommandContext(ctx, name, args...), stop
}

// program runs a program to its end in the directory and returns its exit code
// and all it printed.
func program(t *testing.T, dir string, name string, args ...string) (code int, output string) {
	t.Helper()
	cmd, stop := command(name, args...)
	defer stop()
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BORG_BASE_DIR="+dir)
	out, err := cmd.CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if err != nil && !asExit(err, &exit) {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// runs is program for one that must succeed.
func runs(t *testing.T, name string, args ...string) (output string) {
	t.Helper()
	code, output := program(t, t.TempDir(), name, args...)
	if code != 0 {
		t.Fatalf("%s %q: exit %d\n%s", name, args, code, output)
	}
	return output
}

func curl(u *user) {
	required(u.T, "curl")
	c := u.check()
	for _, args := range [][]string{
		{"-fsS", c.URL}, {"-fsSI", c.URL + "/start"}, {"-fsS", "-X", "PUT", "-d", "out", c.URL + "/3"},
		{"-fsS", "--http1.0", c.URL + "/log"}, {"-fsS", "-T", "-", c.URL + "/0"},
	} {
		runs(u.T, "curl", args...)
	}
	c.heard("success", "start", "fail 3 out", "log", "success 0")

	// A new check by its name; then the name is known.
	bySlug := u.site("/ping/" + u.PingKey + "/new-job?create=1")
	for _, want := range []string{"Created 201", "OK 200"} {
		got := runs(u.T, "curl", "-sS", "-w", " %{http_code}", "--retry", "3", "-F", "log=@-", bySlug)
		if got != want {
			u.Errorf("%s: %q, want %q", bySlug, got, want)
		}
	}
	code, output := program(u.T, u.TempDir(), "curl", "-fsS", u.site("/ping/"+uuid.NewString()))
	if code != 22 || !strings.Contains(output, "404") {
		u.Errorf("unknown check: exit %d %s, want 22 and 404", code, output)
	}
	key := "X-Api-Key: " + u.APIKey
	got := runs(u.T, "curl", "-fsSL", "-H", key, u.site("/api/v3/checks"))
	if !strings.Contains(got, c.UUID) {
		u.Errorf("list, the slash left away: %s", got)
	}
}

func wget(u *user) {
	required(u.T, "wget")
	c := u.check()
	for _, args := range [][]string{
		{"-q", "-O", "-", c.URL}, {"-q", "--spider", c.URL + "/start"}, {"-q", "-O", "-", "--post-data", "broken", c.URL + "/fail"},
		{"-q", "-O", "/dev/null", "-T", "10", "-t", "5", u.site("/ping/" + u.PingKey + "/job")},
	} {
		runs(u.T, "wget", args...)
	}
	c.heard("success", "start", "fail broken", "success")
}

func busyboxWget(u *user) {
	optional(u.T, "busybox")
	c := u.check()
	runs(u.T, "busybox", "wget", "-q", "-O", "-", c.URL+"/start")
	runs(u.T, "busybox", "wget", "-q", "-O", "-", "--post-data", "fine", c.URL)
	c.heard("start", "success fine")
}

// borgmatic tells of its runs by itself (its healthchecks hook).
func borgmatic(u *user) {
	optional(u.T, "borgmatic")
	optional(u.T, "borg")
	c := u.check()
	dir := u.TempDir()
	config := filepath.Join(dir, "config.yaml")
	write(u.T, config, fmt.Sprintf(`
location:
    source_directories: [%s]
    repositories: [%s/repo]
hooks:
    healthchecks:
        ping_url: %s
`, config, dir, c.URL))
	run := func(args ...string) (int, string) {
		return program(u.T, dir, "borgmatic", append([]string{"-c", config, "--log-file", dir + "/log"}, args...)...)
	}
	code, output := run("create")
	if code == 0 {
		u.Fatalf("a backup without a repository succeeds: %s", output)
	}
	if code, output := program(u.T, dir, "borg", "init", "-e", "none", dir+"/repo"); code != 0 {
		u.Fatalf("borg init: exit %d\n%s", code, output)
	}
	if code, output := run("create"); code != 0 {
		u.Fatalf("borgmatic create: exit %d\n%s", code, output)
	}
	pings := c.pings()
	kinds := make([]monitor.PingKind, 0, len(pings))
	for _, p := range pings {
		kinds = append(kinds, p.Kind)
	}
	want := []monitor.PingKind{"start", "fail", "start", "success"}
	if !slices.Equal(kinds, want) {
		u.Fatalf("a failed and a good backup: %v, want %v", kinds, want)
	}
	log := string(pings[1].Body)
	if !strings.Contains(log, "repo") {
		u.Errorf("the log of the failed backup does not name the repository: %q", log)
	}
}

func python(u *user) {
	optional(u.T, "python3")
	c := u.check()
	runs(u.T, "python3", "-c", `
import sys, urllib.request
url = sys.argv[1]
urllib.request.urlopen(url + "/start", timeout=10)
urllib.request.urlopen(urllib.request.Request(url, data=b"out", method="POST"), timeout=10)
try:
    import requests
except ImportError:
    urllib.request.urlopen(url + "/7", data=b"without requests", timeout=10)
else:
    answer = requests.post(url + "/7", data="with requests", timeout=10)
    assert answer.ok and answer.text == "OK" and int(answer.headers["Ping-Body-Limit"]) > 0, answer.headers
`, c.URL)
	pings := c.pings()
	if len(pings) != 3 || pings[2].Kind != monitor.PingFail || *pings[2].ExitStatus != 7 || !strings.HasPrefix(string(pings[2].Body), "with") {
		u.Errorf("the check heard %+v", pings)
	}
}

func node(u *user) {
	optional(u.T, "node")
	c := u.check()
	got := runs(u.T, "node", "-e", `
const url = process.argv[1];
(async () => {
	await fetch(url + "/start");
	const answer = await fetch(url, { method: "POST", body: "out" });
	console.log(answer.status, await answer.text());
})()`, c.URL)
	if got != "200 OK\n" {
		u.Errorf("fetch prints %q", got)
	}
	c.heard("start", "success out")
}

func php(u *user) {
	optional(u.T, "php")
	c := u.check()
	runs(u.T, "php", "-r", `
$url = $argv[1];
if (file_get_contents("$url/start") !== "OK") { exit(1); }
$post = stream_context_create(["http" => ["method" => "POST", "header" => "Content-Type: text/plain", "content" => "out", "timeout" => 10]]);
if (file_get_contents("$url/2", false, $post) !== "OK") { exit(2); }
`, c.URL)
	c.heard("start", "fail 2 out")
}

func ruby(u *user) {
	optional(u.T, "ruby")
	c := u.check()
	runs(u.T, "ruby", "-rnet/http", "-e", `
url = ARGV[0]
exit 1 unless Net::HTTP.get(URI(url + "/start")) == "OK"
exit 2 unless Net::HTTP.post(URI(url), "out").body == "OK"
`, c.URL)
	c.heard("start", "success out")
}
