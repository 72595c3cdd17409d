package spool_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"punctual/internal/spool"
)

// smallDisk is a disk of 1 MB. Only root can make one.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m")
	if err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes all that is free on the disk, or as much as it is told.
func fill(t *testing.T, disk, name string, atMost int) (path string) {
	t.Helper()
	path = filepath.Join(disk, name)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 0; err == nil && size < atMost; size += 100 {
		_, err = file.Write(make([]byte, 100))
	}
	return path
}

// untilFull appends pings of a series until that fails, and returns the last.
func untilFull(t *testing.T, s *spool.Spool) int {
	t.Helper()
	for n := 1; ; n++ {
		e := ping(n)
		e.Ping.Body = bytes.Repeat([]byte("x"), 3000)
		err := s.Append([]spool.Entry{e})
		if errors.Is(err, spool.ErrUnwritable) {
			return n - 1
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFullDiskKeepsWhatWasAcknowledged(t *testing.T) {
	disk := smallDisk(t)
	dir := filepath.Join(disk, "spool")
	s := open(t, dir, options())
	n := untilFull(t, s)
	wantNumbers(t, s, series(1, n)...)
	// as a process leaves it that is killed now
	left := take(t, dir)
	closed(t, s)
	put(t, dir, left)
	fill(t, disk, "others", 1<<20)

	s = open(t, dir, options())

	wantNumbers(t, s, series(1, n)...)
	if len(s.Damages()) > 0 {
		t.Errorf("%+v", s.Damages())
	}
}

func TestOnAFullDiskADrainComesToItsEnd(t *testing.T) {
	disk := smallDisk(t)
	dir := filepath.Join(disk, "spool")
	others := fill(t, disk, "others", 300_000)
	s := open(t, dir, options())
	n := untilFull(t, s)
	fill(t, disk, "more", 1<<20)

	deleted(t, s, 10)
	wantNumbers(t, s, series(11, n)...)
	if !s.Oldest().Equal(ping(11).Ping.CreatedAt) {
		t.Errorf("the oldest is of %v", s.Oldest())
	}
	deleted(t, s, int64(n))
	wantNumbers(t, s)

	// also after a restart, and when there is room again
	left := take(t, dir)
	closed(t, s)
	put(t, dir, left)
	s = open(t, dir, options())
	wantNumbers(t, s)
	if err := os.Remove(others); err != nil {
		t.Fatal(err)
	}
	appended(t, s, ping(5000))
	wantNumbers(t, s, 5000)
	if last := all(t, s)[0].Seq; last <= int64(n) {
		t.Errorf("number %d is used again", last)
	}
	if len(s.Damages()) > 0 {
		t.Errorf("%+v", s.Damages())
	}
	if slices.ContainsFunc(files(t, dir), func(name string) bool { return size(t, name) > 200_000 }) {
		t.Error("the space was not given back")
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
