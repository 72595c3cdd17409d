package alert_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/notify"

	"github.com/google/uuid"
)

// An alert that has been tried in vain for hours does not wait for its next try, hours
// away, when something arrives at its destination again.
func TestWhatWaitsForADestinationIsSentWhenItWorksAgain(t *testing.T) {
	for name, test := range map[string]struct {
		what  notify.Away
		where string
	}{
		"the same destination":          {notify.DestinationAway, "a"},
		"another one, of the same kind": {notify.KindAway, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, f *fixture) {
				var away atomic.Bool
				away.Store(true)
				f.sink.answer = func(context.Context, notify.Event) error {
					if !away.Load() {
						return nil
					}
					return &notify.Error{Message: "The server refused the connection.", Away: test.what}
				}
				codes := f.checks(2, f.Now().AddDate(0, 1, 0))
				f.channel(sinkConfig{To: "a"})
				f.ping(monitor.PingFail, codes[0])
				cfg := f.config()
				// The pauses are no lease then.
				cfg.Random = func() float64 { return 0.25 }
				f.dispatch(cfg)
				f.until("the first attempt", func() bool { return f.waits(codes[0], 1) })
				for n := 2; n <= 6; n++ {
					f.later(2*time.Hour + time.Minute)
					f.until("another attempt", func() bool { return f.waits(codes[0], n) })
				}
				away.Store(false)
				f.channel(sinkConfig{To: test.where})
				f.ping(monitor.PingFail, codes[1])
				f.until("both to be sent, without any time passing", func() bool { return f.backlog() == 0 })
			})
		})
	}
}

// waits tells whether the delivery of a check has been tried n times in vain, and waits to be tried again.
func (f *fixture) waits(code uuid.UUID, n int) bool {
	f.Helper()
	list := f.deliveries(code)
	if len(list) == 0 {
		return false
	}
	d := list[0]
	leased := d.NextTryAt.Sub(f.Now()) == time.Minute
	return d.Attempts == n && d.LastError != "" && f.sink.count() == n && !leased
}
