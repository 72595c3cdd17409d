package spool

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// ErrNoSnapshot is the error of asking a snapshot that was never complete, or
// cannot be read.
var ErrNoSnapshot = errors.New("the addresses of checks are not known")

// Address is where a check is pinged.
type Address struct {
	Code uuid.UUID
	// of its project
	PingKey string
	// "": it has none
	Slug string
}

// Addresses is a snapshot of the addresses of all checks, in a file. Of ping keys
// and slugs it holds hashes only. Its methods are safe for concurrent use.
type Addresses struct {
	path string
	// one writes
	writing sync.Mutex

	// it is there, and could not be read
	damaged atomic.Bool

	// guards what follows
	mu sync.RWMutex
	// nil: there is no snapshot
	open     *snapshot
	complete time.Time
	cursor   string
	closed   bool
}

// snapshot is an open file.
type snapshot struct {
	db     *sql.DB
	known  *sql.Stmt
	bySlug *sql.Stmt
}

const (
	addressFile = "addresses.db"
	// one that is being made
	newAddressFile = addressFile + "-new"
	// of the file; one of another version is made anew
	addressFormat = 1
)

const addressSchema = `
CREATE TABLE state (
	complete_at INTEGER NOT NULL,
	cursor TEXT NOT NULL
) STRICT;
CREATE TABLE addresses (
	code BLOB NOT NULL PRIMARY KEY,
	slug BLOB
) STRICT, WITHOUT ROWID;
`

// openAddresses opens the snapshot of the directory, if it is complete. One that is
// not, or is damaged, is removed: a snapshot can be made anew. One that cannot be
// opened now, as on a full disk, is left for the next start.
func openAddresses(dir string) (*Addresses, error) {
	a := &Addresses{path: filepath.Join(dir, addressFile)}
	if err := removeSQLite(filepath.Join(dir, newAddressFile)); err != nil {
		return nil, fmt.Errorf("open the snapshot of addresses: %w", err)
	}
	err := a.reopen()
	if err == nil || db.IsUnavailable(err) && !db.IsDamaged(err) {
		return a, nil
	}
	if err := removeSQLite(a.path); err != nil {
		return nil, fmt.Errorf("open the snapshot of addresses: %w", err)
	}
	return a, nil
}

func removeSQLite(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := remove(path + suffix); err != nil {
			return err
		}
	}
	return nil
}

// reopen takes the file that is there for the snapshot. mu is held.
func (a *Addresses) reopen() error {
	if _, err := os.Stat(a.path); err != nil {
		return err
	}
	// Lost commits are no harm: the snapshot is then an older one, and knows when it
	// was complete.
	d, err := db.OpenFile(a.path, "mode=rw", "_pragma=journal_mode(WAL)", "_pragma=synchronous(NORMAL)", "_pragma=journal_size_limit(4194304)",
		"_pragma=cache_size(-4096)", "_pragma=temp_store(memory)", "_pragma=trusted_schema(0)", "_txlock=immediate")
	if err != nil {
		return err
	}
	s := &snapshot{db: d}
	complete, cursor, err := s.prepare()
	if err != nil {
		return errors.Join(err, s.close())
	}
	a.damaged.Store(false)
	a.open = s
	a.complete = complete
	a.cursor = cursor
	return nil
}

// lookups is how many may be done at once.
const lookups = 4

func (s *snapshot) prepare() (complete time.Time, cursor string, err error) {
	ctx := context.Background()
	s.db.SetMaxOpenConns(lookups)
	s.db.SetMaxIdleConns(lookups)
	var version int
	var at int64
	err = s.db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version)
	if err == nil && version != addressFormat {
		err = fmt.Errorf("it has the format %d", version)
	}
	if err == nil {
		err = s.db.QueryRowContext(ctx, `SELECT complete_at, cursor FROM state`).Scan(&at, &cursor)
	}
	if err == nil {
		s.known, err = s.db.PrepareContext(ctx, `SELECT 1 FROM addresses WHERE code = ?`)
	}
	if err == nil {
		s.bySlug, err = s.db.PrepareContext(ctx, `SELECT code FROM addresses WHERE slug = ? LIMIT 2`)
	}
	return moment(at), cursor, err
}

func (s *snapshot) close() error {
	var err error
	for _, stmt := range []*sql.Stmt{s.known, s.bySlug} {
		if stmt != nil {
			err = errors.Join(err, stmt.Close())
		}
	}
	return errors.Join(err, s.db.Close())
}

// hashOf stands for an address by slug.
func hashOf(pingKey, slug string) []byte {
	b := binary.AppendUvarint(make([]byte, 0, 128), uint64(len(pingKey)))
	b = append(b, pingKey...)
	sum := sha256.Sum256(append(b, slug...))
	return sum[:16]
}

// slugHash is what is stored of the address by slug, nil for none.
func (a *Address) slugHash() []byte {
	if a.Slug == "" {
		return nil
	}
	return hashOf(a.PingKey, a.Slug)
}

// CompleteAt is the moment of which the snapshot holds all addresses, as Replace
// and Apply were told; zero: there is none, or it is damaged.
func (a *Addresses) CompleteAt() time.Time {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.damaged.Load() {
		return time.Time{}
	}
	return a.complete
}

// Cursor is what Replace or Apply was told last: from there on changes are yet to
// be applied. "": there is no snapshot.
func (a *Addresses) Cursor() string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.cursor
}

// Known tells whether a check has the code. It fails with ErrNoSnapshot.
func (a *Addresses) Known(code uuid.UUID) (bool, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.open == nil || a.damaged.Load() {
		return false, ErrNoSnapshot
	}
	var one int
	err := a.open.known.QueryRowContext(context.Background(), code[:]).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, a.unreadable(err)
}

