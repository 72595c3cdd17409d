package alert

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/store"
)

// fillOf adds n jobs of the owner, each for a destination of its own.
func fillOf(qs *queues, owner uuid.UUID, kind string, n int) {
	for i := range n {
		qs.add(newJobOf(owner, kind, fmt.Sprint(owner, i)))
	}
}

// flying counts what is in flight of each owner.
func flying(qs *queues, owners ...uuid.UUID) (n []int) {
	for _, id := range owners {
		o := qs.owners[id]
		if o == nil {
			n = append(n, 0)
			continue
		}
		n = append(n, o.inFlight.quick+o.inFlight.slow)
	}
	return n
}

var a, b, c = uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}

func TestOneOwnerLeavesRoomForOthersInEachKind(t *testing.T) {
	for kind, limit := range map[string]int{"webhook": 100, "email": 10, "po": 5, "other": 20} {
		qs := newQueues(usual(Limits{}))
		fillOf(qs, a, kind, 1000)
		run(qs)
		got := flying(qs, a)
		if got[0] != limit {
			t.Errorf("%s: %d in flight of one owner, want %d", kind, got[0], limit)
		}
		fillOf(qs, b, kind, 1)
		fillOf(qs, c, kind, 1)
		run(qs)
		diff := cmp.Diff([]int{limit, 1, 1}, flying(qs, a, b, c))
		if diff != "" {
			t.Errorf("%s: in flight (-want +got):\n%s", kind, diff)
		}
	}
}

// However many owners take what they can, another one finds a slot.
func TestManyGreedyOwnersLeaveRoom(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	for i := range 20 {
		fillOf(qs, uuid.UUID{9, byte(i)}, "webhook", 60)
	}
	run(qs)
	fillOf(qs, b, "webhook", 1)
	run(qs)
	got := flying(qs, b)
	if got[0] != 1 {
		t.Errorf("beside %d, the other owner has nothing in flight", qs.total.all.quick)
	}
}

// Who has much that hangs gets slow slots only, until it has not for a while.
func TestAnOwnerWhoseDeliveriesHangLeavesTheQuickSlots(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	fillOf(qs, a, "webhook", 1000)
	now := start
	for range 10 {
		for j := qs.next(now); j != nil; j = qs.next(now) {
			continue
		}
		now = now.Add(slow + 1)
		qs.makeRoom(now)
	}
	want := (flights{slow: 300})
	if qs.total.all != want {
		t.Errorf("in flight %+v, want %+v", qs.total.all, want)
	}
	s := qs.shares[store.OwnerKind{Owner: a, Kind: "webhook"}]
	for _, q := range append([]*queue(nil), s.ring...) {
		for _, j := range append([]*job(nil), q.inFlight...) {
			qs.done(j)
		}
	}
	qs.late(time.Time{})
	fillOf(qs, a, "webhook", 4)
	_, got := run(qs)
	if len(got) != 4 || qs.total.all != (flights{slow: 4}) {
		t.Errorf("soon after: in flight %+v, want 4 slow", qs.total.all)
	}
	for _, q := range append([]*queue(nil), s.ring...) {
		qs.done(q.inFlight[0])
	}
	qs.makeRoom(now.Add(slowMemory + 1))
	if len(qs.shares) != 0 || len(qs.owners) != 0 || len(qs.ring) != 0 || len(qs.destinations) != 0 {
		t.Errorf("%d shares, %d owners, %d destinations are remembered", len(qs.shares), len(qs.owners), len(qs.destinations))
	}
}

// Three that hang are no reason to treat an owner's others as if they did.
func TestAFewThatHangKeepTheirOwnerQuick(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	fillOf(qs, a, "webhook", manyHang-1)
	run(qs)
	now := start.Add(slow + 1)
	qs.makeRoom(now)
	qs.add(newJobOf(a, "webhook", "well"))
	j := qs.next(now)
	if j == nil || j.slow {
		t.Errorf("the next one is %+v, want it in a quick slot", j)
	}
}

