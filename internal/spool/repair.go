package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Damage is what has happened to a spool whose file was not what had been written.
type Damage struct {
	// for ClearDamage
	ID int64
	// when it was noticed
	At time.Time
	// for operators
	Reason string
	// the files as they were found, by the names they have now; none where they were
	// gone. They are never removed.
	SetAside []string
	// entries that could be read, and are still to be replayed
	Kept int
	// entries that had been appended and not deleted, and cannot be read, at least;
	// -1: not known
	Lost int
	// what was lost has arrived in between; zero From: not known since when
	From, To time.Time
}

// The names of the files.
const (
	spoolFile = "spool.db"
	markFile  = spoolFile + "-mark"
	// a file that is being made
	newFile = spoolFile + "-new"
	// one that is complete, and is to take the place of spoolFile; the moment follows
	readyFile = spoolFile + "-ready-"
	// what was there; the same moment follows
	damagedFile = spoolFile + ".damaged-"
)

// besides are what SQLite may have beside its file.
var besides = []string{"-wal", "-journal"}

// repair makes a new file of what can be read of the one that is there, and sets
// that one aside. Wherever it is interrupted, the next load goes on.
func (s *Spool) repair(why error) error {
	at := s.now().UTC()
	stamp := s.freeStamp(at)
	r := &repair{
		path: s.path(spoolFile), pageSize: s.pageSize,
		damage: Damage{At: at, Reason: strings.TrimPrefix(why.Error(), errDamaged.Error()+": ")},
	}
	r.marked, r.mark, r.hasMark = readMark(s.path(markFile))
	for _, suffix := range append([]string{""}, besides...) {
		if _, err := os.Lstat(r.path + suffix); err == nil {
			r.damage.SetAside = append(r.damage.SetAside, s.path(damagedFile+stamp+suffix))
		}
	}
	r.isNew = errors.Is(why, errMissing)
	err := r.make(s.path(newFile))
	if err != nil {
		return err
	}
	err = os.Rename(s.path(newFile), s.path(readyFile+stamp))
	if err != nil {
		return err
	}
	return s.endRepair()
}

// freeStamp is the moment, or one soon after, as no file has it yet: nothing that
// was set aside is overwritten, whatever the clock says.
func (s *Spool) freeStamp(at time.Time) string {
	for {
		stamp := at.Format("20060102T150405.000000Z")
		taken, err := named(s.dir, damagedFile+stamp)
		if err != nil || len(taken) == 0 {
			return stamp
		}
		at = at.Add(time.Microsecond)
	}
}

