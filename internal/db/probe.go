package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Probed is what a probe has seen.
type Probed struct {
	Engine Engine
	// until the new connection could be used
	Connect time.Duration
	// of one statement on it
	Round time.Duration
}

// Probe asks the database at rawURL for a sign of life over a connection of its
// own, so that a pool that is empty, or full of connections that went silent,
// neither hides nor feigns an outage. It takes no longer than ctx. Where nothing
// answers within that time, the error is context.DeadlineExceeded.
func Probe(ctx context.Context, rawURL string) (Probed, error) {
	p := Probed{Engine: Postgres}
	ask := probePostgres
	path, isSQLite := strings.CutPrefix(rawURL, "sqlite:")
	if isSQLite {
		p.Engine = SQLite
		ask = probeSQLite
		rawURL = filepath.Clean(strings.TrimPrefix(path, "//"))
	}
	start := time.Now()
	connected, err := ask(ctx, rawURL)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return p, err
	}
	p.Connect = connected.Sub(start)
	p.Round = time.Since(connected)
	return p, nil
}

func probePostgres(ctx context.Context, rawURL string) (connected time.Time, err error) {
	// understands the parameters of a pool as well
	cfg, err := pgxpool.ParseConfig(rawURL)
	if err != nil {
		return connected, fmt.Errorf("database URL: %w", redacted(err, rawURL))
	}
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "punctual"
	}
	conn, err := pgx.ConnectConfig(ctx, cfg.ConnConfig)
	if err != nil {
		return connected, redacted(err, rawURL)
	}
	defer closeSoon(ctx, conn)
	connected = time.Now()
	if err := conn.Ping(ctx); err != nil {
		return connected, redacted(err, rawURL)
	}
	return connected, nil
}

// closeSoon says goodbye; a server that does not listen is left without.
func closeSoon(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	// what was asked has been answered
	_ = conn.Close(ctx)
}

func probeSQLite(ctx context.Context, path string) (connected time.Time, err error) {
	// SQLite says only that it cannot open it
	if _, err := os.Stat(path); err != nil {
		return connected, err
	}
	conns, err := sql.Open("sqlite", sqliteDSN(path, true, true))
	if err != nil {
		return connected, fmt.Errorf("open SQLite: %w", err)
	}
	defer conns.Close()
	conn, err := conns.Conn(ctx)
	if err != nil {
		return connected, fmt.Errorf("open SQLite database %s: %w", path, err)
	}
	defer conn.Close()
	connected = time.Now()
	var tables int
	if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return connected, fmt.Errorf("read SQLite database %s: %w", path, err)
	}
	return connected, nil
}
