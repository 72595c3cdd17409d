package alert_test

import (
	"context"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/notify"
)

// While operators hold all alerts nothing is sent; then one message says what is still
// true, and of what is over that it was.
func TestHeldAlertsAreToldInOneMessageAtTheRelease(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.sink.digests = true
		codes := f.checks(3, f.Now().Add(100*time.Hour))
		f.channel(sinkConfig{To: "a"})
		if err := f.HoldAlerts(t.Context(), "jane", "", time.Time{}); err != nil {
			t.Fatal(err)
		}
		f.dispatch(f.config())
		f.ping(monitor.PingFail, codes...)
		for range 20 {
			f.later(time.Second)
		}
		f.ping(monitor.PingSuccess, codes[0])
		for range 20 {
			f.later(time.Second)
		}
		if n := f.sink.count(); n != 0 || f.backlog() != 4 {
			t.Fatalf("%d messages while alerts are held, %d deliveries wait; want 0 and 4", n, f.backlog())
		}
		if _, err := f.ReleaseAlerts(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.until("all to be told", func() bool { return f.backlog() == 0 })
		messages := f.sink.digested()
		if len(messages) != 1 || named(messages, monitor.StatusDown) != 2 || named(messages, monitor.StatusUp) != 1 {
			t.Errorf("%d messages name %d down and %d up, want 1, 2 and 1", len(messages), named(messages, monitor.StatusDown),
				named(messages, monitor.StatusUp))
		}
	})
}

// A delivery is not given up for having been held.
func TestWhatWasHeldForLongIsTriedAsOftenAsEver(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.sink.answer = refuse(1)
		codes := f.checks(1, f.Now().Add(1000*time.Hour))
		f.channel(sinkConfig{To: "a"})
		if err := f.HoldAlerts(t.Context(), "jane", "", f.Now().Add(48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		f.ping(monitor.PingFail, codes...)
		f.clock.Advance(48 * time.Hour)
		f.dispatch(f.config())
		f.until("the first attempt", func() bool { return f.sink.count() == 1 })
		f.pass(time.Minute)
		if !f.with(codes[0], 1, monitor.DeliverySent) {
			t.Errorf("%+v", f.deliveries(codes[0]))
		}
	})
}

// What a process has claimed and not begun when the hold comes is given back.
func TestAHoldTakesBackWhatHasNotBegun(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		open := make(chan struct{})
		f.sink.answer = func(ctx context.Context, _ notify.Event) error {
			select {
			case <-open:
			case <-ctx.Done():
			}
			return ctx.Err()
		}
		codes := f.checks(200, f.Now().Add(100*time.Hour))
		f.channel(sinkConfig{To: "a"})
		f.dispatch(f.config())
		f.ping(monitor.PingFail, codes...)
		f.until("some to be in flight", func() bool { return f.sink.count() > 0 })
		if err := f.HoldAlerts(t.Context(), "jane", "", time.Time{}); err != nil {
			t.Fatal(err)
		}
		f.until("the rest to be given back", func() bool { return leased(f) == f.sink.count() })
		began := f.sink.count()
		close(open)
		f.until("what was in flight to end", func() bool { return f.backlog() == len(codes)-began })
		for range 10 {
			f.later(time.Second)
		}
		if n := f.sink.count(); n != began {
			t.Errorf("%d were sent, want the %d that were in flight", n, began)
		}
	})
}

// leased is how many deliveries somebody has taken.
func leased(f *fixture) (n int) {
	f.Helper()
	err := f.DB().QueryRow(f.Context(), `SELECT count(*) FROM deliveries WHERE status = 'pending' AND leased_by IS NOT NULL`).Scan(&n)
	if err != nil {
		f.Fatal(err)
	}
	return n
}
