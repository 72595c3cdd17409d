//go:build !linux

package boottime

import "time"

// read is how long ago began was; whether the time counts in which the
// machine slept is the system's choice.
func read(began time.Time) time.Duration { return time.Since(began) }
