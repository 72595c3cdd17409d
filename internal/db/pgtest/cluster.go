package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"punctual/internal/testkit/tempdir"
)

const (
	// the cluster's superuser, trusted without a password inside the socket's private directory
	superuser = "postgres"
	// only part of the socket's file name: nothing listens on TCP
	port = "5432"
	// bytes of the server's log that an error quotes
	logTail = 2000
)

// throwAway makes a cluster small and careless: go test runs several packages, each with a cluster, at the same time.
var throwAway = map[string]string{
	"fsync":            "off",
	"full_page_writes": "off",
	"wal_level":        "minimal",
	"max_wal_senders":  "0",
	"shared_buffers":   "16MB",
	"jit":              "off",
	// it would start a process for each database, which ends with its test
	"autovacuum":           "off",
	"max_worker_processes": "2",
	"max_parallel_workers": "0",
}

// Options of a cluster. The zero value is the fast throw-away kind.
type Options struct {
	// Fsync leaves PostgreSQL's own defaults for durability and memory, as in production. Off, the server is small and
	// a crash of the machine (not of the server) loses data.
	Fsync bool
	// Settings are written to postgresql.conf over the defaults, e.g. {"shared_buffers": "256MB"}.
	Settings map[string]string
	// InitDB are arguments of initdb beside our own, e.g. {"--waldir=/mnt/wal"}.
	InitDB []string
}

// Cluster is one running PostgreSQL server with its data directory. Its methods may be used by several goroutines,
// except Stop, Restart and Close.
type Cluster struct {
	// holds the socket, the data directory and the log
	Dir string

	// directory of initdb and pg_ctl
	bin      string
	account  *syscall.Credential
	watchdog *exec.Cmd
	// closing it, or dying with it open, makes the watchdog clean up
	lifeline  io.Closer
	databases databases
}

// Start creates a cluster in a new temporary directory and starts it. The caller must Close it. Errors name what is
// missing (no binaries) or quote the server's log.
func Start(opts Options) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	parent := tempdir.Parent()
	if opts.Fsync {
		// what is measured is a disk
		parent = ""
	}
	dir, err := newDirectory(account, parent)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Dir: dir, bin: bin, account: account}
	if err := c.watch(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	if err := c.initialise(opts); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) initialise(opts Options) error {
	args := []string{"-D", c.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"}
	if !opts.Fsync {
		args = append(args, "--no-sync")
	}
	if err := c.run("initdb", append(args, opts.InitDB...)...); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configuring the test cluster: %w", err)
	}
	_, err = file.WriteString(c.settings(opts))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("configuring the test cluster: %w", err)
	}
	return c.start()
}

func (c *Cluster) settings(opts Options) string {
	values := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": c.Dir,
		"unix_socket_permissions": "0700",
		"port":                    port,
		"max_connections":         "200",
		"timezone":                "UTC",
		"log_min_messages":        "warning",
		// tests provoke errors on purpose
		"log_min_error_statement": "panic",
		// /dev/shm is tiny in many containers
		"dynamic_shared_memory_type": "mmap",
	}
	if !opts.Fsync {
		maps.Copy(values, throwAway)
	}
	maps.Copy(values, opts.Settings)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(values[name], "'", "''"))
	}
	return b.String()
}

// Stop shuts the server down and returns when it is gone. Mode "fast" ends sessions and flushes; "immediate" is a
// crash: nothing is flushed, and the next Restart goes through recovery.
func (c *Cluster) Stop(mode string) error {
	return c.run("pg_ctl", "stop", "-D", c.data(), "-m", mode, "-w")
}

// Restart starts the server again, after a fast stop when it is still running, and returns when it takes connections.
func (c *Cluster) Restart() error {
	if c.run("pg_ctl", "status", "-D", c.data()) == nil {
		if err := c.Stop("fast"); err != nil {
			return err
		}
	}
	return c.start()
}

// Close stops the server at once and removes its directory. Closing twice does nothing.
func (c *Cluster) Close() error {
	if c.watchdog == nil {
		return nil
	}
	watchdog := c.watchdog
	c.watchdog = nil
	if err := errors.Join(c.lifeline.Close(), watchdog.Wait()); err != nil {
		return fmt.Errorf("removing the test cluster in %s: %w", c.Dir, err)
	}
	return nil
}

func (c *Cluster) data() string { return filepath.Join(c.Dir, "data") }

func (c *Cluster) start() error {
	logFile := filepath.Join(c.Dir, "log")
	err := c.run("pg_ctl", "start", "-D", c.data(), "-l", logFile, "-w", "-t", "60")
	if err == nil {
		return nil
	}
	// no log: the error stands alone
	text, _ := os.ReadFile(logFile)
	return fmt.Errorf("%w\n%s", err, text[max(0, len(text)-logTail):])
}

// run executes one of PostgreSQL's programs as the cluster's account. Its output goes to a file, not a pipe: the
// server inherits it, and a pipe would keep this call and `go test` waiting until the server ends.
func (c *Cluster) run(program string, args ...string) error {
	output, err := os.CreateTemp(c.Dir, program)
	if err != nil {
		return fmt.Errorf("running %s: %w", program, err)
	}
	defer func() {
		_ = output.Close()
		_ = os.Remove(output.Name())
	}()
	cmd := exec.Command(filepath.Join(c.bin, program), args...)
	// the account may not enter the one we are in
	cmd.Dir = c.Dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.Stdout = output
	cmd.Stderr = output
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.account}
	if err := cmd.Run(); err != nil {
		// no text: the exit status stands alone
		text, _ := os.ReadFile(output.Name())
		return fmt.Errorf("running %s: %w\n%s", program, err, bytes.TrimSpace(text))
	}
	return nil
}

// binaries finds the directory with initdb and pg_ctl: the newest of Debian's, which are not in PATH, else PATH.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", fmt.Errorf("looking for PostgreSQL: %w", err)
	}
	version := func(path string) int {
		// not a number: sorts last
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("no PostgreSQL server in /usr/lib/postgresql/*/bin or PATH")
	}
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("looking for PostgreSQL: %w", err)
	}
	return filepath.Dir(path), nil
}

// unprivileged returns the account to run the server as: nil (our own) unless we are root, as whom it refuses to run.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = user.Lookup("nobody")
		if err != nil {
			return nil, fmt.Errorf("finding an account for PostgreSQL, which refuses to run as root: %w", err)
		}
	}
	uid, err1 := strconv.ParseUint(account.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("reading the ids of account %s: %w", account.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// newDirectory makes the cluster's directory in parent. The name stays short: a unix socket's path may have 107 bytes only.
func newDirectory(account *syscall.Credential, parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "pgtest-")
	if err != nil {
		return "", fmt.Errorf("making the test cluster's directory: %w", err)
	}
	if account == nil {
		return dir, nil
	}
	if err := os.Chown(dir, int(account.Uid), int(account.Gid)); err != nil {
		return "", errors.Join(fmt.Errorf("handing over the test cluster's directory: %w", err), os.Remove(dir))
	}
	return dir, nil
}
