package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
)

// operator is a superuser, logged in by a password.
func operator(t *testing.T, e env) *browser {
	t.Helper()
	const address, password = "root@example.org", "correct horse battery"
	code, _, stderr := e.run(t, "createsuperuser", "--email", address, "--password", password)
	if code != 0 {
		t.Fatal(stderr)
	}
	b := e.browser(t)
	status, _, at := b.post("/accounts/login/", url.Values{"action": {"login"}, "email": {address}, "password": {password}})
	if status != 200 || strings.Contains(at.Path, "login") {
		t.Fatalf("log in: %d at %s", status, at)
	}
	return b
}

// report is what /status/ tells a holder of the token, or whom it knows.
type report struct {
	Status  string
	Healthy bool
	Checks  []struct{ Name, Status string }
}

func (r report) of(name string) string {
	for _, c := range r.Checks {
		if c.Name == name {
			return c.Status
		}
	}
	return ""
}

func (b *browser) report() (r report) {
	b.Helper()
	_, body, _ := b.get("/status/?format=json&watchman-token=token")
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		b.Fatalf("%v in %s", err, body)
	}
	return r
}

// Issue 6: the answer comes, and in time, with PostgreSQL hung, refusing and
// stopped; for those whose session would be looked up there as well.
func TestStatusAnswersWhateverPostgresDoes(t *testing.T) {
	t.Parallel()
	pg, err := pgtest.Start(pgtest.Options{})
	must(t, err)
	t.Cleanup(func() { pg.Close() })
	e := newEnv(t, db.SQLite).with(env{"PUNCTUAL_STATUS_TOKENS": "token"})
	e["PUNCTUAL_SITE_ROOT"] += "/below"
	e["PUNCTUAL_DATABASE_URL"], err = pg.CreateDatabase()
	must(t, err)
	admin, err := db.Open(t.Context(), pg.DSN("postgres"), db.Options{MaxConns: 1})
	must(t, err)
	t.Cleanup(func() { admin.Close() })
	address, err := url.Parse(e["PUNCTUAL_DATABASE_URL"])
	must(t, err)
	database := strings.TrimPrefix(address.Path, "/")
	e.migrated(t)
	e.start(t, "up")
	b := operator(t, e)
	eventually(t, "all is well", func() bool { return b.report().Healthy })
	_, body, _ := b.get("/status/?format=html")
	if !strings.Contains(body, "Database") {
		t.Errorf("the superuser sees no details: %s", body)
	}

	thaw := func() {}
	faults := []struct {
		name        string
		begin, over func()
	}{
		{"hung", func() {
			thaw, err = pg.Freeze()
			must(t, err)
			t.Cleanup(thaw)
		}, func() { thaw() }},
		{"refusing", func() {
			must2(t)(admin.Exec(t.Context(), "ALTER DATABASE "+database+" ALLOW_CONNECTIONS false"))
			must2(t)(admin.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database))
		}, func() { must2(t)(admin.Exec(t.Context(), "ALTER DATABASE "+database+" ALLOW_CONNECTIONS true")) }},
		{"stopped", func() { must(t, pg.Stop("immediate")) }, func() { must(t, pg.Restart()) }},
	}
	for _, f := range faults {
		f.begin()
		// what was found is good for a second
		eventually(t, "PostgreSQL is "+f.name, func() bool { return b.report().of("database") == "error" })
		slowest := time.Duration(0)
		for path, want := range map[string]int{
			"/status/": 500, "/status/?format=html": 500, "/status/?format=watchman&watchman-token=token": 500,
			"/status/?check=database&watchman-token=token": 500,
			"/status/?format=openmetrics":                  200, "/status/?format=atom": 200, "/status/bare/": 500, "/readyz": 503, "/livez": 200,
			"/status/ping/": 200,
		} {
			began := time.Now()
			status, body, _ := b.get(path)
			took := time.Since(began)
			slowest = max(slowest, took)
			if status != want {
				t.Errorf("%s: %s: HTTP %d, want %d: %.500s", f.name, path, status, want, body)
			}
			// two is the aim; the machine of the tests may be slow, an answer that hangs is slower
			if took > 5*time.Second {
				t.Errorf("%s: %s took %s", f.name, path, took)
			}
			if strings.Contains(body, e["PUNCTUAL_DATABASE_URL"]) {
				t.Errorf("%s: %s tells the address of the database: %s", f.name, path, body)
			}
		}
		t.Logf("%s: the slowest answer took %s", f.name, slowest.Round(time.Millisecond))
		code, _, stderr := e.run(t, "status", "--url", "/", "-c", "database")
		if code != 1 || !strings.HasPrefix(stderr, "punctual: database: ") {
			t.Errorf("%s: exit %d, %s", f.name, code, stderr)
		}
		f.over()
		eventually(t, "all is well after PostgreSQL was "+f.name, func() bool { return b.report().Healthy })
	}
}

