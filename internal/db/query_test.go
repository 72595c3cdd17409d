package db_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// values makes a table with a column of each type, as the migrations name them.
func values(t *testing.T, d *db.DB) {
	t.Helper()
	columns := `at timestamptz, id uuid, yes boolean, data bytea, n bigint, word text`
	if d.Engine == db.SQLite {
		columns = `at integer, id text, yes integer, data blob, n integer, word text`
	}
	exec(t, d, `CREATE TABLE v (`+columns+`)`)
}

func TestTimesComeBackInUTCToTheMicrosecond(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, d *db.DB) {
		values(t, d)
		for _, test := range []struct{ in, want time.Time }{
			{time.Time{}, time.Time{}},
			{time.Date(2026, 3, 29, 3, 30, 0, 123456789, berlin), time.Date(2026, 3, 29, 1, 30, 0, 123456000, time.UTC)},
			{time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC)},
			{time.Unix(0, 0), time.Unix(0, 0).UTC()},
			{time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC)},
			{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		} {
			exec(t, d, `DELETE FROM v`)
			exec(t, d, `INSERT INTO v (at) VALUES ($1)`, test.in)
			got := time.Now()
			if err := d.QueryRow(t.Context(), `SELECT at FROM v`).Scan(db.Time(&got)); err != nil || got != test.want {
				t.Errorf("%v came back as %v, %v; want %v", test.in, got, err, test.want)
			}
			nulls := number(t, d, `SELECT count(*) FROM v WHERE at IS NULL`)
			if (nulls == 1) != test.in.IsZero() {
				t.Errorf("%v stored as NULL: %v", test.in, nulls == 1)
			}
		}
	})
}

func TestTimesOrderAndCompareInTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		values(t, d)
		noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for _, at := range []time.Time{noon, noon.Add(time.Microsecond), noon.In(time.FixedZone("", 5*3600)).Add(-time.Microsecond)} {
			exec(t, d, `INSERT INTO v (at) VALUES ($1)`, at)
		}
		n := number(t, d, `SELECT count(*) FROM v WHERE at <= $1`, noon)
		if n != 2 {
			t.Errorf("%d rows up to noon, want 2", n)
		}
	})
}

func TestOtherValuesComeBackAsTheyWent(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		values(t, d)
		id := uuid.New()
		data := []byte{0, 0xff, 'x'}
		exec(t, d, `INSERT INTO v (id, yes, data, n, word) VALUES ($1, $2, $3, $4, $5)`, id, true, data, 90, "ünï")
		var (
			gotID, plainID uuid.UUID
			nullID         uuid.NullUUID
			yes            bool
			gotData        []byte
			seconds, tiny  time.Duration
			word           string
		)
		err := d.QueryRow(t.Context(), `SELECT id, id, id, yes, data, n, n, word FROM v WHERE id = $1 AND yes`, id).
			Scan(db.UUID(&gotID), &plainID, &nullID, &yes, &gotData, db.Seconds(&seconds), db.Micros(&tiny), db.Text(&word))
		if err != nil {
			t.Fatal(err)
		}
		if gotID != id || plainID != id || nullID != (uuid.NullUUID{UUID: id, Valid: true}) {
			t.Errorf("uuid %v came back as %v, %v, %v", id, gotID, plainID, nullID)
		}
		if !yes || string(gotData) != string(data) || seconds != 90*time.Second || tiny != 90*time.Microsecond || word != "ünï" {
			t.Errorf("got %v, %q, %v, %v, %q", yes, gotData, seconds, tiny, word)
		}
	})
}

func TestNothingIsNULL(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		values(t, d)
		exec(t, d, `INSERT INTO v (at, id, data, word) VALUES ($1, $2, $3, $4)`, time.Time{}, uuid.NullUUID{}, []byte(nil), db.NullText(""))
		exec(t, d, `INSERT INTO v (id, data, word) VALUES ($1, $2, $3)`, db.NullUUID(uuid.Nil), []byte{}, "")
		n := number(t, d, `SELECT count(*) FROM v WHERE at IS NULL AND id IS NULL`)
		if n != 2 {
			t.Errorf("%d rows without time and id, want 2", n)
		}
		if n := number(t, d, `SELECT count(*) FROM v WHERE data IS NULL AND word IS NULL`); n != 1 {
			t.Errorf("%d rows without data and word, want 1: an empty value is a value", n)
		}
		at := time.Now()
		id := uuid.New()
		word := "before"
		nullID := uuid.NullUUID{Valid: true}
		err := d.QueryRow(t.Context(), `SELECT at, id, id, word FROM v WHERE word IS NULL`).Scan(db.Time(&at), db.UUID(&id), &nullID,
			db.Text(&word))
		if err != nil || !at.IsZero() || id != uuid.Nil || nullID.Valid || word != "" {
			t.Errorf("NULLs read as %v, %v, %v, %q, %v", at, id, nullID, word, err)
		}
	})
}

func TestADurationCannotBeBoundByMistake(t *testing.T) {
	d := open(t, address(t, db.SQLite), db.Options{})
	defer func() {
		if recover() == nil {
			t.Error("a time.Duration was taken as an argument")
		}
	}()
	_, _ = d.Exec(t.Context(), `SELECT $1`, time.Second)
}

