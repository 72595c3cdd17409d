package ping

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/store"
)

// Limits of the Recorder. Zero fields take the defaults.
type Limits struct {
	Queue    int           // pings waiting, 4096; beyond it they are refused
	Batch    int           // pings in one transaction, 256
	Patience time.Duration // how long a batch is tried again while the database is away, 8 s
}

func (l Limits) withDefaults() Limits {
	if l.Queue == 0 {
		l.Queue = 4096
	}
	if l.Batch == 0 {
		l.Batch = 256
	}
	if l.Patience == 0 {
		l.Patience = 8 * time.Second
	}
	return l
}

// Recorder makes pings durable by group commit; see the package comment.
type Recorder struct {
	store   recording
	limits  Limits
	log     *slog.Logger
	observe Observe

	mu     sync.RWMutex // guards closed against a send on the closed queue
	closed bool
	queue  chan *waiting
	done   chan struct{}

	refused int // pings since the database has been away for too long; 0 = it is there
}

// recording is the part of the store the Recorder needs.
type recording interface {
	OpenPings(ctx context.Context, batch []*store.Arrival) (store.OpenBatch, error)
	OpensAhead() bool
}

type waiting struct {
	arrival *store.Arrival
	err     error
	done    chan struct{}
}

// NewRecorder starts a Recorder. It must be closed.
func NewRecorder(s recording, limits Limits, log *slog.Logger, observe Observe) *Recorder {
	limits = limits.withDefaults()
	r := &Recorder{store: s, limits: limits, log: log, observe: observe, queue: make(chan *waiting, limits.Queue), done: make(chan struct{})}
	go r.run()
	return r
}

// retryAfter is what a refused client is told to wait.
const retryAfter = 2 * time.Second

// Record waits until a is recorded and on disk, and returns nil then. It fails
// with errs.NotFound when there is no such check, and with errs.Unavailable
// when the queue is full, the database stays away, or the Recorder is closed.
//
// A caller that goes away does not stop the recording: a ping that has arrived
// counts.
func (r *Recorder) Record(a *store.Arrival) error {
	w := &waiting{arrival: a, done: make(chan struct{})}
	if err := r.enqueue(w); err != nil {
		return err
	}
	<-w.done
	if w.err != nil {
		return w.err
	}
	return a.Err
}

func (r *Recorder) enqueue(w *waiting) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		r.observe.refused(ShuttingDown, 1)
		return errs.Unavailablef(retryAfter, "shutting down, try again")
	}
	select {
	case r.queue <- w:
		return nil
	default:
		r.observe.refused(QueueFull, 1)
		return errs.Unavailablef(retryAfter, "too many pings are waiting, try again")
	}
}

// Waiting is the number of pings in the queue.
func (r *Recorder) Waiting() int { return len(r.queue) }

// Capacity is the number of pings the queue has room for.
func (r *Recorder) Capacity() int { return cap(r.queue) }

// Close refuses new pings, records those waiting, and returns when all are
// answered.
func (r *Recorder) Close() {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.mu.Unlock()
	<-r.done
}

// round is a batch on its way into the database.
type round struct {
	batch  []*waiting
	open   store.OpenBatch
	err    error         // why it is not open
	opened chan struct{} // closed when it is open, or will not be
	cancel func()        // stops the opening; nil when it is not done ahead
}

func (r *Recorder) run() {
	defer close(r.done)
	var cur, next *round
	for {
		if cur = next; cur == nil {
			first, ok := <-r.queue
			if !ok {
				return
			}
			cur = &round{batch: r.collect([]*waiting{first})}
		}
		began := time.Now()
		next = r.commit(cur)
		r.observe.batch(cur.batch, time.Since(began))
		for _, w := range cur.batch {
			close(w.done)
		}
	}
}

// rescue records the pings of a batch that has made us panic one by one, so that
// the others do not suffer from the one that did.
func (r *Recorder) rescue(cur *round, err error) {
	r.log.Error("a batch of pings failed, recording one by one", "pings", len(cur.batch), "error", err)
	if cur.open.Rollback != nil {
		cur.open.Rollback()
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.Patience)
	defer cancel()
	for _, w := range cur.batch {
		w.err = incident.Catch("worker", func() error { return r.persist(ctx, []*store.Arrival{w.arrival}) })
	}
}

