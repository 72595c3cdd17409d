package ping

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/limit"
	"punctual/internal/store"
)

// Limits of the Recorder. Zero fields take the defaults.
type Limits struct {
	// pings waiting, 4096; beyond it they are refused
	Queue int
	// pings in one transaction, 256
	Batch int
	// how long a batch is tried again while the database is away, 8 s
	Patience time.Duration
	// of checks and projects; any by default
	Rates Rates
	// of owners; nil: all are kept
	Bodies *Bodies
	// bytes of long bodies that are read and not yet recorded, 128 MiB
	Room int64
	// where pings are kept while the database takes none; nowhere by default
	Keep Keep
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
	if l.Room == 0 {
		l.Room = 128 << 20
	}
	return l
}

// Recorder makes pings durable by group commit; see the package comment.
type Recorder struct {
	store   recording
	limits  Limits
	log     *slog.Logger
	observe Observe

	// guards closed against a send on the closed queue
	mu     sync.RWMutex
	closed bool
	queue  chan *waiting
	done   chan struct{}

	gate     *gate
	arriving arriving
	// nil: pings are kept nowhere
	keep *keeper
	// for the bodies of pings
	room    *limit.Bytes
	located sync.Mutex
	// pings whose checks are to be looked up
	unlocated []*waiting
	// that is being done
	locating bool
	// it failed the last time, after all patience
	unlocatable bool

	// out of the queue, and its check is yet to be read
	held *waiting
	// pings since the database has been away for too long; 0 = it is there
	refused int
}

// recording is the part of the store the Recorder needs.
type recording interface {
	gateStore
	RecordPings(ctx context.Context, batch []*store.Arrival) error
	Knows(a *store.Arrival) bool
	Prefetch(ctx context.Context, batch []*store.Arrival) error
}

type waiting struct {
	arrival *store.Arrival
	// it is not to be recorded
	lookOnly bool
	err      error
	done     chan struct{}
}

// NewRecorder starts a Recorder. It must be closed.
func NewRecorder(s recording, limits Limits, log *slog.Logger, observe Observe) *Recorder {
	limits = limits.withDefaults()
	r := &Recorder{
		store:   s,
		limits:  limits,
		log:     log,
		observe: observe,
		queue:   make(chan *waiting, limits.Queue),
		done:    make(chan struct{}),
		gate:    newGate(s, limits.Rates),
		room:    limit.NewBytes(limits.Room, roomWait),
		keep:    newKeeper(limits.Keep, s, limits.Rates, log),
	}
	r.arriving.strict = r.keep != nil
	r.keep.start(r)
	go r.run()
	return r
}

// roomWait is how long a body waits for room.
const roomWait = 2 * time.Second

// retryAfter is how long a refused client should wait. Five tries of curl then last
// 40 seconds and more, which covers a restart; curl takes a shorter pause literally
// and gives up sooner.
const retryAfter = 10 * time.Second

// Record waits until a is recorded and on disk, and returns nil then. It fails
// with errs.NotFound when there is no such check, with store.ErrAmbiguousSlug
// when there are several, with errs.TooMany when its check or project sends more
// pings than it may, and with errs.Unavailable when the queue is full, the
// database stays away, or the Recorder is closed.
//
// No ping is older than one that Record was called for before: where it comes with an
// earlier time, that is changed.
//
// A caller that goes away does not stop the recording: a ping that has arrived
// counts.
func (r *Recorder) Record(a *store.Arrival) error {
	arrived := r.arriving.begin(a)
	err := errPanicked
	defer func() { r.arriving.end(arrived, a, err) }()
	err = r.take(a)
	return err
}

// errPanicked is what became of a ping whose recording has ended in a panic.
var errPanicked = errors.New("recording a ping has panicked")

// Lost notes that a ping was refused by a fault of ours before it could be recorded: the
// silence of its check says nothing.
func (r *Recorder) Lost(a *store.Arrival) { r.arriving.lost(a, a.Ping.CreatedAt) }

func (r *Recorder) take(a *store.Arrival) error {
	if r.limits.Bodies != nil {
		a.KeepBody = r.limits.Bodies.keep
	}
	w := &waiting{arrival: a, done: make(chan struct{})}
	bySlug := a.Code == uuid.Nil
	known, err := r.gate.admit(a)
	switch {
	case known && err == nil && r.keep.ifAway(r.keep.isAway, func() { err = r.keepOne(w) }):
	case known && err == nil:
		err = r.record(w)
		r.gate.learned(a, bySlug, err)
	case !known:
		r.locate(w)
		err = w.outcome()
	}
	r.observe.rateRefused(err)
	return err
}

