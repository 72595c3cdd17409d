package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"punctual/internal/db"
)

// Restored tells what a restore has done.
type Restored struct {
	// of the backup, zero when it is not known
	MadeAt time.Time
	// Aside are files that were in the way, under their new names.
	Aside []string
	// what the operator should know, a sentence each
	Notes []string
}

// Restore makes a database of the backup in file. The database of the settings
// must be missing or empty. force is for SQLite only: what is there is put aside
// under other names. A process that uses the database is an error all the same.
func (c *Config) Restore(ctx context.Context, file string, force bool) (Restored, error) {
	kind, err := kindOf(file)
	switch {
	case err != nil:
		return Restored{}, err
	case kind == notABackup:
		return Restored{}, fmt.Errorf("%s is no backup of Punctual: it is neither an SQLite database nor a dump in pg_dump's custom format", file)
	case kind == sqliteBackup && c.SQLitePath == "":
		return Restored{}, fmt.Errorf("%s is a backup of SQLite, but PUNCTUAL_DATABASE_URL names a PostgreSQL database; set it to sqlite:PATH",
			file)
	case kind == postgresBackup && c.SQLitePath != "":
		return Restored{}, fmt.Errorf("%s is a backup of PostgreSQL, but PUNCTUAL_DATABASE_URL names an SQLite database; set it to postgres://…",
			file)
	case kind == postgresBackup && force:
		return Restored{},
			errors.New("--force is for SQLite only: make a new, empty PostgreSQL database (createdb) and name it with PUNCTUAL_DATABASE_URL")
	case kind == postgresBackup:
		return c.restorePostgres(ctx, file)
	}
	return c.restoreSQLite(ctx, file, force)
}

// RestoreStream is Restore of a backup that comes from r.
func (c *Config) RestoreStream(ctx context.Context, r io.Reader, force bool) (Restored, error) {
	dir := os.TempDir()
	if c.SQLitePath != "" {
		dir = filepath.Dir(c.SQLitePath)
		err := os.MkdirAll(dir, 0o700)
		if err != nil {
			return Restored{}, fmt.Errorf("make the directory of the database: %w", err)
		}
	}
	draft, err := os.CreateTemp(dir, draftPattern)
	if err != nil {
		return Restored{}, err
	}
	defer os.Remove(draft.Name())
	_, err = io.Copy(draft, r)
	err = errors.Join(err, draft.Close())
	if err != nil {
		return Restored{}, fmt.Errorf("read the backup: %w", err)
	}
	return c.Restore(ctx, draft.Name(), force)
}

func (c *Config) restoreSQLite(ctx context.Context, file string, force bool) (Restored, error) {
	wal, err := os.Stat(file + "-wal")
	if err == nil && wal.Size() > 0 {
		return Restored{}, fmt.Errorf("%s is a database in use, not a backup: part of it is in %s-wal; make a backup with `punctual backup`",
			file, file)
	}
	info, version, err := db.ReadBackup(ctx, file)
	if err != nil {
		return Restored{}, err
	}
	if info.SecretKey != "" && !c.isKeyOf(info, info.SecretKey) {
		// An earlier version packed whatever key it found.
		info.SecretKey = ""
	}
	err = c.fits(version)
	if err == nil {
		err = c.keyFits(info)
	}
	if err != nil {
		return Restored{}, err
	}
	result := Restored{MadeAt: info.MadeAt}
	err = os.MkdirAll(filepath.Dir(c.SQLitePath), 0o700)
	if err != nil {
		return result, fmt.Errorf("make the directory of the database: %w", err)
	}
	inTheWay, err := c.inTheWay(ctx, info.SecretKey)
	if err != nil {
		return result, err
	}
	if inTheWay != "" && !force {
		return result,
			fmt.Errorf("%s: there is %s; nothing was changed. Move it away, name another database, or use --force, which puts it aside",
				c.SQLitePath, inTheWay)
	}
	return result, c.place(ctx, file, info, &result)
}

