package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"modernc.org/sqlite"
)

// openWriter opens the writing side of an SQLite database. Its commits are
// counted in m.
func openWriter(dsn string, m *mark) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(writers{c, m}), nil
}

type writers struct {
	driver.Connector
	mark *mark
}

// Connect makes a connection that keeps its prepared statements.
func (w writers) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := c.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the driver of SQLite lacks what is needed"), c.Close())
	}
	return &writer{sqliteConn: conn, stmts: make(map[string]sqliteStmt), mark: w.mark}, nil
}

type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// writer is a connection with the statements that have been prepared on it, by
// their texts. Compiling one costs SQLite more than running it.
type writer struct {
	sqliteConn
	stmts map[string]sqliteStmt

	// see Tx.TakeCache
	cached cacheEntry
	// by the transaction that is open
	toCache cacheEntry

	mark *mark
	inTx bool
	// rows written when the last transaction ended
	counted int64
}

func (w *writer) prepared(ctx context.Context, query string) (sqliteStmt, error) {
	if stmt := w.stmts[query]; stmt != nil {
		return stmt, nil
	}
	s, err := w.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	stmt, ok := s.(sqliteStmt)
	if !ok {
		return nil, errors.Join(errors.New("the driver of SQLite lacks what is needed"), s.Close())
	}
	w.stmts[query] = stmt
	return stmt, nil
}

func (w *writer) run(ctx context.Context, query string) error {
	stmt, err := w.prepared(ctx, query)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx, nil)
	return err
}

// Close closes the statements first: with one of them left SQLite would keep the
// file open, and a transaction.
func (w *writer) Close() error {
	for _, stmt := range w.stmts {
		// it tells the error of its last run again
		_ = stmt.Close()
	}
	w.stmts = nil
	return w.sqliteConn.Close()
}

// BeginTx takes the write lock at once.
func (w *writer) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	w.toCache = cacheEntry{}
	if err := w.run(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	w.inTx = true
	return w, nil
}

// Commit ends the transaction, in any case, and counts it if it has written.
func (w *writer) Commit() error {
	n, err := w.count()
	if err == nil {
		err = w.run(context.Background(), "COMMIT")
	}
	w.inTx = false
	switch {
	case err != nil:
		// its error adds nothing: there is no transaction any more
		_ = w.Rollback()
		return err
	case w.toCache.value != nil:
		w.cached = w.toCache
	}
	if n > 0 {
		w.mark.note(n)
	}
	return nil
}

// Rollback ends the transaction.
func (w *writer) Rollback() error {
	w.inTx = false
	err := w.run(context.Background(), "ROLLBACK")
	if w.mark.counts() {
		// a wrong figure counts one commit too many
		_ = w.each(context.Background(), totalChanges, nil, []any{&w.counted}, func() {})
	}
	return err
}

const (
	totalChanges = `SELECT total_changes()`
	countCommit  = `UPDATE commit_mark SET n = n + 1 RETURNING n`
)

// count counts the open transaction, if it has written rows, and returns its
// number; 0: it was not counted.
func (w *writer) count() (n int64, err error) {
	if !w.mark.counts() {
		return 0, nil
	}
	var written int64
	ctx := context.Background()
	err = w.each(ctx, totalChanges, nil, []any{&written}, func() {})
	if err != nil || written == w.counted {
		return 0, err
	}
	err = w.each(ctx, countCommit, nil, []any{&n}, func() {})
	switch {
	case err != nil && strings.Contains(err.Error(), "no such table"):
		// migrated down
		w.mark.off()
		return 0, nil
	case err != nil || n == 0:
		return 0, err
	}
	w.counted = written + 1
	// what is left stays good: only we have written
	w.toCache.stamp.ours++
	return n, nil
}

// ExecContext counts statements outside of transactions, too.
func (w *writer) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if w.inTx || !w.mark.counts() || !writes(query) {
		return w.sqliteConn.ExecContext(ctx, query, args)
	}
	tx, err := w.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return nil, err
	}
	res, err := w.sqliteConn.ExecContext(ctx, query, args)
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return res, tx.Commit()
}

// writes tells whether a statement writes rows; pragmas and the like may not run
// in a transaction.
func writes(query string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	switch strings.ToUpper(word) {
	case "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE":
		return true
	}
	return false
}

// Prepared is a statement of a transaction on SQLite that is compiled once in
// the life of the connection and runs without database/sql in between, for those
// that run with each ping. Parameters are best written ?: the driver looks up
// the name of each that has one. The observer is not told.
type Prepared struct {
	tx    *Tx
	query string
	args  []driver.NamedValue
}

