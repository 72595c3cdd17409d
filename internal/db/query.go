package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Querier runs statements: a DB, each statement on its own, or a Tx.
//
// Statements are written once for both engines with $1, $2 … for arguments.
// Times, uuids and zero values are converted here: a zero time.Time is NULL,
// and so is a uuid.NullUUID that is not valid.
type Querier interface {
	Exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
	Now() time.Time
}

// Exec runs a statement that returns no rows, again after a conflict as InTx does.
func (d *DB) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	var res sql.Result
	err := retry(ctx, func() (err error) {
		defer d.timed(ctx, query, time.Now(), &err)
		res, err = d.write.ExecContext(ctx, query, d.bind(args)...)
		return err
	})
	return res, err
}

// Query runs a statement that only reads.
func (d *DB) Query(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	defer d.timed(ctx, query, time.Now(), &err)
	return d.read.QueryContext(ctx, query, d.bind(args)...)
}

// QueryRow runs a statement that only reads and returns at most one row.
func (d *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	began := time.Now()
	row := d.read.QueryRowContext(ctx, query, d.bind(args)...)
	d.observed(ctx, query, began, row.Err())
	return row
}

// timed tells the observer of a statement on SQLite; on PostgreSQL the tracer of
// the connections does.
func (d *DB) timed(ctx context.Context, query string, began time.Time, err *error) {
	d.observed(ctx, query, began, *err)
}

func (d *DB) observed(ctx context.Context, query string, began time.Time, err error) {
	if d.Engine == SQLite {
		d.watch.ended(ctx, query, began, err)
	}
}

// Tx is a transaction that may write.
type Tx struct {
	db *DB
	// SQLite only
	conn  *sql.Conn
	tx    *sql.Tx
	now   time.Time
	wakes []Topic
}

// Exec runs a statement that returns no rows.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (res sql.Result, err error) {
	defer t.db.timed(ctx, query, time.Now(), &err)
	return t.tx.ExecContext(ctx, query, t.db.bind(args)...)
}

// Query runs a statement that returns rows, which may write (RETURNING).
func (t *Tx) Query(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	defer t.db.timed(ctx, query, time.Now(), &err)
	return t.tx.QueryContext(ctx, query, t.db.bind(args)...)
}

// QueryRow runs a statement that returns at most one row.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	began := time.Now()
	row := t.tx.QueryRowContext(ctx, query, t.db.bind(args)...)
	t.db.observed(ctx, query, began, row.Err())
	return row
}

// Now is the one timestamp of the transaction.
func (t *Tx) Now() time.Time { return t.now }

// Engine tells which engine the transaction runs on.
func (t *Tx) Engine() Engine { return t.db.Engine }

// maxTries bounds how often a transaction is run again after a conflict.
const maxTries = 5

// InTx runs fn in a transaction that commits when fn returns nil and is rolled
// back otherwise. After a conflict with another transaction (serialization,
// deadlock) fn is run again from the start, so it must have no other effects.
func (d *DB) InTx(ctx context.Context, fn func(*Tx) error) error {
	return asCancelled(ctx, retry(ctx, func() error { return d.inTx(ctx, fn) }))
}

// asCancelled gives an error its true name where the end of ctx has ended a
// transaction: database/sql rolls back in the background, and what comes a moment
// later only hears that the transaction is over.
func asCancelled(ctx context.Context, err error) error {
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return err
}

func retry(ctx context.Context, work func() error) error {
	for try := 1; ; try++ {
		err := work()
		if err == nil || try == maxTries || !isConflict(err) || ctx.Err() != nil {
			return err
		}
	}
}

func (d *DB) inTx(ctx context.Context, fn func(*Tx) error) error {
	began := time.Now()
	t, err := d.begin(ctx)
	d.observed(ctx, "BEGIN", began, err)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer t.end()
	t.now = d.Now()
	if err := fn(t); err != nil {
		return err
	}
	if err := t.notify(ctx); err != nil {
		return err
	}
	began = time.Now()
	err = t.tx.Commit()
	d.observed(ctx, "COMMIT", began, err)
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	d.bus.wake(t.wakes...)
	return nil
}

// begin begins a transaction. On SQLite the connection is kept at hand for
// Prepared.
func (d *DB) begin(ctx context.Context) (*Tx, error) {
	if d.Engine != SQLite {
		tx, err := d.write.BeginTx(ctx, nil)
		return &Tx{db: d, tx: tx}, err
	}
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &Tx{db: d, conn: conn, tx: tx}, nil
}

// end gives the connection back, without what has not been committed.
func (t *Tx) end() {
	// no effect after Commit
	_ = t.tx.Rollback()
	if t.conn != nil {
		// back to the pool
		_ = t.conn.Close()
	}
}

// bind converts arguments to what the engine stores.
func (d *DB) bind(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = d.bindOne(a)
	}
	return out
}

func (d *DB) bindOne(a any) any {
	switch v := a.(type) {
	case time.Time:
		return d.bindTime(v)
	case time.Duration:
		panic("db: bind durations as seconds or microseconds, not as time.Duration")
	case uuid.UUID:
		return v.String()
	case uuid.NullUUID:
		if !v.Valid {
			return nil
		}
		return v.UUID.String()
	case []byte:
		if v == nil {
			return nil
		}
	case bool:
		if d.Engine == SQLite {
			if v {
				return int64(1)
			}
			return int64(0)
		}
	}
	return a
}

func (d *DB) bindTime(t time.Time) any {
	switch {
	case t.IsZero():
		return nil
	case d.Engine == SQLite:
		return t.UnixMicro()
	default:
		return t.UTC()
	}
}

// Time makes a scan destination of t: NULL becomes the zero time, anything else
// a time in UTC.
func Time(t *time.Time) sql.Scanner { return (*timeDest)(t) }

type timeDest time.Time

func (d *timeDest) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = timeDest{}
	case int64:
		*d = timeDest(time.UnixMicro(v).UTC())
	case time.Time:
		*d = timeDest(v.UTC())
	default:
		return fmt.Errorf("cannot read a time from %T", src)
	}
	return nil
}

// UUID makes a scan destination of u: NULL becomes the zero uuid.
func UUID(u *uuid.UUID) sql.Scanner { return (*uuidDest)(u) }

type uuidDest uuid.UUID

func (d *uuidDest) Scan(src any) error {
	if src == nil {
		*d = uuidDest{}
		return nil
	}
	return (*uuid.UUID)(d).Scan(src)
}

// Seconds makes a scan destination of d for a column of whole seconds.
func Seconds(d *time.Duration) sql.Scanner { return durationDest{d, time.Second} }

// Micros makes a scan destination of d for a column of microseconds.
func Micros(d *time.Duration) sql.Scanner { return durationDest{d, time.Microsecond} }

type durationDest struct {
	d    *time.Duration
	unit time.Duration
}

func (d durationDest) Scan(src any) error {
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("cannot read a duration from %T", src)
	}
	*d.d = time.Duration(v) * d.unit
	return nil
}

// Text makes a scan destination of s: NULL becomes "".
func Text(s *string) sql.Scanner { return (*textDest)(s) }

type textDest string

func (d *textDest) Scan(src any) error {
	var v sql.NullString
	if err := v.Scan(src); err != nil {
		return err
	}
	*d = textDest(v.String)
	return nil
}

// NullText is the argument for a column where "" is stored as NULL.
func NullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// NullUUID is the argument for a column where the zero uuid is stored as NULL.
func NullUUID(u uuid.UUID) any {
	if u == uuid.Nil {
		return nil
	}
	return u
}

// Collect reads all rows with scan, each into a new T, and closes them.
func Collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows, *T) error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
