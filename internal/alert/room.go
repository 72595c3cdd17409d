package alert

import (
	"time"

	"github.com/google/uuid"

	"punctual/internal/store"
)

// room is what there is room for.
type room struct {
	// deliveries; 0 = do not claim
	limit int
	// of them of one channel
	perChannel int
	// nothing waits, and little is likely to be due
	calm        bool
	notChannels []uuid.UUID
	notOwners   []store.OwnerKind
	notKinds    []string
	// how much of it all is closed: when it gets less, a claim may find more
	closed int
}

// room looks where deliveries may be added at time now. A full queue stays closed
// until it has nearly drained, so that claims are few and large; one that is stuck,
// until something of it has ended. What one owner has ready closes its own share
// only: of a kind, and of all together, it counts for an eighth at most.
func (qs *queues) room(now time.Time) room {
	r := room{perChannel: perChannel}
	total := 0
	ofKind := make(map[string]int)
	for _, s := range qs.ring {
		startable := qs.startable(s, now)
		channels, ready := qs.fullQueues(&r, s)
		s.full = qs.fullShare(s, ready, startable, now)
		if s.full {
			r.notOwners = append(r.notOwners, s.OwnerKind)
			r.closed++
		} else {
			r.notChannels = append(r.notChannels, channels...)
		}
		if s.hangs(now) {
			// the others are in nobody's way
			ready = min(ready, startable)
		}
		ofKind[s.Kind] += min(ready, eighth(s.pool.limit))
		total += min(ready, eighth(qs.limits.Total))
	}
	for kind, n := range ofKind {
		if n >= qs.limits.ofKind(kind) {
			r.notKinds = append(r.notKinds, kind)
			r.closed++
		}
	}
	r.limit = qs.claimable()
	r.calm = qs.waiting == 0 && !qs.flood
	if r.calm {
		r.limit = calmBatch
	}
	if r.limit == 0 || total >= qs.limits.Total {
		r.limit = 0
		r.closed++
	}
	return r
}

// leaveOut adds channels that nothing is to be claimed for.
func (r *room) leaveOut(channels []uuid.UUID) {
	r.notChannels = append(r.notChannels, channels...)
	r.closed += len(channels)
}

func eighth(limit int) int { return (limit + 7) / 8 }

// claimable is how many may be claimed. When so many wait that the owners who have
// most are left out, the others still find a little room.
func (qs *queues) claimable() int {
	switch left := maxQueued - qs.waiting; {
	case left >= claimBatch/2:
		return min(claimBatch, left)
	case left > -maxQueued:
		return claimBatch / 4
	default:
		return 0
	}
}

// fullQueues looks for queues of the share that are full, and returns their
// channels and how many of the share could start if only the windows counted.
func (qs *queues) fullQueues(r *room, s *share) (channels []uuid.UUID, ready int) {
	for _, q := range s.ring {
		ready += q.ready()
		few := len(q.waiting) <= 2*q.window
		q.full = q.stuck || len(q.waiting) >= perSlot*q.window || q.full && !few
		if !q.full {
			r.perChannel = max(r.perChannel, min(claimBatch, perSlot*q.window))
			continue
		}
		r.closed++
		for id := range q.channels {
			channels = append(channels, id)
		}
	}
	return channels, ready
}

// fullShare tells whether no more of the share is to be claimed.
func (qs *queues) fullShare(s *share, ready, startable int, now time.Time) bool {
	switch {
	case ready >= s.pool.limit:
		return true
	case maxQueued-qs.waiting < claimBatch/2 && s.owner.waiting > 0 && s.owner.waiting*len(qs.owners) >= qs.waiting:
		// all are full, and this one has no less than the others
		return true
	case len(s.ring) == 1 && s.waiting >= perSlot*s.pool.limit:
		// what comes through other channels most likely has the same destination
		return true
	case !s.hangs(now):
		return false
	case ready >= startable:
		return true
	}
	// Of many that hang one ends now and then: not worth a claim of two hundred.
	return s.full && s.inFlight.slow > 0 && startable < 2*eighth(s.pool.limit)
}
