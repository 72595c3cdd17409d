package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// prepareDir makes the directory, for its owner alone, and refuses one whose files
// do not outlive the machine or the container.
func prepareDir(dir string, fileSystem func(string) (string, error)) error {
	_, err := os.Stat(dir)
	isNew := errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the spool directory: %w", err)
	}
	if isNew {
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return fmt.Errorf("make the spool directory: %w", err)
		}
	}
	name, err := fileSystem(dir)
	if err != nil {
		return fmt.Errorf("look at the file system of the spool directory %s: %w", dir, err)
	}
	if why, bad := volatile[name]; bad {
		return fmt.Errorf("%w: %s is on %s, %s. Name a directory on a disk, or on a volume, with PUNCTUAL_SPOOL_DIR", ErrVolatile, dir, name, why)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the spool directory: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("others may read the spool directory, and that cannot be changed: %w", err)
		}
	}
	return nil
}

// volatile are file systems that no spool is put on, with the reason.
var volatile = map[string]string{
	"tmpfs":   "which is memory: a restart of the machine would lose pings that were answered",
	"ramfs":   "which is memory: a restart of the machine would lose pings that were answered",
	"overlay": "which belongs to a container: making it anew would lose pings that were answered",
}

// fileSystemOf names the file system of a directory where it is one that a spool
// cannot be on: tmpfs, ramfs or overlay; of others it returns "".
func fileSystemOf(dir string) (string, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return "", err
	}
	// its type and sign differ between systems
	return magic[uint32(s.Type)], nil
}

// magic are the numbers by which Linux knows file systems.
var magic = map[uint32]string{
	0x01021994: "tmpfs",
	0x858458f6: "ramfs",
	0x794c7630: "overlay",
}

const lockFile = "spool.lock"

// lockDir keeps every other process out of the directory, until the file is
// closed or this process ends.
func lockDir(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the spool directory: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: another process has %s. Stop that one, or give each its own directory with PUNCTUAL_SPOOL_DIR", ErrInUse, dir)
	} else if err != nil {
		err = fmt.Errorf("lock the spool directory %s: %w", dir, err)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// syncDir makes durable what a directory names.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// named are the files of a directory whose names begin with prefix, in order.
func named(dir, prefix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// size is 0 for a file that is missing.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
