package db_test

import (
	"context"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3/lock"

	"punctual/internal/db"
)

// schema has one file per statement, for both engines.
func schema(up ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for i, statement := range up {
		for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
			name := string(engine) + "/0000" + string(rune('1'+i)) + "_step.sql"
			files[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + statement + "\n"), Mode: 0o444}
		}
	}
	return files
}

func status(t *testing.T, d *db.DB, fsys fs.FS) db.SchemaStatus {
	t.Helper()
	s, err := d.SchemaStatus(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mentions(err error, words ...string) bool {
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			return false
		}
	}
	return true
}

func TestASchemaIsBroughtUpToDateStepByStep(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		first := schema(`CREATE TABLE one (x integer);`)
		both := schema(`CREATE TABLE one (x integer);`, `CREATE TABLE two (x integer);`)
		if err := status(t, d, first).Check(); !mentions(err, "version 0", "needs 1", "punctual migrate") {
			t.Errorf("an empty database: %v", err)
		}
		applied, err := d.Migrate(t.Context(), first)
		if err != nil || len(applied) != 1 {
			t.Fatalf("applied %v, %v", applied, err)
		}
		s := status(t, d, first)
		if s.Check() != nil || s.Current != 1 || s.Target != 1 {
			t.Errorf("after migrating: %+v, %v", s, s.Check())
		}
		if err := status(t, d, both).Check(); !mentions(err, "version 1", "needs 2", "punctual migrate") {
			t.Errorf("an older schema: %v", err)
		}
		if applied, err := d.Migrate(t.Context(), both); err != nil || len(applied) != 1 || !strings.Contains(applied[0], "00002") {
			t.Errorf("applied %v, %v; want the second only", applied, err)
		}
		if applied, err := d.Migrate(t.Context(), both); err != nil || len(applied) != 0 {
			t.Errorf("again: applied %v, %v", applied, err)
		}
		if err := status(t, d, first).Check(); !mentions(err, "version 2", "knows only 1", "newer punctual") {
			t.Errorf("a newer schema: %v", err)
		}
		if _, err := d.Migrate(t.Context(), first); !mentions(err, "newer punctual") {
			t.Errorf("migrating a newer schema: %v", err)
		}
	})
}

func TestABrokenMigrationLeavesNothingBehind(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		broken := schema(`CREATE TABLE one (x integer);`, "CREATE TABLE two (x integer);\nINSERT INTO nowhere VALUES (1);")
		_, err := d.Migrate(t.Context(), broken)
		if !mentions(err, "00002_step.sql", "nowhere") {
			t.Errorf("got %v, want the file and the reason", err)
		}
		s := status(t, d, broken)
		if s.Current != 1 || len(s.Pending) != 1 {
			t.Errorf("status %+v, want the first done and the second pending", s)
		}
		if _, err := d.Exec(t.Context(), `SELECT x FROM two`); err == nil {
			t.Error("half of the broken migration was kept")
		}
		mended := schema(`CREATE TABLE one (x integer);`, `CREATE TABLE two (x integer);`)
		if _, err := d.Migrate(t.Context(), mended); err != nil {
			t.Errorf("after mending: %v", err)
		}
	})
}

func TestProcessesThatMigrateAtOnceTakeTurns(t *testing.T) {
	steps := schema(`CREATE TABLE one (x integer);`, `CREATE TABLE two (x integer);`, `INSERT INTO one VALUES (1);`)
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := address(t, engine)
			var mu sync.Mutex
			total := 0
			var processes sync.WaitGroup
			for range 3 {
				processes.Go(func() {
					d, err := db.Open(t.Context(), url, db.Options{})
					if err != nil {
						t.Error(err)
						return
					}
					defer d.Close()
					applied, err := d.Migrate(t.Context(), steps)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					total += len(applied)
				})
			}
			processes.Wait()
			d := open(t, url, db.Options{})
			n := number(t, d, `SELECT count(*) FROM one`)
			if n != 1 || total != 3 {
				t.Errorf("%d rows, %d migrations applied in all; want 1 and 3", n, total)
			}
		})
	}
}

func TestLookingAtTheSchemaWaitsForNobody(t *testing.T) {
	d := open(t, address(t, db.Postgres), db.Options{})
	steps := schema(`CREATE TABLE one (x integer);`)
	if _, err := d.Migrate(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		// somebody is migrating
		exec(t, tx, `SELECT pg_advisory_xact_lock($1)`, lock.DefaultLockID)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := d.SchemaStatus(ctx, steps)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
