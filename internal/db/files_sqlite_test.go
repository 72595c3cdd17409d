package db_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"punctual/internal/db"
)

// loose sets the widest umask for the time of a test.
func loose(t *testing.T) {
	t.Helper()
	before := syscall.Umask(0)
	t.Cleanup(func() { syscall.Umask(before) })
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestOnlyTheOwnerMayReadTheFilesOfSQLite(t *testing.T) {
	loose(t)
	dir := filepath.Join(t.TempDir(), "of", "punctual")
	path := filepath.Join(dir, "punctual.db")
	d := open(t, "sqlite:"+path, db.Options{})
	if _, err := d.Migrate(t.Context(), schema(markTable)); err != nil {
		t.Fatal(err)
	}
	exec(t, d, `INSERT INTO jobs VALUES ('first')`)
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 5 {
		t.Fatalf("files %v, %v; want database, log, shared memory, lock and mark", files, err)
	}
	for _, file := range files {
		m := mode(t, file)
		if m != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(file), m)
		}
	}
	for _, dir := range []string{dir, filepath.Dir(dir)} {
		m := mode(t, dir)
		if m != 0o700 {
			t.Errorf("directory %s has mode %v", dir, m)
		}
	}
}

func TestFilesThatOthersMayReadAreTightenedAtTheStart(t *testing.T) {
	path := counted(t)
	d := open(t, "sqlite:"+path, db.Options{})
	exec(t, d, `INSERT INTO jobs VALUES ('second')`)
	for _, suffix := range []string{"", "-wal", "-shm", "-mark"} {
		if err := os.Chmod(path+suffix, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	open(t, "sqlite:"+path, db.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, suffix := range []string{"", "-wal", "-shm", "-mark"} {
		m := mode(t, path+suffix)
		if m != 0o600 {
			t.Errorf("%s has mode %v", suffix, m)
		}
		if !strings.Contains(log.String(), "file="+path+suffix+" mode_before=-rw-r--r--") {
			t.Errorf("nothing is logged of %s:\n%s", suffix, log.String())
		}
	}
	// It may be anybody's: /srv, or a home.
	m := mode(t, filepath.Dir(path))
	if m != 0o755 {
		t.Errorf("the mode of a directory that was there is %v now", m)
	}
}

func TestADatabaseThatMustBeThereIsNotMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	_, err := db.Open(t.Context(), "sqlite:"+dir+"/punctual.db", db.Options{MustExist: true})
	if !errors.Is(err, db.ErrNoDatabase) || !mentions(err, "punctual migrate", "PUNCTUAL_DATABASE_URL") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
}

func TestOnlyANewDatabaseThatNobodyUsesIsAbandoned(t *testing.T) {
	made := func() (*db.DB, string) {
		path := filepath.Join(t.TempDir(), "punctual.db")
		d := open(t, "sqlite:"+path, db.Options{})
		_, err := d.Migrate(t.Context(), schema(markTable))
		if err != nil {
			t.Fatal(err)
		}
		return d, path
	}
	abandon := func(d *db.DB) (bool, error) {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		return d.Abandon()
	}
	d, path := made()
	if alone, err := abandon(d); !alone || err != nil {
		t.Errorf("a new one: alone %v, %v", alone, err)
	}
	left, _ := filepath.Glob(filepath.Dir(path) + "/*")
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	d, path = made()
	open(t, "sqlite:"+path, db.Options{})
	if alone, err := abandon(d); alone || err != nil || size(t, path) == 0 {
		t.Errorf("one that another has opened: alone %v, %v", alone, err)
	}

	path = counted(t)
	old := open(t, "sqlite:"+path, db.Options{})
	_, err := abandon(old)
	if err != nil || size(t, path) == 0 {
		t.Errorf("one that was there: %v", err)
	}
}

// A reader that stays for long keeps the log from being used again; afterwards it
// shrinks to what is usual.
func TestALogThatHasGrownShrinksAgain(t *testing.T) {
	path := counted(t)
	d := open(t, "sqlite:"+path, db.Options{})
	reader, err := d.Query(t.Context(), `SELECT name FROM jobs`)
	if err != nil {
		t.Fatal(err)
	}
	if !reader.Next() {
		t.Fatal("no row")
	}
	block := strings.Repeat("x", 1<<20)
	for range 60 {
		exec(t, d, `INSERT INTO jobs VALUES ($1)`, block)
	}
	grown := size(t, path+"-wal")
	if grown < 60<<20 {
		t.Fatalf("the log has %d bytes only", grown)
	}
	if err := errors.Join(reader.Err(), reader.Close()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		exec(t, d, `INSERT INTO jobs VALUES ('small')`)
	}
	after := size(t, path+"-wal")
	if after > 41<<20 {
		t.Errorf("the log has %d bytes after %d, want 40 MiB at most", after, grown)
	}
}
