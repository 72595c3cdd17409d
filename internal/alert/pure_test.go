package alert

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/notify"
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
			age, last = age+pause, pause
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
		{attempt: 40, age: time.Hour, want: 4 * time.Hour, again: true}, // leases that ran out count as attempts
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
		if got, _ := pauseAfter(7, 0, 0, random); got != want {
			t.Errorf("random %v: %v, want %v", random, got, want)
		}
	}
}

// named is a notifier that only knows its destination: the config.
type named struct{ notify.Notifier }

func (named) Destination(config string) string { return config }

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newJob(kind, destination string) *job {
	c := &store.Claimed{Channel: monitor.Channel{Kind: kind, Config: destination}}
	c.ChannelID = uuid.NewSHA1(uuid.Nil, []byte(kind+destination))
	return &job{Claimed: c, notifier: named{}, startBy: start.Add(15 * time.Second)}
}

// fill adds n jobs and returns how many had room.
func fill(ls *lanes, kind, destination string, n int) (added int) {
	for range n {
		if ls.add(newJob(kind, destination)) {
			added++
		}
	}
	return added
}

// run starts all that may start and counts it by destination.
func run(ls *lanes) (jobs []*job, count map[string]int) {
	count = map[string]int{}
	for j := ls.next(start); j != nil; j = ls.next(start) {
		jobs = append(jobs, j)
		count[j.Channel.Config]++
	}
	return jobs, count
}

func TestLanesTakeTurnsWithinTheLimits(t *testing.T) {
	ls := newLanes(Limits{Total: 12, PerKind: map[string]int{"po": 3}})
	fill(ls, "webhook", "slow.example", 50)
	fill(ls, "webhook", "other.example", 2)
	fill(ls, "po", "a", 2)
	fill(ls, "po", "b", 2)
	jobs, got := run(ls)
	if got["slow.example"] != 4 || got["other.example"] != 2 || got["a"]+got["b"] != 3 {
		t.Errorf("in flight: %v", got)
	}
	for _, j := range jobs {
		if j.Channel.Config == "a" {
			j.worked = true
			ls.done(j)
			break
		}
	}
	if _, got := run(ls); got["a"]+got["b"] != 1 {
		t.Errorf("after one has ended: %v", got)
	}
	fill(ls, "webhook", "third.example", 10)
	if _, got := run(ls); got["third.example"] != 3 {
		t.Errorf("%v, want 3: the total is 12", got)
	}
}

// What hangs makes room for others of its kind and of other kinds, but not without end.
func TestWhatHangsMakesRoom(t *testing.T) {
	ls := newLanes(Limits{Total: 12, PerKind: map[string]int{"webhook": 10}})
	for i := range 8 {
		fill(ls, "webhook", fmt.Sprint(i), 5)
	}
	fill(ls, "po", "a", 2)
	var all []*job
	begin := func(want int) {
		t.Helper()
		jobs, _ := run(ls)
		if all = append(all, jobs...); len(jobs) != want {
			t.Fatalf("%d start beside %d, want %d", len(jobs), len(all)-len(jobs), want)
		}
		ls.makeRoom(start.Add(slow))
		if jobs, _ := run(ls); len(jobs) != 0 {
			t.Fatalf("%d start before their time", len(jobs))
		}
		if out := ls.makeRoom(start.Add(stuck)); len(out) != 0 {
			t.Fatalf("%d are released before their time", len(out))
		}
	}
	for _, want := range []int{12, 10, 10, 2, 0} {
		begin(want)
	}
	// Of each destination four hang, and the fifth is given back.
	released := len(ls.makeRoom(start.Add(stuck + 1)))
	if r := ls.room(); released != 8 || ls.queued != 0 || len(r.notChannels) != 8 {
		t.Errorf("%d are released, %d are left, %d channels are closed", released, ls.queued, len(r.notChannels))
	}
	for i := range 12 {
		fill(ls, "webhook", fmt.Sprint("another ", i), 1)
	}
	begin(8)
	begin(0)
	ls.done(all[0]) // each makes room when it ends, slow or not
	jobs, _ := run(ls)
	if len(jobs) != 1 {
		t.Errorf("%d start after one has ended, want 1", len(jobs))
	}
	for _, j := range append(all[1:], jobs...) {
		ls.done(j)
	}
	if left := *ls.kind("webhook"); ls.inFlight != (flights{}) || left != (flights{}) {
		t.Errorf("%+v, of them webhooks %+v, are in flight when all have ended", ls.inFlight, left)
	}
}

func TestALaneWidensWithSuccessAndShrinksToOneAfterAFailure(t *testing.T) {
	ls := newLanes(Limits{})
	fill(ls, "webhook", "x", 200)
	inFlight, _ := run(ls)
	for range 40 {
		inFlight[0].worked = true
		ls.done(inFlight[0])
		started, _ := run(ls)
		inFlight = append(inFlight[1:], started...)
	}
	if len(inFlight) != 32 {
		t.Errorf("%d in flight after many successes, want 32", len(inFlight))
	}
	for i, j := range inFlight {
		j.worked = false
		ls.done(j)
		started, _ := run(ls)
		if wantNone := i < 31; wantNone != (len(started) == 0) {
			t.Fatalf("after %d failures %d start", i+1, len(started))
		}
	}
}

// A destination that keeps up is given whole claims, so that a flood for it takes
// few of them; one that nobody knows yet gets no crowd of leases.
func TestQuickDestinationsGetLargerClaims(t *testing.T) {
	ls := newLanes(Limits{})
	if r := ls.room(); r.perChannel != perChannel {
		t.Errorf("%d of one channel when nothing is known", r.perChannel)
	}
	fill(ls, "webhook", "quick", 100)
	for ls.queued > 10 {
		jobs, _ := run(ls)
		for _, j := range jobs {
			j.worked = true
			ls.done(j)
		}
	}
	if r := ls.room(); r.perChannel != claimBatch {
		t.Errorf("%d of one channel beside a quick destination, want %d", r.perChannel, claimBatch)
	}
}

func TestFullLanesAreLeftOutOfClaims(t *testing.T) {
	ls := newLanes(Limits{})
	fill(ls, "webhook", "flood", 60)
	fill(ls, "webhook", "calm", 1)
	flood := newJob("webhook", "flood").ChannelID
	if r := ls.room(); cmp.Diff([]uuid.UUID{flood}, r.notChannels) != "" || r.limit != claimBatch || r.closed != 1 {
		t.Errorf("room %+v", r)
	}
	fill(ls, "email", "many recipients", 3)
	for i := range 10 {
		fill(ls, "email", fmt.Sprint(i), 1)
	}
	if r := ls.room(); cmp.Diff([]string{"email"}, r.notKinds) != "" || r.closed != 2 {
		t.Errorf("room with a full kind %+v", r)
	}
	if added := fill(ls, "webhook", "flood", 1000); added != perSlot*4+claimBatch-60 {
		t.Errorf("%d more had room in a full lane", added)
	}
	if got := len(ls.late(start.Add(15 * time.Second))); got != 0 {
		t.Errorf("%d late before their time", got)
	}
	if got := len(ls.late(start.Add(16 * time.Second))); got != 60+1+13+perSlot*4+claimBatch-60 || ls.queued != 0 || len(ls.ring) != 0 {
		t.Errorf("%d late, %d left in %d lanes", got, ls.queued, len(ls.ring))
	}
	if r := ls.room(); r.closed != 0 || r.notChannels != nil {
		t.Errorf("room when all is empty: %+v", r)
	}
}
