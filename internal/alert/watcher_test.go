package alert_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"punctual/internal/alert"
	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestAllOverdueChecksGoDownInOneRound(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const n = 10_000
		codes := f.checks(n, f.Now())
		deadline := f.Now().Add(time.Minute)
		f.channel(sinkConfig{To: "sink"})
		f.clock.Set(deadline)
		var late []time.Duration
		cfg := f.config()
		cfg.Observe.Flipped = func(d time.Duration) { late = append(late, d) }
		began := time.Now()
		round, err := alert.NewWatcher(cfg).RunOnce(t.Context())
		t.Logf("%d overdue checks in %v", n, time.Since(began).Round(time.Millisecond))
		if err != nil || round != (alert.Round{Claimed: n, Flips: n}) || len(late) != n || late[0] != 0 {
			t.Errorf("round %+v, %d observed, %v", round, len(late), err)
		}
		got := f.backlog()
		if got != n {
			t.Errorf("%d deliveries, want %d", got, n)
		}
		c, err := f.CheckByCode(t.Context(), codes[n/2])
		if err != nil || c.Status != monitor.StatusDown {
			t.Errorf("status %s, %v", c.Status, err)
		}
	})
}

func TestABrokenScheduleStopsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		codes := f.checks(3, f.Now())
		_, err := f.DB().Exec(t.Context(), `UPDATE checks SET kind = 'cron', schedule = 'never ever' WHERE code = $1`, codes[1])
		if err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Minute)
		w := alert.NewWatcher(f.config())
		if round, err := w.RunOnce(t.Context()); err != nil || round != (alert.Round{Claimed: 3, Flips: 2, Broken: 1}) {
			t.Errorf("round %+v, %v", round, err)
		}
		if round, err := w.RunOnce(t.Context()); err != nil || round.Claimed != 0 {
			t.Errorf("the broken check is looked at again at once: %+v, %v", round, err)
		}
		if c, err := f.CheckByCode(t.Context(), codes[1]); err != nil || c.ScheduleError == "" || !c.AlertAt.Equal(f.Now().Add(time.Hour)) {
			t.Errorf("broken check: error %q, again at %v, %v", c.ScheduleError, c.AlertAt, err)
		}
	})
}

// The whole service with the real clock: from a deadline that nobody announces
// to the message.
func TestASilentCheckIsReported(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, testdb.Open(t, engine, nil), nil)
			deadline := f.Now().Add(300 * time.Millisecond).Truncate(time.Millisecond)
			codes := f.checks(1, deadline.Add(-time.Minute))
			f.channel(sinkConfig{To: "sink"})
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { alert.New(f.config()).Run(ctx) })
			f.until("the alert", func() bool { return f.sink.count() == 1 })
			ev := f.sink.attempts()[0]
			t.Logf("sent %v after the deadline", ev.Now.Sub(deadline))
			if !ev.Flip.CreatedAt.Equal(deadline) || ev.Check.Code != codes[0] || ev.Flip.Reason != monitor.ReasonTimeout {
				t.Errorf("flip %+v, want it stamped %v", ev.Flip, deadline)
			}
			if ev.Now.Before(deadline) {
				t.Errorf("told %v before the deadline", deadline.Sub(ev.Now))
			}
			cancel()
			running.Wait()
			if !f.with(codes[0], 1, monitor.DeliverySent) {
				t.Error("the outcome was not recorded before the end")
			}
		})
	}
}

// While the database is away the service keeps trying; here it comes back.
func TestTheWatcherOutlastsTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.checks(1, f.Now())
		f.clock.Advance(time.Hour)
		_, err := f.DB().Exec(t.Context(), `ALTER TABLE flips RENAME TO elsewhere`)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		rounds := make(chan alert.Round, 100)
		cfg := f.config()
		cfg.Observe.Round = func(r alert.Round, _ time.Duration) { rounds <- r }
		go alert.NewWatcher(cfg).Run(ctx)
		for range 2 {
			r := <-rounds
			if r.Flips != 0 {
				t.Fatalf("round %+v without a table for it", r)
			}
		}
		if _, err := f.DB().Exec(t.Context(), `ALTER TABLE elsewhere RENAME TO flips`); err != nil {
			t.Fatal(err)
		}
		f.DB().WakeLocal(db.TopicChecks)
		f.until("the flip", func() bool { return (<-rounds).Flips == 1 })
	})
}

// When we have been away ourselves, nobody is told of jobs whose pings could not
// reach us: their runs are unknown. Who stays silent after that is told of.
func TestOurOwnOutageIsNoFalseAlarm(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		cfg := f.config()
		looked := 0
		cfg.Observe.Looked = func() { looked++ }
		w := alert.NewWatcher(cfg)
		round := func() alert.Round {
			r, err := w.RunOnce(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		first := f.taker("a")
		codes := f.checks(2, f.Now().Add(time.Minute))
		if err := f.TakerStopped(t.Context(), first, store.Sign{Mark: f.Now()}); err != nil {
			t.Fatal(err)
		}
		f.clock.Advance(time.Hour)
		if r := round(); r.Flips != 0 || r.Unknown != 0 {
			t.Fatalf("nobody takes pings: %+v", r)
		}
		if looked > 0 {
			t.Error("a round in which nothing was judged counts")
		}
		second := f.taker("a")
		if r := round(); r.Flips != 0 || r.Unknown != 2 || looked != 1 {
			t.Fatalf("back after an hour: %+v, %d rounds", r, looked)
		}
		f.clock.Advance(20 * time.Second)
		f.ping(monitor.PingSuccess, codes[0])
		// a minute's period and a minute's grace, from our return on
		f.clock.Advance(100*time.Second - time.Microsecond)
		f.sign(second)
		if r := round(); r.Flips != 0 {
			t.Fatalf("before the next deadline: %+v", r)
		}
		f.clock.Advance(time.Microsecond)
		if r := round(); r.Flips != 0 {
			t.Fatalf("a deadline was judged before its pings were known: %+v", r)
		}
		f.sign(second)
		r := round()
		silent, err := f.CheckByCode(t.Context(), codes[1])
		if err != nil || r.Flips != 1 || silent.Status != monitor.StatusDown {
			t.Errorf("%+v, the silent check is %s, %v", r, silent.Status, err)
		}
	})
}

// A round that panics is tried again like one that fails.
func TestTheWatcherOutlivesAPanic(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.checks(1, f.Now().Add(-time.Minute))
		cfg := f.config()
		rounds := make(chan struct{}, 100)
		first := true
		cfg.Observe.Round = func(alert.Round, time.Duration) {
			if first {
				first = false
				panic("a bug")
			}
			rounds <- struct{}{}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { alert.NewWatcher(cfg).Run(ctx); close(ended) }()
		<-rounds
		cancel()
		<-ended
	})
}
