package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"punctual/internal/config"
	"punctual/internal/status"
)

// The self-check of backups is as the age of the newest is.
func TestTheAgeOfTheNewestBackupIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Load(map[string]string{"PUNCTUAL_BACKUP_DIR": dir, "PUNCTUAL_BACKUP_EVERY": "6h", "PUNCTUAL_DATABASE_URL": "sqlite:" + dir + "/none.db"})
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
	if s := check(); s != status.Warning {
		t.Errorf("without any: %v", s)
	}
	for _, c := range []struct {
		age  time.Duration
		want status.Severity
	}{{13 * time.Hour, status.Error}, {7 * time.Hour, status.OK}} {
		name := "punctual-" + time.Now().Add(-c.age).UTC().Format("20060102T150405Z") + ".db"
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if s := check(); s != c.want {
			t.Errorf("the newest is %v old: %v, want %v", c.age, s, c.want)
		}
	}
}
