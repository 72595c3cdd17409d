package status

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Directory is a place of ours on a disk.
type Directory struct {
	Path string
	// nothing is lost when it cannot be used: what would be an error is a warning
	Spare bool
}

// bad is the severity of what makes the directory useless.
func (d Directory) bad() Severity {
	if d.Spare {
		return Warning
	}
	return Error
}

// Storage writes a small file to the directory, looks at its size, reads it back
// and deletes it.
func Storage(d Directory) Check {
	return Check{Name: "storage", Title: "Storage", Labels: []string{labelData}, Run: func(context.Context) Finding {
		fields := []Field{{"directory", d.Path}}
		if err := tryFile(d.Path); err != nil {
			return Finding{Severity: d.bad(), Fact: "a small file cannot be kept in " + d.Path, Fields: fields, Err: err}
		}
		return Healthy("a file was written, read and deleted in "+d.Path, fields...)
	}}
}

// tryFile leaves nothing behind, whatever fails.
func tryFile(directory string) (err error) {
	f, err := os.CreateTemp(directory, ".punctual-selfcheck-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	// a page, as a file system counts
	content := bytes.Repeat([]byte("punctual"), 512)
	_, err = f.Write(content)
	err = errors.Join(err, f.Close())
	if err != nil {
		return err
	}
	info, err := os.Stat(f.Name())
	if err != nil {
		return err
	}
	if info.Size() != int64(len(content)) {
		return fmt.Errorf("%s has %d bytes, %d were written", f.Name(), info.Size(), len(content))
	}
	back, err := os.ReadFile(f.Name())
	if err != nil {
		return err
	}
	if !bytes.Equal(back, content) {
		return fmt.Errorf("%s does not hold what was written", f.Name())
	}
	return nil
}

// Space is the room on a disk, in bytes.
type Space struct {
	// for us, without what is kept for root
	Free  uint64
	Total uint64
}

// DiskSpace reads the room on the disk that holds the directory.
func DiskSpace(directory string) (Space, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(directory, &s); err != nil {
		return Space{}, fmt.Errorf("look at the disk of %s: %w", directory, err)
	}
	block := uint64(s.Bsize)
	return Space{Free: uint64(s.Bavail) * block, Total: s.Blocks * block}, nil //nolint:unconvert // its type differs between systems
}

// The room on a disk below which something has to be done, in hundredths, and
// below which a write may fail at any moment.
const (
	diskWarning   = 10
	diskError     = 3
	diskErrorSize = 64 << 20
)

// Disk looks at the room on the disk of the directory, by space (DiskSpace).
func Disk(d Directory, space func(directory string) (Space, error)) Check {
	return Check{Name: "disk", Title: "Disk", Labels: []string{labelData, labelHost}, Run: func(context.Context) Finding {
		s, err := space(d.Path)
		if err != nil {
			return Finding{Severity: d.bad(), Fact: "not known", Err: err}
		}
		share := percent(s.Free, s.Total)
		f := Healthy(fmt.Sprintf("%s of %s free", size(s.Free), size(s.Total)),
			Field{"directory", d.Path}, Field{"free_bytes", int64(s.Free)}, Field{"total_bytes", int64(s.Total)}, Field{"free_percent", share})
		switch {
		case share < diskError || s.Free < diskErrorSize:
			f.Severity = d.bad()
		case share < diskWarning:
			f.Severity = Warning
		}
		if f.Severity != OK {
			f.Fact = "only " + f.Fact
		}
		return f
	}}
}

// percent is the share of part in whole, to a tenth; 0 of nothing.
func percent(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(int(float64(part)/float64(whole)*1000)) / 10
}

// size is a number of bytes for people.
func size(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v := float64(n)
	for len(units) > 1 && v >= 1024 {
		units = units[1:]
		v = v / 1024
	}
	if v < 10 && units[0] != "B" {
		return fmt.Sprintf("%.1f %s", v, units[0])
	}
	return fmt.Sprintf("%.0f %s", v, units[0])
}
