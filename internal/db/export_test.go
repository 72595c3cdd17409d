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
