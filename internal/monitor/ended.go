package monitor

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

const (
	// maxEndedRuns is how many run ids a check remembers the end of.
	maxEndedRuns = 4
	// lateStart is how long after the end of its run a start can still be one
	// that the network has delayed or repeated.
	lateStart = 10 * time.Minute
)

// Check.EndedRuns holds records of 25 bytes in base64, newest last: the run id,
// the microseconds of its last end, flags.
const (
	endedSize = 16 + 8 + 1
	endedFlag = endedSize - 1
	// endedAgain: the id has ended in more than one run, so the job sends the same
	// with each, and a start is the beginning of the next.
	endedAgain = 1
	// endedLate: a start was ignored since.
	endedLate = 2
)

// endedRuns are the records of a check. It is on the way of each ping with a run
// id, so it has no memory of its own.
type endedRuns struct {
	n   int
	raw [maxEndedRuns * endedSize]byte
}

// read takes Check.EndedRuns. What cannot be read is nothing.
func (e *endedRuns) read(text string) {
	if len(text) > base64.RawURLEncoding.EncodedLen(len(e.raw)) {
		return
	}
	size, err := base64.RawURLEncoding.Decode(e.raw[:], []byte(text))
	if err == nil {
		e.n = size / endedSize
	}
}

func (e *endedRuns) text() string {
	var text [(maxEndedRuns*endedSize*8 + 5) / 6]byte
	return string(base64.RawURLEncoding.AppendEncode(text[:0], e.raw[:e.n*endedSize]))
}

func (e *endedRuns) record(i int) []byte { return e.raw[i*endedSize : (i+1)*endedSize] }

// find returns the place of a run id, -1 = it is not there.
func (e *endedRuns) find(rid uuid.UUID) int {
	for i := range e.n {
		if uuid.UUID(e.record(i)) == rid {
			return i
		}
	}
	return -1
}

// since is how long before t record i has ended.
func (e *endedRuns) since(i int, t time.Time) time.Duration {
	micros := int64(binary.BigEndian.Uint64(e.record(i)[16:])) //nolint:gosec // as add has it
	return t.Sub(time.UnixMicro(micros))
}

func (e *endedRuns) remove(i int) {
	copy(e.raw[i*endedSize:], e.raw[(i+1)*endedSize:e.n*endedSize])
	e.n--
}

// add puts an end behind the others; the oldest makes room.
func (e *endedRuns) add(rid uuid.UUID, at time.Time, flags byte) {
	if e.n == maxEndedRuns {
		e.remove(0)
	}
	e.n++
	r := e.record(e.n - 1)
	copy(r, rid[:])
	binary.BigEndian.PutUint64(r[16:], uint64(at.UnixMicro())) //nolint:gosec // read back as it was
	r[endedFlag] = flags
}

// startsLate tells whether start p came after the end of its own run, as it does
// when the network has delayed or repeated it: nobody would end that run again,
// and the check would go down for no reason. So it is when the id ended within
// the last 10 minutes, and never before in another run: a job that sends one id
// with each run begins the next with such a start. A start without an id is
// never late.
func (c *Check) startsLate(p *Ping) bool {
	if !p.RID.Valid {
		return false
	}
	if c.EndedRuns == "" {
		return false
	}
	var runs endedRuns
	runs.read(c.EndedRuns)
	i := runs.find(p.RID.UUID)
	if i < 0 || runs.record(i)[endedFlag]&endedAgain != 0 || runs.since(i, p.CreatedAt) > lateStart {
		return false
	}
	runs.record(i)[endedFlag] |= endedLate
	c.EndedRuns = runs.text()
	return true
}

// noteEnd remembers that the run id of p has ended. It is to be called before
// the run under way is cleared.
//
// An id that ended before has ended in another run when a start has come in
// between, taken or ignored, or when its last end is longer ago than a network
// repeats a request.
func (c *Check) noteEnd(p *Ping) {
	if !p.RID.Valid {
		return
	}
	var runs endedRuns
	runs.read(c.EndedRuns)
	flags := byte(0)
	i := runs.find(p.RID.UUID)
	if i >= 0 {
		begun := c.Started() && c.LastStartRID == p.RID
		if begun || runs.record(i)[endedFlag] != 0 || runs.since(i, p.CreatedAt) > lateStart {
			flags = endedAgain
		}
		runs.remove(i)
	}
	runs.add(p.RID.UUID, p.CreatedAt, flags)
	c.EndedRuns = runs.text()
}
