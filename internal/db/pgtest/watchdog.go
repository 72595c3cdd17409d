package pgtest

import (
	"fmt"
	"os/exec"
	"syscall"
)

// watchdog waits until its standard input ends, which the kernel sees to however the owner of the other end dies, then
// kills the server of the directory $1 and removes the directory. A server so young that it has no pid file yet ends
// itself when it finds its files gone.
const watchdog = `
read -r _
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null &&
	for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
rm -rf "$1"
`

// watch starts the cluster's watchdog. A pipe is used rather than a parent-death signal because that one follows the
// thread that started the child, cannot remove files, and is Linux only.
func (c *Cluster) watch() error {
	cmd := exec.Command("sh", "-c", watchdog, "pgtest-watchdog", c.Dir)
	cmd.Dir = "/"
	// out of the reach of ^C and of kills of our process group
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("watching the test cluster: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("watching the test cluster: %w", err)
	}
	c.watchdog = cmd
	c.lifeline = lifeline
	return nil
}
