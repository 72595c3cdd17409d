package status

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"punctual/internal/text"
)

// The share of memory, or of open files, from which on it gets tight, in
// hundredths.
const (
	usedWarning = 80
	usedError   = 95
)

// Use is how much of something limited is in use.
type Use struct{ Used, Limit uint64 }

// Memory looks at the memory of this process, by use (MemoryUse).
func Memory(use func() (Use, error)) Check {
	return Check{Name: "memory", Title: "Memory", Labels: []string{labelHost}, Run: func(context.Context) Finding {
		u, err := use()
		return limited(u, err, fmt.Sprintf("%s of %s in use", size(u.Used), size(u.Limit)),
			Field{"resident_bytes", int64(u.Used)}, Field{"limit_bytes", int64(u.Limit)})
	}}
}

// Files looks at the open files and connections of this process, by use
// (FileUse).
func Files(use func() (Use, error)) Check {
	return Check{Name: "files", Title: "Open files", Labels: []string{labelHost}, Run: func(context.Context) Finding {
		u, err := use()
		return limited(u, err, fmt.Sprintf("%d of %d files and connections open", u.Used, u.Limit),
			Field{"open", int64(u.Used)}, Field{"limit", int64(min(u.Limit, math.MaxInt64))})
	}}
}

func limited(u Use, err error, fact string, fields ...Field) Finding {
	if errors.Is(err, fs.ErrNotExist) {
		// it has no /proc, and nothing is wrong with that
		return Healthy("not known on this system")
	}
	if err != nil {
		return Finding{Severity: Warning, Fact: "not known", Err: err}
	}
	share := percent(u.Used, u.Limit)
	return Finding{Severity: graded(share, usedWarning, usedError), Fact: fact, Fields: append(fields, Field{"used_percent", share})}
}

// FileUse counts the open files of this process and tells how many it may have.
// root is the file system of the machine.
func FileUse(root fs.FS) (Use, error) {
	list, err := fs.ReadDir(root, "proc/self/fd")
	if err != nil {
		return Use{}, err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return Use{}, fmt.Errorf("limit of open files: %w", err)
	}
	return Use{Used: uint64(len(list)), Limit: uint64(limit.Cur)}, nil //nolint:unconvert // its type differs between systems
}

// MemoryUse reads the resident memory of this process and how much it may have:
// the limit of its control group (a container, a systemd unit) or of one around
// it, else the memory of the machine. root is the file system of the machine.
func MemoryUse(root fs.FS) (u Use, err error) {
	// proc(5): size resident …, in pages
	statm, err := fs.ReadFile(root, "proc/self/statm")
	if err != nil {
		return u, err
	}
	words := strings.Fields(string(statm))
	if len(words) < 2 {
		return u, fmt.Errorf("proc/self/statm says %q", statm)
	}
	pages, err := strconv.ParseUint(words[1], 10, 64)
	if err != nil {
		return u, fmt.Errorf("proc/self/statm: %w", err)
	}
	u.Used = pages * uint64(os.Getpagesize())
	u.Limit, err = machineMemory(root)
	if err != nil {
		return u, err
	}
	u.Limit = min(u.Limit, groupLimit(root))
	return u, nil
}

func machineMemory(root fs.FS) (uint64, error) {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kib uint64
		n, _ := fmt.Sscanf(line, "MemTotal: %d kB", &kib)
		if n == 1 {
			return kib << 10, nil
		}
	}
	return 0, errors.New("proc/meminfo does not tell the total")
}

// groupLimit is the least limit of the control groups this process is in, as far
// as they can be seen from here.
func groupLimit(root fs.FS) uint64 {
	limit := uint64(math.MaxUint64)
	// cgroups(7): ID:controllers:path
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return limit
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		top := "sys/fs/cgroup"
		file := "memory.max"
		switch parts[1] {
		case "":
		case "memory":
			// version 1
			top = "sys/fs/cgroup/memory"
			file = "memory.limit_in_bytes"
		default:
			continue
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			text, err := fs.ReadFile(root, path.Join(top, group, file))
			if err == nil {
				// else it is "max"
				n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
				if err == nil {
					limit = min(limit, n)
				}
			}
			if group == "/" {
				break
			}
		}
	}
	return limit
}

// The difference of the clocks. Deadlines go by the database's, so that alerts are
// right either way; but log lines and certificates go by ours.
const (
	skewWarning = 2 * time.Second
	skewError   = time.Minute
)

// Clock compares the clock of this machine with that of a PostgreSQL database, by
// skew: how far the database's is ahead (db.MeasureSkew).
func Clock(skew func(context.Context) (time.Duration, error)) Check {
	return Check{Name: "clock", Title: "Clock", Labels: []string{labelHost}, Run: func(ctx context.Context) Finding {
		d, err := skew(ctx)
		if err != nil {
			return unread(ctx, err)
		}
		f := Healthy("agrees with the database's", Field{"skew_seconds", seconds(d)})
		f.Severity = graded(d.Abs(), skewWarning, skewError)
		if f.Severity != OK {
			where := "behind"
			if d < 0 {
				where = "ahead of"
			}
			f.Fact = fmt.Sprintf("%s %s the database's: set one of the two right", text.Duration(d.Abs()), where)
		}
		return f
	}}
}
