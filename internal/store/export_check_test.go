package store

import (
	"context"
	"database/sql"
	"reflect"

	"github.com/jackc/pgx/v5"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Column is a line of the table of columns of checks.
type Column struct {
	Name, Postgres, SQLite string
	Indexed                bool
}

// CheckColumns is the table of columns.
func CheckColumns() []Column {
	var out []Column
	for _, col := range checkTable {
		out = append(out, Column{col.name, col.postgres, col.sqlite, col.in&inIndex != 0})
	}
	return out
}

// NoticesIndexed are the columns of which indexedOf tells a change.
func NoticesIndexed(full *monitor.Check) []string {
	var names []string
	for _, col := range checkTable {
		changed := *full
		setZero(col, &changed)
		if indexedOf(&changed) != indexedOf(full) {
			names = append(names, col.name)
		}
	}
	return names
}

// setZero gives the field of c that the column is kept in its zero value.
func setZero(col checkColumn, c *monitor.Check) {
	dest := col.dest(c)
	scanner, ok := dest.(sql.Scanner)
	if !ok {
		reflect.ValueOf(dest).Elem().SetZero()
		return
	}
	// Durations know no null.
	if scanner.Scan(nil) != nil {
		_ = scanner.Scan(int64(0))
	}
}

// CheckReads are the sets of columns that are read, by name.
var CheckReads = map[string]checkSet{
	"whole": wholeCheck, "hot": hotCheck, "row": rowCheck, "object": objectCheck,
	"status": statusCheck, "scrape": scrapeCheck, "report": reportCheck, "wall": wallCheck,
}

// Only is c without the fields that the set does not have.
func (s checkSet) Only(c *monitor.Check) *monitor.Check {
	rest := *c
	for _, col := range checkTable {
		if !s.Has(col.name) {
			setZero(col, &rest)
		}
	}
	return &rest
}

// Has tells whether the column is in the set.
func (s checkSet) Has(name string) bool {
	for _, col := range s.columns {
		if col.name == name {
			return true
		}
	}
	return false
}

// ReadCheck reads a set of columns of a check.
func (s *Store) ReadCheck(ctx context.Context, set checkSet, id int64) (*monitor.Check, error) {
	var c monitor.Check
	err := s.db.QueryRow(ctx, `SELECT `+set.list+` FROM checks c WHERE c.id = $1`, id).Scan(set.dest(&c)...)
	return &c, err
}

// InsertCheck stores a check as a new one. It comes back as it was stored.
func (s *Store) InsertCheck(ctx context.Context, c *monitor.Check) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error { return insertCheck(ctx, tx, c) })
}

// ChangeWhole stores the settings and the state of a check as they are.
func (s *Store) ChangeWhole(ctx context.Context, c *monitor.Check) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error { return updateCheck(ctx, tx, c) })
}

// WriteState stores the state of a check as recorders do; indexed = false: all but
// what indexes have.
func (s *Store) WriteState(ctx context.Context, c *monitor.Check, indexed bool) error {
	if s.db.Engine == db.SQLite {
		return s.db.InTx(ctx, func(tx *db.Tx) error { return writeStateSQLite(ctx, tx, c, indexed) })
	}
	b := &pgx.Batch{}
	queueStates(b, []*monitor.Check{c})
	return s.db.RecordPool().SendBatch(ctx, b).Close()
}

// WritesState tells whether pings and time write the column.
func WritesState(name string) bool { return stateOfCheck.Has(name) }
