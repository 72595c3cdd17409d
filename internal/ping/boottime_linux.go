package ping

import (
	"time"

	"golang.org/x/sys/unix"
)

// bootTime is how long the machine has been on, the time it slept included.
func bootTime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return time.Since(started)
	}
	return time.Duration(now.Nano())
}

var started = time.Now()
