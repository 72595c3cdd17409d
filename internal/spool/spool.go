package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// Why a spool cannot be used. What errors.Unwrap finds below tells more.
var (
	// ErrFull: there is no room within the limits; Delete makes some
	ErrFull = errors.New("the spool is full")
	// ErrUnwritable: the disk is full, read-only or broken, or the spool is closed
	ErrUnwritable = errors.New("the spool cannot be written")
	// ErrInUse: of a directory that another process has
	ErrInUse = errors.New("the spool directory is in use")
	// ErrVolatile: of a directory whose files do not last
	ErrVolatile = errors.New("the spool directory is not on a disk")
	// ErrNewer: of a spool that a newer program has written
	ErrNewer = errors.New("the spool is of a newer version of Punctual")
)

// Limits of a spool. Zero fields take the defaults.
type Limits struct {
	// of the file, 512 MiB. The log beside it adds 4 MiB and what one call of Append
	// writes.
	Bytes int64
	// as many as there is room for
	Entries int
}

func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 512 << 20
	}
	if l.Entries == 0 {
		// the shortest takes more
		l.Entries = int(l.Bytes / 100)
	}
	return l
}

// Options tune Open. The zero value is fine.
type Options struct {
	Limits Limits
	// names the file system of a directory: "tmpfs", "ramfs" and "overlay" are
	// refused. nil: the operating system is asked
	FileSystem func(dir string) (string, error)
	// the clock by which damages are dated, time.Now when nil
	Now func() time.Time

	// of the file, for tests; 0 = as SQLite has it
	pageSize int
}

// Spool holds pings on the local disk; see the package comment. Its methods are
// safe for concurrent use.
type Spool struct {
	dir    string
	limits Limits
	now    func() time.Time
	// of the file, 0 = as SQLite has it
	pageSize int
	lock     *os.File
	// for Depth, Bytes and Oldest
	seen      atomic.Pointer[figures]
	addresses *Addresses

	queueMu sync.Mutex
	// calls of Append that nobody has begun to write
	queue []*appending

	// guards what follows
	mu     sync.Mutex
	closed bool
	// nil: it could not be opened again after a repair
	file    *file
	mark    *mark
	tally   tally
	damages []Damage
	// entries up to tally.deleted may still be in the file
	owes bool
}

// figures are what is told of a spool without asking it.
type figures struct {
	depth  int
	bytes  int64
	oldest time.Time
	// when the last damage was noticed
	damaged time.Time
}

// Open opens the spool in the directory, which it makes if it is missing, and
// keeps every other process out of it until Close. It fails with ErrInUse,
// ErrVolatile or ErrNewer, and with other errors where the directory cannot be
// written.
//
// A damaged spool is no error: what can be read of it is kept, its files are set
// aside, and Damages tells of it.
func Open(dir string, opt Options) (*Spool, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("spool directory: %w", err)
	}
	if opt.FileSystem == nil {
		opt.FileSystem = fileSystemOf
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if err := prepareDir(dir, opt.FileSystem); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{dir: dir, limits: opt.Limits.withDefaults(), now: opt.Now, pageSize: opt.pageSize, lock: lock}
	s.seen.Store(&figures{})
	err = s.load()
	if err == nil {
		s.addresses, err = openAddresses(dir)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// ID is made once for a spool. It is another one where a repair could not find
// out what it was.
func (s *Spool) ID() uuid.UUID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mark == nil {
		return uuid.Nil
	}
	return s.mark.of.id
}

// Addresses is the snapshot of known addresses in the same directory.
func (s *Spool) Addresses() *Addresses { return s.addresses }

// Depth is the number of entries.
func (s *Spool) Depth() int { return s.seen.Load().depth }

// Bytes is how much of Limits.Bytes is used. It is never 0.
func (s *Spool) Bytes() int64 { return s.seen.Load().bytes }

// Oldest is the arrival of the oldest entry, zero where there is none.
func (s *Spool) Oldest() time.Time { return s.seen.Load().oldest }

// Damaged is when the last damage was noticed that Damages tells of, zero where it tells of none.
func (s *Spool) Damaged() time.Time { return s.seen.Load().damaged }

// Last is the highest Seq that has been given, 0 = none has.
func (s *Spool) Last() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tally.last
}

// Close closes the spool and lets others into the directory. What it holds stays.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.shut()
	if s.addresses != nil {
		err = errors.Join(err, s.addresses.close())
	}
	return errors.Join(err, s.lock.Close())
}

// shut closes the file. mu is held.
func (s *Spool) shut() error {
	var err error
	if s.file != nil {
		err = s.file.close()
		s.file = nil
	}
	if s.mark != nil {
		s.mark.close()
	}
	return err
}

// appending is a call of Append.
type appending struct {
	entries []Entry
	written bool
	err     error
}

// Append writes entries, in their order and after all that are there. When it
// returns nil, all of them are on disk: flushed, so that they outlive a power
// failure. When it fails, none of them is there: with ErrFull where the limits
// leave no room, else with ErrUnwritable and the cause. (A process that is killed
// right after the disk has failed may find them when it starts again.)
//
// Calls at the same time share one flush.
func (s *Spool) Append(entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	mine := &appending{entries: entries}
	s.queueMu.Lock()
	s.queue = append(s.queue, mine)
	s.queueMu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	// While this call waited, the one before it may have written for both.
	if !mine.written {
		s.writeQueue()
	}
	return mine.err
}

