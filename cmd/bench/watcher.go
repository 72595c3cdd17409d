package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"punctual/internal/db"
)

// watcher measures how soon passed deadlines are noticed, in a database with
// many checks.
func (b *bench) watcher(ctx context.Context, engine db.Engine) (err error) {
	i, err := b.newInstance(ctx, engine, b.watched, keptPings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.close()) }()
	role := "sendalerts"
	// on which one process does everything, see docs/self-hosting.md
	if engine == db.SQLite {
		role = "up"
	}
	worker, err := i.start(ctx, role)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, worker.stop()) }()
	if err := i.idle(ctx, worker); err != nil {
		return err
	}
	crowd := ids{1, min(b.alerts, b.watched/2)}
	if err := i.allAtOnce(ctx, worker, crowd); err != nil {
		return err
	}
	server := worker
	if role != "up" {
		server, err = i.start(ctx, "serve")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.stop()) }()
	}
	return i.single(ctx, server, ids{crowd.last + 1, min(crowd.last+b.trials, b.watched)})
}

// idle measures what watching costs while nothing happens.
func (i *instance) idle(ctx context.Context, worker *process) error {
	const length = 3 * time.Second
	const queries = `SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`
	var before, after float64
	var err error
	if i.engine == db.Postgres {
		before, err = i.number(ctx, queries)
		if err != nil {
			return err
		}
	}
	workerCPU := cpu(worker.pid())
	dbCPU := i.databaseCPU()
	pause(ctx, length)
	workerCPU = cpu(worker.pid()) - workerCPU
	dbCPU = i.databaseCPU() - dbCPU
	r := row{Section: "watcher", Engine: string(i.engine), What: fmt.Sprintf("%s checks, idle", show(float64(i.checks))), Figures: figures{
		percent("CPU worker %", workerCPU.Seconds(), length.Seconds()), percent("CPU database %", dbCPU.Seconds(), length.Seconds()),
		megabytes("RSS MB", rss(worker.pid())),
	}}
	if i.engine == db.Postgres {
		after, err = i.number(ctx, queries)
		if err != nil {
			return err
		}
		r.Figures = append(r.Figures, num("transactions/s", (after-before)/length.Seconds()))
	}
	i.add(r)
	return nil
}

// allAtOnce lets the checks fall due within one second. The CPU time is that of
// the worker and the database, from before the deadlines to the last webhook.
func (i *instance) allAtOnce(ctx context.Context, worker *process, checks ids) error {
	const steps = 10
	s, err := newSink(0, false)
	if err != nil {
		return err
	}
	defer s.close()
	if err := i.alertTo(ctx, s, checks); err != nil {
		return err
	}
	first := i.store.Now().Add(2 * time.Second).Truncate(time.Microsecond)
	if err := i.setDeadlines(ctx, checks, first, time.Second, steps); err != nil {
		return err
	}
	last := first.Add(time.Second * (steps - 1) / steps)
	used := cpu(worker.pid()) + i.databaseCPU()
	var n float64
	stored := wait(ctx, 10*time.Millisecond, time.Minute, func() bool {
		n, err = i.number(ctx, `SELECT count(*) FROM flips`)
		return err != nil || n >= float64(checks.count())
	})
	flipped := i.store.Now()
	if err != nil {
		return err
	}
	if !stored || n != float64(checks.count()) {
		i.failed("watcher on %s: %d checks fell due, %.0f flips are stored", i.engine, checks.count(), n)
	}
	arrived := s.await(ctx, checks.count(), 2*time.Minute)
	used = cpu(worker.pid()) + i.databaseCPU() - used
	arrivals := s.arrivals()
	if !arrived || s.twice() > 0 {
		i.failed("watcher on %s: %d checks fell due, %d alerts came, %d of them twice", i.engine, checks.count(), len(arrivals), s.twice())
	}
	r := row{Section: "watcher", Engine: string(i.engine),
		What: fmt.Sprintf("%s checks, %s due within a second", show(float64(i.checks)), show(float64(checks.count()))), Figures: figures{
			seconds("all flips stored after first deadline s", flipped.Sub(first)), seconds("after last s", flipped.Sub(last)),
		}}
	if len(arrivals) > 0 {
		r.Figures = append(r.Figures, seconds("all told after last s", arrivals[len(arrivals)-1].at.Sub(last)),
			num("µs CPU/alert", float64(used.Microseconds())/float64(len(arrivals))))
	}
	i.add(r)
	return nil
}

// single lets checks fall due one by one while pings come in.
func (i *instance) single(ctx context.Context, server *process, checks ids) error {
	const every, others = 20 * time.Millisecond, 500
	s, err := newSink(0, false)
	if err != nil {
		return err
	}
	defer s.close()
	if err := i.alertTo(ctx, s, checks); err != nil {
		return err
	}
	n := checks.count()
	first := i.store.Now().Add(2 * time.Second).Truncate(time.Microsecond)
	spread := every * time.Duration(n)
	if err := i.setDeadlines(ctx, checks, first, spread, n); err != nil {
		return err
	}
	busy, stop := context.WithCancel(ctx)
	defer stop()
	go openLoop(busy, server.addr, 16, func(n int) int { return i.checks - n%(i.checks/4) }, phase{others, time.Minute})
	flips, err := i.watchFlips(ctx, checks, time.Until(first)+spread+30*time.Second)
	if err != nil {
		return err
	}
	arrived := s.await(ctx, n, 30*time.Second)
	late := lateness(s.arrivals(), deadlines(checks, first, spread, n))
	if !arrived || len(flips) != n || len(late) != n || s.twice() > 0 {
		i.failed("watcher on %s: %d single deadlines, %d flips, %d checks told, %d alerts twice", i.engine, n, len(flips), len(late), s.twice())
	}
	i.add(row{Section: "watcher", Engine: string(i.engine),
		What:    fmt.Sprintf("%s checks, %d deadlines one by one, %d pings/s", show(float64(i.checks)), n, others),
		Figures: append(lates("deadline to flip", flips), lates("to webhook", late)...)})
	return nil
}

// watchFlips looks every 5 ms for new flips of the checks and returns how long
// after its deadline each was seen first.
func (i *instance) watchFlips(ctx context.Context, checks ids, limit time.Duration) (late []time.Duration, err error) {
	var last int64
	wait(ctx, 5*time.Millisecond, limit, func() bool {
		type flip struct {
			id int64
			at time.Time
		}
		var flips []flip
		rows, failed := i.store.DB().Query(ctx, `SELECT id, created_at FROM flips WHERE id > $1 AND check_id BETWEEN $2 AND $3 ORDER BY id`, last,
			checks.first, checks.last)
		flips, err = db.Collect(rows, failed, func(r *sql.Rows, f *flip) error { return r.Scan(&f.id, db.Time(&f.at)) })
		now := i.store.Now()
		for _, f := range flips {
			last = f.id
			late = append(late, now.Sub(f.at))
		}
		return err != nil || len(late) >= checks.count()
	})
	return late, err
}
