package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// format is the version of the file that this program writes. A later one reads
// those before it: it brings them up to its own in load. It stands in two places,
// user_version and the table meta, so that a damaged file is not taken for one of
// a newer program. Whatever changes, both stay, and the mode WAL.
const format = 1

// schema makes the tables of a new file.
const schema = `
CREATE TABLE meta (
	name TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;
CREATE TABLE damages (
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	reason TEXT NOT NULL,
	set_aside TEXT NOT NULL,
	kept INTEGER NOT NULL,
	lost INTEGER NOT NULL,
	lost_from INTEGER NOT NULL,
	lost_to INTEGER NOT NULL
) STRICT;
` + schemaOfEntries + `;
CREATE INDEX entries_at ON entries (at);
`

// errDamaged is the error of a file that is not what was written.
var errDamaged = errors.New("the spool is damaged")

func damagef(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errDamaged}, args...)...)
}

// asDamage is the error of reading the file: damage, unless it is trouble of the
// disk or the like.
func asDamage(err error) error {
	if err == nil || isDamage(err) || db.IsUnavailable(err) {
		return err
	}
	return damagef("%w", err)
}

// file is an open SQLite file, used by one at a time.
type file struct {
	db     *sql.DB
	conn   *sql.Conn
	insert *sql.Stmt
	path   string
	// as it was opened
	info os.FileInfo
}

// parameters for who writes. In the mode WAL with synchronous=FULL the log is
// flushed at each commit, one flush for all of it; EXTRA would add nothing in this
// mode, and with NORMAL the last commits would be lost with the power. Nobody else
// has the file, so that the index of the log need not be a file.
//
// They are in their order: the first comes before anything is read.
var pragmas = []string{
	"locking_mode(EXCLUSIVE)", "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(1000)", "journal_size_limit(4194304)",
	"cache_size(-8192)", "temp_store(memory)", "cell_size_check(1)", "trusted_schema(0)",
}

// openFile opens the file in a mode, which is a part of an URI.
func openFile(path, mode string, pragmas ...string) (*file, error) {
	d, err := db.OpenFile(path, mode)
	if err != nil {
		return nil, err
	}
	f := &file{db: d, path: path}
	f.info, err = os.Stat(path)
	if err == nil {
		f.conn, err = d.Conn(context.Background())
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	for _, pragma := range pragmas {
		// The driver would sort them.
		_, err := f.conn.ExecContext(context.Background(), "PRAGMA "+pragma)
		if err != nil {
			return nil, errors.Join(err, f.close())
		}
	}
	return f, nil
}

// openToWrite opens a file that has been looked at.
func openToWrite(path string) (*file, error) {
	f, err := openFile(path, "mode=rw", pragmas...)
	if err != nil {
		return nil, err
	}
	mode, err := f.text("PRAGMA journal_mode")
	if err == nil && mode != "wal" {
		err = fmt.Errorf("SQLite does not use a log here, but the mode %q", mode)
	}
	if err == nil {
		f.insert, err = f.conn.PrepareContext(context.Background(), insertEntry)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *file) close() error {
	var err error
	if f.insert != nil {
		err = f.insert.Close()
	}
	return errors.Join(err, f.conn.Close(), f.db.Close())
}

// inPlace fails where somebody has removed or replaced the file: what is written
// now would be gone with this process.
func (f *file) inPlace() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("it was removed: %w", err)
	}
	if !os.SameFile(info, f.info) {
		return fmt.Errorf("another file was put in the place of %s", f.path)
	}
	return nil
}

func (f *file) text(query string, args ...any) (string, error) {
	var s string
	err := f.conn.QueryRowContext(context.Background(), query, args...).Scan(&s)
	return s, err
}

func (f *file) number(query string, args ...any) (int64, error) {
	var n int64
	err := f.conn.QueryRowContext(context.Background(), query, args...).Scan(&n)
	return n, err
}

// inTx runs do in a transaction.
func (f *file) inTx(do func() error) error {
	ctx := context.Background()
	_, err := f.conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	if err != nil {
		return err
	}
	err = do()
	if err == nil {
		_, err = f.conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		// After some errors SQLite has done it already.
		_, _ = f.conn.ExecContext(ctx, "ROLLBACK")
	}
	return err
}

