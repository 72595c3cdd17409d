package monitor

import (
	"iter"
	"time"

	"github.com/google/uuid"
)

// MaxRunDuration bounds what counts as one run: a start and an end further
// apart are not paired (contract §2.9).
const MaxRunDuration = 72 * time.Hour

// RunDurations measures the runs among the pings of one check, given newest
// first. The result maps the n of the ping that ended a run, a success or a
// failure, to the time since its start: the latest start of the same run id
// (none equals none) with no other end of that run id between (contract §2.9).
// Pings that end no run, or one whose start is not among pings, are absent.
func RunDurations(pings iter.Seq[*Ping]) map[int64]time.Duration {
	out := make(map[int64]time.Duration)
	ends := make(map[uuid.NullUUID]*Ping) // by run id, the end that waits for its start
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
			if d := end.CreatedAt.Sub(p.CreatedAt); d < MaxRunDuration {
				out[end.N] = d
			}
		}
	}
	return out
}