func TestWhatWentWrongHasAKind(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE parents (id bigint PRIMARY KEY, name text UNIQUE)`)
		exec(t, d, `CREATE TABLE children (parent bigint NOT NULL REFERENCES parents (id))`)
		exec(t, d, `INSERT INTO parents VALUES (1, 'one')`)
		for _, test := range []struct {
			query           string
			unique, foreign bool
		}{
			{`INSERT INTO parents VALUES (1, 'other')`, true, false},
			{`INSERT INTO parents VALUES (2, 'one')`, true, false},
			{`INSERT INTO children VALUES (9)`, false, true},
			{`INSERT INTO children VALUES (NULL)`, false, false},
			{`INSERT INTO nowhere VALUES (1)`, false, false},
		} {
			_, err := d.Exec(t.Context(), test.query)
			if err == nil || db.IsUnique(err) != test.unique || db.IsForeignKey(err) != test.foreign || db.IsNoRows(err) || db.IsUnavailable(err) {
				t.Errorf("%s: %v: unique %v, foreign key %v, no rows %v, unavailable %v", test.query, err,
					db.IsUnique(err), db.IsForeignKey(err), db.IsNoRows(err), db.IsUnavailable(err))
			}
		}
		var id int64
		if err := d.QueryRow(t.Context(), `SELECT id FROM parents WHERE id = 5`).Scan(&id); !db.IsNoRows(err) {
			t.Errorf("a row that is not there: %v", err)
		}
	})
	for _, kind := range []func(error) bool{db.IsUnique, db.IsForeignKey, db.IsNoRows, db.IsUnavailable} {
		if kind(nil) || kind(errors.New("something else")) {
			t.Error("a kind for no error, or for a foreign one")
		}
	}
}

func TestATransactionHappensAsAWholeOrNotAtAll(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE things (x bigint)`)
		refused := errors.New("refused")
		insert := func(x int, end func() error) func(*db.Tx) error {
			return func(tx *db.Tx) error {
				exec(t, tx, `INSERT INTO things VALUES ($1)`, x)
				return end()
			}
		}
		if err := d.InTx(t.Context(), insert(1, func() error { return nil })); err != nil {
			t.Error(err)
		}
		if err := d.InTx(t.Context(), insert(2, func() error { return refused })); !errors.Is(err, refused) {
			t.Errorf("got %v, want the error of the function", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = d.InTx(t.Context(), insert(4, func() error { panic("mid-way") }))
		}()
		ctx, cancel := context.WithCancel(t.Context())
		if err := d.InTx(ctx, insert(8, func() error { cancel(); return nil })); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was cancelled", err)
		}
		sum := number(t, d, `SELECT sum(x) FROM things`)
		if sum != 1 {
			t.Errorf("sum %d, want 1: only the first is stored", sum)
		}
	})
}

// TestACancelledTransactionReturnsTheCause: database/sql rolls back in the background when a
// context ends, and what comes after that only hears that the transaction is over.
func TestACancelledTransactionReturnsTheCause(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := d.InTx(ctx, func(tx *db.Tx) error {
			cancel()
			for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
				_, err := tx.Exec(context.Background(), `SELECT 1`)
				if errors.Is(err, sql.ErrTxDone) {
					return nil
				}
			}
			return errors.New("the transaction was not rolled back")
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was cancelled", err)
		}
	})
}

func TestATransactionHasOneTimestamp(t *testing.T) {
	clock := time.Date(2026, 3, 1, 12, 0, 0, 999, time.UTC)
	d := open(t, address(t, db.SQLite), db.Options{Now: func() time.Time { clock = clock.Add(time.Second); return clock }})
	err := d.InTx(t.Context(), func(tx *db.Tx) error {
		first := tx.Now()
		if first != tx.Now() || first.Nanosecond() != 0 {
			t.Errorf("the transaction's time is %v, then %v", first, tx.Now())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestATransactionInConflictIsRunAgain(t *testing.T) {
	d := open(t, address(t, db.Postgres), db.Options{})
	exec(t, d, `CREATE TABLE counters (id bigint PRIMARY KEY, n bigint)`)
	exec(t, d, `INSERT INTO counters VALUES (1, 0), (2, 0)`)
	// Two transactions lock the same rows in opposite order: one of them is the victim of the deadlock.
	var locked, over [2]chan struct{}
	for i := range locked {
		locked[i] = make(chan struct{})
		over[i] = make(chan struct{})
	}
	tries := [2]int{}
	done := make(chan error)
	for i := range 2 {
		go func() {
			err := d.InTx(t.Context(), func(tx *db.Tx) error {
				if tries[i]++; tries[i] > 1 {
					// else the two may meet again
					<-over[1-i]
				}
				if _, err := tx.Exec(t.Context(), `UPDATE counters SET n = n + 1 WHERE id = $1`, i+1); err != nil {
					return err
				}
				if tries[i] == 1 {
					close(locked[i])
					<-locked[1-i]
				}
				_, err := tx.Exec(t.Context(), `UPDATE counters SET n = n + 1 WHERE id = $1`, 2-i)
				return err
			})
			close(over[i])
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	total := tries[0] + tries[1]
	if total != 3 {
		t.Errorf("%d tries, want 3", total)
	}
	sum := number(t, d, `SELECT CAST(sum(n) AS bigint) FROM counters`)
	if sum != 4 {
		t.Errorf("sum %d, want 4", sum)
	}
}

func TestCollectEndsTheRowsAndReturnsErrors(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		number := func(r *sql.Rows, n *int) error { return r.Scan(n) }
		rows, err := d.Query(t.Context(), `SELECT 1 UNION ALL SELECT 2`)
		if got, err := db.Collect(rows, err, number); err != nil || len(got) != 2 || got[1] != 2 {
			t.Errorf("got %v, %v", got, err)
		}
		rows, err = d.Query(t.Context(), `SELECT x FROM nowhere`)
		_, err = db.Collect(rows, err, number)
		if err == nil {
			t.Error("a broken query gave no error")
		}
		rows, err = d.Query(t.Context(), `SELECT 'word'`)
		if _, err := db.Collect(rows, err, number); err == nil || rows.Next() {
			t.Errorf("a row that cannot be read: %v, rows still open: %v", err, rows.Next())
		}
	})
}
