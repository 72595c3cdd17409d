package e2e

import (
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"punctual/internal/db"
)

// TestAStartWaitsForTheDatabase: after a reboot both start at once.
func TestAStartWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	e := newEnv(t, db.Postgres)
	direct, err := url.Parse(e["PUNCTUAL_DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := e.run(t, "migrate"); code != 0 {
		t.Fatalf("migrate: exit %d\n%s", code, stderr)
	}
	p := newProxy(t, filepath.Join(direct.Query().Get("host"), ".s.PGSQL.5432"))
	starting := e.with(env{"PUNCTUAL_DATABASE_URL": p.dsn(direct.String())})
	for _, command := range []string{"serve", "up", "sendalerts", "prune"} {
		p.cut(true)
		process := starting.launch(t, command)
		process.waitFor("the database does not answer yet, waiting for it")
		p.cut(false)
		process.waitFor("the database answers")
		process.waitFor("Punctual is running")
		if command == "prune" {
			code, stdout, stderr := e.run(t, "status", "--role", "prune")
			if code != 0 || stdout+stderr != "" {
				t.Errorf("status --role prune: exit %d, %s%s", code, stdout, stderr)
			}
		}
		process.terminate()
	}
	code, _, stderr := e.run(t, "status", "--role", "prune")
	if code != 1 || !strings.Contains(stderr, `no "punctual prune" process on `) {
		t.Errorf("status --role prune without one: exit %d, %s", code, stderr)
	}
	code, _, stderr = e.run(t, "status", "--role", "cron")
	if code != 2 || !strings.Contains(stderr, `"cron" is not a role`) {
		t.Errorf("status --role cron: exit %d, %s", code, stderr)
	}
}

// TestAStartThatFailsNamesTheSetting: what stands in the way is said at once, with
// the setting that can be changed.
func TestAStartThatFailsNamesTheSetting(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for setting, value := range map[string]string{
		"PUNCTUAL_LISTEN":         taken.Addr().String(),
		"PUNCTUAL_PING_LISTEN":    taken.Addr().String(),
		"PUNCTUAL_METRICS_LISTEN": taken.Addr().String(),
		"PUNCTUAL_SMTPD_LISTEN":   taken.Addr().String(),
		"PUNCTUAL_DATABASE_URL":   "sqlite:/proc/punctual/punctual.db",
	} {
		e := newEnv(t, db.SQLite).with(env{setting: value})
		code, _, stderr := e.run(t, "up")
		if code != 1 || !strings.Contains(stderr, "punctual: "+setting) && !strings.Contains(stderr, "("+setting) {
			t.Errorf("%s=%s: exit %d, %s", setting, value, code, stderr)
		}
	}
}
