package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func (s *Spool) path(name string) string { return filepath.Join(s.dir, name) }

// errMissing is the error of a spool that is not there, and of which nothing is
// known to be lost.
var errMissing = errors.New("there is no spool yet")

// load opens the file. One that is damaged is repaired first, one that is missing
// is made. mu is held.
func (s *Spool) load() error {
	if err := s.endRepair(); err != nil {
		return fmt.Errorf("open the spool in %s: %w", s.dir, err)
	}
	c, err := s.look()
	if err == nil {
		err = s.open(c)
	}
	switch {
	case err == nil:
		return nil
	case isDamage(err), errors.Is(err, errMissing):
		// what closing says adds nothing
		_ = s.shut()
		return s.loadDamaged(err)
	}
	return fmt.Errorf("open the spool in %s: %w", s.dir, errors.Join(err, s.shut()))
}

// loadDamaged is load for a file that is known to be damaged, or missing.
func (s *Spool) loadDamaged(why error) error {
	err := s.repair(why)
	if err != nil {
		return fmt.Errorf("repair the spool in %s: %w", s.dir, err)
	}
	c, err := s.look()
	if err == nil {
		err = s.open(c)
	}
	if err != nil {
		return fmt.Errorf("open the spool in %s after its repair: %w", s.dir, err)
	}
	return nil
}

// open opens a file that has been looked at.
func (s *Spool) open(c contents) error {
	path := s.path(spoolFile)
	if err := private(s.dir); err != nil {
		return err
	}
	f, err := openToWrite(path)
	if err != nil {
		return err
	}
	bytes, err := f.bytes()
	of, marked, ok := readMark(s.path(markFile))
	found := c.tally.depth
	if err == nil && ok && of == c.of {
		// Whoever was killed while deleting, or had a full disk, began with the mark.
		c.tally, err = f.without(marked.deleted, c.tally)
	}
	if err != nil {
		return errors.Join(err, f.close())
	}
	s.file = f
	s.tally = c.tally
	s.damages = c.damages
	s.mark = &mark{path: s.path(markFile), of: c.of}
	// without it a loss would go unnoticed, which is no reason to take no pings
	_ = s.mark.write(c.tally)
	s.show(bytes)
	s.owes = c.tally.depth < found
	if s.owes {
		return s.pay(f)
	}
	return nil
}

// private takes away the rights of others to the files.
func private(dir string) error {
	names, err := named(dir, "")
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, spoolFile) && !strings.HasPrefix(name, addressFile) {
			continue
		}
		name = filepath.Join(dir, name)
		info, err := os.Lstat(name)
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			err = os.Chmod(name, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep %s from others: %w", name, err)
		}
	}
	return nil
}

// look reads all of the file without changing it, and compares it with its mark.
func (s *Spool) look() (contents, error) {
	path := s.path(spoolFile)
	of, marked, ok := readMark(s.path(markFile))
	if size(path) == 0 {
		if size(path+"-wal") == 0 && (!ok || marked.depth == 0) {
			return contents{}, errMissing
		}
		return contents{}, damagef("%s is missing or empty", spoolFile)
	}
	c, err := lookAt(path)
	if err != nil {
		return c, err
	}
	if !ok || of != c.of {
		return c, nil
	}
	return c, c.compare(marked)
}

func lookAt(path string) (contents, error) {
	var c contents
	if err := hasLog(path); err != nil {
		return c, err
	}
	f, err := openToRead(path)
	if err == nil {
		c, err = f.inspect()
		err = errors.Join(err, f.closeToRead())
	}
	if err == nil || isDamage(err) || errors.Is(err, ErrNewer) {
		return c, err
	}
	// To read beside a log takes a few bytes on the disk. Where it is full, what is
	// there is to be replayed nevertheless.
	f, err = openToWrite(path)
	if err != nil {
		return c, asDamage(err)
	}
	c, err = f.inspect()
	return c, errors.Join(err, f.close())
}

// hasLog fails with errDamaged where the head of the file says that it has no log:
// SQLite would leave the log alone, or would not write.
func hasLog(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	head := make([]byte, 20)
	_, err = io.ReadFull(file, head)
	if err != nil || head[18] != 2 || head[19] != 2 {
		return damagef("the head of the file is not what was written")
	}
	return nil
}

// compare fails with errDamaged where the mark tells of more.
func (c *contents) compare(marked tally) error {
	switch {
	case c.tally.last < marked.last:
		return damagef("the last %d entries are missing: its log was cut or removed", marked.last-c.tally.last)
	case c.tally.depth < marked.depth:
		return damagef("%d of %d entries are missing", marked.depth-c.tally.depth, marked.depth)
	}
	return nil
}

// openToRead opens the file so that nothing of it changes, its log included.
func openToRead(path string, pragmas ...string) (*file, error) {
	mode := "mode=ro"
	if size(path+"-wal") == 0 {
		mode = "mode=ro&immutable=1"
	}
	f, err := openFile(path, mode, append([]string{"cell_size_check(1)", "trusted_schema(0)"}, pragmas...)...)
	return f, asDamage(err)
}

func (f *file) closeToRead() error {
	err := f.close()
	// the index of the log; it is made anew by whoever needs it
	_ = os.Remove(f.path + "-shm")
	return err
}
