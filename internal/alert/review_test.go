package alert_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/alert"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// Operators hear of each time in which nobody takes pings, also when the watcher that told
// them of the one before was restarted in it.
func TestOperatorsHearOfTheNextOutageToo(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		told := 0
		cfg := f.config()
		cfg.NotifyOperators = func(title, _ string) {
			if strings.Contains(title, "No pings") {
				told++
			}
		}
		round := func(w *alert.Watcher) {
			t.Helper()
			if _, err := w.RunOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		starts := func() *monitor.Taker {
			t.Helper()
			taker := &monitor.Taker{ID: uuid.New(), Place: "here", Role: "serve", Ways: monitor.WayHTTP, BeganAt: f.clock.Now()}
			if err := f.SignTaker(t.Context(), taker, store.Sign{Mark: f.clock.Now()}); err != nil {
				t.Fatal(err)
			}
			return taker
		}
		stops := func(taker *monitor.Taker) {
			t.Helper()
			if err := f.TakerStopped(t.Context(), taker, store.Sign{Mark: f.clock.Now()}); err != nil {
				t.Fatal(err)
			}
			f.clock.Advance(time.Minute)
		}
		stops(starts())
		round(alert.NewWatcher(cfg))
		if told != 1 {
			t.Fatalf("told %d times of the first", told)
		}
		second := starts()
		w := alert.NewWatcher(cfg)
		round(w)
		f.clock.Advance(time.Hour)
		stops(second)
		round(w)
		if told != 2 {
			t.Error("not told of the second")
		}
	})
}
