// Package backup makes backups of Punctual's database while it runs, and makes a
// database of one again.
//
// A backup is one file. Of SQLite it is a copy of the database that holds the
// secret key as well; of PostgreSQL it is what pg_dump writes in its custom
// format, and the secret key is not in it, because it is not in the database
// either. A backup appears under its name only when it is whole, has been read
// again, and is on disk; only its owner may read it.
//
// A restore goes into an empty database only. On SQLite, when it is told to, it
// puts what is there aside first; nothing is ever deleted or overwritten.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"punctual/internal/db"
)

// Config says which database it is about.
type Config struct {
	DatabaseURL string
	// SQLitePath is the file of an SQLite database, "" with PostgreSQL.
	SQLitePath string
	// SecretKey goes into backups of SQLite; "" where there is none yet.
	SecretKey string
	// SecretKeySet tells that the key was given to the process, as PUNCTUAL_SECRET_KEY:
	// then a restore keeps none in a file.
	SecretKeySet bool
	// FingerprintOf tells secret keys apart: what the database keeps of its own.
	FingerprintOf func(secretKey string) string
	// SecretKeyFile is where the key of an SQLite database is kept.
	SecretKeyFile string
	// PGBin is the directory of pg_dump and pg_restore; "": they are looked for.
	PGBin string
	// Env is the environment of these programs, NAME=value.
	Env        []string
	Version    string
	Migrations fs.FS
	Now        func() time.Time
}

// Result is a backup that was made.
type Result struct {
	// "": it was written to a stream
	Path string
	Size int64
	// Removed are older backups that made room.
	Removed []string
	// Note is what the operator should know of the backup, a sentence, "" for nothing.
	Note string
}

// ToFile makes a backup under the name file. A backup of that name is replaced, in
// one step; any other file of that name is an error.
func (c *Config) ToFile(ctx context.Context, file string) (Result, error) {
	err := c.mayReplace(file)
	if err != nil {
		return Result{}, err
	}
	draft, note, err := c.draft(ctx, filepath.Dir(file))
	if err != nil {
		return Result{}, err
	}
	defer os.Remove(draft)
	info, err := os.Stat(draft)
	if err != nil {
		return Result{}, err
	}
	err = os.Rename(draft, file)
	if err == nil {
		err = syncDirectory(filepath.Dir(file))
	}
	return Result{Path: file, Size: info.Size(), Note: note}, err
}

// ToStream makes a backup and writes it to w. It stands in the directory for
// temporary files, or beside the SQLite database, until it is whole.
func (c *Config) ToStream(ctx context.Context, w io.Writer) (Result, error) {
	dir := os.TempDir()
	if c.SQLitePath != "" {
		dir = filepath.Dir(c.SQLitePath)
	}
	draft, note, err := c.draft(ctx, dir)
	if err != nil {
		return Result{}, err
	}
	defer os.Remove(draft)
	file, err := os.Open(draft)
	if err != nil {
		return Result{}, err
	}
	defer file.Close()
	n, err := io.Copy(w, file)
	return Result{Size: n, Note: note}, err
}

// draftPattern names backups that are being made.
const draftPattern = ".punctual-backup-*.partial"

// draft makes a whole backup of mode 0600 under a name of its own in dir. note is
// what the operator should know of it.
func (c *Config) draft(ctx context.Context, dir string) (path, note string, err error) {
	file, err := os.CreateTemp(dir, draftPattern)
	if err != nil {
		return "", "", fmt.Errorf("a backup cannot be written: %w", err)
	}
	path = file.Name()
	defer func() {
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	if c.SQLitePath != "" {
		err = file.Close()
		if err == nil {
			info := db.BackupInfo{MadeAt: c.Now(), Version: c.Version, SecretKey: c.SecretKey}
			err = db.BackupSQLite(ctx, c.SQLitePath, path, info)
		}
		if err == nil {
			note, err = c.keyIn(ctx, path)
		}
		return path, note, err
	}
	err = c.dump(ctx, file)
	note = "The secret key (PUNCTUAL_SECRET_KEY) is not in it: keep it in a safe place, too."
	return path, note, errors.Join(err, file.Sync(), file.Close())
}

// keyIn looks whether the secret key in a new backup of SQLite is that of the
// database: one that is not would be found out only when the backup is needed.
func (c *Config) keyIn(ctx context.Context, path string) (note string, err error) {
	info, _, err := db.ReadBackup(ctx, path)
	switch {
	case err != nil:
		return "", err
	case c.SecretKey == "" && info.KeyFingerprint == "":
		return "There is no secret key yet, so none is in it.", nil
	case c.SecretKey == "":
		return "The secret key of this database is missing, so it is not in the backup: put it back into " + c.SecretKeyFile +
			", and make another backup.", nil
	case !c.isKeyOf(info, c.SecretKey) && c.SecretKeySet:
		return "", errors.New("PUNCTUAL_SECRET_KEY is not the key that this database was made with, so no backup was made: set the right one. " +
			"If the key is being changed, start Punctual with PUNCTUAL_OLD_SECRET_KEYS first")
	case !c.isKeyOf(info, c.SecretKey):
		return "",
			errors.New(c.SecretKeyFile + " is not the key that this database was made with, so no backup was made: put the right one there")
	}
	return "", nil
}

// isKeyOf tells whether the key may be the one that the database in a backup was
// made with: it is, or that is not known.
func (c *Config) isKeyOf(info db.BackupInfo, key string) bool {
	return info.KeyFingerprint == "" || info.KeyFingerprint == c.FingerprintOf(key)
}

// mayReplace refuses to put a backup in the place of anything but a backup.
func (c *Config) mayReplace(file string) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a directory: name a file in it, or use --dir", file)
	}
	if c.SQLitePath != "" {
		for _, path := range append(db.SQLiteFiles(c.SQLitePath), c.SecretKeyFile) {
			own, err := os.Stat(path)
			if err == nil && os.SameFile(own, info) {
				return fmt.Errorf("%s is in use by the database itself: name another file for the backup", file)
			}
		}
	}
	kind, err := kindOf(file)
	if err != nil {
		return err
	}
	if kind == notABackup && info.Size() > 0 {
		return fmt.Errorf("%s is there already and is no backup: name another file", file)
	}
	return nil
}

// kind is what a file is.
type kind int

const (
	notABackup kind = iota
	sqliteBackup
	postgresBackup
)

func kindOf(path string) (kind, error) {
	file, err := os.Open(path)
	if err != nil {
		return notABackup, err
	}
	defer file.Close()
	head := make([]byte, 16)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return notABackup, err
	}
	switch head = head[:n]; {
	case db.IsSQLite(head):
		return sqliteBackup, nil
	case n >= 5 && string(head[:5]) == "PGDMP":
		return postgresBackup, nil
	}
	return notABackup, nil
}

// syncDirectory makes new names in dir survive a power failure.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
