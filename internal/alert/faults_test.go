package alert_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/incident"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
)

func TestADeliveryOutlivesTheDispatcherThatDiedWithIt(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.channel(sinkConfig{To: "sink"})
		hang := make(chan struct{})
		f.sink.answer = func(_ context.Context, ev notify.Event) error {
			if ev.Attempt == 1 {
				<-hang
				return &notify.Error{Message: "too late to say", Class: notify.Dead}
			}
			return nil
		}
		code := f.account.Check.Code
		f.ping(monitor.PingFail, code)
		stopFirst := f.dispatch(f.config())
		f.until("the first attempt", func() bool { return f.sink.count() == 1 })
		f.dispatch(f.config())
		f.later(59 * time.Second)
		// the lease ends
		f.later(time.Second)
		f.until("the second attempt to be recorded", func() bool { return f.with(code, 1, monitor.DeliverySent) })
		close(hang)
		stopFirst()
		sent := f.sink.attempts()
		if len(sent) != 2 || sent[0].Key != sent[1].Key || sent[1].Attempt != 2 {
			t.Errorf("attempts: %d", len(sent))
		}
		if !f.with(code, 1, monitor.DeliverySent) {
			t.Error("the outcome of the lost lease has changed the delivery")
		}
	})
}

// Workers that died with their leases say nothing against a delivery.
func TestADeliveryOutlivesAnyNumberOfDeadDispatchers(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.channel(sinkConfig{To: "sink"})
		code := f.account.Check.Code
		f.ping(monitor.PingFail, code)
		_, err := f.DB().Exec(t.Context(), `UPDATE deliveries SET attempts = 40`)
		if err != nil {
			t.Fatal(err)
		}
		f.dispatch(f.config())
		f.until("it is sent", func() bool { return f.with(code, 1, monitor.DeliverySent) })
	})
}

// A delivery that has waited for a dispatcher longer than one is tried is tried
// nevertheless.
func TestADeliveryThatHasWaitedLongIsTried(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.channel(sinkConfig{To: "sink"})
		code := f.account.Check.Code
		f.ping(monitor.PingFail, code)
		f.later(20 * time.Hour)
		f.dispatch(f.config())
		f.until("it is sent", func() bool { return f.with(code, 1, monitor.DeliverySent) })
	})
}

func TestAPanickingNotifierCostsOneAttempt(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.channel(sinkConfig{To: "sink"})
		f.sink.answer = func(_ context.Context, ev notify.Event) error {
			if ev.Attempt == 1 {
				panic("a bug")
			}
			return nil
		}
		f.ping(monitor.PingFail, f.account.Check.Code)
		cfg := f.config()
		caught := make(chan string, 10)
		reporter := incident.NewReporter(incident.Config{Panicked: func(where string) { caught <- where }, Now: f.Now, Log: cfg.Log})
		defer reporter.Close()
		cfg.Log = slog.New(reporter.Handler(cfg.Log.Handler()))
		f.dispatch(cfg)
		f.until("the panic to be counted", func() bool { return len(caught) == 1 && <-caught == "notifier" })
		f.until("the first attempt to be recorded", func() bool { return f.deliveries(f.account.Check.Code)[0].LastError == "Internal error" })
		f.later(time.Minute)
		f.until("the second", func() bool { return f.with(f.account.Check.Code, 1, monitor.DeliverySent) })
	})
}