// Prepared returns a statement for use within the transaction, on SQLite only.
func (t *Tx) Prepared(query string) *Prepared { return &Prepared{tx: t, query: query} }

// Exec runs the statement and returns how many rows it has written. Arguments
// are converted as by Tx.Exec.
func (p *Prepared) Exec(ctx context.Context, args ...any) (affected int64, err error) {
	if err := p.bind(args); err != nil {
		return 0, err
	}
	err = p.tx.withWriter(func(w *writer) error {
		stmt, err := w.prepared(ctx, p.query)
		if err != nil {
			return err
		}
		res, err := stmt.ExecContext(ctx, p.args)
		if err == nil {
			affected, err = res.RowsAffected()
		}
		return err
	})
	return affected, err
}

// Each runs the statement and calls see for each row, whose values are then in
// dest. see must not use the transaction.
func (p *Prepared) Each(ctx context.Context, dest []any, see func(), args ...any) error {
	if err := p.bind(args); err != nil {
		return err
	}
	return p.tx.withWriter(func(w *writer) error { return w.each(ctx, p.query, p.args, dest, see) })
}

func (w *writer) each(ctx context.Context, query string, args []driver.NamedValue, dest []any, see func()) (err error) {
	stmt, err := w.prepared(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	if len(row) != len(dest) {
		return fmt.Errorf("%d columns for %d destinations", len(row), len(dest))
	}
	for {
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		for i, v := range row {
			if err := assign(dest[i], v); err != nil {
				return fmt.Errorf("column %s: %w", rows.Columns()[i], err)
			}
		}
		see()
	}
}

// assign is what database/sql does with a value that the driver has read, for
// the types of destinations there are.
func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case sql.Scanner:
		return d.Scan(v)
	case *int64:
		n, ok := v.(int64)
		if ok {
			*d = n
			return nil
		}
	case *bool:
		n, ok := v.(int64)
		if ok {
			*d = n != 0
			return nil
		}
	case *string:
		s, ok := v.(string)
		if ok {
			*d = s
			return nil
		}
	default:
		s, ok := v.(string)
		if ok && reflect.TypeOf(dest).Elem().Kind() == reflect.String {
			reflect.ValueOf(dest).Elem().SetString(s)
			return nil
		}
	}
	return fmt.Errorf("cannot read a %T from %T", dest, v)
}

func (p *Prepared) bind(args []any) error {
	p.args = p.args[:0]
	for i, a := range args {
		v := p.tx.db.bindOne(a)
		switch v.(type) {
		case int64, string, []byte, nil:
		default:
			var err error
			v, err = driver.DefaultParameterConverter.ConvertValue(v)
			if err != nil {
				return fmt.Errorf("argument %d: %w", i+1, err)
			}
		}
		p.args = append(p.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return nil
}

func (t *Tx) withWriter(use func(*writer) error) error {
	return t.conn.Raw(func(conn any) error {
		w, ok := conn.(*writer)
		if !ok {
			return errors.New("not a writing connection of SQLite")
		}
		return use(w)
	})
}

// cacheEntry is a value that a transaction keeps for those after it.
type cacheEntry struct {
	value any
	stamp stamp
}

// stamp tells whether anything has been written since: both numbers only grow.
type stamp struct {
	// changes with each commit of another connection or process
	others int64
	// rows this connection has written
	ours int64
}

// TakeCache returns what a transaction before this one has put into the cache, nil
// when anything has been written since, by whomever, or the cache is empty. It belongs
// to this transaction then: who may need it again puts it back. SQLite only.
func (t *Tx) TakeCache(ctx context.Context) (value any, err error) {
	err = t.withWriter(func(w *writer) error {
		cached := w.cached
		w.cached = cacheEntry{}
		if cached.value == nil {
			return nil
		}
		now, err := w.stamp(ctx)
		if err == nil && now == cached.stamp {
			value = cached.value
		}
		return err
	})
	return value, err
}

// PutCache keeps value for TakeCache, if the transaction commits; what has been
// written in it before counts as known to the value. SQLite only.
func (t *Tx) PutCache(ctx context.Context, value any) error {
	return t.withWriter(func(w *writer) error {
		now, err := w.stamp(ctx)
		w.toCache = cacheEntry{value, now}
		return err
	})
}

func (w *writer) stamp(ctx context.Context) (s stamp, err error) {
	err = w.each(ctx, `PRAGMA data_version`, nil, []any{&s.others}, func() {})
	if err == nil {
		err = w.each(ctx, totalChanges, nil, []any{&s.ours}, func() {})
	}
	return s, err
}