// writeQueue writes for all calls that wait. mu is held.
func (s *Spool) writeQueue() {
	s.queueMu.Lock()
	group := s.queue
	s.queue = nil
	s.queueMu.Unlock()
	err := s.write(group)
	for _, a := range group {
		a.written = true
		a.err = err
	}
	// There may be room for some of them. A disk that fails is not asked again.
	if !errors.Is(err, ErrFull) || len(group) == 1 {
		return
	}
	for _, a := range group {
		a.err = s.write([]*appending{a})
	}
}

// write writes for a group of calls, or for none of them. mu is held.
func (s *Spool) write(group []*appending) error {
	n := 0
	for _, a := range group {
		n += len(a.entries)
	}
	if s.tally.depth+int64(n) > int64(s.limits.Entries) {
		return fmt.Errorf("%w: it holds %d pings of at most %d", ErrFull, s.tally.depth, s.limits.Entries)
	}
	next := s.tally
	var bytes int64
	err := s.use(func(f *file) error {
		if s.owes {
			if err := s.pay(f); err != nil {
				return err
			}
		}
		if used := s.seen.Load().bytes; used >= s.limits.Bytes {
			return s.noRoom(used)
		}
		if err := f.inPlace(); err != nil {
			return err
		}
		next = s.tally
		var err error
		bytes, err = f.append(group, &next, s.limits.Bytes)
		return err
	})
	if err != nil {
		return unwritable(err)
	}
	s.tally = next
	// It is only a help to notice damage, and the entries are on disk.
	_ = s.mark.write(next)
	s.show(bytes)
	return nil
}

func (s *Spool) noRoom(used int64) error {
	return fmt.Errorf("%w: %d bytes of at most %d are used", ErrFull, used, s.limits.Bytes)
}

// unwritable is the error of a write that failed.
func unwritable(err error) error {
	if errors.Is(err, ErrFull) || errors.Is(err, ErrUnwritable) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnwritable, err)
}

// show publishes the figures. mu is held.
func (s *Spool) show(bytes int64) {
	f := &figures{depth: int(s.tally.depth), bytes: bytes, oldest: moment(s.tally.oldest)}
	for _, d := range s.damages {
		if d.At.After(f.damaged) {
			f.damaged = d.At
		}
	}
	s.seen.Store(f)
}

// use does something with the file. If that finds damage, the spool is repaired
// and it is done once more. mu is held.
func (s *Spool) use(do func(*file) error) error {
	if s.closed {
		return fmt.Errorf("%w: it is closed", ErrUnwritable)
	}
	if s.file == nil {
		if err := s.load(); err != nil {
			return err
		}
	}
	err := do(s.file)
	if !isDamage(err) {
		return err
	}
	// what closing says adds nothing
	_ = s.shut()
	if err := s.loadDamaged(err); err != nil {
		return err
	}
	return do(s.file)
}

// Next returns up to limit entries with a Seq greater than after, in the order in
// which they were appended; 0 is before the first. Where their bodies are long it
// returns fewer, but at least one if there is one.
func (s *Spool) Next(after int64, limit int) ([]Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []Entry
	err := s.use(func(f *file) error {
		var err error
		entries, err = f.next(max(after, s.tally.deleted), limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the spool: %w", err)
	}
	return entries, nil
}

// Delete removes all entries whose Seq is at most upTo. They must be recorded
// elsewhere, durably. Where the disk is full and nothing can be written, they are
// gone for all who ask, and from the file as soon as that can be. It fails with
// ErrUnwritable where not even that can be noted.
func (s *Spool) Delete(upTo int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	upTo = min(upTo, s.tally.last)
	if upTo <= s.tally.deleted || s.tally.depth == 0 {
		return nil
	}
	err := s.use(func(f *file) error {
		after, err := f.without(upTo, s.tally)
		if err != nil {
			return err
		}
		// Before the entries go: else it would tell of more than there are.
		if err := s.mark.write(after); err != nil {
			return err
		}
		s.tally = after
		s.owes = true
		return s.pay(f)
	})
	if err != nil {
		return unwritable(err)
	}
	return nil
}

// pay removes from the file what has been deleted. That the disk takes nothing is
// no error. mu is held.
func (s *Spool) pay(f *file) error {
	bytes, err := f.deleteUpTo(s.tally.deleted)
	if isDamage(err) {
		return err
	}
	if err != nil {
		bytes = s.seen.Load().bytes
	}
	s.owes = err != nil
	s.show(bytes)
	return nil
}

// Damages are those that have been repaired and not been cleared, the oldest
// first; they stay known after a restart.
func (s *Spool) Damages() []Damage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Damage(nil), s.damages...)
}

// ClearDamage forgets a damage once what it means is stored elsewhere. It fails
// with ErrUnwritable.
func (s *Spool) ClearDamage(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.use(func(f *file) error {
		_, err := f.conn.ExecContext(context.Background(), `DELETE FROM damages WHERE id = ?`, id)
		return err
	})
	if err != nil {
		return unwritable(err)
	}
	kept := s.damages[:0]
	for _, d := range s.damages {
		if d.ID != id {
			kept = append(kept, d)
		}
	}
	s.damages = kept
	return nil
}

// isDamage tells whether the file is not what was written.
func isDamage(err error) bool { return errors.Is(err, errDamaged) || db.IsDamaged(err) }
