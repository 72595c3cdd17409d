package db

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// What stands beside an SQLite database at PATH.
const (
	// what has been committed lately; SQLite's
	walSuffix = "-wal"
	// SQLite's, too
	shmSuffix = "-shm"
	// held by who migrates
	lockSuffix = ".lock"
)

// SQLiteFiles are the database at path and all files that may stand beside it
// and belong to it.
func SQLiteFiles(path string) []string {
	return []string{path, path + walSuffix, path + shmSuffix, path + "-journal", path + lockSuffix, path + markSuffix, path + lossSuffix}
}

// ErrNoDatabase is the error of opening a database that is not there and that is
// not to be made.
var ErrNoDatabase = errors.New("there is no database")

// prepareFile makes sure that there is a file at path that only its owner may
// read, before SQLite would make one that all may read. SQLite gives its other
// files the mode of this one. It tells whether the file is new.
func prepareFile(path string, mustExist bool, log *slog.Logger) (isNew bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && mustExist:
		return false, fmt.Errorf("%w at %s: make it with `punctual migrate` or `punctual up`, or name another one with PUNCTUAL_DATABASE_URL",
			ErrNoDatabase, path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("open SQLite database %s: %w", path, err)
	case err == nil && info.IsDir():
		return false, fmt.Errorf("open SQLite database %s: it is a directory; PUNCTUAL_DATABASE_URL must name a file", path)
	}
	if err := logWithoutDatabase(path, info); err != nil {
		return false, err
	}
	if info != nil {
		Tighten(log, SQLiteFiles(path)...)
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, fmt.Errorf("make the directory of the database: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	// another process was faster
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("make SQLite database %s: %w", path, err)
	}
	return true, file.Close()
}

// logWithoutDatabase refuses a write-ahead log beside a database that is missing
// or empty: SQLite would throw away the log, and with it all that was committed.
func logWithoutDatabase(path string, database os.FileInfo) error {
	wal, err := os.Stat(path + walSuffix)
	if err != nil || wal.Size() == 0 || database != nil && database.Size() > 0 {
		return nil //nolint:nilerr // no log that can be read: none that gets lost
	}
	return fmt.Errorf("the database %s is missing or empty, but its log %s is there, with what was committed last: "+
		"put the database back, or restore a backup with `punctual restore FILE`; to begin anew, remove the log",
		path, filepath.Base(path)+walSuffix)
}

// Tighten takes away the rights of group and others to files that are there, and
// logs each that was changed or cannot be.
func Tighten(log *slog.Logger, paths ...string) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 {
			continue
		}
		err = os.Chmod(path, 0o600)
		if err != nil {
			log.Warn("others may read a file with private data, and its mode cannot be changed", "file", path, "mode", info.Mode().Perm().String(),
				"error", err)
			continue
		}
		log.Warn("others could read a file with private data; now only its owner can", "file", path, "mode_before", info.Mode().Perm().String())
	}
}

// Abandon is for who could not use the database after all: called after Close, it
// removes a database that Open has made. One that was there before, or that
// another process has open, stays. It tells whether no other process has it open,
// as far as that can be seen; on PostgreSQL it cannot.
func (d *DB) Abandon() (alone bool, err error) {
	if d.Engine != SQLite {
		return false, nil
	}
	// The last to close a database removes its shared memory.
	_, err = os.Stat(d.path + shmSuffix)
	if !errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if !d.isNew {
		return true, nil
	}
	for _, path := range SQLiteFiles(d.path) {
		err := os.Remove(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return true, fmt.Errorf("remove the new database: %w", err)
		}
	}
	return true, nil
}
