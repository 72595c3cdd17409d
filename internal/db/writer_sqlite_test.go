package db_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

func TestPreparedStatementsCarryValuesBothWays(t *testing.T) {
	d := open(t, address(t, db.SQLite), db.Options{})
	values(t, d)
	at := time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC)
	id := uuid.New()
	// the second time it is compiled already
	for round := range 2 {
		var gotAt, noTime time.Time
		var gotID, noID uuid.UUID
		var yes bool
		var n int64
		var word string
		rows := 0
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			if n, err := tx.Prepared(`DELETE FROM v`).Exec(t.Context()); err != nil || n != int64(round) {
				t.Errorf("removed %d rows, %v; want %d", n, err, round)
			}
			_, err := tx.Prepared(`INSERT INTO v VALUES (?, ?, ?, ?, ?, ?)`).Exec(t.Context(), at, id, true, nil, 7, "früh")
			if err != nil {
				return err
			}
			return tx.Prepared(`SELECT at, id, yes, n, word, data, data FROM v WHERE id = ?`).Each(t.Context(),
				[]any{db.Time(&gotAt), db.UUID(&gotID), &yes, &n, &word, db.Time(&noTime), db.UUID(&noID)}, func() { rows++ }, id)
		})
		if err != nil || rows != 1 || gotAt != at || gotID != id || !yes || n != 7 || word != "früh" || !noTime.IsZero() || noID != uuid.Nil {
			t.Errorf("%d rows: %v %v %v %v %q, %v", rows, gotAt, gotID, yes, n, word, err)
		}
	}
}

func TestPreparedStatementsReturnErrors(t *testing.T) {
	d := open(t, address(t, db.SQLite), db.Options{})
	values(t, d)
	exec(t, d, `INSERT INTO v (word) VALUES ('x')`)
	for _, test := range []struct {
		query string
		dest  []any
		args  []any
	}{
		{query: `SELECT word FROM nowhere`, dest: []any{new(string)}},
		{query: `SELECT word FROM v`, dest: []any{new(string), new(string)}},
		{query: `SELECT word FROM v`, dest: []any{new(int64)}},
		{query: `SELECT n FROM v`, dest: []any{new(string)}},
		{query: `SELECT word FROM v WHERE n = ?`, dest: []any{new(string)}},
		{query: `SELECT word FROM v WHERE n = ?`, dest: []any{new(string)}, args: []any{struct{}{}}},
	} {
		err := d.InTx(t.Context(), func(tx *db.Tx) error {
			return tx.Prepared(test.query).Each(t.Context(), test.dest, func() { t.Errorf("%s: a row", test.query) }, test.args...)
		})
		if err == nil {
			t.Errorf("%s into %T: no error", test.query, test.dest)
		}
	}
	n := number(t, d, `SELECT count(*) FROM v`)
	if n != 1 {
		t.Errorf("%d rows", n)
	}
}

// The driver gives up a connection on which a statement was cancelled. Statements
// left open would keep it alive, with its transaction.
func TestACancelledWriteLeavesNothingOpen(t *testing.T) {
	path := t.TempDir() + "/test.db"
	d, err := db.Open(t.Context(), "sqlite:"+path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, d, `CREATE TABLE v (n integer)`)
	ctx, cancel := context.WithCancel(t.Context())
	err = d.InTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Prepared(`INSERT INTO v VALUES (?)`).Exec(t.Context(), 1); err != nil {
			t.Error(err)
		}
		time.AfterFunc(10*time.Millisecond, cancel)
		// without end
		_, err := tx.Exec(ctx, `INSERT INTO v WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r WHERE n < 0`)
		return err
	})
	if err == nil || ctx.Err() == nil {
		t.Errorf("not cancelled: %v", err)
	}
	if err := d.InTx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Prepared(`INSERT INTO v VALUES (?)`).Exec(t.Context(), 2)
		return err
	}); err != nil {
		t.Error(err)
	}
	n := number(t, d, `SELECT sum(n) FROM v`)
	if n != 2 {
		t.Errorf("sum %d, want 2", n)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + "-wal"); !os.IsNotExist(err) {
		t.Errorf("the log is still there, so the file is still open: %v", err)
	}
}

func TestWhatATransactionLeavesIsThereUntilAnybodyWrites(t *testing.T) {
	path := address(t, db.SQLite)
	d := open(t, path, db.Options{})
	other := open(t, path, db.Options{})
	exec(t, d, `CREATE TABLE v (n integer)`)
	take := func(leave any, fail error) (left any) {
		t.Helper()
		err := d.InTx(t.Context(), func(tx *db.Tx) (err error) {
			left, err = tx.TakeCache(t.Context())
			if err != nil {
				return err
			}
			if _, err := tx.Prepared(`INSERT INTO v VALUES (1)`).Exec(t.Context()); err != nil {
				return err
			}
			if leave != nil {
				if err := tx.PutCache(t.Context(), leave); err != nil {
					return err
				}
			}
			return fail
		})
		if (err == nil) != (fail == nil) {
			t.Fatal(err)
		}
		return left
	}
	failed := context.Canceled
	for _, test := range []struct {
		what  string
		then  func()
		taken any
	}{
		{"nothing", func() {}, "kept"},
		{"reading", func() { number(t, d, `SELECT count(*) FROM v`) }, "kept"},
		{"a write of this process", func() { exec(t, d, `UPDATE v SET n = 2`) }, nil},
		{"a write of another one", func() { exec(t, other, `UPDATE v SET n = 2`) }, nil},
		{"a transaction that takes it and leaves nothing", func() { take(nil, nil) }, nil},
		{"a transaction that takes it and fails", func() { take("lost", failed) }, nil},
		{"a transaction that writes", func() {
			if err := d.InTx(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO v VALUES (1)`)
				return err
			}); err != nil {
				t.Error(err)
			}
		}, nil},
	} {
		take("kept", nil)
		test.then()
		got := take(nil, nil)
		if got != test.taken {
			t.Errorf("after %s: %v, want %v", test.what, got, test.taken)
		}
	}
}
