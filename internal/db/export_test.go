package db

import "time"

// CompareVersions is compareVersions for tests.
func CompareVersions(a, b string) int { return compareVersions(a, b) }

// ShiftLocalClock makes the local clock of d run ahead of the true time by shift.
func ShiftLocalClock(d *DB, shift time.Duration) {
	d.base = func() time.Time { return time.Now().Add(shift) }
}
