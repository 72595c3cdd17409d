package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// stamp is the time in the name of a backup in a directory, UTC.
const stamp = "20060102T150405Z"

// named is the name of a backup in a directory: what rotation takes for its own.
var named = regexp.MustCompile(`^punctual-(\d{8}T\d{6}Z)\.(db|dump)$`)

// ToDir makes a backup in dir under a name with the time, punctual-20060102T150405Z.db
// or .dump, and then removes the oldest of that kind of name but for keep; 0 keeps
// all. dir is made if it is missing, and what a backup that was cut off has left
// there is removed.
func (c *Config) ToDir(ctx context.Context, dir string, keep int) (Result, error) {
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		return Result{}, fmt.Errorf("the directory for backups: %w", err)
	}
	removeLeftOvers(dir, c.Now())
	keepPrivate(dir)
	extension := ".dump"
	if c.SQLitePath != "" {
		extension = ".db"
	}
	result, err := c.ToFile(ctx, filepath.Join(dir, "punctual-"+c.Now().UTC().Format(stamp)+extension))
	if err != nil {
		return result, err
	}
	result.Removed, err = rotate(dir, keep)
	return result, err
}

// keepPrivate takes away the rights of group and others to the backups in dir. A
// file whose mode cannot be changed is somebody else's, and stays.
func keepPrivate(dir string) {
	names, err := backupsIn(dir)
	if err != nil {
		return
	}
	for _, name := range names {
		_ = os.Chmod(filepath.Join(dir, name), 0o600)
	}
}

func rotate(dir string, keep int) (removed []string, err error) {
	names, err := backupsIn(dir)
	if err != nil || keep <= 0 || len(names) <= keep {
		return nil, err
	}
	for _, name := range names[:len(names)-keep] {
		path := filepath.Join(dir, name)
		err := os.Remove(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, fmt.Errorf("remove an old backup: %w", err)
		}
		removed = append(removed, path)
	}
	return removed, nil
}

// backupsIn are the names of the backups in dir, the oldest first.
func backupsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the directory for backups: %w", err)
	}
	var names []string
	for _, e := range entries {
		if named.MatchString(e.Name()) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Newest is when the newest backup in dir was made, zero where there is none. A
// directory that is missing has none.
func Newest(dir string) (time.Time, error) {
	return NewestUntil(dir, time.Time{})
}

// NewestUntil is Newest of the backups that were not made after until, by their
// names; a zero until leaves none out.
func NewestUntil(dir string, until time.Time) (time.Time, error) {
	names, err := backupsIn(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, err
	}
	for _, name := range slices.Backward(names) {
		made, err := time.Parse(stamp, named.FindStringSubmatch(name)[1])
		if err != nil {
			return time.Time{}, fmt.Errorf("the name of backup %s: %w", name, err)
		}
		if until.IsZero() || !made.After(until) {
			return made, nil
		}
	}
	return time.Time{}, nil
}

// leftOver is the age at which a draft belongs to nobody any more.
const leftOver = 24 * time.Hour

func removeLeftOvers(dir string, now time.Time) {
	// the pattern is right
	paths, _ := filepath.Glob(filepath.Join(dir, draftPattern))
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && now.Sub(info.ModTime()) > leftOver {
			// it stays, and the next time tries again
			_ = os.Remove(path)
		}
	}
}
