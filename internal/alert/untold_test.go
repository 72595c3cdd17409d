package alert_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

// A channel that is not told of DOWN leaves no delivery, but why nobody was told.
func TestWhoDoesNotWantADownIsKept(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		codes := f.checks(1, f.Now().Add(time.Hour))
		h := f.channel(sinkConfig{To: "a", OnlyUp: true})
		f.dispatch(f.config())
		f.ping(monitor.PingFail, codes...)
		f.until("the delivery to be dropped", func() bool { return f.backlog() == 0 })
		c, err := f.CheckByCode(t.Context(), codes[0])
		if err != nil {
			t.Fatal(err)
		}
		flips, untold, err := f.FlipsAndUntold(t.Context(), c.ID, store.FlipFilter{})
		want := store.Untold{ChannelID: h.ID, Why: monitor.UntoldUnwanted}
		if err != nil || len(flips) != 1 || len(untold[flips[0].ID]) != 1 || untold[flips[0].ID][0] != want || f.sink.count() != 0 {
			t.Errorf("%+v, %d messages, %v; want %+v", untold, f.sink.count(), err, want)
		}
	})
}
