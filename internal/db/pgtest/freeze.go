package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Freeze stops all processes of the server, by SIGSTOP, as a machine that hangs
// would: they hold their connections, and the kernel goes on taking new ones.
// thaw lets them run again; a second call does nothing. A frozen server cannot
// be stopped.
func (c *Cluster) Freeze() (thaw func(), err error) {
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return nil, fmt.Errorf("freezing PostgreSQL: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(first)
	if err != nil {
		return nil, fmt.Errorf("freezing PostgreSQL: postmaster.pid: %w", err)
	}
	// first: it makes the others
	if err := syscall.Kill(postmaster, syscall.SIGSTOP); err != nil {
		return nil, fmt.Errorf("freezing PostgreSQL: %w", err)
	}
	pids := children(postmaster)
	for _, pid := range pids {
		err = syscall.Kill(pid, syscall.SIGSTOP)
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			break
		}
		err = nil
	}
	thaw = sync.OnceFunc(func() {
		for _, pid := range append(pids, postmaster) {
			// one that has ended needs nothing
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	})
	if err != nil {
		thaw()
		return nil, fmt.Errorf("freezing PostgreSQL: %w", err)
	}
	return thaw, nil
}

// children are the processes that parent has started.
func children(parent int) (pids []int) {
	// the pattern is right
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			// it has ended
			continue
		}
		// proc(5): PID (NAME) STATE PPID …
		_, rest, _ := strings.Cut(string(text), ") ")
		words := strings.Fields(rest)
		if len(words) > 1 && words[1] == strconv.Itoa(parent) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
