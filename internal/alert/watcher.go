package alert

import (
	"context"
	"log/slog"
	"time"

	"punctual/internal/db"
	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

const (
	// checks per transaction
	flipBatch = 500
	// how often the clocks are compared
	syncEvery = time.Minute
	// between rounds, so that a busy site does not keep the watcher spinning
	minPause = 20 * time.Millisecond
)

// Watcher finds checks that are past their deadline. One is enough for a process.
type Watcher struct {
	cfg     Config
	trouble trouble
	synced  time.Time
	// nobody takes pings
	ingestDown bool
}

// NewWatcher makes a watcher.
func NewWatcher(cfg Config) *Watcher {
	cfg = cfg.withDefaults()
	return &Watcher{cfg: cfg, trouble: newTrouble(cfg.Log, "looking for overdue checks")}
}

// Round is what one look has done.
type Round struct {
	// checks looked at
	Claimed int
	// checks that went down
	Flips int
	// checks whose schedule cannot be computed, put aside for an hour
	Broken int
}

// RunOnce makes all checks that are past their deadline go down, in batches of
// one transaction each. After an error the batches before it are stored.
func (w *Watcher) RunOnce(ctx context.Context) (Round, error) {
	var r Round
	began := time.Now()
	defer func() { w.report(r, time.Since(began)) }()
	presence, err := w.presence(ctx)
	if err != nil || !presence.Now {
		return r, err
	}
	for {
		batch, err := w.flip(ctx, presence.Outages)
		if err != nil {
			return r, err
		}
		r.Claimed += batch.Claimed
		r.Flips += len(batch.Flips)
		r.Broken += len(batch.Broken)
		now := w.cfg.Store.Now()
		for _, f := range batch.Flips {
			w.cfg.Observe.flipped(now.Sub(f.CreatedAt))
		}
		for _, c := range batch.Broken {
			w.cfg.Log.Error("the schedule of a check cannot be computed, it is put aside for an hour", "check", monitor.UniqueKey(c.Code), "error",
				c.ScheduleError)
		}
		if batch.Claimed < flipBatch {
			w.cfg.Observe.looked()
			return r, nil
		}
	}
}

// patience bounds a question to the database. Without it a connection that has
// fallen silent would keep the watcher waiting until the kernel gives it up,
// a quarter of an hour later.
const patience = 10 * time.Second

func (w *Watcher) flip(ctx context.Context, outages []monitor.Outage) (store.Overdue, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.cfg.Store.FlipOverdue(ctx, flipBatch, outages)
}

// presence tells whether pings can reach us, and since when they could not.
func (w *Watcher) presence(ctx context.Context) (store.Presence, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := w.cfg.Store.PingPresence(ctx)
	if err != nil {
		return p, err
	}
	// it has changed
	if w.ingestDown == p.Now {
		w.ingestDown = !p.Now
		if w.ingestDown {
			w.cfg.Log.Error("no process takes pings (punctual serve), deadlines are not judged until one does")
		} else {
			w.cfg.Log.Info("pings are taken again, deadlines are judged with the outage in mind")
		}
	}
	return p, nil
}

func (w *Watcher) nextDeadline(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.cfg.Store.NextDeadline(ctx)
}

func (w *Watcher) report(r Round, took time.Duration) {
	w.cfg.Observe.round(r, took)
	level := slog.LevelDebug
	// to look at a job that has started is nothing to tell
	if r.Flips > 0 || r.Broken > 0 {
		level = slog.LevelInfo
	}
	w.cfg.Log.LogAttrs(context.Background(), level, "watch",
		slog.Int("looked_at", r.Claimed), slog.Int("flips", r.Flips), slog.Int("broken", r.Broken), logs.Took(took))
}

// Run watches until ctx ends: it sleeps until the next deadline, a change of a
// check or a second has passed, whichever comes first. It is called once.
func (w *Watcher) Run(ctx context.Context) {
	wake := w.cfg.Store.DB().Watch(ctx, db.TopicChecks)
	for ctx.Err() == nil {
		pause := w.round(ctx)
		if !sleep(ctx, minPause, nil) || !sleep(ctx, pause-minPause, wake) {
			return
		}
	}
}

// round looks once and returns how long to sleep.
func (w *Watcher) round(ctx context.Context) time.Duration {
	w.syncClock(ctx)
	err := incident.Catch("worker", func() error { _, err := w.RunOnce(ctx); return err })
	var next time.Time
	if err == nil {
		next, err = w.nextDeadline(ctx)
	}
	if ctx.Err() != nil {
		return 0
	}
	pause, ok := w.trouble.note(err)
	if !ok {
		return pause
	}
	if next.IsZero() {
		return poll
	}
	return min(poll, next.Sub(w.cfg.Store.Now()))
}

// syncClock keeps this process on the time of the database. Where it fails the
// last known difference is as good as any.
func (w *Watcher) syncClock(ctx context.Context) {
	if time.Since(w.synced) < syncEvery {
		return
	}
	w.synced = time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := w.cfg.Store.DB().SyncClock(ctx); err != nil && ctx.Err() == nil {
		w.cfg.Log.Warn("the clock could not be compared with the database's", "error", err)
	}
}

// sleep waits for d or for wake and returns false when ctx has ended.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}
