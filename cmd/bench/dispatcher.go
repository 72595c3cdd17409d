package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"punctual/internal/db"
)

// hangingAlerts are for destinations that never answer.
const hangingAlerts = 200

// dispatcher measures how fast and how evenly alerts go out.
func (b *bench) dispatcher(ctx context.Context, engine db.Engine) (err error) {
	i, err := b.newInstance(ctx, engine, 3*b.alerts+hangingAlerts+100, keptPings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.close()) }()
	next := 0
	// checks nobody has used yet
	take := func(n int) ids {
		r := ids{next + 1, next + n}
		next += n
		return r
	}
	some := max(1, b.alerts/10)
	many := b.alerts

	if err := i.withWorkers(ctx, 1, func() error {
		return errors.Join(
			i.throughput(ctx, "1 process, quick destination", take(many/2), 1, 0),
			i.throughput(ctx, "1 process, 4 destinations of 100 ms", take(some*2), 4, 100*time.Millisecond),
			i.dueAtOnce(ctx, take(some)),
			i.hanging(ctx, take(hangingAlerts), take(some/5+2)),
		)
	}); err != nil {
		return err
	}
	if err := i.withWorkers(ctx, 1, func() error {
		return i.throughput(ctx, "1 process, 1 destination of 100 ms", take(some*2), 1, 100*time.Millisecond)
	}); err != nil {
		return err
	}
	return i.withWorkers(ctx, 3, func() error {
		return i.throughput(ctx, "3 processes, 1 destination of 100 ms", take(many), 1, 100*time.Millisecond)
	})
}

// withWorkers runs sendalerts n times beside each other during work.
func (i *instance) withWorkers(ctx context.Context, n int, work func() error) (err error) {
	for range n {
		worker, err := i.start(ctx, "sendalerts")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, worker.stop()) }()
	}
	return work()
}

// throughput lets all checks fall due at once and measures the rate of the
// webhooks, from the first to the last.
func (i *instance) throughput(ctx context.Context, what string, checks ids, destinations int, delay time.Duration) error {
	sinks := make([]*sink, destinations)
	for n := range sinks {
		var err error
		sinks[n], err = newSink(delay, false)
		if err != nil {
			return err
		}
		defer sinks[n].close()
		share := ids{checks.first + checks.count()*n/destinations, checks.first + checks.count()*(n+1)/destinations - 1}
		if err := i.alertTo(ctx, sinks[n], share); err != nil {
			return err
		}
	}
	first := i.store.Now().Add(500 * time.Millisecond).Truncate(time.Microsecond)
	if err := i.setDeadlines(ctx, checks, first, 0, 1); err != nil {
		return err
	}
	// since the deadline
	var all []time.Duration
	twice := 0
	for n, s := range sinks {
		s.await(ctx, checks.count()*(n+1)/destinations-checks.count()*n/destinations, 2*time.Minute)
		for _, a := range s.arrivals() {
			all = append(all, a.at.Sub(first))
		}
		twice += s.twice()
	}
	if twice > 0 || len(all) != checks.count() {
		i.failed("dispatcher on %s, %s: %d alerts due, %d webhooks came, %d of them twice", i.engine, what, checks.count(), len(all), twice)
	}
	began := quantile(all, 0)
	ended := quantile(all, 1)
	i.add(row{Section: "dispatcher", Engine: string(i.engine), What: what, Figures: figures{
		num("alerts", checks.count()), num("missing", max(0, checks.count()-len(all))), num("twice", twice),
		num("webhooks/s", float64(len(all))/max(time.Millisecond, ended-began).Seconds()), seconds("all told after s", ended),
	}})
	return nil
}

// dueAtOnce measures how long after their common deadline alerts arrive.
func (i *instance) dueAtOnce(ctx context.Context, checks ids) error {
	late, err := i.latenessOf(ctx, checks)
	if err != nil {
		return err
	}
	i.add(row{Section: "dispatcher", Engine: string(i.engine), What: fmt.Sprintf("%d due at once, quick destination", checks.count()),
		Figures: lates("deadline to webhook", late)})
	return nil
}

// latenessOf lets checks with a quick destination fall due at once.
func (i *instance) latenessOf(ctx context.Context, checks ids) ([]time.Duration, error) {
	s, err := newSink(0, false)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := i.alertTo(ctx, s, checks); err != nil {
		return nil, err
	}
	first := i.store.Now().Add(time.Second).Truncate(time.Microsecond)
	if err := i.setDeadlines(ctx, checks, first, 0, 1); err != nil {
		return nil, err
	}
	s.await(ctx, checks.count(), time.Minute)
	late := lateness(s.arrivals(), deadlines(checks, first, 0, 1))
	if len(late) != checks.count() {
		i.failed("dispatcher on %s: %d alerts due, %d came within a minute", i.engine, checks.count(), len(late))
	}
	return late, nil
}

// hanging measures what 20 destinations that never answer do to another.
func (i *instance) hanging(ctx context.Context, stuck, healthy ids) error {
	const destinations = 20
	alone, err := i.latenessOf(ctx, ids{healthy.first, healthy.first + healthy.count()/2})
	if err != nil {
		return err
	}
	for n := range destinations {
		s, err := newSink(0, true)
		if err != nil {
			return err
		}
		defer s.close()
		share := ids{stuck.first + stuck.count()*n/destinations, stuck.first + stuck.count()*(n+1)/destinations - 1}
		if err := i.alertTo(ctx, s, share); err != nil {
			return err
		}
		if err := i.setDeadlines(ctx, share, i.store.Now(), 0, 1); err != nil {
			return err
		}
		if !s.await(ctx, 1, 20*time.Second) {
			i.failed("dispatcher on %s: a hanging destination was never called", i.engine)
		}
	}
	beside, err := i.latenessOf(ctx, ids{healthy.first + healthy.count()/2 + 1, healthy.last})
	if err != nil {
		return err
	}
	i.add(row{Section: "dispatcher", Engine: string(i.engine), What: fmt.Sprintf("%d hanging destinations beside a quick one", destinations),
		Figures: append(lates("alone", alone), lates("beside them", beside)...)})
	return nil
}
