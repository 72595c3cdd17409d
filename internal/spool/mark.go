package spool

import (
	"fmt"
	"hash/crc32"
	"os"
	"time"

	"github.com/google/uuid"
)

// identity tells a spool from others, and from what it was before a repair.
type identity struct {
	id uuid.UUID
	// counts the repairs
	generation int64
}

// tally is what a spool should hold.
type tally struct {
	// entries
	depth int64
	// of the last entry that was appended
	last   int64
	lastAt int64
	// all up to this one have been deleted, or are about to be
	deleted int64
	// arrival of the oldest, in microseconds, 0 = there is none
	oldest int64
}

// mark is a small file beside the spool that holds its tally. SQLite takes what is
// left of a log that was cut, or removed, for the whole; by its mark a spool knows
// that entries are missing.
//
// It is written after each append, before that is acknowledged, and before each
// deletion. It is never flushed: after a power failure it may be older than the
// spool, or damaged, and then it says less.
type mark struct {
	path string
	of   identity
	file *os.File
}

const markFormat = "punctual spool 1 %36s %10d %20d %20d %20d %20d %20d"

// write replaces what the mark says.
func (m *mark) write(t tally) error {
	if m.file == nil {
		file, err := os.OpenFile(m.path, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("write the mark of the spool: %w", err)
		}
		m.file = file
	}
	text := fmt.Appendf(nil, markFormat, m.of.id, m.of.generation, t.depth, t.last, t.lastAt, t.deleted, t.oldest)
	text = fmt.Appendf(text, " %08x\n", crc32.Checksum(text, castagnoli))
	_, err := m.file.WriteAt(text, 0)
	if err != nil {
		return fmt.Errorf("write the mark of the spool: %w", err)
	}
	return nil
}

func (m *mark) close() {
	if m.file != nil {
		// what it holds is a help only
		_ = m.file.Close()
		m.file = nil
	}
}

// readMark reads a mark; ok is false where there is none, or it is damaged.
func readMark(path string) (of identity, t tally, ok bool) {
	text, err := os.ReadFile(path)
	const sum = len(" 01234567\n")
	if err != nil || len(text) < sum {
		return identity{}, tally{}, false
	}
	said := text[:len(text)-sum]
	var id string
	var checksum uint32
	_, err = fmt.Sscanf(string(said), markFormat, &id, &of.generation, &t.depth, &t.last, &t.lastAt, &t.deleted, &t.oldest)
	if err != nil {
		return identity{}, tally{}, false
	}
	_, err = fmt.Sscanf(string(text[len(said):]), " %08x\n", &checksum)
	if err != nil || checksum != crc32.Checksum(said, castagnoli) {
		return identity{}, tally{}, false
	}
	of.id, err = uuid.Parse(id)
	return of, t, err == nil
}

// moment is a time in microseconds; 0 is the zero time.
func moment(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