// endRepair puts the file that a repair has made into its place.
func (s *Spool) endRepair() error {
	for _, suffix := range append([]string{""}, besides...) {
		if err := remove(s.path(newFile + suffix)); err != nil {
			return err
		}
	}
	ready, err := named(s.dir, readyFile)
	if err != nil || len(ready) == 0 {
		return err
	}
	stamp := strings.TrimPrefix(ready[0], readyFile)
	for _, suffix := range append([]string{""}, besides...) {
		err := os.Rename(s.path(spoolFile+suffix), s.path(damagedFile+stamp+suffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := remove(s.path(spoolFile + "-shm")); err != nil {
		return err
	}
	// What is set aside is not overwritten, whatever the power failure.
	if err := syncDir(s.dir); err != nil {
		return err
	}
	if err := os.Rename(s.path(ready[0]), s.path(spoolFile)); err != nil {
		return err
	}
	return syncDir(s.dir)
}

// repair is the making of a new file.
type repair struct {
	path     string
	pageSize int
	isNew    bool
	// what the mark says
	marked  identity
	mark    tally
	hasMark bool
	damage  Damage

	source *file
	// of the damaged file; zero: not known
	of identity
	// the last number that was given, as far as that is known
	last int64
	to   *file
}

// make makes the new file at path, complete and flushed.
func (r *repair) make(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	settings := []string{"locking_mode(EXCLUSIVE)", "journal_mode(MEMORY)", "synchronous(OFF)", "temp_store(memory)"}
	if r.pageSize > 0 {
		settings = append(settings, "page_size("+strconv.Itoa(r.pageSize)+")")
	}
	r.to, err = openFile(path, "mode=rw", settings...)
	if err != nil {
		return err
	}
	err = r.openSource()
	if err == nil {
		err = r.to.inTx(r.fill)
	}
	if err == nil {
		_, err = r.to.text(`PRAGMA journal_mode(WAL)`)
	}
	if r.source != nil {
		// it was only read
		_ = r.source.closeToRead()
	}
	err = errors.Join(err, r.to.close())
	if err != nil {
		return err
	}
	return syncFile(path)
}

// openSource opens what there is; source stays nil where nothing can be read.
func (r *repair) openSource() error {
	wal := size(r.path + "-wal")
	if wal == 0 && size(r.path) == 0 {
		return nil
	}
	if size(r.path) == 0 {
		// SQLite throws away the log of an empty file, and that may hold all of it.
		if err := pad(r.path); err != nil {
			return err
		}
	}
	// With this SQLite reads a file that is shorter than it says.
	source, err := openToRead(r.path, "writable_schema(1)")
	if err != nil {
		return nil //nolint:nilerr // nothing of it can be read
	}
	r.source = source
	// zero where it cannot be read
	r.of, err = source.identity()
	if errors.Is(err, ErrNewer) {
		return err
	}
	return nil
}

// pad makes an empty file one page long.
func pad(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Truncate(4096), file.Close())
}

// leap is how far the numbers jump at a repair, so that none is used again that
// was given to an entry which is lost.
const leap = 1 << 32

// beyond is how many entries are looked for after the last that is known of.
const beyond = 1 << 20

func (r *repair) fill() error {
	ctx := context.Background()
	_, err := r.to.conn.ExecContext(ctx, schema)
	if err != nil {
		return err
	}
	insert, err := r.to.conn.PrepareContext(ctx, insertEntry)
	if err != nil {
		return err
	}
	defer insert.Close()
	of, known := r.identity()
	latest := r.latest()
	intact := 0
	err = r.salvage(func(e Entry) error {
		// Numbers of a spool that has another name now mean nothing to those who
		// remember how far they have replayed.
		e.Uncertain = e.Uncertain || !known
		if e.Ping.CreatedAt.After(latest) {
			latest = e.Ping.CreatedAt
		}
		if e.Seq <= r.mark.last {
			intact++
		}
		r.damage.Kept++
		r.last = max(r.last, e.Seq)
		_, err := insert.ExecContext(ctx, e.values()...)
		return err
	})
	if err != nil {
		return err
	}
	if !r.isNew || r.hasMark {
		r.last += leap
	}
	if err := r.fillMeta(of); err != nil || r.isNew {
		return err
	}
	r.damage.Lost = -1
	r.damage.To = latest
	if r.hasMark && (r.of == identity{} || r.of == r.marked) {
		r.damage.Lost = max(0, int(r.mark.depth)-intact)
		r.damage.From = moment(r.mark.oldest)
	}
	return r.fillDamages()
}

// identity is that of the new file. known is false where it is not that of the
// damaged one.
func (r *repair) identity() (of identity, known bool) {
	of = r.of
	if of == (identity{}) && r.hasMark {
		of = r.marked
	}
	if of == (identity{}) {
		return identity{id: uuid.New(), generation: 1}, false
	}
	of.generation++
	return of, true
}

// latest is when the last entry may have arrived that is lost.
func (r *repair) latest() time.Time {
	var latest time.Time
	if r.hasMark {
		latest = moment(r.mark.lastAt)
	}
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(r.path + suffix)
		if err == nil && info.ModTime().After(latest) {
			latest = info.ModTime().UTC()
		}
	}
	if latest.IsZero() {
		return r.damage.At
	}
	return latest
}

func (r *repair) fillMeta(of identity) error {
	ctx := context.Background()
	_, err := r.to.conn.ExecContext(ctx, `INSERT INTO meta VALUES ('format', ?), ('id', ?), ('generation', ?), ('checksum', ?)`,
		strconv.Itoa(format), of.id.String(), strconv.FormatInt(of.generation, 10), of.checksum())
	if err == nil {
		_, err = r.to.conn.ExecContext(ctx, `PRAGMA user_version = `+strconv.Itoa(format))
	}
	if err == nil {
		_, err = r.to.conn.ExecContext(ctx, `DELETE FROM sqlite_sequence`)
	}
	if err == nil {
		_, err = r.to.conn.ExecContext(ctx, `INSERT INTO sqlite_sequence (name, seq) VALUES ('entries', ?)`, r.last)
	}
	return err
}

// fillDamages takes over the damages that are not cleared yet, as far as they can
// be read, and adds this one.
func (r *repair) fillDamages() error {
	var all []Damage
	if r.source != nil {
		// what cannot be read is lost
		all, _ = r.source.damages()
	}
	r.damage.ID = 0
	for _, d := range append(all, r.damage) {
		var id any
		if d.ID > 0 {
			id = d.ID
		}
		setAside := strings.Join(d.SetAside, "\n")
		_, err := r.to.conn.ExecContext(context.Background(), `INSERT OR IGNORE INTO damages VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			id, micro(d.At), d.Reason, setAside, d.Kept, d.Lost, micro(d.From), micro(d.To))
		if err != nil {
			return err
		}
	}
	return nil
}

// micro is the opposite of moment.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// How long a file is searched for what can be read of it, in ranges that cannot:
// in all, and where none could be so far.
const (
	maxFailures    = 5_000
	futileFailures = 300
)

// salvage calls keep for each entry that can be read, each once, in no order. The
// range of numbers is halved wherever a part of it cannot be read, the widest
// first, until only the entries on damaged pages are left out.
func (r *repair) salvage(keep func(Entry) error) error {
	if r.hasMark {
		r.last = r.mark.last
	}
	if r.source == nil {
		return nil
	}
	highest := r.last + beyond
	for _, query := range []string{`SELECT seq FROM sqlite_sequence WHERE name = 'entries'`, `SELECT max(seq) FROM entries`} {
		n, err := r.source.number(query)
		if err == nil && n > 0 && n <= maxSeq {
			r.last = max(r.last, n)
			highest = r.last
		}
	}
	lowest := int64(0)
	if r.hasMark && (r.of == identity{} || r.of == r.marked) {
		lowest = r.mark.deleted
	}
	ranges := []span{{lowest, highest}}
	failures := 0
	read := false
	for len(ranges) > 0 && failures < maxFailures && (read || failures < futileFailures) {
		next := ranges[0]
		ranges = ranges[1:]
		rest, err := r.salvageSpan(next, keep)
		if err != nil {
			return err
		}
		if rest == (span{}) {
			read = true
			continue
		}
		failures++
		read = read || rest.after > next.after
		if rest.upTo-rest.after > 1 {
			middle := rest.after + (rest.upTo-rest.after)/2
			ranges = append(ranges, span{rest.after, middle}, span{middle, rest.upTo})
		}
	}
	return nil
}

// span is the numbers after one and up to another.
type span struct{ after, upTo int64 }

// salvageSpan is salvage for a part. It returns what could not be read of it, zero
// for nothing.
func (r *repair) salvageSpan(part span, keep func(Entry) error) (rest span, err error) {
	rest = part
	var keepErr error
	err = r.source.each(part.after, part.upTo, -1, func(e Entry, intact bool) error {
		if e.Seq <= rest.after || e.Seq > part.upTo {
			return damagef("entries are not in their order")
		}
		rest.after = e.Seq
		if intact {
			keepErr = keep(e)
		}
		return keepErr
	})
	switch {
	case keepErr != nil:
		return rest, keepErr
	case err == nil:
		return span{}, nil
	case !isDamage(err):
		return rest, fmt.Errorf("read what is left: %w", err)
	}
	return rest, nil
}
