package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// SchemaStatus tells where the schema of a database stands.
type SchemaStatus struct {
	Current int64 // newest migration applied, 0 for an empty database
	Target  int64 // newest migration this program knows
	Applied int   // how many have been applied; 0 on a newer schema
	Pending []string
}

// Check returns nil when the schema fits this program, and otherwise an error
// that says what to do.
func (s SchemaStatus) Check() error {
	switch {
	case s.Current > s.Target:
		return fmt.Errorf("the database has schema version %d, this program knows only %d: run a newer punctual", s.Current, s.Target)
	case len(s.Pending) > 0:
		return fmt.Errorf("the database has schema version %d, this program needs %d: run `punctual migrate`", s.Current, s.Target)
	}
	return nil
}

// SchemaStatus reads where the schema stands, with the migrations in fsys
// (migrations.FS).
func (d *DB) SchemaStatus(ctx context.Context, fsys fs.FS) (SchemaStatus, error) {
	p, done, err := d.provider(fsys, false)
	if err != nil {
		return SchemaStatus{}, err
	}
	defer done()
	return schemaStatus(ctx, p)
}

func schemaStatus(ctx context.Context, p *goose.Provider) (SchemaStatus, error) {
	var s SchemaStatus
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return s, fmt.Errorf("read the schema version: %w", err)
	}
	s.Current, s.Target = current, target
	if current > target {
		return s, nil
	}
	all, err := p.Status(ctx)
	if err != nil {
		return s, fmt.Errorf("read the schema status: %w", err)
	}
	for _, m := range all {
		if m.State == goose.StatePending {
			s.Pending = append(s.Pending, m.Source.Path)
		} else {
			s.Applied++
		}
	}
	return s, nil
}

// Migrate brings the schema up to date and returns the names of the migrations
// applied. Each runs in a transaction of its own; several processes may call it
// at once. A schema newer than this program is left alone, as an error.
func (d *DB) Migrate(ctx context.Context, fsys fs.FS) ([]string, error) {
	unlock, err := d.lockMigrations()
	if err != nil {
		return nil, err
	}
	defer unlock()
	p, done, err := d.provider(fsys, true)
	if err != nil {
		return nil, err
	}
	defer done()
	status, err := schemaStatus(ctx, p)
	if err != nil {
		return nil, err
	}
	if status.Current > status.Target {
		return nil, status.Check()
	}
	results, err := p.Up(ctx)
	if partial := (*goose.PartialError)(nil); errors.As(err, &partial) {
		return nil, fmt.Errorf("migrate: %s: %w", partial.Failed.Source.Path, partial.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	var applied []string
	for _, r := range results {
		applied = append(applied, r.Source.Path)
	}
	return applied, nil
}

// provider gives goose the migrations of the engine. Only what changes the
// schema takes the lock: those who look need not wait for each other.
func (d *DB) provider(fsys fs.FS, locked bool) (*goose.Provider, func(), error) {
	sub, err := fs.Sub(fsys, string(d.Engine))
	if err != nil {
		return nil, nil, fmt.Errorf("migrations of %s: %w", d.Engine, err)
	}
	dialect, conns, done := goose.DialectSQLite3, d.write, func() {}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.Engine == Postgres {
		if locked {
			locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // looks every second
			if err != nil {
				return nil, nil, fmt.Errorf("migration lock: %w", err)
			}
			opts = append(opts, goose.WithSessionLocker(locker))
		}
		own := sql.OpenDB(stdlib.GetConnector(*d.pool.Config().ConnConfig)) // the lock needs a connection that stays
		dialect, conns, done = goose.DialectPostgres, own, func() { own.Close() }
	}
	p, err := goose.NewProvider(dialect, conns, sub, opts...)
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("migrations of %s: %w", d.Engine, err)
	}
	return p, done, nil
}

// lockMigrations keeps a second process from migrating the same SQLite file:
// goose has a lock for PostgreSQL only.
func (d *DB) lockMigrations() (unlock func(), err error) {
	if d.Engine != SQLite {
		return func() {}, nil
	}
	f, err := os.OpenFile(d.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("migration lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("migration lock: %w", err), f.Close())
	}
	return func() { f.Close() }, nil
}
