package store

import (
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// knownChecks remembers the checks that were pinged last, each with the version
// of its row, so that the next ping of one need not read it first. It may be out
// of date: others write checks too. Whoever writes on the strength of it makes
// the write depend on the version.
//
// It holds two generations of checks. When the young one is full it becomes the
// old one, and the old one is forgotten but for what was asked for since.
type knownChecks struct {
	mu         sync.Mutex
	young, old map[uuid.UUID]knownCheck

	// batches to come for which it is not worth asking
	distrust atomic.Int32
}

type knownCheck struct {
	// only what hotCheck says; shared, so never changed
	check *monitor.Check
	// the transaction that wrote the row (PostgreSQL: xmin)
	version uint32
}

// knownGeneration is how many checks a generation holds, about half a kilobyte each.
const knownGeneration = 4096

// A batch of which more than every fourth ping was of a check that somebody else
// had changed tells that others take pings of the same checks. Then it is cheaper
// to read first, and for many batches nothing is taken for known.
const (
	distrustShare   = 4
	distrustBatches = 64
)

func (k *knownChecks) learn(batch, stale int) {
	if stale*distrustShare > batch {
		k.distrust.Store(distrustBatches)
	}
}

// trusted tells whether to record the next batch on the strength of what is known.
func (k *knownChecks) trusted() bool {
	return k.distrust.Load() <= 0 || k.distrust.Add(-1) < 0
}

// of returns the checks of a batch that are known, and the codes of the others,
// each once.
func (k *knownChecks) of(batch []*Arrival) (known []knownCheck, unknown []uuid.UUID) {
	known = make([]knownCheck, 0, len(batch))
	asked := make(map[uuid.UUID]bool, len(batch))
	for _, a := range batch {
		if asked[a.Code] {
			continue
		}
		asked[a.Code] = true
		c, ok := k.get(a.Code)
		if ok {
			known = append(known, c)
		} else {
			unknown = append(unknown, a.Code)
		}
	}
	return known, unknown
}

func (k *knownChecks) get(code uuid.UUID) (knownCheck, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c, ok := k.young[code]; ok {
		return c, true
	}
	c, ok := k.old[code]
	if ok {
		k.keep(c)
	}
	return c, ok
}

func (k *knownChecks) put(c knownCheck) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keep(c)
}

func (k *knownChecks) keep(c knownCheck) {
	if k.young == nil || len(k.young) >= knownGeneration {
		k.old = k.young
		k.young = make(map[uuid.UUID]knownCheck)
	}
	k.young[c.check.Code] = c
}

func (k *knownChecks) forget(code uuid.UUID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.young, code)
	delete(k.old, code)
}

func (k *knownChecks) forgetAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.young = nil
	k.old = nil
}
