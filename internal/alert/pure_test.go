package alert

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

func TestPausesGrowUntilHalfADayHasPassed(t *testing.T) {
	for _, random := range []float64{0, 0.5, 1} {
		var age, last time.Duration
		attempt := 1
		for ; ; attempt++ {
			pause, again := pauseAfter(attempt, age, 0, random)
			if !again {
				break
			}
			if pause < last {
				t.Errorf("pause %v after attempt %d is shorter than the one before, %v", pause, attempt, last)
			}
			age = age + pause
			last = pause
		}
		if attempt < 10 || age < 8*time.Hour || age > maxAge {
			t.Errorf("random %v: given up after attempt %d and %v", random, attempt, age)
		}
	}
}

func TestPauses(t *testing.T) {
	for _, test := range []struct {
		attempt    int
		age, asked time.Duration
		want       time.Duration
		again      bool
	}{
		{attempt: 1, want: 10 * time.Second, again: true},
		{attempt: 2, want: 30 * time.Second, again: true},
		{attempt: 1, asked: 5 * time.Second, want: 10 * time.Second, again: true},
		{attempt: 1, asked: time.Hour, want: time.Hour, again: true},
		{attempt: 1, asked: 1000 * time.Hour, want: 6 * time.Hour, again: true},
		{attempt: 8, age: 10 * time.Hour, asked: 5 * time.Hour, want: 5 * time.Hour, again: false},
		{attempt: 11, want: 4 * time.Hour, again: true},
		// leases that ran out count as attempts
		{attempt: 40, age: time.Hour, want: 4 * time.Hour, again: true},
		{attempt: 1, age: 30 * time.Hour, want: 10 * time.Second, again: false},
	} {
		got, again := pauseAfter(test.attempt, test.age, test.asked, 0.5)
		if got != test.want || again != test.again {
			t.Errorf("attempt %d, age %v, asked %v: %v, %v; want %v, %v", test.attempt, test.age, test.asked, got, again, test.want, test.again)
		}
	}
}

func TestThoseThatFailedTogetherAreNotTriedTogether(t *testing.T) {
	for random, want := range map[float64]time.Duration{0: 54 * time.Minute, 0.5: time.Hour, 1: 66 * time.Minute} {
		got, _ := pauseAfter(7, 0, 0, random)
		if got != want {
			t.Errorf("random %v: %v, want %v", random, got, want)
		}
	}
}

