package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"punctual/internal/errs"
)

// IsNoRows tells whether a single-row query found nothing.
func IsNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// IsUnique tells whether err is a violation of a unique or primary key.
func IsUnique(err error) bool {
	pg := (*pgconn.PgError)(nil)
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	lite := (*sqlite.Error)(nil)
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// IsForeignKey tells whether err is a reference to a row that is gone.
func IsForeignKey(err error) bool {
	pg := (*pgconn.PgError)(nil)
	if errors.As(err, &pg) {
		return pg.Code == "23503"
	}
	lite := (*sqlite.Error)(nil)
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
	}
	return false
}

// IsOfData tells whether what was to be stored is to blame: the database will never take it.
func IsOfData(err error) bool {
	pg := (*pgconn.PgError)(nil)
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23")
	}
	lite := (*sqlite.Error)(nil)
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
			return true
		}
	}
	return false
}

// isConflict tells whether running the same transaction again may succeed at once.
func isConflict(err error) bool {
	pg := (*pgconn.PgError)(nil)
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	return false
}

// isLocked tells whether another connection keeps an SQLite database to itself.
func isLocked(err error) bool {
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

// IsUnavailable tells whether the database is away, restarting, read-only after a
// failover, full or locked: trouble that passes, not an error of the statement.
func IsUnavailable(err error) bool {
	if err == nil {
		return false
	}
	pg := (*pgconn.PgError)(nil)
	if errors.As(err, &pg) {
		switch {
		case strings.HasPrefix(pg.Code, "57P"), strings.HasPrefix(pg.Code, "53"), strings.HasPrefix(pg.Code, "58"),
			strings.HasPrefix(pg.Code, "08"), strings.HasPrefix(pg.Code, "40"), pg.Code == "25006",
			// limitIdleTx has struck
			pg.Code == "25P03":
			return true
		}
		return false
	}
	lite := (*sqlite.Error)(nil)
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
			sqlite3.SQLITE_CANTOPEN:
			return true
		}
		return false
	}
	var netErr net.Error
	var connErr *pgconn.ConnectError
	return errors.As(err, &connErr) || errors.As(err, &netErr) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed)
}

// IsAway tells whether the database does not answer: it is unavailable, or has
// not answered in time.
func IsAway(err error) bool { return IsUnavailable(err) || errors.Is(err, context.DeadlineExceeded) }

// awayFor is what visitors are told to wait while the database is away.
const awayFor = 10 * time.Second

// Calm makes an errs.Unavailable, which may be shown, of an internal error that
// means the database is away. Every other error it returns as it is.
func Calm(err error) error {
	if errs.KindOf(err) != errs.Internal || !IsAway(err) {
		return err
	}
	return errs.Unavailablef(awayFor, "The database does not answer right now. What is stored is safe.").Because(err)
}
