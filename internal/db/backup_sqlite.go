package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// BackupInfo is what a backup of SQLite holds beside the database, in the table
// punctual_backup. Zero fields are not known.
type BackupInfo struct {
	MadeAt time.Time
	// of the program that made it
	Version string
	// "": it is not in the backup
	SecretKey string

	// KeyFingerprint tells which secret key the database was made with, "" where
	// that is not known. It is read from backups, never written.
	KeyFingerprint string
}

// BackupSQLite writes a copy of the database at path, as it is at one moment, and
// info to the file target, which is missing or empty. Others may write to the
// database meanwhile. The copy has been checked and is on disk when it returns.
func BackupSQLite(ctx context.Context, path, target string, info BackupInfo) error {
	_, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("there is no database to back up: %w", err)
	}
	source, err := sql.Open("sqlite", plainDSN(path))
	if err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	_, err = source.ExecContext(ctx, `VACUUM INTO $1`, target)
	err = errors.Join(err, source.Close())
	if err != nil {
		return fmt.Errorf("copy the database %s: %w", path, err)
	}
	return changeCopy(ctx, target, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE punctual_backup (name text NOT NULL PRIMARY KEY, value text NOT NULL) STRICT`)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO punctual_backup VALUES ('made_at', $1), ('version', $2), ('secret_key', $3)`,
			info.MadeAt.UTC().Format(time.RFC3339), info.Version, info.SecretKey)
		return err
	})
}

// ReadBackup tells what the file holds: the info, and the version of the schema.
// A copy that sqlite3 has made is taken, too; a file that is neither is an error.
func ReadBackup(ctx context.Context, file string) (info BackupInfo, version int64, err error) {
	d, err := sql.Open("sqlite", plainDSN(file)+"&mode=ro&immutable=1")
	if err != nil {
		return info, 0, fmt.Errorf("open SQLite: %w", err)
	}
	defer d.Close()
	err = d.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version)
	if err != nil {
		return info, 0, fmt.Errorf("%s cannot be read as a backup of Punctual: %w", file, err)
	}
	// A database of before has no such table, or no such row: not known.
	_ = d.QueryRowContext(ctx, `SELECT value FROM instance WHERE name = 'secret key'`).Scan(&info.KeyFingerprint)
	rows, err := d.QueryContext(ctx, `SELECT name, value FROM punctual_backup`)
	// a copy of another kind
	if err != nil {
		return info, version, nil
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		err := rows.Scan(&name, &value)
		if err != nil {
			return info, version, err
		}
		switch name {
		case "made_at":
			// zero: not known
			info.MadeAt, _ = time.Parse(time.RFC3339, value)
		case "version":
			info.Version = value
		case "secret_key":
			info.SecretKey = value
		}
	}
	return info, version, rows.Err()
}

// RestoreSQLite makes a database of the backup in file at target, which is
// missing. The info of the backup is not in it any more. It has been checked and
// is on disk when it returns; file is not touched.
func RestoreSQLite(ctx context.Context, file, target string) error {
	err := copyFile(file, target)
	if err != nil {
		return err
	}
	return changeCopy(ctx, target, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DROP TABLE IF EXISTS punctual_backup`)
		return err
	})
}

// changeCopy changes a copy of a database that nobody else uses, gives it an id
// of its own, checks all of it and flushes it to disk.
func changeCopy(ctx context.Context, path string, change func(*sql.Tx) error) error {
	// What is deleted is overwritten: among it may be the secret key.
	d, err := sql.Open("sqlite", plainDSN(path)+"&_pragma=journal_mode(DELETE)&_pragma=secure_delete(1)&_pragma=synchronous(FULL)")
	if err != nil {
		return fmt.Errorf("open SQLite: %w", err)
	}
	d.SetMaxOpenConns(1)
	err = inCopy(ctx, d, change)
	// A change that has failed in a damaged file is only its consequence.
	damage := checkIntegrity(ctx, d)
	if damage != nil {
		err = damage
	}
	err = errors.Join(err, d.Close())
	if err != nil {
		return fmt.Errorf("the copy %s: %w", path, err)
	}
	return syncFile(path)
}

func inCopy(ctx context.Context, d *sql.DB, change func(*sql.Tx) error) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	// no effect after Commit
	defer func() { _ = tx.Rollback() }()
	err = change(tx)
	if err != nil {
		return err
	}
	var marks int
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'commit_mark'`).Scan(&marks)
	if err == nil && marks > 0 {
		_, err = tx.ExecContext(ctx, `UPDATE commit_mark SET id = lower(hex(randomblob(16))), n = 0`)
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}

func checkIntegrity(ctx context.Context, d *sql.DB) error {
	var result string
	err := d.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&result)
	switch {
	case err != nil:
		return fmt.Errorf("it is damaged: %w", err)
	case result != "ok":
		return errors.New("it is damaged: " + oneLine(result))
	}
	return nil
}

// SQLiteHolds tells what is in the way of a new database at path: tables in the
// file there, or a log or a journal of one that is gone. "" is nothing.
func SQLiteHolds(ctx context.Context, path string) (what string, err error) {
	for _, suffix := range []string{walSuffix, "-journal"} {
		info, err := os.Stat(path + suffix)
		if err == nil && info.Size() > 0 {
			return "what was written last to a database (" + path + suffix + ")", nil
		}
	}
	info, err := os.Stat(path)
	if os.IsNotExist(err) || err == nil && info.Size() == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	d, err := sql.Open("sqlite", plainDSN(path)+"&mode=ro&immutable=1")
	if err != nil {
		return "", fmt.Errorf("open SQLite: %w", err)
	}
	defer d.Close()
	var tables int
	err = d.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables)
	switch {
	case err != nil:
		return "a file that is no SQLite database, or a damaged one", nil
	case tables > 0:
		return "a database with data", nil
	}
	return "", nil
}

// The bytes by which SQLite locks a database: each process that has it open in
// WAL mode holds some of them.
const (
	lockBytes     = 0x40000000
	lockBytesSize = 512
)

// SQLiteInUse tells whether another process has the database at path open. It
// must not be asked by a process that has it open itself.
func SQLiteInUse(path string) (bool, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if os.IsNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: lockBytes, Len: lockBytesSize}
	err = syscall.FcntlFlock(file.Fd(), syscall.F_GETLK, &lock)
	if err != nil {
		return false, fmt.Errorf("look who uses %s: %w", path, err)
	}
	return lock.Type != syscall.F_UNLCK, nil
}

// plainDSN opens a file that is there without changing how it is kept.
func plainDSN(path string) string {
	q := url.Values{"_pragma": {"busy_timeout(5000)"}}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	return dsn.String()
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	err = errors.Join(err, target.Sync(), target.Close())
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}

// syncFile flushes a file that something else has written.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// IsSQLite tells whether the file begins like an SQLite database.
func IsSQLite(head []byte) bool { return strings.HasPrefix(string(head), "SQLite format 3\x00") }