// collect adds to the batch what waits already, without waiting for more.
func (r *Recorder) collect(batch []*waiting) []*waiting {
	for len(batch) < r.limits.Batch {
		select {
		case w, ok := <-r.queue:
			if !ok {
				return batch
			}
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// commit records the batch of cur and sets the error of each of its pings. What
// has come in by then is opened meanwhile and returned, nil = nothing: while
// the database writes one batch, it locks and reads the checks of the next.
func (r *Recorder) commit(cur *round) (next *round) {
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.Patience)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			if next != nil {
				next.abandon()
			}
			r.rescue(cur, incident.Caught("worker", p))
		}
	}()
	if err := r.open(ctx, cur); err == nil {
		next = r.ahead()
		err = cur.open.Commit(ctx)
		if err == nil {
			r.back()
			return next
		}
		if next != nil {
			next.abandon() // it may hold locks that cur needs now
		}
		if !isAway(err) {
			r.log.Warn("a batch of pings failed, trying it again", "pings", len(cur.batch), "error", err)
		}
	}
	r.insist(ctx, cur.batch)
	return next
}

// open opens a round, or waits until it is open when that is done ahead.
func (r *Recorder) open(ctx context.Context, cur *round) error {
	switch {
	case cur.opened != nil:
		<-cur.opened
		defer cur.cancel()
	case r.refused > 0:
		cur.err = errAway // one try is enough now
	default:
		cur.open, cur.err = r.store.OpenPings(ctx, arrivals(cur.batch))
	}
	return cur.err
}

var errAway = errors.New("the database is away")

// ahead begins to open a round for what waits already.
func (r *Recorder) ahead() *round {
	if !r.store.OpensAhead() {
		return nil
	}
	batch := r.collect(nil)
	if len(batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.Patience)
	next := &round{batch: batch, opened: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(next.opened)
		next.err = incident.Catch("worker", func() (err error) {
			next.open, err = r.store.OpenPings(ctx, arrivals(batch))
			return err
		})
	}()
	return next
}

// abandon gives up the locks of a round that is open or will be.
func (next *round) abandon() {
	next.cancel()
	<-next.opened
	if next.err == nil {
		next.open.Rollback()
		next.err = errAway
	}
}

func arrivals(batch []*waiting) []*store.Arrival {
	out := make([]*store.Arrival, len(batch))
	for i, w := range batch {
		out[i] = w.arrival
	}
	return out
}

// insist records a batch that has met trouble, and when it cannot be recorded as
// a whole, each ping by itself.
func (r *Recorder) insist(ctx context.Context, batch []*waiting) {
	err := r.persist(ctx, arrivals(batch))
	if err != nil && len(batch) > 1 && !isAway(err) {
		r.log.Warn("a batch of pings failed, recording one by one", "pings", len(batch), "error", err)
		for _, w := range batch {
			w.err = r.persist(ctx, []*store.Arrival{w.arrival})
		}
		return
	}
	for _, w := range batch {
		w.err = err
	}
}

// persist records a batch, again and again while the database is away and ctx
// lasts. After that the batches that follow get one try each, so that clients
// hear soon that it is no use to wait, until one succeeds.
func (r *Recorder) persist(ctx context.Context, batch []*store.Arrival) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := r.record(ctx, batch)
		if err == nil {
			r.back()
			return nil
		}
		if !isAway(err) {
			r.log.Error("pings were not recorded", "pings", len(batch), "error", err)
			return err
		}
		if r.refused > 0 {
			return r.refuse(batch, err)
		}
		select {
		case <-ctx.Done():
			return r.refuse(batch, err)
		case <-time.After(pause):
		}
	}
}

func (r *Recorder) record(ctx context.Context, batch []*store.Arrival) error {
	open, err := r.store.OpenPings(ctx, batch)
	if err != nil {
		return err
	}
	return open.Commit(ctx)
}

// refuse gives a batch up. Of an outage only the beginning and the end are
// logged: there may be thousands of batches in between.
func (r *Recorder) refuse(batch []*store.Arrival, err error) error {
	if r.refused == 0 {
		r.log.Error("pings are refused, the database is away", "pings", len(batch), "error", err)
	}
	r.refused += len(batch)
	return errs.Unavailablef(retryAfter, "the database is away, try again").Because(err)
}

func (r *Recorder) back() {
	if r.refused > 0 {
		r.log.Info("pings are recorded again", "refused", r.refused)
		r.refused = 0
	}
}

// isAway tells trouble of the database that passes from an error of the batch.
func isAway(err error) bool {
	return db.IsUnavailable(err) || errors.Is(err, context.DeadlineExceeded) || errs.KindOf(err) == errs.Unavailable
}
