package alert

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// change is a delivery of the n-th flip, of the check.
func change(n, check int64, status monitor.Status, at time.Time) *store.Claimed {
	return &store.Claimed{
		Delivery: monitor.Delivery{ID: n, FlipID: n, CheckID: check, CreatedAt: at},
		Check:    monitor.Check{ID: check},
		Flip:     monitor.Flip{ID: n, CheckID: check, New: status, CreatedAt: at},
	}
}

func TestWhatFollowsAMessageWaits(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w := windows{}
	c := change(1, 1, monitor.StatusDown, now)
	c.ChannelID = uuid.New()
	if got := w.waits(c, nil, now); !got.IsZero() {
		t.Errorf("the first message waits until %v", got)
	}
	w.open(c.ChannelID, now, false)
	if len(w.closed(now)) > 0 {
		t.Error("claims leave a channel out of which one message has gone")
	}
	if got := w.waits(c, nil, now.Add(digestWindow-1)); !got.Equal(now.Add(digestWindow)) {
		t.Errorf("what follows waits until %v", got)
	}
	w.open(c.ChannelID, now, true)
	if got := w.closed(now); len(got) != 1 {
		t.Error("claims take what a message is just gathering")
	}
	w.sent(c.ChannelID)
	if got := w.closed(now); len(got) > 0 {
		t.Error("claims leave a channel out after its message has gone")
	}
	if got := w.waits(c, nil, now.Add(digestWindow)); !got.IsZero() {
		t.Errorf("after the window it waits until %v", got)
	}
	w.forget(now.Add(digestWindow))
	if len(w) > 0 {
		t.Error("the window is not forgotten")
	}
}

func TestAFlappingCheckWaitsToSettle(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := change(1, 1, monitor.StatusDown, now)
	c.WaitsFor = monitor.WaitsToSettle
	changed := map[int64]store.Flaps{1: {Changes: 9, Last: now.Add(-time.Minute)}}
	w := windows{}
	if got := w.waits(c, changed, now); !got.Equal(now.Add(flapSettle - time.Minute)) {
		t.Errorf("it waits until %v", got)
	}
	if got := w.waits(c, changed, now.Add(flapSettle)); !got.IsZero() {
		t.Errorf("settled, it waits until %v", got)
	}
	if got := w.waits(c, nil, now); !got.After(now) {
		t.Error("it is told though nobody knows whether it has settled")
	}
}

func TestABundleHasTheLatestOfEachCheck(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := bundleOf([]*store.Claimed{
		change(1, 1, monitor.StatusDown, now), change(2, 2, monitor.StatusDown, now), change(3, 1, monitor.StatusUp, now),
	}, nil, now)
	if len(b.events) != 2 || b.events[0].Flip.ID != 3 || b.events[1].Flip.ID != 2 || len(b.settles)+len(b.outdated) > 0 {
		t.Errorf("got %+v", b)
	}
}

func TestABundleReportsThatACheckFlaps(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	began := now.Add(-time.Minute)
	flaps := map[int64]store.Flaps{1: {Changes: 4, Downs: 2, First: began, Last: now}}
	b := bundleOf([]*store.Claimed{change(3, 1, monitor.StatusDown, now), change(4, 1, monitor.StatusUp, now)}, flaps, now)
	if len(b.events) != 1 || !b.events[0].Began() || b.events[0].Flaps.Downs != 2 || !b.events[0].Flaps.Since.Equal(began) {
		t.Fatalf("got %+v", b.events)
	}
	if until := b.settles[4]; !until.Equal(now.Add(flapSettle)) || len(b.settles) != 1 {
		t.Errorf("what waits for it to settle: %v", b.settles)
	}
}

func TestABundleReportsThatACheckHasSettled(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	waiting := change(4, 1, monitor.StatusUp, now.Add(-time.Hour))
	waiting.WaitsFor = monitor.WaitsToSettle
	deliveries := []*store.Claimed{
		waiting, change(5, 1, monitor.StatusDown, now.Add(-30*time.Minute)), change(6, 1, monitor.StatusUp, now.Add(-6*time.Minute)),
	}
	b := bundleOf(deliveries, map[int64]store.Flaps{}, now)
	if len(b.events) != 1 || b.events[0].Began() || b.events[0].Flaps.Downs != 1 || b.events[0].Status != monitor.StatusUp {
		t.Errorf("got %+v", b.events)
	}
	// A channel that does not want to know of UP has the DOWN only, which is over,
	// however long ago: no change of the last minutes says so any more.
	deliveries[1].Check.Status = monitor.StatusUp
	b = bundleOf(deliveries[:2], map[int64]store.Flaps{}, now)
	if len(b.events) > 0 || len(b.outdated) != 2 {
		t.Errorf("got %+v", b)
	}
}
