package alert_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/notify"
)

// named counts the checks that are told of as having the status.
func named(messages [][]notify.Event, status monitor.Status) int {
	checks := map[uuid.UUID]bool{}
	for _, events := range messages {
		for i := range events {
			if events[i].Status == status {
				checks[events[i].Check.Code] = true
			}
		}
	}
	return len(checks)
}

// pass lets time pass a second at a time, in which everything is told that is due.
func (f *fixture) pass(d time.Duration) {
	f.Helper()
	for range d / time.Second {
		f.later(time.Second)
		f.until("what is due to be told", func() bool {
			n := 0
			err := f.DB().QueryRow(f.Context(), `SELECT count(*) FROM deliveries d
				WHERE d.status = 'pending' AND (d.leased_by IS NOT NULL OR d.next_try_at <= $1) AND NOT EXISTS (SELECT 1 FROM deliveries b
				WHERE b.status = 'pending' AND b.check_id = d.check_id AND b.channel_id = d.channel_id AND b.id < d.id)`, f.Now()).Scan(&n)
			if err != nil {
				f.Fatal(err)
			}
			return n == 0
		})
	}
}

// refuse fails so many attempts.
func refuse(attempts int32) func(context.Context, notify.Event) error {
	left := new(atomic.Int32)
	left.Store(attempts)
	return func(context.Context, notify.Event) error {
		if left.Add(-1) < 0 {
			return nil
		}
		return &notify.Error{Message: "The server is busy."}
	}
}

func TestAStormIsTwoMessages(t *testing.T) {
	const checks = 500
	each(t, func(t *testing.T, f *fixture) {
		f.sink.digests = true
		codes := f.checks(checks, f.Now().Add(time.Hour))
		f.channel(sinkConfig{To: "a"})
		f.dispatch(f.config())
		for _, kind := range []monitor.PingKind{monitor.PingFail, monitor.PingSuccess} {
			before := f.sink.count()
			status := monitor.StatusDown
			if kind == monitor.PingSuccess {
				status = monitor.StatusUp
			}
			f.ping(kind, codes...)
			f.until("the first message", func() bool { return f.sink.count() > before })
			f.pass(20 * time.Second)
			messages := f.sink.digested()[before:]
			if len(messages) > 3 || named(messages, status) != checks {
				t.Errorf("%s: %d messages name %d checks, want %d in up to 3", status, len(messages), named(messages, status), checks)
			}
			f.later(time.Minute)
		}
	})
}

// Incident tools and programs get each event.
func TestAKindThatDoesNotDigestGetsEachEvent(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		codes := f.checks(30, f.Now().Add(time.Hour))
		f.channel(sinkConfig{To: "a"})
		f.dispatch(f.config())
		f.ping(monitor.PingFail, codes...)
		f.ping(monitor.PingSuccess, codes...)
		f.until("all to be told", func() bool { return f.backlog() == 0 })
		if n := f.sink.count(); n != 60 {
			t.Errorf("%d messages, want 60", n)
		}
	})
}

func TestTwoProcessesSendFewMessagesOfAStorm(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.sink.digests = true
		codes := f.checks(300, f.Now().Add(time.Hour))
		f.channel(sinkConfig{To: "a"})
		f.dispatch(f.config())
		f.dispatch(f.config())
		f.ping(monitor.PingFail, codes...)
		f.until("the first message", func() bool { return f.sink.count() > 0 })
		f.pass(30 * time.Second)
		messages := f.sink.digested()
		if len(messages) > 4 || named(messages, monitor.StatusDown) != 300 {
			t.Errorf("%d messages name %d checks", len(messages), named(messages, monitor.StatusDown))
		}
	})
}

func TestADigestThatFailsIsSentAgain(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.sink.digests = true
		f.sink.answer = refuse(2)
		codes := f.checks(5, f.Now().Add(time.Hour))
		f.channel(sinkConfig{To: "a"})
		f.dispatch(f.config())
		f.ping(monitor.PingFail, codes...)
		f.pass(2 * time.Minute)
		for _, code := range codes {
			if !f.with(code, 1, monitor.DeliverySent) {
				t.Errorf("%+v", f.deliveries(code))
			}
		}
		if n := named(f.sink.digested()[2:], monitor.StatusDown); n != 5 {
			t.Errorf("%d of 5 checks were told in the end", n)
		}
	})
}

func TestAFlappingCheckIsFourMessages(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.sink.digests = true
		codes := f.checks(1, f.Now().Add(time.Hour))
		f.channel(sinkConfig{To: "a"})
		f.dispatch(f.config())
		for i := range 100 {
			kind := monitor.PingFail
			if i%2 == 1 {
				kind = monitor.PingSuccess
			}
			f.ping(kind, codes...)
			f.pass(6 * time.Second)
		}
		if n := f.sink.count(); n > 3 {
			t.Errorf("%d messages while it flapped, want up to 3", n)
		}
		f.pass(6 * time.Minute)
		messages := f.sink.digested()
		last := messages[len(messages)-1][0]
		if len(messages) > 4 || last.Status != monitor.StatusUp || last.Flaps == nil || !last.Flaps.Over || last.Flaps.Downs < 40 {
			t.Errorf("%d messages, the last %+v", len(messages), last.Flaps)
		}
		flapping := 0
		for _, events := range messages {
			if events[0].Began() {
				flapping++
			}
		}
		if flapping != 1 {
			t.Errorf("%d messages say that it flaps, want 1", flapping)
		}
	})
}

// What is down when a check has settled is told though its channel wants no UP.
func TestAFlappingCheckThatStaysDownIsReported(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.sink.digests = true
		codes := f.checks(1, f.Now().Add(time.Hour))
		f.channel(sinkConfig{To: "a"})
		f.dispatch(f.config())
		for i := range 11 {
			kind := monitor.PingFail
			if i%2 == 1 {
				kind = monitor.PingSuccess
			}
			f.ping(kind, codes...)
			f.pass(6 * time.Second)
		}
		f.pass(6 * time.Minute)
		messages := f.sink.digested()
		last := messages[len(messages)-1][0]
		if last.Status != monitor.StatusDown || last.Flaps == nil || !last.Flaps.Over {
			t.Errorf("the last of %d messages is %s %+v", len(messages), last.Status, last.Flaps)
		}
	})
}