// BySlug returns the codes of the checks that a ping key and a slug mean: none,
// one, or two where there are several. It fails with ErrNoSnapshot.
func (a *Addresses) BySlug(pingKey, slug string) ([]uuid.UUID, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.open == nil || a.damaged.Load() {
		return nil, ErrNoSnapshot
	}
	if slug == "" {
		return nil, nil
	}
	rows, err := a.open.bySlug.QueryContext(context.Background(), hashOf(pingKey, slug))
	codes, err := db.Collect(rows, err, func(r *sql.Rows, code *uuid.UUID) error {
		var b []byte
		err := r.Scan(&b)
		copy(code[:], b)
		return err
	})
	if err != nil {
		return nil, a.unreadable(err)
	}
	return codes, nil
}

// unreadable is the error of a lookup. After damage nothing is looked up any more.
func (a *Addresses) unreadable(err error) error {
	if err == nil {
		return nil
	}
	if db.IsDamaged(err) {
		a.damaged.Store(true)
	}
	return fmt.Errorf("%w: %w", ErrNoSnapshot, err)
}

// Replace makes a snapshot of all addresses, each check once. at is a moment from
// before they were read: of it the snapshot is complete. cursor is where to go on
// with Apply. The snapshot of before is there until the new one is complete; where
// Replace fails, it stays.
func (a *Addresses) Replace(all iter.Seq2[Address, error], cursor string, at time.Time) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	path := filepath.Join(filepath.Dir(a.path), newAddressFile)
	err := build(path, all, cursor, at)
	if err == nil {
		err = a.swap(path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("replace the snapshot of addresses: %w", err), removeSQLite(path))
	}
	return nil
}

// swap puts a file that is complete into the place of the one that is there.
// Lookups wait meanwhile.
func (a *Addresses) swap(path string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return errors.New("it is closed")
	}
	err := a.drop()
	if err == nil {
		err = os.Rename(path, a.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err == nil {
		err = a.reopen()
	}
	return err
}

// drop closes and removes the file. mu is held.
func (a *Addresses) drop() error {
	a.complete = time.Time{}
	a.cursor = ""
	if a.open != nil {
		// it is going to be removed, whatever closing says
		_ = a.open.close()
		a.open = nil
	}
	return removeSQLite(a.path)
}

// build makes the file of a snapshot, complete and flushed.
func build(path string, all iter.Seq2[Address, error], cursor string, at time.Time) error {
	if err := removeSQLite(path); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	// What is left of it after a crash is removed, so that it needs no journal.
	d, err := db.OpenFile(path, "mode=rw", "_pragma=journal_mode(OFF)", "_pragma=synchronous(OFF)", "_pragma=locking_mode(EXCLUSIVE)",
		"_pragma=cache_size(-65536)")
	if err != nil {
		return err
	}
	d.SetMaxOpenConns(1)
	err = fillSnapshot(d, all, cursor, at)
	err = errors.Join(err, d.Close())
	if err != nil {
		return err
	}
	return syncFile(path)
}

func fillSnapshot(d *sql.DB, all iter.Seq2[Address, error], cursor string, at time.Time) error {
	ctx := context.Background()
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, addressSchema)
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO addresses VALUES (?, ?) ON CONFLICT (code) DO UPDATE SET slug = excluded.slug`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for address, err := range all {
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, address.Code[:], address.slugHash()); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		`CREATE INDEX addresses_slug ON addresses (slug) WHERE slug IS NOT NULL`,
		`PRAGMA user_version = ` + strconv.Itoa(addressFormat),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO state VALUES (?, ?)`, at.UnixMicro(), cursor)
	if err != nil {
		return err
	}
	return tx.Commit()
}

// Apply takes up what has changed since Cursor: addresses that are new or have
// changed, by their codes, and codes that are gone. at and cursor are those of
// Replace. All of it happens, or nothing. It fails with ErrNoSnapshot where there
// is no snapshot to change; a damaged one is removed, and is to be replaced.
func (a *Addresses) Apply(changed []Address, gone []uuid.UUID, cursor string, at time.Time) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.RLock()
	s := a.open
	a.mu.RUnlock()
	if s == nil {
		return ErrNoSnapshot
	}
	var err error
	if !a.damaged.Load() {
		err = s.apply(changed, gone, cursor, at)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.open != s:
		return fmt.Errorf("%w: it is closed", ErrNoSnapshot)
	case db.IsDamaged(err), a.damaged.Load():
		return errors.Join(ErrNoSnapshot, err, a.drop())
	case err != nil:
		return fmt.Errorf("change the snapshot of addresses: %w", err)
	}
	a.complete = moment(at.UnixMicro())
	a.cursor = cursor
	return nil
}

func (s *snapshot) apply(changed []Address, gone []uuid.UUID, cursor string, at time.Time) error {
	ctx := context.Background()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, address := range changed {
		_, err := tx.ExecContext(ctx, `INSERT INTO addresses VALUES (?, ?) ON CONFLICT (code) DO UPDATE SET slug = excluded.slug`,
			address.Code[:], address.slugHash())
		if err != nil {
			return err
		}
	}
	for _, code := range gone {
		_, err := tx.ExecContext(ctx, `DELETE FROM addresses WHERE code = ?`, code[:])
		if err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE state SET complete_at = ?, cursor = ?`, at.UnixMicro(), cursor)
	if err != nil {
		return err
	}
	return tx.Commit()
}

func (a *Addresses) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.complete = time.Time{}
	if a.open == nil {
		return nil
	}
	err := a.open.close()
	a.open = nil
	return err
}