// must2 is must for what also returns something else.
func must2(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		must(t, err)
	}
}

// Issue 6: a sendalerts that was killed shows within 35 seconds on the page, in
// /status/ and in the exit code.
func TestDeadSendalertsIsSeen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		e := newEnv(t, engine).with(env{"PUNCTUAL_STATUS_TOKENS": "token"})
		s := e.migrated(t)
		e.start(t, "serve")
		alerts := e.start(t, "sendalerts")
		b := operator(t, e)
		seen := func() (places []string) {
			_, body, _ := b.get("/")
			if strings.Contains(body, "No alerts are being sent") {
				places = append(places, "every page")
			}
			if status, body, _ := b.get("/status/?format=html"); status == 500 && strings.Contains(body, "Broken: Alerts") {
				places = append(places, "its page")
			}
			if b.report().of("sendalerts") == "error" {
				places = append(places, "/status/")
			}
			for _, args := range [][]string{{"status"}, {"status", "--url", "/"}} {
				code, _, stderr := e.run(t, args...)
				if code == 1 && strings.Contains(stderr, "sendalerts") {
					places = append(places, strings.Join(args, " "))
				}
			}
			return places
		}
		eventually(t, "all is well", func() bool { return len(seen()) == 0 })
		alerts.kill()
		began := time.Now()
		// as if its last sign of life were long ago
		if !full() {
			_, err := s.DB().Exec(t.Context(), `UPDATE nodes SET seen_at = $1 WHERE role = 'sendalerts'`, s.Now().Add(-31*time.Second))
			must(t, err)
		}
		eventuallyWithin(t, 35*time.Second, "it shows everywhere", func() bool { return len(seen()) == 5 })
		t.Logf("seen everywhere after %s", time.Since(began).Round(time.Second))
		e.start(t, "sendalerts")
		eventually(t, "all is well again", func() bool { return len(seen()) == 0 })
	})
}

// The headers that keep proxies and browsers from storing it, through everything
// that stands in front.
func TestStatusIsNeverStored(t *testing.T) {
	t.Parallel()
	e := newEnv(t, db.SQLite).with(env{"PUNCTUAL_STATUS_VERSION_HEADER": "true", "PUNCTUAL_STATUS_ERROR_CODE": "503"})
	e.start(t, "up")
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r, err := http.NewRequestWithContext(t.Context(), method, e.site("/status/"), nil)
		must(t, err)
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		res.Body.Close()
		vary := strings.Join(res.Header.Values("Vary"), ", ")
		if !strings.Contains(vary, "Accept, Authorization, Cookie") {
			t.Errorf("Vary: %s", vary)
		}
		if res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("X-Punctual-Version") == "" || len(res.Cookies()) > 0 ||
			(len(body) == 0) != (method == http.MethodHead) {
			t.Errorf("%s: %v %s", method, res.Header, body)
		}
	}
}
