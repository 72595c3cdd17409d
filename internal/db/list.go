package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Each runs a statement that only reads and calls see for each row, whose values
// are then in dest; see must not ask the database for anything. It is for long
// results: the destinations are made once, and PostgreSQL's values come in their
// binary form without database/sql in between, which halves the time of a list.
func (d *DB) Each(ctx context.Context, dest []any, see func(), query string, args ...any) error {
	if d.pool != nil {
		return d.eachPostgres(ctx, dest, see, query, args)
	}
	rows, err := d.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		see()
	}
	return rows.Err()
}

// List reads all rows of a statement that only reads. dest gives the destinations
// of a T's columns. It is called once: each row is a copy of that T as the columns
// have filled it.
func List[T any](ctx context.Context, d *DB, dest func(*T) []any, query string, args ...any) ([]T, error) {
	var row T
	// append alone would copy each row four times
	var full [][]T
	var part []T
	err := d.Each(ctx, dest(&row), func() {
		if len(part) == cap(part) {
			full = append(full, part)
			part = make([]T, 0, min(max(2*len(part), 4), 1024))
		}
		part = append(part, row)
	}, query, args...)
	if err != nil {
		return nil, err
	}
	return slices.Concat(append(full, part)...), nil
}

// eachPostgres asks again, as database/sql would, where the connection turned
// out to be dead before anything was sent.
func (d *DB) eachPostgres(ctx context.Context, dest []any, see func(), query string, args []any) error {
	bound := d.bind(args)
	rows, err := d.pool.Query(ctx, query, bound...)
	for try := 1; err != nil && try < maxTries && pgconn.SafeToRetry(err) && ctx.Err() == nil; try++ {
		rows, err = d.pool.Query(ctx, query, bound...)
	}
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, dest, func() error { see(); return nil })
	return err
}

// What follows takes the values as pgx reads them; through Scan each would be
// boxed first.

// ScanTimestamptz is of pgtype.TimestamptzScanner.
func (d *timeDest) ScanTimestamptz(v pgtype.Timestamptz) error {
	if v.InfinityModifier != pgtype.Finite {
		return fmt.Errorf("cannot read the time %v", v.InfinityModifier)
	}
	// of NULL it is the zero time
	*d = timeDest(v.Time.UTC())
	return nil
}

// ScanUUID is of pgtype.UUIDScanner.
func (d *uuidDest) ScanUUID(v pgtype.UUID) error {
	// of NULL they are zero
	*d = v.Bytes
	return nil
}

// ScanInt64 is of pgtype.Int64Scanner.
func (d durationDest) ScanInt64(v pgtype.Int8) error {
	if !v.Valid {
		return errors.New("cannot read a duration from NULL")
	}
	*d.d = time.Duration(v.Int64) * d.unit
	return nil
}

// ScanText is of pgtype.TextScanner.
func (d *textDest) ScanText(v pgtype.Text) error {
	// of NULL it is empty
	*d = textDest(v.String)
	return nil
}