func TestTheEndFinishesWhatIsInFlightAndGivesTheRestBack(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		codes := f.checks(10, f.Now().AddDate(0, 1, 0))
		f.channel(sinkConfig{To: "slow"})
		goOn := make(chan struct{})
		f.sink.answer = func(ctx context.Context, _ notify.Event) error {
			select {
			case <-goOn:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		f.ping(monitor.PingFail, codes...)
		stop := f.dispatch(f.config())
		f.until("four to be in flight", func() bool { return f.sink.count() == 4 })
		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		f.until("the rest to be given back", func() bool {
			got, err := f.ClaimDeliveries(t.Context(), store.Claim{Worker: uuid.New(), Limit: 10, PerChannel: 10, Lease: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range got {
				if d.Attempts != 1 {
					t.Errorf("attempt %d although none was made", d.Attempts)
				}
			}
			return len(got) == 6
		})
		close(goOn)
		<-stopped
		sent := 0
		for _, code := range codes {
			if f.with(code, 1, monitor.DeliverySent) {
				sent++
			}
		}
		if sent != 4 {
			t.Errorf("%d recorded as sent, want the four that were in flight", sent)
		}
	})
}

func TestTheEndCutsOffWhatTakesTooLong(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		h := f.channel(sinkConfig{To: "slow"})
		f.sink.answer = func(ctx context.Context, _ notify.Event) error { <-ctx.Done(); return ctx.Err() }
		f.ping(monitor.PingFail, f.account.Check.Code)
		cfg := f.config()
		cfg.Grace = time.Millisecond
		stop := f.dispatch(cfg)
		f.until("the attempt", func() bool { return f.sink.count() == 1 })
		stop()
		d := f.deliveries(f.account.Check.Code)[0]
		if d.Status != monitor.DeliveryPending || d.NextTryAt.After(f.Now().Add(time.Second)) {
			t.Errorf("delivery %+v, want it due again at once", d.Delivery)
		}
		if h, err := f.ChannelByID(t.Context(), h.ID); err != nil || h.LastError != "" {
			t.Errorf("the channel is blamed: %q, %v", h.LastError, err)
		}
	})
}

func TestAnOutcomeOutlastsTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		rename := func(from, to string) {
			t.Helper()
			_, err := f.DB().Exec(t.Context(), `ALTER TABLE `+from+` RENAME TO `+to)
			if err != nil {
				t.Fatal(err)
			}
		}
		f.channel(sinkConfig{To: "sink"})
		away := make(chan struct{})
		back := make(chan struct{})
		f.sink.answer = func(context.Context, notify.Event) error { close(away); <-back; return nil }
		f.ping(monitor.PingFail, f.account.Check.Code)
		var failures atomic.Int32
		cfg := f.config()
		cfg.Log = slog.New(countErrors{&failures})
		stop := f.dispatch(cfg)
		<-away
		// neither claims nor outcomes get through
		rename("channels", "elsewhere")
		close(back)
		f.until("both to be in trouble", func() bool { f.later(0); return failures.Load() == 2 })
		rename("elsewhere", "channels")
		f.until("the outcome", func() bool { return f.with(f.account.Check.Code, 1, monitor.DeliverySent) })
		stop()
		n := f.sink.count()
		if n != 1 {
			t.Errorf("%d attempts, want one", n)
		}
		if n := failures.Load(); n != 2 {
			t.Errorf("%d errors in the log, want each trouble once", n)
		}
	})
}

// countErrors is a log that counts errors.
type countErrors struct{ n *atomic.Int32 }

func (countErrors) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (c countErrors) Handle(context.Context, slog.Record) error  { c.n.Add(1); return nil }
func (c countErrors) WithAttrs([]slog.Attr) slog.Handler         { return c }
func (c countErrors) WithGroup(string) slog.Handler              { return c }

func TestManyLostDeliveriesOfAChannelAreOneNotice(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		codes := f.checks(30, f.Now().AddDate(0, 1, 0))
		f.channel(sinkConfig{To: "sink"})
		f.sink.answer = func(context.Context, notify.Event) error {
			return &notify.Error{Message: "Quota used up", Class: notify.Reject}
		}
		f.ping(monitor.PingFail, codes...)
		f.dispatch(f.config())
		f.until("all to be given up", func() bool { return f.backlog() == 0 })
		n := len(f.notices)
		if n != 1 {
			t.Errorf("%d notices, want one", n)
		}
	})
}

func TestADeletedCheckTakesItsAlertsAlong(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.channel(sinkConfig{To: "sink"})
		sending := make(chan struct{})
		deleted := make(chan struct{})
		f.sink.answer = func(context.Context, notify.Event) error { close(sending); <-deleted; return nil }
		code := f.account.Check.Code
		f.ping(monitor.PingFail, code)
		f.clock.Advance(time.Minute)
		f.ping(monitor.PingSuccess, code)
		stop := f.dispatch(f.config())
		<-sending
		_, err := f.DeleteCheck(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		close(deleted)
		stop()
		n := f.backlog()
		if n != 0 || f.sink.count() != 1 {
			t.Errorf("%d deliveries left, %d attempts", n, f.sink.count())
		}
	})
}
