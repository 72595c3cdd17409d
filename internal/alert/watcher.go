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
	judgeBatch = 500
	// how often is looked while a deadline has come and its pings are not all known yet
	markPoll = 100 * time.Millisecond
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
	takers  takers
	silence silence
}

// NewWatcher makes a watcher.
func NewWatcher(cfg Config) *Watcher {
	cfg = cfg.withDefaults()
	return &Watcher{cfg: cfg, trouble: newTrouble(cfg.Log, "looking for overdue checks"), takers: newTakers(cfg),
		silence: silence{cfg: cfg}}
}

// Round is what one look has done.
type Round struct {
	// checks looked at
	Claimed int
	// changes of status
	Flips int
	// runs of which nobody can tell whether they happened
	Unknown int
	// checks whose schedule cannot be computed, put aside for an hour
	Broken int
}

// RunOnce judges all deadlines until which all pings are known, in batches of
// one transaction each. After an error the batches before it are stored.
func (w *Watcher) RunOnce(ctx context.Context) (Round, error) {
	r, _, err := w.look(ctx)
	return r, err
}

// look is RunOnce; it also returns how long nothing is to be done.
func (w *Watcher) look(ctx context.Context) (r Round, pause time.Duration, err error) {
	began := time.Now()
	defer func() { w.report(r, time.Since(began)) }()
	h, err := w.hearing(ctx)
	if err != nil {
		return r, 0, err
	}
	w.takers.follow(ctx, &h)
	furthest := h.Furthest()
	next, err := w.nextWatch(ctx)
	for err == nil && !next.IsZero() && !next.After(furthest) {
		var batch store.Round
		batch, err = w.judge(ctx)
		if batch.Waits {
			w.silence.ask(ctx)
			continue
		}
		w.note(&r, batch)
		w.silence.note(ctx, batch.Passed)
		if batch.Claimed < judgeBatch {
			break
		}
	}
	if err == nil && r.Claimed > 0 {
		next, err = w.nextWatch(ctx)
	}
	if err != nil {
		return r, 0, err
	}
	if h.Now.Sub(furthest) < store.TakerTimeout {
		w.cfg.Observe.looked()
	}
	return r, w.pause(next, furthest), nil
}

// pause is how long nothing is to be done, where the next deadline is at a time, and all
// pings are known until another.
func (w *Watcher) pause(next, heard time.Time) time.Duration {
	now := w.cfg.Store.Now()
	switch {
	case next.IsZero():
		return poll
	case next.After(now):
		return min(poll, next.Sub(now))
	case now.Sub(heard) < store.TakerTimeout:
		return markPoll
	default:
		return poll
	}
}

// note adds what one transaction has done.
func (w *Watcher) note(r *Round, batch store.Round) {
	r.Claimed += batch.Claimed
	r.Flips += len(batch.Flips)
	r.Unknown += len(batch.Unknown)
	r.Broken += len(batch.Broken)
	now := w.cfg.Store.Now()
	for _, f := range batch.Flips {
		w.cfg.Observe.flipped(now.Sub(f.CreatedAt))
	}
	for _, c := range batch.Broken {
		w.cfg.Log.Error("the schedule of a check cannot be computed, it is put aside for an hour", "check", monitor.UniqueKey(c.Code), "error",
			c.ScheduleError)
	}
}

// patience bounds a question to the database. Without it a connection that has
// fallen silent would keep the watcher waiting until the kernel gives it up,
// a quarter of an hour later.
const patience = 10 * time.Second

func (w *Watcher) judge(ctx context.Context) (store.Round, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if w.cfg.Road.Ask == nil {
		return w.cfg.Store.JudgeOverdue(ctx, judgeBatch)
	}
	return w.cfg.Store.JudgeUnless(ctx, judgeBatch, w.silence.waits)
}

// hearing tells until when all pings are known.
func (w *Watcher) hearing(ctx context.Context) (store.Hearing, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.cfg.Store.Hearing(ctx)
}

func (w *Watcher) nextWatch(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.cfg.Store.NextWatch(ctx)
}

func (w *Watcher) report(r Round, took time.Duration) {
	w.cfg.Observe.round(r, took)
	level := slog.LevelDebug
	// to look at a job that has started is nothing to tell
	if r.Flips > 0 || r.Unknown > 0 || r.Broken > 0 {
		level = slog.LevelInfo
	}
	w.cfg.Log.LogAttrs(context.Background(), level, "watch",
		slog.Int("looked_at", r.Claimed), slog.Int("flips", r.Flips), slog.Int("unknown", r.Unknown),
		slog.Int("broken", r.Broken), logs.Took(took))
}

// Run watches until ctx ends: it sleeps until the next deadline, a change of a
// check or a second has passed, whichever comes first. It is called once.
func (w *Watcher) Run(ctx context.Context) {
	wake := w.cfg.Store.DB().Watch(ctx, db.TopicChecks, db.TopicMarks)
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
	var pause time.Duration
	err := incident.Catch("worker", func() (err error) {
		_, pause, err = w.look(ctx)
		return err
	})
	if ctx.Err() != nil {
		return 0
	}
	trouble, ok := w.trouble.note(err)
	if !ok {
		return trouble
	}
	return pause
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
