package db

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// throughPooler tells whether a connection pooler, such as PgBouncer, stands
// between this process and the server: the server process that answers is then not
// the one that was announced when the connection began.
func throughPooler(ctx context.Context, cfg *pgx.ConnConfig) (bool, error) {
	cfg = cfg.Copy()
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var answering uint32
	err = conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&answering)
	if err != nil {
		return false, fmt.Errorf("look for a pooler: %w", err)
	}
	return answering != conn.PgConn().PID(), nil
}

// adaptToPooler keeps everything out of the connections that outlasts a
// transaction, because the next transaction may run in another session of the
// server: statements are described, not prepared, and nothing is SET. A pooler has
// a limit of its own for transactions that fall silent.
func (d *DB) adaptToPooler(cfg *pgx.ConnConfig) {
	d.pooled = true
	cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
}

// pollInterval is how often watchers look where no wake-up call can reach them.
const pollInterval = time.Second

// listenPooled stands in for LISTEN, which a pooler that changes sessions between
// transactions cannot pass on: it calls everybody once a second.
func (d *DB) listenPooled(ctx context.Context, _ bool) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			d.bus.wake(allTopics()...)
		}
	}
}

// migrationLock keeps a second process from migrating the same PostgreSQL
// database. Where sessions change between transactions it is a row with a lease,
// else a lock of the session.
func (d *DB) migrationLock() (goose.ProviderOption, error) {
	const everySecond, fiveMinutes = 1, 300
	if d.pooled {
		locker, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(time.Second, fiveMinutes))
		if err != nil {
			return nil, fmt.Errorf("migration lock: %w", err)
		}
		return goose.WithLocker(locker), nil
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(everySecond, fiveMinutes))
	if err != nil {
		return nil, fmt.Errorf("migration lock: %w", err)
	}
	return goose.WithSessionLocker(locker), nil
}
