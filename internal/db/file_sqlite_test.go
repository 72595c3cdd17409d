package db_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"punctual/internal/db"
)

func TestADamagedFileIsRecognized(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.db")
	d, err := db.OpenFile(path, "_pragma=page_size(512)")
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.ExecContext(t.Context(), `CREATE TABLE t (x TEXT NOT NULL); INSERT INTO t VALUES ('`+string(bytes.Repeat([]byte("x"), 5000))+`')`)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string][]byte{
		"whole":   whole,
		"cut":     whole[:2000],
		"garbage": bytes.Repeat([]byte("garbage "), 500),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := db.OpenFile(path, "mode=ro")
		if err != nil {
			t.Fatal(err)
		}
		var x string
		err = d.QueryRowContext(t.Context(), `SELECT x FROM t`).Scan(&x)
		if db.IsDamaged(err) != (what != "whole") {
			t.Errorf("%s: %v", what, err)
		}
		_, err = d.ExecContext(t.Context(), `INSERT INTO t VALUES ('y')`)
		if what == "whole" && (err == nil || db.IsDamaged(err)) {
			t.Errorf("a file that may only be read: %v", err)
		}
		d.Close()
	}
}
