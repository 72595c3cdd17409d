package alert

import (
	"strconv"
	"testing"
	"time"
)

func TestADestinationWorksAgainOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	r := newReach()
	want := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: works again: %v, want %v", what, got, want)
		}
	}
	want("after the start, when nothing is known", r.worked("a", now), true)
	want("the next one", r.worked("a", now), false)
	fails := func(after time.Duration) bool { return r.failed("a", now.Add(after), now.Add(after)) }
	fails(30 * time.Second)
	want("after a failure between successes", r.worked("a", now.Add(40*time.Second)), false)
	fails(2 * time.Minute)
	want("another destination", r.worked("b", now.Add(2*time.Minute)), true)
	want("after an outage", r.worked("a", now.Add(3*time.Minute)), true)
	want("the next one after an outage", r.worked("a", now.Add(3*time.Minute)), false)
	// What was under way when it came back, and fails after that, comes at once, too.
	want("an attempt that hung meanwhile", r.failed("a", now.Add(150*time.Second), now.Add(195*time.Second)), true)
	want("the attempt after it", r.failed("a", now.Add(196*time.Second), now.Add(197*time.Second)), false)
	for i := range 3 * reachSize {
		r.worked(strconv.Itoa(i), now)
	}
	if len(r.at) > reachSize {
		t.Errorf("%d destinations are remembered", len(r.at))
	}
	want("one that was forgotten", r.worked("a", now.Add(3*time.Minute)), true)
}