// What one owner has at a destination does not fill it for others.
func TestADestinationIsSharedByItsOwners(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	add := func(owner uuid.UUID, n int) {
		for range n {
			qs.add(newJobOf(owner, "webhook", "hooks.example.org"))
		}
	}
	add(a, 200)
	run(qs)
	add(b, 1)
	jobs, _ := run(qs)
	if len(jobs) != 1 || jobs[0].Owner.ID != b {
		t.Fatalf("%d start beside what another owner has there", len(jobs))
	}
	// it failed, and that is no reason to slow the other one down
	qs.done(jobs[0])
	q := qs.shares[store.OwnerKind{Owner: a, Kind: "webhook"}].ring[0]
	if q.window != 4 {
		t.Errorf("window %d of the other owner, want 4", q.window)
	}
}

// What one owner has ready closes claims for that owner, and only of that kind.
func TestClaimsLeaveOutTheOwnerThatHasEnough(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	fillOf(qs, a, "webhook", 150)
	fillOf(qs, a, "email", 2)
	fillOf(qs, b, "webhook", 10)
	want := room{limit: claimBatch, perChannel: perChannel, notOwners: []store.OwnerKind{{Owner: a, Kind: "webhook"}}, closed: 1}
	diff := cmp.Diff(want, qs.room(start), cmp.AllowUnexported(room{}))
	if diff != "" {
		t.Errorf("room (-want +got):\n%s", diff)
	}
	for i := range 8 {
		fillOf(qs, uuid.UUID{9, byte(i)}, "webhook", 30)
	}
	got := qs.room(start).notKinds
	if cmp.Diff([]string{"webhook"}, got) != "" {
		t.Errorf("closed kinds %v, want webhook: several owners have enough for all slots", got)
	}
}

// Owners whose deliveries hang and fill the queues do not keep others from being claimed.
func TestAFullDispatcherStillClaimsForOthers(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	now := start
	for i := range 30 {
		fillOf(qs, uuid.UUID{9, byte(i)}, "webhook", 66+40)
	}
	for range 10 {
		for j := qs.next(now); j != nil; j = qs.next(now) {
			continue
		}
		now = now.Add(slow + 1)
		for _, s := range qs.ring {
			for _, q := range s.ring {
				for _, j := range q.inFlight {
					qs.makeSlow(s, j)
				}
			}
			s.slowUntil = now.Add(slowMemory)
		}
	}
	fillOf(qs, b, "email", 1)
	r := qs.room(now)
	if len(r.notOwners) != 30 || r.limit != claimBatch/4 {
		t.Errorf("%d wait: %d owners are left out, %d are claimed", qs.waiting, len(r.notOwners), r.limit)
	}
}

// Ten thousand of one owner for one destination, each through a channel of its own,
// are not claimed and given back in turn.
func TestAnOwnerWithManyChannelsToOneDestinationIsLeftOut(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	for range 40 {
		j := newJobOf(a, "po", "pushover")
		j.ChannelID = uuid.New()
		qs.add(j)
	}
	run(qs)
	r := qs.room(start)
	if r.notOwners != nil {
		t.Fatalf("left out with 36 waiting for 5 slots: %v", r.notOwners)
	}
	for range 4 {
		qs.add(newJobOf(a, "po", "pushover"))
	}
	if r := qs.room(start); len(r.notOwners) != 1 {
		t.Errorf("left out with 40 waiting for 5 slots: %v", r.notOwners)
	}
	qs.add(newJobOf(a, "po", "elsewhere"))
	if r := qs.room(start); r.notOwners != nil {
		t.Errorf("left out although there is another destination: %v", r.notOwners)
	}
}

// Where nothing waits a claim is small and cheap; it is large once there was more.
func TestAClaimIsCalmUntilItFindsAFlood(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	r := qs.room(start)
	if !r.calm || r.limit != calmBatch {
		t.Errorf("room at rest %+v", r)
	}
	qs.flood = true
	if r := qs.room(start); r.calm || r.limit != claimBatch {
		t.Errorf("room in a flood %+v", r)
	}
	qs.flood = false
	fillOf(qs, a, "webhook", 1)
	if r := qs.room(start); r.calm || r.limit != claimBatch {
		t.Errorf("room with some that wait %+v", r)
	}
}
