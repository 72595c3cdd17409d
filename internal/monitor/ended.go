package monitor

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

const (
	// MaxEndedRuns is how many run ids a check remembers the end of.
	MaxEndedRuns = 4
	// LateStart is how long after the end of its run a start can still be one
	// that the network has delayed or repeated.
	LateStart = 10 * time.Minute
)

// endedRun is a run id whose end has come.
type endedRun struct {
	rid uuid.UUID
	// at is when its last end came.
	at time.Time
	// again: it has ended in more than one run, so the job sends the same id with
	// each, and a start is the beginning of the next.
	again bool
	// late: a start was ignored since.
	late bool
}

// An ended run is written in 25 bytes: the id, microseconds, flags.
const (
	endedSize = 16 + 8 + 1
	flagAgain = 1
	flagLate  = 2
)

// readEnded reads Check.EndedRuns, newest last. What cannot be read is nothing.
func readEnded(text string) []endedRun {
	if text == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	runs := make([]endedRun, 0, MaxEndedRuns+1)
	for ; len(raw) >= endedSize; raw = raw[endedSize:] {
		micros := int64(binary.BigEndian.Uint64(raw[16:])) //nolint:gosec // as writeEnded has it
		runs = append(runs, endedRun{
			rid:   uuid.UUID(raw[:16]),
			at:    time.UnixMicro(micros),
			again: raw[24]&flagAgain != 0,
			late:  raw[24]&flagLate != 0,
		})
	}
	return runs
}

func writeEnded(runs []endedRun) string {
	raw := make([]byte, 0, endedSize*len(runs))
	for _, r := range runs {
		raw = append(raw, r.rid[:]...)
		raw = binary.BigEndian.AppendUint64(raw, uint64(r.at.UnixMicro())) //nolint:gosec // read back as it was
		flags := byte(0)
		if r.again {
			flags |= flagAgain
		}
		if r.late {
			flags |= flagLate
		}
		raw = append(raw, flags)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
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
	runs := readEnded(c.EndedRuns)
	for i := range runs {
		r := &runs[i]
		if r.rid != p.RID.UUID {
			continue
		}
		if r.again || p.CreatedAt.Sub(r.at) > LateStart {
			return false
		}
		r.late = true
		c.EndedRuns = writeEnded(runs)
		return true
	}
	return false
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
	begun := c.Started() && c.LastStartRID == p.RID
	ended := endedRun{rid: p.RID.UUID, at: p.CreatedAt}
	var others []endedRun
	for _, r := range readEnded(c.EndedRuns) {
		if r.rid == ended.rid {
			ended.again = r.again || r.late || begun || p.CreatedAt.Sub(r.at) > LateStart
			continue
		}
		others = append(others, r)
	}
	if len(others) >= MaxEndedRuns {
		others = others[len(others)-MaxEndedRuns+1:]
	}
	c.EndedRuns = writeEnded(append(others, ended))
}
