package db

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// OpenFile opens an SQLite file that is not the program's database but one of its
// own beside it. parameters are those of SQLite's URIs, such as "mode=ro" and
// "_pragma=synchronous(FULL)"; each connection has them. Nothing is read yet.
func OpenFile(path string, parameters ...string) (*sql.DB, error) {
	dsn := strings.Join(append([]string{plainDSN(path)}, parameters...), "&")
	d, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	return d, nil
}

// IsDamaged tells whether an SQLite file is not what SQLite has written: cut,
// overwritten, or on a disk that cannot read it back.
func IsDamaged(err error) bool {
	lite, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch lite.Code() {
	case sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA:
		return true
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	}
	return false
}