// append writes the entries of a group, and moves t on. It returns the bytes used
// then, and fails with ErrFull where they are more than limit.
func (f *file) append(group []*appending, t *tally, limit int64) (bytes int64, err error) {
	err = f.inTx(func() error {
		for _, a := range group {
			for _, e := range a.entries {
				t.last++
				e.Seq = t.last
				_, err := f.insert.ExecContext(context.Background(), e.values()...)
				if err != nil {
					return err
				}
				t.add(e.Ping.CreatedAt.UnixMicro())
			}
		}
		bytes, err = f.bytes()
		if err == nil && bytes > limit {
			err = fmt.Errorf("%w: %d bytes are allowed", ErrFull, limit)
		}
		return err
	})
	return bytes, err
}

// add counts an entry that arrived at a moment.
func (t *tally) add(at int64) {
	t.depth++
	t.lastAt = at
	if t.oldest == 0 || at < t.oldest {
		t.oldest = at
	}
}

// bytes is what the entries and the tables take.
func (f *file) bytes() (int64, error) {
	return f.number(`SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`)
}

// replayBytes is how long the bodies are that next returns at once, unless the
// first alone is longer.
const replayBytes = 16 << 20

func (f *file) next(after int64, limit int) ([]Entry, error) {
	var entries []Entry
	size := 0
	err := f.each(after, 1<<63-1, limit, func(e Entry, intact bool) error {
		if !intact {
			return damagef("entry %d is not what was written", e.Seq)
		}
		size += len(e.Ping.Body)
		if size > replayBytes && len(entries) > 0 {
			return errEnough
		}
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// errEnough ends each.
var errEnough = errors.New("enough")

// each calls see for up to limit entries after one and up to another, in their
// order.
func (f *file) each(after, upTo int64, limit int, see func(e Entry, intact bool) error) error {
	rows, err := f.conn.QueryContext(context.Background(),
		`SELECT `+columnsOfEntries+` FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`, after, upTo, limit)
	if err != nil {
		return asDamage(err)
	}
	defer rows.Close()
	for rows.Next() {
		// anew: what it points to goes into the entry
		var r row
		if err := rows.Scan(r.destinations()...); err != nil {
			return asDamage(err)
		}
		err := see(r.entry())
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return asDamage(rows.Err())
}

// without is the tally after entries have been deleted.
func (f *file) without(upTo int64, t tally) (tally, error) {
	gone, err := f.number(`SELECT count(*) FROM entries WHERE seq > ? AND seq <= ?`, t.deleted, upTo)
	if err != nil {
		return t, err
	}
	t.deleted = upTo
	t.depth -= gone
	t.oldest = 0
	if t.depth > 0 {
		t.oldest, err = f.number(`SELECT min(at) FROM entries WHERE seq > ?`, upTo)
	}
	return t, err
}

// deleteUpTo deletes entries and returns the bytes used then. An empty file gives
// its space back.
func (f *file) deleteUpTo(upTo int64) (bytes int64, err error) {
	ctx := context.Background()
	err = f.inTx(func() error {
		_, err := f.conn.ExecContext(ctx, `DELETE FROM entries WHERE seq <= ?`, upTo)
		return err
	})
	if err != nil {
		return 0, err
	}
	f.shrink()
	return f.bytes()
}

// shrink gives space back where no entry is left, and with it ends what could
// still be read of them in the files. That it fails is no harm: the space is used
// again.
func (f *file) shrink() {
	ctx := context.Background()
	first, err := f.number(`SELECT count(*) FROM (SELECT 1 FROM entries LIMIT 1)`)
	if err != nil || first > 0 {
		return
	}
	_, err = f.conn.ExecContext(ctx, `VACUUM`)
	if err == nil {
		_, _ = f.conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	}
}

// maxSeq is a number that no spool comes to.
const maxSeq = 1 << 62

// contents is what a look at all of a file has found.
type contents struct {
	of      identity
	tally   tally
	damages []Damage
}

// inspect reads all of a file. It fails with ErrNewer, and with errDamaged where
// the file is not what was written, as far as that can be told from it alone.
func (f *file) inspect() (contents, error) {
	var c contents
	var err error
	c.of, err = f.identity()
	if err != nil {
		return c, err
	}
	result, err := f.text("PRAGMA quick_check(1)")
	if err != nil {
		return c, asDamage(err)
	}
	if result != "ok" {
		return c, damagef("%s", strings.Join(strings.Fields(result), " "))
	}
	c.tally.last, err = f.number(`SELECT seq FROM sqlite_sequence WHERE name = 'entries'`)
	if err != nil {
		return c, asDamage(err)
	}
	if c.tally.last < 0 || c.tally.last > maxSeq {
		return c, damagef("its last number is %d", c.tally.last)
	}
	// of all numbers with their times
	var sum uint64
	err = f.each(-1<<63, 1<<63-1, -1, func(e Entry, intact bool) error {
		if !intact || e.Seq <= 0 || e.Seq > c.tally.last {
			return damagef("entry %d is not what was written", e.Seq)
		}
		at := e.Ping.CreatedAt.UnixMicro()
		c.tally.add(at)
		sum += mixed(e.Seq, at)
		return nil
	})
	if err == nil {
		err = f.inspectIndex(c.tally.depth, sum)
	}
	if err != nil {
		return c, err
	}
	c.damages, err = f.damages()
	return c, asDamage(err)
}

// inspectIndex compares the index of times with what the entries have.
func (f *file) inspectIndex(depth int64, sum uint64) error {
	rows, err := f.conn.QueryContext(context.Background(), `SELECT seq, at FROM entries INDEXED BY entries_at`)
	if err != nil {
		return asDamage(err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq, at int64
		if err := rows.Scan(&seq, &at); err != nil {
			return asDamage(err)
		}
		depth--
		sum -= mixed(seq, at)
	}
	if err := rows.Err(); err != nil {
		return asDamage(err)
	}
	if depth != 0 || sum != 0 {
		return damagef("its index is not what was written")
	}
	return nil
}

// mixed is a number for a number and a time, hardly the same for any other two.
func mixed(seq, at int64) uint64 {
	const odd = 0x9e3779b97f4a7c15
	x := (uint64(seq)*odd ^ uint64(at)) * odd
	return (x ^ x>>32) * odd
}

// identity reads whose file it is. It fails with ErrNewer for that of a newer
// program.
func (f *file) identity() (identity, error) {
	var of identity
	version, err := f.number("PRAGMA user_version")
	if err != nil {
		return of, asDamage(err)
	}
	meta := map[string]string{}
	for _, name := range []string{"format", "id", "generation", "checksum"} {
		meta[name], err = f.text(`SELECT value FROM meta WHERE name = ?`, name)
		if err != nil {
			return of, asDamage(err)
		}
	}
	if meta["format"] != strconv.FormatInt(version, 10) {
		return of, damagef("it is of format %d and of format %q", version, meta["format"])
	}
	if version > format {
		return of, fmt.Errorf("%w: %s has the format %d, this program knows those up to %d. Start the newer version to have its pings recorded",
			ErrNewer, f.path, version, format)
	}
	if version < 1 {
		return of, damagef("there is no format %d", version)
	}
	var found identity
	found.generation, err = strconv.ParseInt(meta["generation"], 10, 64)
	if err == nil {
		found.id, err = uuid.Parse(meta["id"])
	}
	if err != nil {
		return of, asDamage(err)
	}
	if meta["checksum"] != found.checksum() {
		return of, damagef("its id is not what was written")
	}
	return found, nil
}

// checksum tells an id that has changed on the disk.
func (of identity) checksum() string {
	return fmt.Sprintf("%08x", crc32.Checksum(fmt.Appendf(nil, "%s %d", of.id, of.generation), castagnoli))
}

func (f *file) damages() ([]Damage, error) {
	rows, err := f.conn.QueryContext(context.Background(),
		`SELECT id, at, reason, set_aside, kept, lost, lost_from, lost_to FROM damages ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Damage
	for rows.Next() {
		var d Damage
		var at, from, to int64
		var setAside string
		if err := rows.Scan(&d.ID, &at, &d.Reason, &setAside, &d.Kept, &d.Lost, &from, &to); err != nil {
			return nil, err
		}
		d.At = moment(at)
		d.From = moment(from)
		d.To = moment(to)
		d.SetAside = strings.FieldsFunc(setAside, func(r rune) bool { return r == '\n' })
		all = append(all, d)
	}
	return all, rows.Err()
}
