// Package store holds all SQL of Punctual, one file per entity.
//
// An exported method is one transaction; unexported helpers take the querier of
// the transaction they are part of. One text serves both engines; the few
// statements that cannot are in *_postgres.go and *_sqlite.go.
//
// What is not there is reported as an error of kind errs.NotFound; other errors
// are the database's, wrapped with what was being done.
package store

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// Store reads and writes Punctual's data.
type Store struct {
	db *db.DB
	// of the PostgreSQL side
	known knownChecks
	caps  Caps
	turns turns
	// see Heard; nil: nobody has looked
	heard atomic.Pointer[found]
	// see SetBlindLimit
	blindLimit time.Duration

	addressOf func(*monitor.Channel) string
}

// New returns a store on an open database whose schema is current. addressOf knows
// the address of a channel that has to agree before anything is sent to it, "" where
// none has to: kinds.Address.
func New(d *db.DB, addressOf func(*monitor.Channel) string) *Store {
	return &Store{db: d, turns: newTurns(d), addressOf: addressOf, blindLimit: blindLimit}
}

// AddressOf is the address of a channel that has to agree before anything is sent to
// it, "" where none has to.
func (s *Store) AddressOf(ch *monitor.Channel) string { return s.addressOf(ch) }

// SameAddress tells whether two channels send to the same address; those that send
// to none do.
func (s *Store) SameAddress(a, b *monitor.Channel) bool {
	return strings.EqualFold(s.addressOf(a), s.addressOf(b))
}

// DB is the database below, for its clock, its wake-up calls and its health.
func (s *Store) DB() *db.DB { return s.db }

// Now is the time all processes on the database agree on, UTC in whole microseconds.
func (s *Store) Now() time.Time { return s.db.Now() }

// rowScanner is *sql.Row or *sql.Rows.
type rowScanner interface{ Scan(dest ...any) error }

// notFound turns "no rows" into an error of kind NotFound that names what was
// looked for; other errors get the same words as context.
func notFound(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case db.IsNoRows(err):
		return errs.NotFoundf("%s not found", what)
	default:
		return fmt.Errorf("load %s: %w", what, err)
	}
}

// forUpdate is the clause that locks the rows read until the transaction ends;
// rows that only refer to them by their key may come meanwhile. SQLite has one
// writing transaction at a time and needs none.
//
// Whoever locks several rows locks them in one order, and so changes and removes
// them: projects, then users, then checks, then deliveries, then channels, then
// all others; those of one table by their ids. Else two transactions may wait for
// each other. Who needs the owner of a project locks the project first, so that it
// does not change hands meanwhile.
func forUpdate(tx *db.Tx) string {
	if tx.Engine() == db.Postgres {
		return " FOR NO KEY UPDATE"
	}
	return ""
}

// skipLocked is forUpdate for queues: rows somebody else holds are passed over.
func skipLocked(tx *db.Tx) string {
	if tx.Engine() == db.Postgres {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// newRow gives a row to be inserted its id and time where they are missing.
func newRow(q db.Querier, id *uuid.UUID, created *time.Time) {
	if *id == uuid.Nil {
		*id = uuid.New()
	}
	if created.IsZero() {
		*created = q.Now()
	}
}

// newest ends the query of a list, one that has a WHERE, with its bounds: rows of
// the table called name from one time until before another, zero = ever, at most
// limit, 0 = all; the newest first.
func newest(query, name string, args []any, from, until time.Time, limit int) (string, []any) {
	add := func(clause string, v any) {
		args = append(args, v)
		query += fmt.Sprintf(clause, len(args))
	}
	if !from.IsZero() {
		add(` AND `+name+`.created_at >= $%d`, from)
	}
	if !until.IsZero() {
		add(` AND `+name+`.created_at < $%d`, until)
	}
	query += ` ORDER BY ` + name + `.created_at DESC, ` + name + `.id DESC`
	if limit > 0 {
		add(` LIMIT $%d`, limit)
	}
	return query, args
}

// execAffects runs a statement and reports how many rows it touched.
func execAffects(ctx context.Context, q db.Querier, query string, args ...any) (int64, error) {
	res, err := q.Exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// execOne runs a statement about one thing: doing says what it does ("delete
// wall"), and where it touches no row it fails with errs.NotFound, for there is
// no such noun.
func execOne(ctx context.Context, q db.Querier, doing, noun, query string, args ...any) error {
	n, err := execAffects(ctx, q, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if n == 0 {
		return errs.NotFoundf("%s not found", noun)
	}
	return nil
}

// escapeLike makes s match itself in a LIKE … ESCAPE '!' pattern.
func escapeLike(s string) string {
	out := make([]byte, 0, len(s)+2)
	for i := range len(s) {
		c := s[i]
		if c == '%' || c == '_' || c == '!' {
			out = append(out, '!')
		}
		out = append(out, s[i])
	}
	return string(out)
}
