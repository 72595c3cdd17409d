package boottime

import (
	"time"

	"golang.org/x/sys/unix"
)

// read asks the system; where it does not say, it is how long ago began was.
func read(began time.Time) time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return time.Since(began)
	}
	return time.Duration(now.Nano())
}
