// Package sockets takes over the listening sockets that systemd has opened for
// this process, or another supervisor that passes them as sd_listen_fds(3) has it.
// Such a socket outlives the process: connections that come while it restarts wait
// in the kernel and are refused by nobody. Serving them is left to others.
package sockets

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
)

// Variables are those of the environment that tell of the sockets. They are meant
// for one process and nothing to the programs that it runs.
var Variables = []string{"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"}

// Take takes the sockets that were passed to this process, by their names
// (FileDescriptorName= of the socket unit); none is no error. names are those that
// the process has a use for. A single socket whose unit gives it no name is the
// first of them. Variables are gone from the environment afterwards.
//
// The error has a line for each socket that cannot be used: what is wrong with it,
// and what is allowed. The sockets are closed then.
func Take(names []string) (map[string]net.Listener, error) {
	files := activation.Files(true)
	for _, name := range Variables {
		// fails for names that cannot be only
		_ = os.Unsetenv(name)
	}
	return listeners(files, names)
}

// listeners is Take for the given files, which it closes.
func listeners(files []*os.File, names []string) (map[string]net.Listener, error) {
	passed := map[string]net.Listener{}
	var problems []error
	for _, f := range files {
		name := f.Name()
		if len(files) == 1 && unnamed(name) {
			name = names[0]
		}
		err := add(passed, f, name, names)
		if err != nil {
			problems = append(problems, fmt.Errorf("systemd has passed the socket %q, %w", name, err))
		}
		// listened on is a copy of it
		_ = f.Close()
	}
	if len(problems) == 0 {
		return passed, nil
	}
	for _, l := range passed {
		_ = l.Close()
	}
	return nil, errors.Join(problems...)
}

// add adds the socket to those passed, if it is of use.
func add(passed map[string]net.Listener, f *os.File, name string, names []string) error {
	switch {
	case !slices.Contains(names, name):
		return fmt.Errorf("which this process has no use for: allowed as FileDescriptorName= of its socket units are %s",
			strings.Join(names, ", "))
	case passed[name] != nil:
		return errors.New("more than once: allowed is one ListenStream= for each name")
	}
	l, err := listener(f)
	if err != nil {
		return err
	}
	passed[name] = l
	return nil
}

// unnamed tells whether nobody has chosen the name: it is that of the unit, or made
// up for want of one.
func unnamed(name string) bool {
	return strings.HasSuffix(name, ".socket") || strings.HasPrefix(name, "LISTEN_FD_") || name == "unknown"
}

// allowed is what a socket has to be.
const allowed = "allowed is a TCP socket that listens (ListenStream=PORT or ADDRESS:PORT, with Accept=no)"

// listener is a copy of the socket, if it is a TCP socket that listens. Go turns
// TCP's keep-alive on for each connection of such a one and cannot be asked not to.
func listener(f *os.File) (net.Listener, error) {
	fd := int(f.Fd())
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		return nil, fmt.Errorf("which is none (%w): %s", err, allowed)
	}
	if kind != syscall.SOCK_STREAM {
		return nil, fmt.Errorf("which is for datagrams: %s", allowed)
	}
	listening, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	if err != nil || listening == 0 {
		return nil, fmt.Errorf("which does not listen: %s", allowed)
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("which is of an unknown sort (%w): %s", err, allowed)
	}
	_, ok := l.(*net.TCPListener)
	if !ok {
		_ = l.Close()
		return nil, fmt.Errorf("which is the %s socket %s: %s", l.Addr().Network(), l.Addr(), allowed)
	}
	return l, nil
}