// place puts the new database in its place, after all that can fail has been done.
func (c *Config) place(ctx context.Context, file string, info db.BackupInfo, result *Restored) error {
	dir := filepath.Dir(c.SQLitePath)
	draft := filepath.Join(dir, fmt.Sprintf(".punctual-backup-%d.partial", os.Getpid()))
	defer os.Remove(draft)
	err := db.RestoreSQLite(ctx, file, draft)
	if err != nil {
		return err
	}
	result.Aside, err = c.putAside(info.SecretKey)
	if err != nil {
		return err
	}
	err = c.keepKey(info.SecretKey)
	if err != nil {
		return err
	}
	err = os.Rename(draft, c.SQLitePath)
	if err != nil {
		return err
	}
	if info.SecretKey == "" && !c.SecretKeySet {
		result.Notes = append(result.Notes, "The secret key is not in the backup: put it into "+c.SecretKeyFile+
			" or PUNCTUAL_SECRET_KEY before the start, else API keys, links and authenticator apps stop working.")
	}
	return syncDirectory(dir)
}

// fits refuses the schema of a newer program.
func (c *Config) fits(version int64) error {
	files, err := fs.Glob(c.Migrations, "sqlite/*.sql")
	if err != nil {
		return err
	}
	if int(version) > len(files) {
		return fmt.Errorf("the backup has schema version %d, this program knows only %d: restore it with a newer punctual", version, len(files))
	}
	return nil
}

// keyFits refuses a key that was given and is not the backup's.
func (c *Config) keyFits(info db.BackupInfo) error {
	if !c.SecretKeySet {
		return nil
	}
	if !c.isKeyOf(info, c.SecretKey) && info.SecretKey == "" {
		return errors.New("PUNCTUAL_SECRET_KEY is not the key of the database in the backup, which does not hold it: set the right one")
	}
	if info.SecretKey != "" && c.SecretKey != info.SecretKey {
		return errors.New("PUNCTUAL_SECRET_KEY is not the key that the backup was made with: " +
			"without that one API keys, links and authenticator apps stop working. Unset it, and the key of the backup is kept in " +
			c.SecretKeyFile)
	}
	return nil
}

// inTheWay says what a restore would replace, "" for nothing. A database in use
// is an error.
func (c *Config) inTheWay(ctx context.Context, key string) (string, error) {
	used, err := db.SQLiteInUse(c.SQLitePath)
	if err != nil {
		return "", err
	}
	if used {
		return "", fmt.Errorf("%s is in use by a running process: stop Punctual first", c.SQLitePath)
	}
	what, err := db.SQLiteHolds(ctx, c.SQLitePath)
	if err != nil || what != "" {
		return what, err
	}
	if c.otherKey(key) {
		return "the secret key of another database (" + c.SecretKeyFile + ")", nil
	}
	return "", nil
}

// otherKey tells whether the file of the key holds another one than key.
func (c *Config) otherKey(key string) bool {
	text, err := os.ReadFile(c.SecretKeyFile)
	return err == nil && key != "" && !c.SecretKeySet && strings.TrimSpace(string(text)) != key
}

// putAside renames what stands in the place of the new database. What is left of
// an empty one goes the same way.
func (c *Config) putAside(key string) (aside []string, err error) {
	suffix := ".before-restore-" + c.Now().UTC().Format(stamp)
	moves := make(map[string]string)
	// the log keeps its place beside the database
	for _, path := range db.SQLiteFiles(c.SQLitePath) {
		moves[path] = c.SQLitePath + suffix + strings.TrimPrefix(path, c.SQLitePath)
	}
	if c.otherKey(key) {
		moves[c.SecretKeyFile] = c.SecretKeyFile + suffix
	}
	for _, from := range slices.Sorted(maps.Keys(moves)) {
		info, err := os.Stat(from)
		if err != nil {
			continue
		}
		if info.Size() == 0 {
			err = os.Remove(from)
		} else {
			err = os.Rename(from, moves[from])
			aside = append(aside, moves[from])
		}
		if err != nil {
			return aside, fmt.Errorf("put aside what is there: %w", err)
		}
	}
	return aside, nil
}

// keepKey writes the key of the backup where the program looks for it.
func (c *Config) keepKey(key string) error {
	if key == "" || c.SecretKeySet {
		return nil
	}
	_, err := os.Stat(c.SecretKeyFile)
	// the same one
	if err == nil {
		return os.Chmod(c.SecretKeyFile, 0o600)
	}
	file, err := os.OpenFile(c.SecretKeyFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep the secret key: %w", err)
	}
	_, err = fmt.Fprintln(file, key)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return fmt.Errorf("keep the secret key: %w", err)
	}
	return nil
}
