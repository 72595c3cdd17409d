package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// SchemaStatus tells where the schema of a database stands.
type SchemaStatus struct {
	Engine Engine
	// newest migration applied, 0 for an empty database
	Current int64
	// newest migration this program knows
	Target int64
	// how many have been applied; 0 on a newer schema
	Applied int
	Pending []string
	// Differences say, one phrase each, where the tables differ from what the
	// schema of version Current is made of. Tables, indexes and columns that no
	// version knows are none.
	Differences []string
	// Repair is the name of the repair by which Migrate ends the differences, ""
	// where there is none.
	Repair string
}

// Check returns nil when the schema fits this program, and otherwise an error
// that says what to do.
func (s SchemaStatus) Check() error {
	switch {
	case s.Current > s.Target:
		return fmt.Errorf("the database has schema version %d, this program knows only %d: run a newer punctual", s.Current, s.Target)
	case len(s.Differences) > 0:
		return &SchemaError{s}
	case len(s.Pending) > 0:
		return fmt.Errorf("the database has schema version %d, this program needs %d: run `punctual migrate`", s.Current, s.Target)
	}
	return nil
}

// SchemaError is the error about a database whose tables are not those of the
// version that is recorded in it.
type SchemaError struct{ Status SchemaStatus }

// maxDifferences are named in an error; more are counted.
const maxDifferences = 6

// Error says what differs and what to do, in one line.
func (e *SchemaError) Error() string {
	named := e.Status.Differences
	rest := ""
	if len(named) > maxDifferences {
		rest = fmt.Sprintf("; and %d more differences", len(named)-maxDifferences)
		named = named[:maxDifferences]
	}
	return fmt.Sprintf("the database is recorded as schema version %d, but its tables are not of that version: %s%s. %s",
		e.Status.Current, strings.Join(named, "; "), rest, e.advice())
}

func (e *SchemaError) advice() string {
	switch {
	case e.Status.Repair != "":
		return "This is known and can be repaired: make a backup (`punctual backup FILE`), then run `punctual migrate`"
	case e.Status.Current == 0:
		return "Nothing was changed. Use an empty database for Punctual, or restore a backup into an empty one with `punctual restore FILE`"
	case e.Status.Engine == Postgres:
		return "Nothing was changed. That happens when a dump is restored over a newer database (pg_restore --clean), or tables are changed " +
			"by hand: " +
			"restore the backup into a new, empty database with `punctual restore FILE`, then run `punctual migrate`"
	}
	return "Nothing was changed. That happens when tables are changed by hand: undo that, or restore a backup with `punctual restore " +
		"FILE`, then run `punctual migrate`"
}

// SchemaStatus reads where the schema stands, with the migrations in fsys
// (migrations.FS). It compares the tables with the fingerprints there.
func (d *DB) SchemaStatus(ctx context.Context, fsys fs.FS) (SchemaStatus, error) {
	p, done, err := d.provider(fsys, false)
	if err != nil {
		return SchemaStatus{}, err
	}
	defer done()
	return d.schemaStatus(ctx, p, fsys)
}

// schemaStatus looks again where somebody migrates between its looks at the
// version and at the tables.
func (d *DB) schemaStatus(ctx context.Context, p *goose.Provider, fsys fs.FS) (SchemaStatus, error) {
	known, err := readFingerprints(fsys, d.Engine)
	if err != nil {
		return SchemaStatus{}, err
	}
	for try := 1; ; try++ {
		s, err := d.recordedStatus(ctx, p)
		if err != nil || known == nil || s.Current > s.Target {
			return s, err
		}
		found, version, err := d.readSchema(ctx)
		if err != nil {
			return s, err
		}
		if version != s.Current && try < 10 {
			continue
		}
		if int(s.Current) >= len(known) {
			return s, fmt.Errorf("no fingerprint of schema version %d", s.Current)
		}
		s.Differences = known[s.Current].compare(found, known[s.Current+1:])
		if len(s.Differences) > 0 {
			s.Repair, err = d.repairFor(fsys, s.Differences)
		}
		return s, err
	}
}

// recordedStatus is what goose knows, without a look at the tables.
func (d *DB) recordedStatus(ctx context.Context, p *goose.Provider) (SchemaStatus, error) {
	s := SchemaStatus{Engine: d.Engine}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return s, fmt.Errorf("read the schema version: %w", err)
	}
	s.Current = current
	s.Target = target
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

// readSchema reads the tables and the version recorded, both of one moment.
func (d *DB) readSchema(ctx context.Context) (found []schemaItem, version int64, err error) {
	err = d.inSnapshot(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version)
		if err != nil {
			return fmt.Errorf("read the schema version: %w", err)
		}
		found, err = d.schemaItems(ctx, tx)
		return err
	})
	return found, version, err
}

// Migrate brings the schema up to date and returns the names of the migrations
// applied. Each runs in a transaction of its own; several processes may call it
// at once. Nothing is changed in a schema that is newer than this program, or
// whose tables are not those of its version and cannot be repaired: that is an
// error which says what to do (see SchemaStatus.Check).
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
	status, err := d.schemaStatus(ctx, p, fsys)
	if err != nil {
		return nil, err
	}
	var applied []string
	switch {
	case status.Current > status.Target:
		return nil, status.Check()
	case status.Repair != "":
		if err := d.repair(ctx, fsys, status); err != nil {
			return nil, err
		}
		applied = append(applied, status.Repair)
	case len(status.Differences) > 0:
		return nil, status.Check()
	}
	results, err := p.Up(ctx)
	partial := (*goose.PartialError)(nil)
	if errors.As(err, &partial) {
		return applied, fmt.Errorf("migrate: %s: %w", partial.Failed.Source.Path, partial.Err)
	}
	if err != nil {
		return applied, fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		applied = append(applied, r.Source.Path)
	}
	return applied, d.settle(ctx, len(applied) > 0)
}

// settle begins to count commits where a migration has just made that possible,
// and moves a new schema from SQLite's log into the database itself.
func (d *DB) settle(ctx context.Context, changed bool) error {
	err := d.startMark(ctx)
	if err != nil || !changed || d.Engine != SQLite {
		return err
	}
	_, err = d.write.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}

// provider gives goose the migrations of the engine. Only what changes the
// schema takes the lock: those who look need not wait for each other.
func (d *DB) provider(fsys fs.FS, locked bool) (*goose.Provider, func(), error) {
	sub, err := fs.Sub(fsys, string(d.Engine))
	if err != nil {
		return nil, nil, fmt.Errorf("migrations of %s: %w", d.Engine, err)
	}
	dialect := goose.DialectSQLite3
	conns := d.write
	done := func() {}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.Engine == Postgres {
		if locked {
			locked, err := d.migrationLock()
			if err != nil {
				return nil, nil, err
			}
			opts = append(opts, locked)
		}
		// the lock needs a connection that stays
		own := sql.OpenDB(stdlib.GetConnector(*d.pool.Config().ConnConfig))
		dialect = goose.DialectPostgres
		conns = own
		done = func() { own.Close() }
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
