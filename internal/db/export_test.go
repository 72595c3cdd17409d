package db

import (
	"context"
	"database/sql"
	"log/slog"
	"time"
)

// CompareVersions is compareVersions for tests.
func CompareVersions(a, b string) int { return compareVersions(a, b) }

// ShiftLocalClock makes the local clock of d run ahead of the true time by shift.
func ShiftLocalClock(d *DB, shift time.Duration) {
	d.base = func() time.Time { return time.Now().Add(shift) }
}

// KeepListening is keepListening for tests.
func KeepListening(ctx context.Context, log *slog.Logger, once func(ctx context.Context, again bool) error) {
	keepListening(ctx, log, once)
}

// SQLiteConn is the one connection of d that writes to SQLite. Closing it gives it
// back.
func SQLiteConn(ctx context.Context, d *DB) (*sql.Conn, error) { return d.write.Conn(ctx) }

// NewClock is a clock of a machine whose clocks the test moves.
func NewClock(base func() time.Time, boot func() time.Duration) *Clock {
	c := &Clock{base: base, boot: boot}
	c.zero.Store(base().UnixNano() - int64(boot()))
	return c
}

// SyncWith is SyncClock with a database that says this time.
func (c *Clock) SyncWith(database time.Time) {
	skew := database.Sub(c.base())
	c.correct(database.Sub(c.Now()), minSlack, skew.Abs() <= largeSkew)
}
