package alert

import (
	"maps"
	"time"

	"punctual/internal/notify"
)

// Limits bound what one owner may have in flight at once. Zero fields take the
// defaults. All owners together may have a third more, and nobody more than
// three times what is free: whatever some owners do, another one finds room.
// What has been in flight for more than a second no longer counts for Total and
// PerKind, for it costs little to wait; with these together it may be four times
// as many.
type Limits struct {
	// Total is of all kinds; 200.
	Total int
	// PerKind is of one kind, where that is not what the kind itself declares
	// (notify.Kind.AtOnce); 20 of a kind that nobody knows.
	PerKind map[string]int

	// A destination begins with PerDestination at once (4). Each success while
	// others wait allows one more, up to MaxPerDestination (32); a failure leaves
	// it one: a fast receiver is not held back, a dead one gets no crowd.
	PerDestination, MaxPerDestination int
}

func (l Limits) withDefaults() Limits {
	if l.Total == 0 {
		l.Total = 200
	}
	if l.PerDestination == 0 {
		l.PerDestination = 4
	}
	if l.MaxPerDestination == 0 {
		l.MaxPerDestination = max(32, l.PerDestination)
	}
	return l
}

// withKinds adds what the kinds of a registry declare.
func (l Limits) withKinds(r *notify.Registry) Limits {
	perKind := map[string]int{}
	for _, name := range r.Kinds() {
		perKind[name] = r.Kind(name).AtOnce
	}
	maps.Copy(perKind, l.PerKind)
	l.PerKind = perKind
	return l
}

func (l Limits) ofKind(kind string) int {
	n := l.PerKind[kind]
	if n > 0 {
		return n
	}
	return 20
}

const (
	// deliveries per claim
	claimBatch = 200
	// where nothing waits and the last claim has found fewer
	calmBatch = 50
	// of one channel per claim, until its destination is known to be quick
	perChannel = 64
	// deliveries leased and waiting for their turn
	maxQueued = 2000
	// deliveries that may wait for each slot of a destination
	perSlot = 8

	// In flight for longer, a delivery makes room for others.
	slow = time.Second
	// A destination is stuck when all that may be in flight has been for longer, and
	// an owner when most of it has.
	stuck = 3 * time.Second
	// Times the limits, there is room for what hangs.
	slowSlots = 3
	// Times the limits are the most in flight.
	crowded = slowSlots + 1
	// An owner with so many in flight that hang is served by the slow slots alone,
	// for so long.
	manyHang   = 4
	slowMemory = 5 * time.Minute
)

// flights counts what is in flight, by the slots it takes.
type flights struct{ quick, slow int }

func (f *flights) add(slow bool, n int) {
	if slow {
		f.slow += n
	} else {
		f.quick += n
	}
}

// pool has the slots that owners share: of one kind, or of all.
type pool struct {
	// what one owner may have
	limit int
	all   flights
}

// ofAll is how many slots there are where an owner may have limit.
func ofAll(limit int) int { return limit + (limit+2)/3 }

// fairShare is how many of all slots an owner may take: three times those that are
// free. One that takes what it can leaves a quarter; two leave a seventh each.
func fairShare(all, taken int) int { return 3 * max(0, all-taken) }

// startable is how many more an owner may start, with own in flight.
func (p *pool) startable(own flights, slow bool) int {
	if slow {
		return max(0, min(slowSlots*p.limit, fairShare(slowSlots*ofAll(p.limit), p.all.slow))-own.slow)
	}
	return max(0, min(p.limit, fairShare(ofAll(p.limit), p.all.quick), crowded*p.limit-own.slow)-own.quick)
}
