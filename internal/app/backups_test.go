package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"punctual/internal/config"
	"punctual/internal/status"
)

// The self-check of backups is as the age of the newest is.
func TestTheAgeOfTheNewestBackupIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Load(map[string]string{"PUNCTUAL_BACKUP_DIR": dir, "PUNCTUAL_BACKUP_EVERY": "6h",
		"PUNCTUAL_DATABASE_URL": "sqlite:" + dir + "/none.db"})
	if err != nil {
		t.Fatal(err)
	}
	check := func() status.Severity {
		checks, done := SelfChecks(cfg)
		defer done()
		report, err := checks.Run(t.Context(), []string{"backups"}, nil)
		if err != nil || len(report.Results) != 1 {
			t.Fatalf("%d results, %v", len(report.Results), err)
		}
		return report.Results[0].Severity
	}
	s := check()
	if s != status.Warning {
		t.Errorf("without any: %v", s)
	}
	for _, c := range []struct {
		age  time.Duration
		want status.Severity
	}{{13 * time.Hour, status.Error}, {7 * time.Hour, status.OK}, {-24 * time.Hour, status.Warning}} {
		name := "punctual-" + time.Now().Add(-c.age).UTC().Format("20060102T150405Z") + ".db"
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s := check()
		if s != c.want {
			t.Errorf("the newest is %v old: %v, want %v", c.age, s, c.want)
		}
	}
}

// A backup that is dated in the future, as by a clock that was wrong, delays the
// next one no longer than any other.
func TestABackupOfTheFutureDelaysNoneForLong(t *testing.T) {
	const every = 6 * time.Hour
	dir := t.TempDir()
	var output strings.Builder
	a := &App{cfg: &config.Config{BackupDir: dir}, log: slog.New(slog.NewTextHandler(&output, nil))}
	write := func(age time.Duration) {
		t.Helper()
		name := "punctual-" + time.Now().Add(-age).UTC().Format("20060102T150405Z") + ".db"
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(-1000 * time.Hour)
	due, err := a.untilBackup(every)
	if err != nil || due != 0 {
		t.Errorf("with none but that: due in %v, %v; want now", due, err)
	}
	if !strings.Contains(output.String(), "dated in the future") {
		t.Errorf("logged: %s", output.String())
	}
	write(2 * every)
	if due, err := a.untilBackup(every); err != nil || due != 0 {
		t.Errorf("with an old one: due in %v, %v; want now", due, err)
	}
	write(time.Hour)
	if due, err := a.untilBackup(every); err != nil || due <= 0 || due > every {
		t.Errorf("with one of an hour ago: due in %v, %v", due, err)
	}
}
