package alert

import (
	"context"
	"sync"
	"time"

	"punctual/internal/incident"
	"punctual/internal/store"
)

// recordTimeout bounds how long the end of a process waits for its last
// outcomes to be stored.
const recordTimeout = 5 * time.Second

// recorder stores outcomes: all that have come in while the last commit was in
// flight go into the next, so that a thousand a second cost few commits. What
// cannot be stored is tried again until it can; if that takes longer than the
// lease, somebody else makes the delivery once more, with the same key.
type recorder struct {
	cfg     Config
	trouble trouble
	reach   *reach
	// keys of notices passed on today
	noticed map[string]bool
	ended   chan struct{}

	mu      sync.Mutex
	waiting []outcome
	kick    chan struct{}
	stop    chan struct{}
}

func newRecorder(cfg Config) *recorder {
	return &recorder{cfg: cfg, trouble: newTrouble(cfg.Log, "recording outcomes"), reach: newReach(), noticed: make(map[string]bool),
		ended: make(chan struct{}), kick: make(chan struct{}, 1), stop: make(chan struct{})}
}

// add hands an outcome over. It never blocks.
func (r *recorder) add(o outcome) {
	r.mu.Lock()
	r.waiting = append(r.waiting, o)
	r.mu.Unlock()
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

func (r *recorder) take() []outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	batch := r.waiting
	r.waiting = nil
	return batch
}

// run stores outcomes until close is called and all are stored, or until ctx ends.
func (r *recorder) run(ctx context.Context) {
	defer close(r.ended)
	for {
		select {
		case <-r.kick:
		case <-r.stop:
			for batch := r.take(); len(batch) > 0; batch = r.take() {
				r.keep(ctx, batch)
			}
			return
		}
		batch := r.take()
		if len(batch) > 0 {
			r.keep(ctx, batch)
		}
	}
}

// keep is store, after a panic of which the deliveries are made once more.
func (r *recorder) keep(ctx context.Context, batch []outcome) {
	if err := incident.Catch("worker", func() error { r.store(ctx, batch); return nil }); err != nil {
		r.cfg.Log.Error("outcomes of deliveries could not be recorded: they will be sent once more", "count", len(batch), "error", err)
	}
}

// close waits until all outcomes are stored, or the context of run has ended.
func (r *recorder) close() {
	close(r.stop)
	<-r.ended
}

// store records a batch, trying again as long as the database is away. The
// owner is told first: a crash in between tells twice, never not at all.
func (r *recorder) store(ctx context.Context, batch []outcome) {
	for _, o := range batch {
		r.notify(ctx, o.notice)
	}
	rows := make([]store.Outcome, len(batch))
	for i, o := range batch {
		rows[i] = o.Outcome
	}
	for {
		n, err := r.finish(ctx, rows)
		pause, ok := r.trouble.note(err)
		if ok {
			r.report(batch, n)
			r.retry(ctx, r.reach.worksAgain(batch))
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			r.cfg.Log.Error("outcomes of deliveries could not be recorded: they will be sent once more", "count", len(batch))
			return
		}
	}
}

// retry makes what waits for these destinations due at once. When that fails, it
// comes at its own time.
func (r *recorder) retry(ctx context.Context, worksAgain []string) {
	if len(worksAgain) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	n, err := r.cfg.Store.DeliveriesDue(ctx, worksAgain)
	switch {
	case err != nil:
		r.cfg.Log.Warn("deliveries that wait were not made due", "for", worksAgain, "error", err)
	case n > 0:
		r.cfg.Log.Info("what did not work does again: deliveries that waited are due", "for", worksAgain, "count", n)
	}
}

func (r *recorder) finish(ctx context.Context, rows []store.Outcome) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*recordTimeout)
	defer cancel()
	return r.cfg.Store.FinishDeliveries(ctx, r.cfg.Worker, rows)
}

func (r *recorder) report(batch []outcome, counted int) {
	for _, o := range batch {
		r.cfg.Log.LogAttrs(context.Background(), o.level(), "delivery", o.attrs()...)
	}
	lost := len(batch) - counted
	if lost > 0 {
		r.cfg.Log.Warn("outcomes without effect: their leases had run out, or the checks are gone", "count", lost)
	}
}

// notify passes a notice on, each key once a day. A failure is no reason to keep
// the outcome from being stored.
func (r *recorder) notify(ctx context.Context, n *Notice) {
	if n == nil || r.cfg.NotifyOwner == nil || r.noticed[n.Key] {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if err := r.cfg.NotifyOwner(ctx, *n); err != nil {
		r.cfg.Log.Error("the owner of a broken channel could not be told", "channel", n.Channel.ID, "notice", n.Kind, "error", err)
		return
	}
	if len(r.noticed) > 10_000 {
		clear(r.noticed)
	}
	r.noticed[n.Key] = true
}
