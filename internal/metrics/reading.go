package metrics

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"punctual/internal/incident"
)

const (
	// how long a figure is good for
	readingAge = 15 * time.Second
	// how long an answer waits for a figure
	waitTime = 2 * time.Second
	// costShare: a figure that took d to read is good for at least costShare × d,
	// so that reading it takes no more than a hundredth of the time.
	costShare = 100
)

// reading is a figure that has to be asked for. However many ask for it at once,
// it is read once, and kept for a while.
type reading[T any] struct {
	ask func(context.Context) (T, error)
	// of ask
	timeout time.Duration
	ctx     context.Context
	// of panics of ask, which count as failures
	log *slog.Logger

	mu    sync.Mutex
	value T
	ok    bool
	// until when the value is good
	fresh time.Time
	// closed when the reading under way has ended; nil = none is
	running chan struct{}
}

func newReading[T any](ctx context.Context, log *slog.Logger, timeout time.Duration, ask func(context.Context) (T, error)) *reading[T] {
	return &reading[T]{ask: ask, timeout: timeout, ctx: ctx, log: log}
}

// get returns the figure, and false where it could not be had in time. While a
// slow reading is under way the value before it will do.
func (r *reading[T]) get() (T, bool) {
	r.mu.Lock()
	if time.Now().Before(r.fresh) {
		defer r.mu.Unlock()
		return r.value, r.ok
	}
	if r.running == nil {
		r.running = make(chan struct{})
		go r.read(r.running)
	}
	running := r.running
	r.mu.Unlock()
	late := time.NewTimer(waitTime)
	defer late.Stop()
	select {
	case <-running:
	case <-late.C:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value, r.ok
}

func (r *reading[T]) read(done chan struct{}) {
	ctx, cancel := context.WithTimeout(r.ctx, r.timeout)
	defer cancel()
	began := time.Now()
	var value T
	err := incident.Catch("worker", func() (err error) { value, err = r.ask(ctx); return err })
	bug, ok := errors.AsType[*incident.Panic](err)
	if ok {
		r.log.Error("read a figure", "error", bug)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer close(done)
	r.running = nil
	r.value = value
	r.ok = err == nil
	if r.ok {
		r.fresh = time.Now().Add(max(readingAge, costShare*time.Since(began)))
	}
}
