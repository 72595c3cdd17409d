package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/google/uuid"

	"punctual/internal/checkjson"
	"punctual/internal/monitor"
)

// A list of checks is written row by row as the database hands them out, into
// pieces that are not copied again. Its ETag, the hash of all of it, must be known
// before the first byte leaves, and nobody may keep a connection to the database
// busy by reading slowly. So the list is held until it is sent, but for long
// descriptions: they are hashed, left out, and read again as the list goes out.
// Ten thousand checks take 15 MB like that, whatever is written about them.

const (
	// pieceSize is the size of a piece, in bytes.
	pieceSize = 64 << 10

	// shortText is how long a description may be that is never left out, in bytes.
	shortText = 200

	// roomForTexts is for how many bytes of longer ones a list has room.
	roomForTexts = 1 << 20

	// readAtOnce is how many bytes of descriptions are read again at a time.
	readAtOnce = 256 << 10
)

// checkList is the JSON of a list of checks on its way.
type checkList struct {
	project uuid.UUID

	// pieces that are complete
	full [][]byte
	// the present one
	last []byte
	// bytes of last
	hashed int
	hash   hash.Hash
	room   int
	gaps   []gap
	// a description as JSON, to use the memory again
	quoted []byte
}

// gap is a description that is left out.
type gap struct {
	// where it belongs
	piece, at int
	// the id of its check
	check int64
	// bytes as JSON
	size int
	sum  [sha256.Size]byte
}

func newCheckList(project uuid.UUID) *checkList {
	return &checkList{project: project, hash: sha256.New(), room: roomForTexts, last: make([]byte, 0, pieceSize)}
}

// leaveOut tells whether the description of the check, which is to stand at the
// end of json, is left out there.
func (l *checkList) leaveOut(json []byte, c *monitor.Check) bool {
	size := len(c.Description)
	if size <= shortText {
		return false
	}
	if size <= l.room {
		l.room -= size
		return false
	}
	l.quoted = checkjson.AppendText(l.quoted[:0], c.Description)
	l.hash.Write(json[l.hashed:])
	l.hash.Write(l.quoted)
	l.hashed = len(json)
	l.gaps = append(l.gaps, gap{len(l.full), len(json), c.ID, len(l.quoted), sha256.Sum256(l.quoted)})
	return true
}

// wrote takes the present piece back, with more at its end, and begins another
// one when it is full.
func (l *checkList) wrote(json []byte) {
	l.last = json
	if len(json) < pieceSize-checkjson.Size {
		return
	}
	l.finish()
	l.full = append(l.full, l.last)
	l.last = make([]byte, 0, pieceSize)
	l.hashed = 0
}

// finish hashes what has not been hashed.
func (l *checkList) finish() {
	l.hash.Write(l.last[l.hashed:])
	l.hashed = len(l.last)
}

// errChanged ends an answer whose ETag is no longer true of it.
var errChanged = errors.New("a description has changed while the list was sent")

// readTexts gives the descriptions of checks of the project by their ids.
type readTexts func(ctx context.Context, project uuid.UUID, ids []int64) (map[int64]string, error)

// send writes the list.
func (l *checkList) send(ctx context.Context, w io.Writer, read readTexts) error {
	var texts map[int64]string
	// the first gap whose text has not been read
	next := 0
	// gaps
	done := 0
	for i, piece := range append(l.full, l.last) {
		at := 0
		for ; done < len(l.gaps) && l.gaps[done].piece == i; done++ {
			g := &l.gaps[done]
			if done == next {
				var err error
				next, texts, err = l.readSome(ctx, next, read)
				if err != nil {
					return err
				}
			}
			l.quoted = checkjson.AppendText(l.quoted[:0], texts[g.check])
			if sha256.Sum256(l.quoted) != g.sum {
				return errChanged
			}
			_, err := w.Write(piece[at:g.at])
			if err != nil {
				return err
			}
			if _, err := w.Write(l.quoted); err != nil {
				return err
			}
			at = g.at
		}
		_, err := w.Write(piece[at:])
		if err != nil {
			return err
		}
	}
	return nil
}

// readSome reads the texts of the gaps from the given one on, as many as fit into
// readAtOnce bytes, and returns the gap after them.
func (l *checkList) readSome(ctx context.Context, from int, read readTexts) (int, map[int64]string, error) {
	var ids []int64
	size := 0
	to := from
	for ; to < len(l.gaps) && (size == 0 || size+l.gaps[to].size <= readAtOnce); to++ {
		ids = append(ids, l.gaps[to].check)
		size += l.gaps[to].size
	}
	texts, err := read(ctx, l.project, ids)
	return to, texts, err
}
