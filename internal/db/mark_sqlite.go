package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// SQLite cannot notice that its write-ahead log was cut or removed: it takes what
// is left for the whole. So each commit counts itself, in the table commit_mark
// and, once it is on disk, in a small file beside the database. At the next start
// a database that counts less than the file has lost commits.
//
// The file is written without a flush: after a power failure it may count less
// than the database, which says nothing, and never more. The table has a random
// id as well, which a restored backup gets anew, so that the file beside another
// database is not taken for its own.
const (
	markSuffix = "-mark"
	lossSuffix = "-loss"
)

// markFormat is all that is in the file; it has always the same length.
const markFormat = "punctual %32s %20d\n"

// mark is the file of a database, kept open. It is safe for concurrent use.
type mark struct {
	mu   sync.Mutex
	path string
	// of the database; "": it has no commit_mark, nothing is counted
	id   string
	file *os.File
	log  *slog.Logger
}

// counts tells whether commits are counted.
func (m *mark) counts() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.id != ""
}

// off ends the counting: there is no table for it.
func (m *mark) off() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id = ""
}

// note writes down that the database has counted n commits. Where that fails, the
// mark stays behind, which says nothing, and this process does not try again.
func (m *mark) note(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.id == "" {
		return
	}
	err := m.write(n)
	if err != nil {
		m.id = ""
		m.log.Warn("the mark of the database cannot be written: a loss of its last commits would go unnoticed", "file", m.path, "error", err)
	}
}

func (m *mark) write(n int64) error {
	if m.file == nil {
		file, err := os.OpenFile(m.path, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		m.file = file
	}
	_, err := m.file.WriteAt(fmt.Appendf(nil, markFormat, m.id, n), 0)
	return err
}

func (m *mark) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id = ""
	if m.file != nil {
		// what it holds is a help only
		_ = m.file.Close()
		m.file = nil
	}
}

// readMark reads the file. One that is missing or damaged says nothing: id is "".
func readMark(path string) (id string, n int64) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", 0
	}
	_, err = fmt.Sscanf(string(text), markFormat, &id, &n)
	if err != nil {
		return "", 0
	}
	return id, n
}

// Loss is what a database has lost: commits that had been acknowledged.
type Loss struct {
	// when it was noticed
	At time.Time
	// commits, at least
	Missing int64
}

// checkMark compares the database with its mark, once, when it is opened. A loss
// is written down in a file of its own before anything else is, so that it stays
// known whoever opens the database first.
func (d *DB) checkMark(ctx context.Context) error {
	markedID, marked := readMark(d.path + markSuffix)
	id, n, err := d.countedCommits(ctx)
	if err != nil {
		return err
	}
	if id == "" {
		return d.emptied(ctx, marked)
	}
	d.mark.mu.Lock()
	d.mark.id = id
	d.mark.mu.Unlock()
	switch {
	case markedID == "" || marked == n:
	case markedID != id:
		d.log.Info("the database is another one than the last time; commits are counted anew", "database", d.path)
	case n < marked:
		d.log.Error("the database has lost commits: "+lossAdvice, "database", d.path, "missing", marked-n)
		err = writeLoss(d.path, Loss{At: time.Now(), Missing: marked - n})
		if err != nil {
			return err
		}
		d.mark.note(n)
	}
	return nil
}

const lossAdvice = "its write-ahead log (-wal) was cut or removed, or an older copy was put in its place"

// countedCommits reads commit_mark; id is "" where there is none yet.
func (d *DB) countedCommits(ctx context.Context) (id string, n int64, err error) {
	var tables int
	err = d.read.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'commit_mark'`).Scan(&tables)
	if err != nil || tables == 0 {
		return "", 0, err
	}
	err = d.read.QueryRowContext(ctx, `SELECT id, n FROM commit_mark`).Scan(&id, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, nil
	}
	return id, n, err
}

// emptied refuses an empty database whose mark tells of commits: its log was
// removed before SQLite had moved anything from there into the database. A new
// schema in it would end the last chance to put the log back.
func (d *DB) emptied(ctx context.Context, marked int64) error {
	var things int
	err := d.read.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&things)
	if err != nil || things > 0 || marked == 0 {
		return err
	}
	return fmt.Errorf("the database %s is empty, but %s tells of %d commits: its write-ahead log (%s) was removed or cut. "+
		"Put the log back, or restore a backup with `punctual restore FILE`; to begin anew, remove %s",
		d.path, filepath.Base(d.path)+markSuffix, marked, filepath.Base(d.path)+walSuffix, filepath.Base(d.path)+markSuffix)
}

// startMark begins to count after the table was made.
func (d *DB) startMark(ctx context.Context) error {
	if d.Engine != SQLite || d.mark.counts() {
		return nil
	}
	id, _, err := d.countedCommits(ctx)
	if err == nil && id != "" {
		d.mark.mu.Lock()
		d.mark.id = id
		d.mark.mu.Unlock()
	}
	return err
}

// writeLoss writes a loss down; one that is known already grows.
func writeLoss(path string, l Loss) error {
	known, err := ReadLoss(path)
	if err != nil {
		return err
	}
	if known != nil {
		l.Missing += known.Missing
	}
	text := fmt.Sprintf("%s %d\nCommits that this database has lost. `punctual status --acknowledge-loss` removes this file.\n",
		l.At.UTC().Format(time.RFC3339), l.Missing)
	err = os.WriteFile(path+lossSuffix, []byte(text), 0o600)
	if err != nil {
		return fmt.Errorf("write down that the database has lost commits: %w", err)
	}
	return nil
}

// ReadLoss returns what the database at path has lost, nil where nothing is
// known to be lost or it was acknowledged.
func ReadLoss(path string) (*Loss, error) {
	text, err := os.ReadFile(path + lossSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what the database has lost: %w", err)
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	at, missing, _ := strings.Cut(string(first), " ")
	var l Loss
	l.At, err = time.Parse(time.RFC3339, at)
	if err == nil {
		_, err = fmt.Sscan(missing, &l.Missing)
	}
	if err != nil {
		return nil, fmt.Errorf("read what the database has lost: %s%s: %w", path, lossSuffix, err)
	}
	return &l, nil
}

// AcknowledgeLoss ends that the loss is told. It returns what had been lost, nil
// for nothing.
func AcknowledgeLoss(path string) (*Loss, error) {
	l, err := ReadLoss(path)
	if l == nil && err == nil {
		return nil, nil
	}
	err = os.Remove(path + lossSuffix)
	if err != nil {
		return nil, fmt.Errorf("acknowledge what the database has lost: %w", err)
	}
	return l, nil
}

// Loss returns what the database has lost and nobody has acknowledged, nil for
// nothing. On PostgreSQL it is always nil: its server watches over its log itself.
func (d *DB) Loss() (*Loss, error) {
	if d.Engine != SQLite {
		return nil, nil
	}
	return ReadLoss(d.path)
}
