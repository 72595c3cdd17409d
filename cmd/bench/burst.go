package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"punctual/internal/db"
)

// burst measures the top of the hour: ten times the average for some seconds,
// sent whether or not the server keeps up; and what happens above the bound of
// the queue.
func (b *bench) burst(ctx context.Context, engine db.Engine) error {
	return b.serving(ctx, engine, b.checks[0], keptPings, func(i *instance, server *process) error {
		if err := i.topOfTheHour(ctx, server); err != nil {
			return err
		}
		return i.aboveTheBound(ctx, server)
	})
}

func (i *instance) topOfTheHour(ctx context.Context, server *process) error {
	before, err := i.recorded(ctx)
	if err != nil {
		return err
	}
	resetPeak(server.pid())
	// before and after
	calm := min(i.burstTime, 3*time.Second)
	idOf := func(n int) int { return 1 + n*7919%i.checks }
	shots := openLoop(ctx, server.addr, 512, idOf, phase{i.rate, calm}, phase{10 * i.rate, i.burstTime}, phase{i.rate, calm})
	after, err := i.recorded(ctx)
	if err != nil {
		return err
	}
	all := count(shots)
	end := calm + i.burstTime
	in := func(from, to time.Duration) tally {
		var some []shot
		for _, s := range shots {
			if s.at >= from && s.at < to {
				some = append(some, s)
			}
		}
		return count(some)
	}
	// the first third warms up
	usual := quantile(in(calm/3, calm).took, .99)
	burst := in(calm, end)
	lost := max(0, all.ok-(after-before))
	if lost > 0 {
		i.failed("burst on %s: %d of %d acknowledged pings are not recorded", i.engine, lost, all.ok)
	}
	i.add(row{Section: "burst", Engine: string(i.engine),
		What: fmt.Sprintf("%s/s, then %s/s for %s", show(float64(i.rate)), show(float64(10*i.rate)), i.burstTime), Figures: figures{
			num("sent", len(shots)), num("lost", lost), num("refused", all.refused), num("failed", all.failed),
			ms("usual p50 ms", quantile(in(calm/3, calm).took, .5)), ms("p99 ms", usual),
			ms("burst p50 ms", quantile(burst.took, .5)), ms("p99 ms", quantile(burst.took, .99)), ms("max ms", quantile(burst.took, 1)),
			seconds("back to normal s", backToNormal(shots, end, usual)), megabytes("peak MB", peakRSS(server.pid())),
		}})
	return nil
}

// backToNormal is how long after the end of the burst nine of ten pings of each
// tenth of a second, and of all later ones, are answered within twice the time
// that is usual for the slowest, or within 10 ms, which nobody minds.
func backToNormal(shots []shot, end, usual time.Duration) time.Duration {
	const step = 100 * time.Millisecond
	slots := make(map[int][]time.Duration)
	last := 0
	for _, s := range shots {
		if s.at >= end {
			slot := int((s.at - end) / step)
			slots[slot] = append(slots[slot], s.took)
			last = max(last, slot)
		}
	}
	for slot := last; slot >= 0; slot-- {
		if quantile(slots[slot], .9) > max(2*usual, 10*time.Millisecond) {
			return time.Duration(slot+1) * step
		}
	}
	return 0
}

// errEnough ends a transaction that only holds locks.
var errEnough = errors.New("locked for long enough")

// aboveTheBound keeps the database from taking pings for two seconds and sends
// more than the queue holds (4096, and 256 in the batch under way).
func (i *instance) aboveTheBound(ctx context.Context, server *process) error {
	const pings, rate, hold = 6000, 6000, 2 * time.Second
	before, err := i.recorded(ctx)
	if err != nil {
		return err
	}
	locked := make(chan struct{})
	unlocked := make(chan error, 1)
	go func() {
		unlocked <- i.store.DB().InTx(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE checks SET name = name WHERE id <= 1000`)
			if err != nil {
				return err
			}
			close(locked)
			pause(ctx, hold)
			return errEnough
		})
	}()
	select {
	case <-locked:
	case err := <-unlocked:
		return fmt.Errorf("lock the checks: %w", err)
	}
	all := count(openLoop(ctx, server.addr, pings, func(n int) int { return 1 + n%min(i.checks, 1000) },
		phase{rate, pings * time.Second / rate}))
	if err := <-unlocked; !errors.Is(err, errEnough) {
		return fmt.Errorf("hold the lock: %w", err)
	}
	after, err := i.recorded(ctx)
	if err != nil {
		return err
	}
	// A ping may be recorded although its answer got lost, but never the other way round.
	lost := max(0, all.ok-(after-before))
	if lost > 0 {
		i.failed("above the bound on %s: %d of %d acknowledged pings are not recorded", i.engine, lost, all.ok)
	}
	i.add(row{Section: "burst", Engine: string(i.engine), What: "database stalled for 2s, 6,000 pings meanwhile", Figures: figures{
		num("answered 200", all.ok), num("lost", lost), num("503 + Retry-After", all.refused), num("failed", all.failed),
		megabytes("peak MB", peakRSS(server.pid())),
	}})
	return nil
}
