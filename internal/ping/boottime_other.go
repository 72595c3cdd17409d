//go:build !linux

package ping

import "time"

// bootTime is how long this process has been there; whether the time counts in which the
// machine slept is the system's choice.
func bootTime() time.Duration { return time.Since(started) }

var started = time.Now()