// record puts a ping into the queue and waits until it is recorded.
func (r *Recorder) record(w *waiting) error {
	if err := r.enqueue(w); err != nil {
		return err
	}
	<-w.done
	return w.outcome()
}

// outcome is what became of a ping that is done.
func (w *waiting) outcome() error {
	if w.err != nil {
		return w.err
	}
	return w.arrival.Err
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
	r.keep.close(r)
}

func (r *Recorder) run() {
	defer close(r.done)
	var next []*waiting
	for {
		batch := r.fill(next)
		if len(batch) == 0 {
			return
		}
		var read <-chan struct{}
		next, read = r.ahead()
		began := time.Now()
		if r.keep != nil {
			r.commitOrKeep(batch)
		} else {
			r.commit(batch)
		}
		r.observe.batch(batch, time.Since(began))
		for _, w := range batch {
			close(w.done)
		}
		<-read
	}
}

// fill makes a batch of what was looked at ahead and of what waits. It waits for
// the first ping only, and returns none when the Recorder is closed and all is
// done. To pings that were looked at ahead it adds none whose check is yet to be
// read: that one is held for the next look.
func (r *Recorder) fill(batch []*waiting) []*waiting {
	lookedAt := len(batch) > 0
	if !lookedAt {
		w, ok := <-r.queue
		if !ok {
			return nil
		}
		batch = append(batch, w)
	}
	for len(batch) < r.limits.Batch {
		w := r.waits()
		if w == nil {
			break
		}
		if lookedAt && !r.store.Knows(w.arrival) {
			r.held = w
			break
		}
		batch = append(batch, w)
	}
	return batch
}

// waits takes a ping out of the queue, nil when there is none.
func (r *Recorder) waits() *waiting {
	select {
	case w := <-r.queue:
		return w
	default:
		return nil
	}
}

// ahead takes what waits already, and has the checks among it that are not known
// read while others are being written. read is closed when that is done.
func (r *Recorder) ahead() (next []*waiting, read <-chan struct{}) {
	unknown := r.held != nil
	if unknown {
		next = append(next, r.held)
		r.held = nil
	}
	for len(next) < r.limits.Batch {
		w := r.waits()
		if w == nil {
			break
		}
		next = append(next, w)
		unknown = unknown || !r.store.Knows(w.arrival)
	}
	done := make(chan struct{})
	if !unknown || r.refused > 0 || r.keep.isAway() {
		close(done)
		return next, done
	}
	batch := arrivals(next)
	go func() {
		defer close(done)
		patience := readTime
		if r.keep != nil {
			patience = keepAfter
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err := incident.Catch("worker", func() error { return r.store.Prefetch(ctx, batch) })
		// they are read when they are written, then
		if err != nil && !isAway(err) {
			r.log.Warn("checks were not read ahead", "pings", len(batch), "error", err)
		}
	}()
	return next, done
}

// readTime keeps short what a database that hangs adds to the patience.
const readTime = time.Second

// commit records a batch and sets the error of each of its pings.
func (r *Recorder) commit(batch []*waiting) {
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.Patience)
	defer cancel()
	defer func() {
		p := recover()
		if p != nil {
			r.rescue(batch, incident.Caught("worker", p))
		}
	}()
	// else one try is enough
	if r.refused == 0 {
		err := r.store.RecordPings(ctx, arrivals(batch))
		if err == nil {
			return
		}
		if !isAway(err) {
			r.log.Warn("a batch of pings failed, trying it again", "pings", len(batch), "error", err)
		}
	}
	r.insist(ctx, batch)
}

// rescue records the pings of a batch that has made us panic one by one, so that
// the others do not suffer from the one that did.
func (r *Recorder) rescue(batch []*waiting, err error) {
	r.log.Error("a batch of pings failed, recording one by one", "pings", len(batch), "error", err)
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.Patience)
	defer cancel()
	for _, w := range batch {
		w.err = incident.Catch("worker", func() error { return r.persist(ctx, []*store.Arrival{w.arrival}) })
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
		err := r.store.RecordPings(ctx, batch)
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