// usual are limits with those of the kinds that the tests speak of.
func usual(l Limits) Limits {
	perKind := map[string]int{"email": 10, "webhook": 100, "po": 5}
	maps.Copy(perKind, l.PerKind)
	l.PerKind = perKind
	return l
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newJob(kind, destination string) *job {
	return newJobOf(uuid.Nil, kind, destination)
}

func newJobOf(owner uuid.UUID, kind, destination string) *job {
	c := &store.Claimed{Channel: monitor.Channel{Kind: kind, Config: destination}, Owner: store.Owner{ID: owner}}
	c.ChannelID = uuid.NewSHA1(uuid.Nil, []byte(kind+destination))
	return &job{Claimed: c, destination: destination, startBy: start.Add(15 * time.Second)}
}

// fill adds n jobs and returns how many had room.
func fill(qs *queues, kind, destination string, n int) (added int) {
	for range n {
		if qs.add(newJob(kind, destination)) {
			added++
		}
	}
	return added
}

// run starts all that may start and counts it by destination.
func run(qs *queues) (jobs []*job, count map[string]int) {
	count = map[string]int{}
	for j := qs.next(start); j != nil; j = qs.next(start) {
		jobs = append(jobs, j)
		count[j.Channel.Config]++
	}
	return jobs, count
}

func TestLanesTakeTurnsWithinTheLimits(t *testing.T) {
	qs := newQueues(usual(Limits{Total: 12, PerKind: map[string]int{"po": 3}}))
	fill(qs, "webhook", "slow.example", 50)
	fill(qs, "webhook", "other.example", 2)
	fill(qs, "po", "a", 2)
	fill(qs, "po", "b", 2)
	jobs, got := run(qs)
	if got["slow.example"] != 4 || got["other.example"] != 2 || got["a"]+got["b"] != 3 {
		t.Errorf("in flight: %v", got)
	}
	for _, j := range jobs {
		if j.Channel.Config == "a" {
			j.worked = true
			qs.done(j)
			break
		}
	}
	if _, got := run(qs); got["a"]+got["b"] != 1 {
		t.Errorf("after one has ended: %v", got)
	}
	fill(qs, "webhook", "third.example", 10)
	if _, got := run(qs); got["third.example"] != 3 {
		t.Errorf("%v, want 3: the total is 12", got)
	}
}

// What hangs makes room for others of its kind and of other kinds, but not without end.
func TestWhatHangsMakesRoom(t *testing.T) {
	qs := newQueues(usual(Limits{Total: 12, PerKind: map[string]int{"webhook": 10}}))
	for i := range 8 {
		fill(qs, "webhook", fmt.Sprint(i), 5)
	}
	fill(qs, "po", "a", 2)
	var all []*job
	begin := func(want int) {
		t.Helper()
		jobs, _ := run(qs)
		all = append(all, jobs...)
		if len(jobs) != want {
			t.Fatalf("%d start beside %d, want %d", len(jobs), len(all)-len(jobs), want)
		}
		qs.makeRoom(start.Add(slow))
		if jobs, _ := run(qs); len(jobs) != 0 {
			t.Fatalf("%d start before their time", len(jobs))
		}
		out := qs.makeRoom(start.Add(stuck))
		if len(out) != 0 {
			t.Fatalf("%d are released before their time", len(out))
		}
	}
	// At first all quick slots, then all slow ones; po has no more.
	for _, want := range []int{12, 20, 0} {
		begin(want)
	}
	// What waits behind them is given back, and nothing more is claimed for them.
	released := len(qs.makeRoom(start.Add(stuck + 1)))
	r := qs.room(start)
	want := []store.OwnerKind{{Kind: "webhook"}}
	if released != 10 || qs.waiting != 0 || cmp.Diff(want, r.notOwners) != "" {
		t.Errorf("%d are released, %d are left, closed are %v", released, qs.waiting, r.notOwners)
	}
	fill(qs, "webhook", "another", 4)
	begin(0)
	// each makes room when it ends, slow or not
	qs.done(all[0])
	jobs, _ := run(qs)
	if len(jobs) != 1 {
		t.Errorf("%d start after one has ended, want 1", len(jobs))
	}
	for _, j := range append(all[1:], jobs...) {
		qs.done(j)
	}
	left := qs.kind("webhook").all
	if qs.total.all != (flights{}) || left != (flights{}) {
		t.Errorf("%+v, of them webhooks %+v, are in flight when all have ended", qs.total.all, left)
	}
}

func TestALaneWidensWithSuccessAndShrinksToOneAfterAFailure(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	fill(qs, "webhook", "x", 200)
	inFlight, _ := run(qs)
	for range 40 {
		inFlight[0].worked = true
		qs.done(inFlight[0])
		started, _ := run(qs)
		inFlight = append(inFlight[1:], started...)
	}
	if len(inFlight) != 32 {
		t.Errorf("%d in flight after many successes, want 32", len(inFlight))
	}
	for i, j := range inFlight {
		j.worked = false
		qs.done(j)
		started, _ := run(qs)
		wantNone := i < 31
		if wantNone != (len(started) == 0) {
			t.Fatalf("after %d failures %d start", i+1, len(started))
		}
	}
}

// A destination that keeps up is given whole claims, so that a flood for it takes
// few of them; one that nobody knows yet gets no crowd of leases.
func TestQuickDestinationsGetLargerClaims(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	r := qs.room(start)
	if r.perChannel != perChannel {
		t.Errorf("%d of one channel when nothing is known", r.perChannel)
	}
	fill(qs, "webhook", "quick", 100)
	for qs.waiting > 10 {
		jobs, _ := run(qs)
		for _, j := range jobs {
			j.worked = true
			qs.done(j)
		}
	}
	if r := qs.room(start); r.perChannel != claimBatch {
		t.Errorf("%d of one channel beside a quick destination, want %d", r.perChannel, claimBatch)
	}
}

func TestFullLanesAreLeftOutOfClaims(t *testing.T) {
	qs := newQueues(usual(Limits{}))
	fill(qs, "webhook", "flood", 60)
	fill(qs, "webhook", "calm", 1)
	flood := newJob("webhook", "flood").ChannelID
	r := qs.room(start)
	if cmp.Diff([]uuid.UUID{flood}, r.notChannels) != "" || r.limit != claimBatch || r.closed != 1 {
		t.Errorf("room %+v", r)
	}
	fill(qs, "email", "many recipients", 3)
	for i := range 10 {
		fill(qs, "email", fmt.Sprint(i), 1)
	}
	if r := qs.room(start); cmp.Diff([]store.OwnerKind{{Kind: "email"}}, r.notOwners) != "" || r.notKinds != nil || r.closed != 2 {
		t.Errorf("room with a kind of which one owner has enough %+v", r)
	}
	added := fill(qs, "webhook", "flood", 1000)
	if added != perSlot*4+claimBatch-60 {
		t.Errorf("%d more had room in a full lane", added)
	}
	got := len(qs.late(start.Add(15 * time.Second)))
	if got != 0 {
		t.Errorf("%d late before their time", got)
	}
	if got := len(qs.late(start.Add(16 * time.Second))); got != 60+1+13+perSlot*4+claimBatch-60 || qs.waiting != 0 || len(qs.ring) != 0 {
		t.Errorf("%d late, %d left in %d lanes", got, qs.waiting, len(qs.ring))
	}
	if r := qs.room(start); r.closed != 0 || r.notChannels != nil {
		t.Errorf("room when all is empty: %+v", r)
	}
}
