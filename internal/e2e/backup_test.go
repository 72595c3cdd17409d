package e2e

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
)

// fixtureKey is the secret key of the databases in testdata/schemas.
const fixtureKey = "the secret key of all fixtures, 0123456789"

// account is what project create prints, and the check of the fixtures.
type account struct {
	Project string  `json:"project"`
	APIKey  *string `json:"api_key"`
	PingKey string  `json:"ping_key"`
	Check   string  `json:"check"`
}

// checkOf is the one check of the account, by API.
func (e env) checkOf(t *testing.T, a account) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.site("/api/v3/checks/"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", *a.APIKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var list struct{ Checks []map[string]any }
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || len(list.Checks) != 1 {
		t.Fatalf("status %d, %d checks, %v", res.StatusCode, len(list.Checks), err)
	}
	return list.Checks[0]
}

// ping pings the check and returns the status.
func (e env) ping(t *testing.T, check, action string) int {
	t.Helper()
	res, err := http.Get(e.site("/ping/" + check + action))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// emptied is the environment with an empty database in the place of its own.
func (e env) emptied(t *testing.T, engine db.Engine) env {
	t.Helper()
	to := e.with(env{"PUNCTUAL_DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "restored", "punctual.db")})
	if engine == db.Postgres {
		to["PUNCTUAL_DATABASE_URL"] = pgtest.DSN(t)
	}
	return to
}

// A backup made while pings arrive is restored elsewhere; then keys, the password
// of the account and the history are as they were.
func TestARestoredInstanceWorks(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		e := newEnv(t, engine)
		// the key is in the backup
		if engine == db.SQLite {
			delete(e, "PUNCTUAL_SECRET_KEY")
		}
		running := e.start(t, "up")
		code, out, errs := e.run(t, "project", "create", "--owner", "owner@example.org", "--name", "P", "--json")
		if code != 0 {
			t.Fatalf("project create: %s", errs)
		}
		var a account
		if err := json.Unmarshal([]byte(out), &a); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := e.run(t, "createsuperuser", "--email", "root@example.org", "--password", "correct horse battery"); code != 0 {
			t.Fatalf("createsuperuser: %s", errs)
		}
		got := e.ping(t, a.PingKey, "/nightly?create=1")
		if got != http.StatusCreated {
			t.Fatalf("the first ping: %d", got)
		}
		file := filepath.Join(t.TempDir(), "punctual.backup")
		if code, out, errs := e.run(t, "backup", file); code != 0 || !strings.Contains(out, "checked") {
			t.Fatalf("backup: %s%s", out, errs)
		}
		if code, _, errs := e.run(t, "restore", file); code != 1 || !strings.Contains(errs, "in use") && !strings.Contains(errs, "not empty") {
			t.Errorf("restored over a running instance: %d %s", code, errs)
		}
		if code := running.terminate(); code != 0 {
			t.Errorf("exit code %d", code)
		}

		to := e.emptied(t, engine)
		if code, out, errs := to.run(t, "restore", file); code != 0 {
			t.Fatalf("restore: %s%s", out, errs)
		}
		to.start(t, "up")
		c := to.checkOf(t, a)
		if c["status"] != "up" || c["n_pings"] != 1.0 {
			t.Errorf("the check is %v after %v pings", c["status"], c["n_pings"])
		}
		if got := to.ping(t, a.PingKey, "/nightly"); got != http.StatusOK {
			t.Errorf("a ping: %d", got)
		}
		b := to.browser(t)
		_, _, at := b.post("/accounts/login/", url.Values{"action": {"login"}, "email": {"root@example.org"},
			"password": {"correct horse battery"}})
		if strings.HasPrefix(at.Path, "/accounts/login") {
			t.Errorf("the password does not log in: at %s", at)
		}
		if code, _, errs := to.run(t, "status", "-c", "migrations", "-c", "database"); code != 0 {
			t.Errorf("status: %s", errs)
		}
	})
}

// The databases of testdata/schemas were made by earlier programs, see
// make-schema.sh there.
func TestBackupsOfEarlierVersionsAreRestoredAndMigrated(t *testing.T) {
	names, err := filepath.Glob("testdata/schemas/*.json")
	if err != nil || len(names) < 6 {
		t.Fatalf("fixtures %v, %v", names, err)
	}
	for _, name := range names {
		fixture := strings.TrimSuffix(filepath.Base(name), ".json")
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			version, engine, _ := strings.Cut(fixture, ".")
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var a account
			if err := json.Unmarshal(text, &a); err != nil {
				t.Fatal(err)
			}
			e := newEnv(t, db.SQLite).with(env{"PUNCTUAL_SECRET_KEY": fixtureKey}).emptied(t, db.Engine(engine))
			file := "testdata/schemas/" + version + ".dump"
			if engine == string(db.SQLite) {
				file = unpacked(t, "testdata/schemas/"+version+".db.gz")
			}
			file, err = filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			code, out, errs := e.run(t, "restore", file)
			if code != 0 {
				t.Fatalf("restore: %s%s", out, errs)
			}
			if code, out, errs := e.run(t, "serve"); code != 1 || !strings.Contains(errs, "punctual migrate") {
				t.Errorf("serve on an older schema: %d %s%s", code, out, errs)
			}
			if code, out, errs := e.run(t, "migrate"); code != 0 || !strings.Contains(out, "applied") {
				t.Fatalf("migrate: %s%s", out, errs)
			}
			e.start(t, "up")
			got := e.ping(t, a.Check, "")
			if got != http.StatusOK {
				t.Errorf("a ping: %d", got)
			}
			s := e.store(t)
			pings := 0
			if err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM pings WHERE check_id > 0`).Scan(&pings); err != nil || pings != 5 {
				t.Errorf("%d pings, %v; want the 4 of the backup and ours", pings, err)
			}
			if a.APIKey != nil {
				c := e.checkOf(t, a)
				if c["name"] != "Nightly" {
					t.Errorf("the API tells of %v", c["name"])
				}
			}
			// Its deadline is watched, which the first schema could not.
			long := s.Now().Add(-90 * time.Minute)
			if _, err := s.DB().Exec(t.Context(), `UPDATE checks SET last_ping_at = $1, due_at = $2, alert_at = $2, watch_at = $2`,
				long.Add(-time.Hour), long); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the check is looked at", func() bool {
				looked := 0
				err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM checks WHERE watch_at = $1`, long).Scan(&looked)
				return err == nil && looked == 0
			})
		})
	}
}

