package prune

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/store"
)

// job is a prune that is done again and again.
type job struct {
	name  string
	every time.Duration
	run   func(context.Context) (Result, error)
}

// Schedule prunes until ctx ends: pings hourly, checks every 10 minutes, emails
// and users daily. The first time comes within a few minutes of the start, and
// all times are spread at random, so that processes started together do not meet.
// Nothing else has to prune then. A prune that fails is logged and its turn comes
// again. warnings mails the owners of accounts that are to be removed.
func Schedule(ctx context.Context, s *store.Store, warnings *Warnings, log *slog.Logger) {
	bound := func(prune func(context.Context, *store.Store, Options) (Result, error)) func(context.Context) (Result, error) {
		return func(ctx context.Context) (Result, error) { return prune(ctx, s, Options{Warn: warnings, Log: log}) }
	}
	runJobs(ctx, log, rand.Float64,
		job{"prunechecks", 10 * time.Minute, bound(Checks)},
		job{"prunepings", time.Hour, bound(Pings)},
		job{"pruneemails", 24 * time.Hour, bound(Emails)},
		job{"pruneusers", 24 * time.Hour, bound(Users)},
	)
}

// firstWithin is when a job is done for the first time, at the latest.
const firstWithin = 5 * time.Minute

// runJobs does one job at a time, each when it is due.
func runJobs(ctx context.Context, log *slog.Logger, random func() float64, jobs ...job) {
	due := make([]time.Time, len(jobs))
	for i := range jobs {
		due[i] = time.Now().Add(time.Duration(random() * float64(firstWithin)))
	}
	for {
		next := earliest(due)
		timer := time.NewTimer(time.Until(due[next]))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		runJob(ctx, log, jobs[next])
		spread := 0.9 + 0.2*random()
		due[next] = time.Now().Add(time.Duration(spread * float64(jobs[next].every)))
	}
}

func earliest(due []time.Time) (index int) {
	for i, t := range due {
		if t.Before(due[index]) {
			index = i
		}
	}
	return index
}

func runJob(ctx context.Context, log *slog.Logger, j job) {
	began := time.Now()
	var r Result
	err := incident.Catch("worker", func() (err error) { r, err = j.run(ctx); return err })
	attrs := []slog.Attr{slog.String("job", j.name), slog.Int64("count", r.Total()), slog.String("removed", r.String()),
		logs.Took(time.Since(began))}
	switch {
	case err != nil && ctx.Err() == nil:
		log.LogAttrs(ctx, slog.LevelError, "prune failed", append(attrs, slog.Any("error", err))...)
	case r.Total() > 0:
		log.LogAttrs(ctx, slog.LevelInfo, "pruned", attrs...)
	default:
		log.LogAttrs(ctx, slog.LevelDebug, "nothing to prune", attrs...)
	}
}
