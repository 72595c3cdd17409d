package db_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"punctual/internal/db"
)

const markTable = `CREATE TABLE commit_mark (one integer PRIMARY KEY, id text NOT NULL, n integer NOT NULL);
INSERT INTO commit_mark VALUES (1, lower(hex(randomblob(16))), 0);
CREATE TABLE jobs (name text NOT NULL);`

// counted makes a database whose commits are counted, with one job, and returns
// its path.
func counted(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data", "punctual.db")
	d := open(t, "sqlite:"+path, db.Options{})
	_, err := d.Migrate(t.Context(), schema(markTable))
	if err != nil {
		t.Fatal(err)
	}
	exec(t, d, `INSERT INTO jobs VALUES ('first')`)
	return path
}

// crashed copies what a process that is killed would leave at path: it is called
// while the database is open, so that its log has not been moved into it.
func crashed(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "punctual.db")
	for _, suffix := range []string{"", "-wal", "-mark"} {
		text, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// reopened opens the database at path and returns what it logs and its loss.
func reopened(t *testing.T, path string) (logged string, loss *db.Loss, err error) {
	t.Helper()
	var log bytes.Buffer
	d, err := db.Open(t.Context(), "sqlite:"+path, db.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		return log.String(), nil, err
	}
	defer d.Close()
	loss, err = d.Loss()
	return log.String(), loss, err
}

func TestALogThatWasCutOrRemovedIsNoticed(t *testing.T) {
	cases := []struct {
		name    string
		damage  func(t *testing.T, wal string)
		missing int64
	}{
		{"whole", func(*testing.T, string) {}, 0},
		{"removed", func(t *testing.T, wal string) { remove(t, wal) }, 3},
		{"emptied", func(t *testing.T, wal string) { truncate(t, wal, 0) }, 3},
		{"cut by a byte", func(t *testing.T, wal string) { truncate(t, wal, size(t, wal)-1) }, 1},
		{"cut to two thirds", func(t *testing.T, wal string) { truncate(t, wal, size(t, wal)*2/3) }, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := counted(t)
			d := open(t, "sqlite:"+path, db.Options{})
			exec(t, d, `PRAGMA wal_checkpoint(TRUNCATE)`)
			// in a transaction and without
			for n := range 3 {
				if n == 1 {
					exec(t, d, `INSERT INTO jobs VALUES ($1)`, fmt.Sprint(n))
					continue
				}
				err := d.InTx(t.Context(), func(tx *db.Tx) error {
					exec(t, tx, `INSERT INTO jobs VALUES ($1)`, fmt.Sprint(n))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			left := crashed(t, path)
			c.damage(t, left+"-wal")

			logged, loss, err := reopened(t, left)
			if err != nil {
				t.Fatal(err)
			}
			if c.missing == 0 {
				if loss != nil || strings.Contains(logged, "lost") {
					t.Errorf("a loss of nothing: %+v, log %s", loss, logged)
				}
				return
			}
			if loss == nil || loss.Missing != c.missing || !strings.Contains(logged, "level=ERROR") ||
				!strings.Contains(logged, fmt.Sprint("missing=", c.missing)) {
				t.Errorf("loss %+v, log %s; want %d commits", loss, logged, c.missing)
			}
			// It stays known, without being found again.
			logged, loss, err = reopened(t, left)
			if err != nil || loss == nil || loss.Missing != c.missing || strings.Contains(logged, "level=ERROR") {
				t.Errorf("at the next start: %+v, %v, log %s", loss, err, logged)
			}
			if l, err := db.AcknowledgeLoss(left); err != nil || l == nil {
				t.Errorf("acknowledged: %+v, %v", l, err)
			}
			if _, loss, err := reopened(t, left); err != nil || loss != nil {
				t.Errorf("acknowledged, and yet: %+v, %v", loss, err)
			}
		})
	}
}

func TestADatabaseThatLostAllIsNotMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "punctual.db")
	d := open(t, "sqlite:"+path, db.Options{})
	exec(t, d, `PRAGMA wal_checkpoint(TRUNCATE)`)
	left := filepath.Join(t.TempDir(), "punctual.db")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Migrate(t.Context(), schema(markTable)); err != nil {
		t.Fatal(err)
	}
	exec(t, d, `INSERT INTO jobs VALUES ('first')`)
	mark, err := os.ReadFile(path + "-mark")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{left: before, left + "-mark": mark} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := reopened(t, left); !mentions(err, "is empty", "punctual.db-mark", "removed or cut", "punctual restore") {
		t.Errorf("got %v", err)
	}
	remove(t, left+"-mark")
	if _, _, err := reopened(t, left); err != nil {
		t.Errorf("without its mark it may begin anew: %v", err)
	}
}

func TestALogWithoutItsDatabaseIsKept(t *testing.T) {
	path := counted(t)
	open(t, "sqlite:"+path, db.Options{})
	for _, lose := range []func(t *testing.T, path string){remove, func(t *testing.T, path string) { truncate(t, path, 0) }} {
		left := crashed(t, path)
		lose(t, left)
		wal := size(t, left+"-wal")
		_, _, err := reopened(t, left)
		if !mentions(err, "missing or empty", "punctual.db-wal", "punctual restore") {
			t.Errorf("got %v", err)
		}
		if size(t, left+"-wal") != wal {
			t.Error("the log was touched")
		}
	}
}

// A whole copy, another database in the place, a clean end: no loss.
func TestNoLossIsReportedWhereThereIsNone(t *testing.T) {
	path := counted(t)
	d := open(t, "sqlite:"+path, db.Options{})
	exec(t, d, `INSERT INTO jobs VALUES ('second')`)
	for name, look := range map[string]func() string{
		"killed":     func() string { return crashed(t, path) },
		"no mark":    func() string { left := crashed(t, path); remove(t, left+"-mark"); return left },
		"a bad mark": func() string { left := crashed(t, path); truncate(t, left+"-mark", 20); return left },
		"another database": func() string {
			left := crashed(t, path)
			other := counted(t)
			remove(t, left+"-wal")
			text, err := os.ReadFile(other)
			if err == nil {
				err = os.WriteFile(left, text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			return left
		},
	} {
		logged, loss, err := reopened(t, look())
		if err != nil || loss != nil || strings.Contains(logged, "ERROR") {
			t.Errorf("%s: %+v, %v, log %s", name, loss, err, logged)
		}
	}
}

func TestTransactionsThatOnlyReadAreNotCounted(t *testing.T) {
	path := counted(t)
	d := open(t, "sqlite:"+path, db.Options{})
	count := func() int64 { return number(t, d, `SELECT n FROM commit_mark`) }
	before := count()
	for range 3 {
		if err := d.InTx(t.Context(), func(tx *db.Tx) error {
			exec(t, tx, `UPDATE jobs SET name = name WHERE name = 'none'`)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	_ = d.InTx(t.Context(), func(tx *db.Tx) error {
		exec(t, tx, `INSERT INTO jobs VALUES ('undone')`)
		return os.ErrInvalid
	})
	if err := d.InTx(t.Context(), func(*db.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	n := count()
	if n != before {
		t.Errorf("%d commits were counted, want none", n-before)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// BenchmarkCommit compares lone commits with and without the mark.
func BenchmarkCommit(b *testing.B) {
	for _, counts := range []bool{false, true} {
		b.Run(fmt.Sprintf("counted=%v", counts), func(b *testing.B) {
			d, err := db.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "punctual.db"), db.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			statement := markTable
			if !counts {
				statement = strings.ReplaceAll(markTable, "commit_mark", "no_mark")
			}
			if _, err := d.Migrate(b.Context(), schema(statement)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				err := d.InTx(b.Context(), func(tx *db.Tx) error {
					_, err := tx.Prepared(`INSERT INTO jobs VALUES (?)`).Exec(b.Context(), "a job")
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