func unpacked(t *testing.T, path string) string {
	t.Helper()
	packed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "old.db")
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(file, r); err != nil { //nolint:gosec // our own file
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}

// What pg_restore --clean leaves: nothing starts on it, nothing is applied.
func TestNothingStartsOnAHalfNewSchema(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		e := newEnv(t, engine)
		code, _, errs := e.run(t, "migrate")
		if code != 0 {
			t.Fatalf("migrate: %s", errs)
		}
		s := e.store(t)
		_, err := s.DB().Exec(t.Context(), `DELETE FROM goose_db_version WHERE version_id > 6`)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{"up"}, {"serve"}, {"sendalerts"}, {"sendreports"}, {"migrate"}, {"migrate", "status"},
			{"prunepings"}} {
			code, out, errs := e.run(t, command...)
			if code != 1 || !strings.Contains(errs, "schema version 6, but its tables are not of that version") ||
				!strings.Contains(errs, "table blind_intervals is of a later version") {
				t.Errorf("%v: exit code %d, %s%s", command, code, out, errs)
			}
		}
	})
}

func TestAFailedStartLeavesNothing(t *testing.T) {
	e := newEnv(t, db.SQLite)
	delete(e, "PUNCTUAL_SECRET_KEY")
	path := strings.TrimPrefix(e["PUNCTUAL_DATABASE_URL"], "sqlite:")
	left := func() []string {
		files, err := filepath.Glob(filepath.Dir(path) + "/*")
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	for name, broken := range map[string]env{
		"a port that is taken": {"PUNCTUAL_LISTEN": taken(t)},
		"a second port":        {"PUNCTUAL_METRICS_LISTEN": taken(t)},
		"a certificate of no file": {"PUNCTUAL_SMTPD_LISTEN": "127.0.0.1:0", "PUNCTUAL_SMTPD_TLS_CERT": "/no/cert.pem",
			"PUNCTUAL_SMTPD_TLS_KEY": "/no/key.pem"},
	} {
		code, _, errs := e.with(broken).run(t, "up")
		if code != 1 || len(left()) > 0 {
			t.Errorf("%s: exit code %d, left behind %v: %s", name, code, left(), errs)
		}
	}
	for _, command := range [][]string{{"serve"}, {"sendalerts"}, {"prunepings"}, {"migrate", "status"},
		{"project", "create", "--owner", "a@example.org", "--name", "P"}} {
		code, _, errs := e.run(t, command...)
		if code != 1 || !strings.Contains(errs, "there is no database") || len(left()) > 0 {
			t.Errorf("%v: exit code %d, left behind %v: %s", command, code, left(), errs)
		}
	}
	running := e.start(t, "up")
	before := len(left())
	code, _, errs := e.run(t, "up")
	if code != 1 || len(left()) != before {
		t.Errorf("a second start: exit code %d, %d files of %d: %s", code, len(left()), before, errs)
	}
	if code := running.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// taken is an address that somebody else listens on.
func taken(t *testing.T) string {
	t.Helper()
	server := http.Server{Addr: "127.0.0.1:" + freePort(t), ReadHeaderTimeout: time.Second}
	go func() { _ = server.ListenAndServe() }()
	t.Cleanup(func() { server.Close() })
	eventually(t, "the port is taken", func() bool {
		res, err := http.Get("http://" + server.Addr)
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	return server.Addr
}

func TestALostLogIsReported(t *testing.T) {
	e := newEnv(t, db.SQLite)
	running := e.start(t, "up")
	path := strings.TrimPrefix(e["PUNCTUAL_DATABASE_URL"], "sqlite:")
	running.kill()
	if err := os.Remove(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	again := e.start(t, "up")
	again.waitFor(`"level":"ERROR".*lost commits`)
	code, _, errs := e.run(t, "status", "-c", "commits")
	if code != 1 || !strings.Contains(errs, "were lost") {
		t.Errorf("status: exit code %d, %s", code, errs)
	}
	if code, out, _ := e.run(t, "status", "--acknowledge-loss"); code != 0 || !strings.Contains(out, "acknowledged") {
		t.Errorf("acknowledged: exit code %d, %s", code, out)
	}
	if code, _, errs := e.run(t, "status", "-c", "commits"); code != 0 {
		t.Errorf("status, acknowledged: exit code %d, %s", code, errs)
	}
	again.kill()
	// after a crash with the log in its place
	third := e.start(t, "up")
	if strings.Contains(third.log(), "lost commits") {
		t.Errorf("a loss is told that is none: %s", third.notable())
	}
}

func TestUpMakesBackupsByItself(t *testing.T) {
	e := newEnv(t, db.SQLite)
	dir := filepath.Join(t.TempDir(), "backups")
	e["PUNCTUAL_BACKUP_DIR"] = dir
	e.start(t, "up")
	code, _, errs := e.run(t, "status", "-c", "backups")
	if code != 0 {
		t.Errorf("before the first one: exit code %d, %s", code, errs)
	}
	eventuallyWithin(t, 3*time.Minute, "a backup", func() bool {
		files, _ := filepath.Glob(dir + "/punctual-*.db")
		return len(files) == 1
	})
}
