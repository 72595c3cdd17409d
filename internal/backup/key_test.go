package backup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"punctual/internal/auth"
	"punctual/internal/db"
)

// A backup with the key of another database, checked and all, would be found out on
// the day it is needed.
func TestABackupHoldsTheKeyOfItsDatabase(t *testing.T) {
	s, url := filled(t, db.SQLite)
	if _, err := s.AdoptKey(t.Context(), auth.KeyFingerprint(key)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "backup")
	right := about(url)
	made, err := right.ToFile(t.Context(), file)
	if err != nil || made.Note != "" {
		t.Fatalf("with its own key: %q, %v", made.Note, err)
	}

	for _, given := range []bool{false, true} {
		wrong := about(url)
		wrong.SecretKey = strings.Repeat("wrong ", 8)
		wrong.SecretKeySet = given
		_, err := wrong.ToFile(t.Context(), filepath.Join(t.TempDir(), "wrong"))
		if err == nil || !strings.Contains(err.Error(), "is not the key that this database was made with, so no backup was made") {
			t.Errorf("with the key of another database: %v", err)
		}
	}

	lost := about(url)
	lost.SecretKey = ""
	made, err = lost.ToFile(t.Context(), file)
	if err != nil || !strings.Contains(made.Note, "The secret key of this database is missing") {
		t.Errorf("without its key: %q, %v", made.Note, err)
	}
}

// Earlier versions packed whatever key they found. It is not kept in the place of
// the right one, and the right one is not refused.
func TestAWrongKeyInABackupIsLeftOut(t *testing.T) {
	s, url := filled(t, db.SQLite)
	if _, err := s.AdoptKey(t.Context(), auth.KeyFingerprint(key)); err != nil {
		t.Fatal(err)
	}
	wrong := about(url)
	wrong.SecretKey = strings.Repeat("wrong ", 8)
	wrong.FingerprintOf = func(string) string { return auth.KeyFingerprint(key) }
	file := filepath.Join(t.TempDir(), "backup")
	if _, err := wrong.ToFile(t.Context(), file); err != nil {
		t.Fatal(err)
	}

	to := about(empty(t, db.SQLite))
	done, err := to.Restore(t.Context(), file, false)
	if err != nil || len(done.Notes) != 1 || !strings.Contains(done.Notes[0], "The secret key is not in the backup") {
		t.Errorf("%q, %v", done.Notes, err)
	}
	if _, err := os.Stat(to.SecretKeyFile); !os.IsNotExist(err) {
		t.Errorf("a key was kept: %v", err)
	}
	given := about(empty(t, db.SQLite))
	given.SecretKeySet = true
	if _, err := given.Restore(t.Context(), file, false); err != nil {
		t.Errorf("with the right key: %v", err)
	}
	given = about(empty(t, db.SQLite))
	given.SecretKeySet = true
	given.SecretKey = strings.Repeat("third ", 8)
	if _, err := given.Restore(t.Context(), file, false); err == nil ||
		!strings.Contains(err.Error(), "is not the key of the database in the backup") {
		t.Errorf("with a third key: %v", err)
	}
}
