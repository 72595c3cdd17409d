package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"punctual/internal/config"
	"punctual/internal/db/pgtest"
	"punctual/internal/status"
	"punctual/internal/testkit/need"
)

// everything has all settings that bring a self-check with them.
func everything(t *testing.T, database string) *config.Config {
	t.Helper()
	backups := t.TempDir()
	newest := "punctual-" + time.Now().UTC().Format("20060102T150405Z") + ".db"
	if err := os.WriteFile(filepath.Join(backups, newest), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(map[string]string{
		"PUNCTUAL_DATABASE_URL": database, "PUNCTUAL_SECRET_KEY": strings.Repeat("k", 32), "PUNCTUAL_SITE_ROOT": "https://punctual.invalid",
		"PUNCTUAL_LISTEN": "127.0.0.1:0", "PUNCTUAL_SMTPD_LISTEN": "127.0.0.1:0", "PUNCTUAL_ADMINS": "ops@example.org",
		"PUNCTUAL_SMTP_HOST": "127.0.0.1", "PUNCTUAL_SMTP_PORT": "1", "PUNCTUAL_SMTP_TLS": "none",
		"PUNCTUAL_BACKUP_DIR": backups, "PUNCTUAL_STATUS_HTTP": "wiki=http://127.0.0.1:1/", "PUNCTUAL_STATUS_COMMAND": "backup=/bin/true",
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// started is an App that does everything, with its self-checks.
func started(t *testing.T, cfg *config.Config) *App {
	t.Helper()
	a, err := Start(t.Context(), Up, Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func postgres(t *testing.T) *pgtest.Cluster {
	t.Helper()
	cluster, err := pgtest.Start(pgtest.Options{})
	if err != nil {
		need.Missing(t, "PostgreSQL", err)
	}
	t.Cleanup(func() { cluster.Close() })
	return cluster
}

func TestWhichSelfChecksThereAre(t *testing.T) {
	a := started(t, everything(t, "sqlite:"+filepath.Join(t.TempDir(), "punctual.db")))
	inside := a.status.Names()
	want := []string{"database", "migrations", "backups", "commits", "storage", "disk", "takers", "public-address", "sendalerts",
		"sendreports", "smtpd", "outbox", "hold", "ingest", "spool", "memory", "files", "mail", "mail-send", "certificate", "dns", "wiki",
		"backup"}
	if !slices.Equal(inside, want) {
		t.Errorf("in a process that does everything:\n%v, want\n%v", inside, want)
	}
	r, done := SelfChecks(a.cfg)
	defer done()
	ofProcess := []string{"ingest", "spool", "memory", "files"}
	want = slices.DeleteFunc(want, func(name string) bool { return slices.Contains(ofProcess, name) })
	got := r.Names()
	if !slices.Equal(got, want) {
		t.Errorf("beside the servers:\n%v, want\n%v", got, want)
	}

	bare, err := config.Load(map[string]string{"PUNCTUAL_DATABASE_URL": "postgres://u@127.0.0.1:1/x"})
	if err != nil {
		t.Fatal(err)
	}
	r, done = SelfChecks(bare)
	defer done()
	got = r.Names()
	want = []string{"database", "migrations", "clock", "storage", "disk", "takers", "public-address", "sendalerts", "sendreports", "outbox",
		"hold"}
	if !slices.Equal(got, want) {
		t.Errorf("with PostgreSQL and nothing else set:\n%v, want\n%v", got, want)
	}

	for _, runner := range []*status.Runner{a.status, r} {
		for _, name := range slices.Concat(runner.Names(), runner.Labels()) {
			if name == "wiki" || name == "backup" {
				continue
			}
			_, err := config.Load(map[string]string{"PUNCTUAL_STATUS_HTTP": name + "=http://127.0.0.1/"})
			if err == nil || !strings.Contains(err.Error(), "the name of another check") {
				t.Errorf("a check of one's own may be called %s: %v", name, err)
			}
		}
	}
}

func TestAHealthySystemIsOK(t *testing.T) {
	a := started(t, everything(t, "sqlite:"+filepath.Join(t.TempDir(), "punctual.db")))
	known := a.knownHealth()
	if len(known) != 0 {
		t.Errorf("before anybody has asked: %v", known)
	}
	// this machine's may be full
	report, err := a.status.Run(t.Context(), []string{"data", "worker", "queue", "host", "backup"}, []string{"disk"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Severity != status.OK {
			t.Errorf("%s: %s, %s", r.Name, r.Severity, r.Message())
		}
	}
	report, err = a.status.Run(t.Context(), []string{"mail", "wiki", "certificate", "dns"}, []string{"mail-send"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range report.Results {
		got = append(got, r.Name+" "+r.Severity.String())
	}
	if known := a.knownHealth(); known["database"] != 0 || known["mail"] != 2 || known["dns"] != 1 || len(known) != 21 {
		t.Errorf("what is known: %v", known)
	}
	want := []string{"mail error", "certificate warning", "dns warning", "wiki error"}
	if !slices.Equal(got, want) {
		t.Errorf("with nothing to connect to: %v, want %v", got, want)
	}
}

// TestAReportComesWhateverPostgresDoes looks at the reports of a process and of a
// command while PostgreSQL hangs, and when it is gone.
func TestAReportComesWhateverPostgresDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and stops a server")
	}
	cluster := postgres(t)
	url, err := cluster.CreateDatabase()
	if err != nil {
		t.Fatal(err)
	}
	a := started(t, everything(t, url))
	stopped := false
	// before the App stops
	t.Cleanup(func() {
		if stopped {
			if err := cluster.Restart(); err != nil {
				t.Error(err)
			}
		}
	})
	reading := []string{"database", "migrations", "clock", "takers", "public-address", "sendalerts", "sendreports", "outbox", "hold"}
	slowest := time.Duration(0)
	look := func(r *status.Runner) []status.Result {
		t.Helper()
		report, err := r.Run(t.Context(), reading, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Results) != len(reading) || report.Took > 5*time.Second {
			t.Errorf("%d results after %s", len(report.Results), report.Took)
		}
		slowest = max(slowest, report.Took)
		return report.Results
	}
	beside := func() []status.Result {
		t.Helper()
		r, done := SelfChecks(a.cfg)
		results := look(r)
		began := time.Now()
		if done(); time.Since(began) > 2*time.Second {
			t.Errorf("the database was closed after %s", time.Since(began))
		}
		return results
	}
	for _, r := range slices.Concat(look(a.status), beside()) {
		if r.Severity == status.Error {
			t.Errorf("%s: %s", r.Name, r.Message())
		}
	}

	thaw, err := cluster.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(thaw)
	// what was seen before is good for a second
	until(t, "all see that PostgreSQL hangs", func() bool { return allFailed(look(a.status)) })
	for _, r := range slices.Concat(look(a.status), beside()) {
		if r.Severity != status.Error || !strings.Contains(r.Fact, "does not answer") && !strings.Contains(r.Fact, "did not report") {
			t.Errorf("%s while PostgreSQL hangs: %s, %s", r.Name, r.Severity, r.Message())
		}
	}
	thaw()
	until(t, "PostgreSQL is well again", func() bool {
		report, err := a.status.Run(t.Context(), reading, nil)
		return err == nil && report.Healthy()
	})

	if err := cluster.Stop("immediate"); err != nil {
		t.Fatal(err)
	}
	stopped = true
	until(t, "all see that PostgreSQL is gone", func() bool { return allFailed(look(a.status)) })
	for _, r := range beside() {
		if r.Severity != status.Error {
			t.Errorf("%s while PostgreSQL is gone: %s, %s", r.Name, r.Severity, r.Message())
		}
	}
	t.Logf("the slowest report took %s", slowest)
}

func allFailed(results []status.Result) bool {
	return !slices.ContainsFunc(results, func(r status.Result) bool { return r.Severity != status.Error })
}

func TestAReportComesFromARefusingPort(t *testing.T) {
	cfg, err := config.Load(map[string]string{"PUNCTUAL_DATABASE_URL": "postgres://punctual:geheim@127.0.0.1:1/punctual"})
	if err != nil {
		t.Fatal(err)
	}
	r, done := SelfChecks(cfg)
	defer done()
	report, err := r.Run(t.Context(), []string{"database", "sendalerts"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Severity != status.Error || !strings.Contains(r.Message(), "refused") || strings.Contains(r.Message(), "geheim") {
			t.Errorf("%s: %s", r.Name, r.Message())
		}
	}
}

// until asks again and again, for half a minute.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
