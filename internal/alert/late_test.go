package alert

import (
	"log/slog"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/testdb"
)

// What has waited so long that its lease could run out while it is sent is given
// back, also between two looks for such deliveries: another one could send it too.
func TestWhatHasWaitedTooLongIsGivenBack(t *testing.T) {
	s := testdb.Open(t, db.SQLite, testdb.NewClock())
	for late, want := range map[time.Duration]int{0: 1, time.Nanosecond: 0} {
		d := NewDispatcher(Config{Store: s, Registry: kindtest.Registry(notify.Env{}, nil), Log: slog.New(slog.DiscardHandler)})
		j := newJobOf(a, "webhook", "hooks.example.org")
		j.startBy = s.Now().Add(-late)
		d.queues.add(j)
		d.start(t.Context())
		n := d.queues.total.all.quick
		if n != want {
			t.Errorf("%v too late: %d in flight, want %d", late, n, want)
		}
		if want == 1 {
			<-d.done
			continue
		}
		given := d.recorder.take()
		if len(given) != 1 || given[0].Verdict != store.Released {
			t.Errorf("given back: %+v", given)
		}
		q := d.queues.shares
		if len(q) != 0 {
			t.Errorf("%d shares are remembered", len(q))
		}
	}
}
