package monitor

import (
	"iter"
	"time"

	"github.com/google/uuid"
)

// MaxRunDuration bounds what counts as one run: a start and an end further
// apart are not paired (docs/contract.md §2.9).
const MaxRunDuration = 72 * time.Hour

// Run is a start and the success or failure that ended it.
type Run struct{ Start, End *Ping }

// Took is how long the run lasted.
func (r Run) Took() time.Duration { return r.End.CreatedAt.Sub(r.Start.CreatedAt) }

// Runs pairs the starts and ends among the pings of one check, given newest
// first. To an end belongs the latest start of the same run id (none equals none)
// with no other end of that run id between (docs/contract.md §2.9). Pings without
// a partner among pings are left out. The latest start comes first.
func Runs(pings iter.Seq[*Ping]) []Run {
	var out []Run
	// by run id, the end that waits for its start
	ends := make(map[uuid.NullUUID]*Ping)
	for p := range pings {
		switch p.Kind {
		case PingSuccess, PingFail:
			ends[p.RID] = p
		case PingStart:
			end := ends[p.RID]
			if end == nil {
				continue
			}
			delete(ends, p.RID)
			run := (Run{p, end})
			if run.Took() < MaxRunDuration {
				out = append(out, run)
			}
		}
	}
	return out
}

// RunDurations maps the n of each ping that ended a run to how long the run
// took; see Runs.
func RunDurations(pings iter.Seq[*Ping]) map[int64]time.Duration {
	out := make(map[int64]time.Duration)
	for _, run := range Runs(pings) {
		out[run.End.N] = run.Took()
	}
	return out
}
