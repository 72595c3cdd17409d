package ping

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/spool"
	"punctual/internal/store"
)

// Keep is where pings are kept while the database takes none. The zero value is nowhere.
type Keep struct {
	Spool *spool.Spool
	Store KeepStore
	// this process
	Taker uuid.UUID
	Host  string
}

// KeepStore is the part of the store that takes pings up that were kept.
type KeepStore interface {
	SpoolByID(ctx context.Context, id uuid.UUID, host string) (store.Spool, error)
	Replay(ctx context.Context, sp store.Spool, batch []*store.Arrival) error
	Addresses(ctx context.Context, see func([]store.Address) error) error
	AddressesChanged(ctx context.Context, since time.Time) (store.AddressChanges, error)
	Now() time.Time
}

// How long pings wait.
const (
	// for the database, before they are kept
	keepAfter = 300 * time.Millisecond
	// for the disk, before they are refused
	keepWait = 2 * time.Second
	// calls of the spool that wait for the disk
	maxKeeping = 4096
)

// keeper keeps pings on the disk of this process while the database takes none, and has
// them recorded when it does.
type keeper struct {
	Keep
	log *slog.Logger

	// what arrives is kept: the database takes no pings, or has yet to take those that were kept
	away atomic.Bool
	// it takes pings again, those that were kept first
	there atomic.Bool
	// held by those who keep pings, and locked for the moment in which the last is recorded: what
	// comes then is recorded behind it
	turn sync.RWMutex
	// commits that nobody waits for any more, and that may happen still
	pending atomic.Int32
	// calls of the spool that wait for the disk
	keeping atomic.Int32
	// rates of checks that the gate of the Recorder does not know
	strangers *gate
	// the database is away
	wake chan struct{}
	// ends replay
	cancel context.CancelFunc
	ended  sync.WaitGroup
	// the last number of the spool when it was opened
	opened int64
	// that is compared with what the database knows of it
	compared bool
	// what is kept may have been recorded, whatever the spool says
	doubtful bool
	// of replay
	trouble  logs.Outage
	replayed int
	dropped  int
	// pings that are replayed in one transaction
	size int
	// the check whose pings the database does not take, and since when
	stuckOn uuid.UUID
	stuck   time.Time
}

func newKeeper(keep Keep, s gateStore, rates Rates, log *slog.Logger) *keeper {
	if keep.Spool == nil {
		return nil
	}
	k := &keeper{Keep: keep, log: log, strangers: newGate(s, rates), wake: make(chan struct{}, 1), size: replayBatch,
		opened:  keep.Spool.Last(),
		trouble: logs.Outage{Log: log, Doing: "recording the pings that were kept", Level: slog.LevelWarn}}
	// what comes now is recorded behind what is kept
	k.away.Store(keep.Spool.Depth() > 0)
	return k
}

// isAway tells whether pings are to be kept at once.
func (k *keeper) isAway() bool { return k != nil && k.away.Load() }

// isGone tells whether the database cannot be asked.
func (k *keeper) isGone() bool { return k.isAway() && !k.there.Load() }

// ifAway calls do while pings are to be kept, and tells whether it has.
func (k *keeper) ifAway(is func() bool, do func()) bool {
	if !is() {
		return false
	}
	k.turn.RLock()
	defer k.turn.RUnlock()
	if !is() {
		return false
	}
	do()
	return true
}

// damaged is when the last damage of the spool was noticed, zero where there is none.
func (k *keeper) damaged() time.Time {
	if k == nil {
		return time.Time{}
	}
	return k.Spool.Damaged()
}

// holds tells whether pings are kept that are not recorded yet.
func (k *keeper) holds() bool { return k != nil && k.Spool.Depth() > 0 }

// heard is heard of arriving, but that what is kept is not recorded yet.
func (r *Recorder) heard(now time.Time) (mark time.Time, refused []store.Refusal, tooMany time.Time) {
	mark, refused, tooMany = r.arriving.heard(now)
	if r.keep == nil {
		return mark, refused, tooMany
	}
	// after the others: a ping that is answered meanwhile is among them, or kept
	oldest := r.keep.Spool.Oldest()
	if !oldest.IsZero() && oldest.Before(mark) {
		mark = oldest
	}
	return mark, refused, tooMany
}

// lost notes that the database takes no pings.
func (k *keeper) lost(err error) {
	k.there.Store(false)
	if !k.away.Swap(true) {
		k.log.Error("the database takes no pings, they are kept on this disk until it does", "error", err)
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// errSlow is why pings are kept that the database takes too long for.
var errSlow = errors.New("the database has not answered in time")

// commitOrKeep records a batch, or keeps it where the database does not take it in time,
// and sets the error of each of its pings.
func (r *Recorder) commitOrKeep(batch []*waiting) {
	k := r.keep
	if k.ifAway(k.isAway, func() { r.keepAll(batch, false) }) {
		return
	}
	// what is given up may go on, so it has arrivals of its own
	work := make([]store.Arrival, len(batch))
	arrivals := make([]*store.Arrival, len(batch))
	for i, w := range batch {
		work[i] = *w.arrival
		arrivals[i] = &work[i]
	}
	done := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.Patience)
	go func() {
		defer cancel()
		done <- incident.Catch("worker", func() error { return r.store.RecordPings(ctx, arrivals) })
	}()
	slow := time.NewTimer(keepAfter)
	defer slow.Stop()
	select {
	case err := <-done:
		if isAway(err) {
			r.keepLost(batch, err)
			return
		}
		for i, w := range batch {
			*w.arrival = work[i]
		}
		if err != nil {
			r.commit(batch)
			r.keepFailed(batch)
		}
	case <-slow.C:
		k.pending.Add(1)
		r.keepLost(batch, errSlow)
		go func() {
			<-done
			k.pending.Add(-1)
		}()
	}
}

// keepLost keeps a batch that the database may have taken, and notes that it takes none.
func (r *Recorder) keepLost(batch []*waiting, err error) {
	r.keep.turn.RLock()
	defer r.keep.turn.RUnlock()
	r.keep.lost(err)
	r.keepAll(batch, true)
}

// keepFailed keeps the pings of a batch that the database has refused for what is not their
// fault: it is being restored, or lacks a right.
func (r *Recorder) keepFailed(batch []*waiting) {
	var failed []*waiting
	var err error
	for _, w := range batch {
		if w.err != nil && !isOfPing(w.err) {
			failed = append(failed, w)
			err = w.err
		}
	}
	// they are not refused
	r.refused = 0
	if len(failed) > 0 {
		r.keepLost(failed, err)
	}
}

// isOfPing tells an error that the ping itself has caused, and will cause again, from trouble
// of the database.
func isOfPing(err error) bool {
	_, panicked := errors.AsType[*incident.Panic](err)
	return panicked || db.IsOfData(err)
}

// keepAll keeps pings and sets the error of each. Uncertain ones may be recorded already.
func (r *Recorder) keepAll(batch []*waiting, uncertain bool) {
	k := r.keep
	entries := make([]spool.Entry, 0, len(batch))
	kept := make([]*waiting, 0, len(batch))
	for _, w := range batch {
		w.err = r.resolveKept(w.arrival)
		if w.err != nil {
			continue
		}
		a := w.arrival
		entry := spool.Entry{Taker: k.Taker, Code: a.Code, PingKey: a.PingKey, Slug: a.Slug, Ping: a.Ping, Mail: a.Mail, Uncertain: uncertain}
		entry.Ping.CheckID = 0
		entry.Ping.N = 0
		entries = append(entries, entry)
		kept = append(kept, w)
	}
	err := k.append(entries)
	for _, w := range kept {
		w.err = err
	}
	if err == nil {
		r.observe.kept(len(kept))
	}
}

// append writes entries to the spool; it does not wait for a disk that hangs.
func (k *keeper) append(entries []spool.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if k.keeping.Add(1) > maxKeeping {
		k.keeping.Add(-1)
		return errs.Unavailablef(retryAfter, "too many pings are waiting, try again").Because(errFull)
	}
	done := make(chan error, 1)
	go func() {
		defer k.keeping.Add(-1)
		done <- k.Spool.Append(entries)
	}()
	slow := time.NewTimer(keepWait)
	defer slow.Stop()
	var err error
	select {
	case err = <-done:
	case <-slow.C:
		err = errors.New("the disk has not answered in time")
	}
	if err != nil {
		return errs.Unavailablef(retryAfter, "the database is away and the ping could not be kept, try again").Because(err)
	}
	return nil
}

// resolveKept finds the check of a ping while the database is away: by what this process
// has seen, and by the snapshot of addresses. It fails with store.ErrAmbiguousSlug, and with
// errs.Unavailable where nobody can tell.
func (r *Recorder) resolveKept(a *store.Arrival) error {
	// as a look at the database left it that has failed
	a.Err = nil
	if a.Code == uuid.Nil {
		return r.resolveKeptSlug(a)
	}
	// it was located, with its project, as it arrived
	if a.Project != uuid.Nil || r.gate.knows(a.Code) {
		return nil
	}
	known, err := r.keep.Spool.Addresses().Known(a.Code)
	if err != nil || !known {
		return unresolved(err)
	}
	return nil
}

func (r *Recorder) resolveKeptSlug(a *store.Arrival) error {
	codes, err := r.keep.Spool.Addresses().BySlug(a.PingKey, a.Slug)
	switch {
	case err != nil:
		code, known := r.gate.codeOf(a.PingKey, a.Slug)
		if !known {
			return unresolved(err)
		}
		a.Code = code
	case len(codes) == 0:
		return unresolved(nil)
	case len(codes) > 1:
		return store.ErrAmbiguousSlug
	default:
		a.Code = codes[0]
	}
	return nil
}

// unresolved is the error of a ping to an address that is not known while the database is
// away: it may be new.
func unresolved(err error) error {
	return errs.Unavailablef(retryAfter, "the database is away, try again").Because(errors.Join(err, errFull))
}

// locateKept is locateBatch while the database is away.
func (r *Recorder) locateKept(batch []*waiting) {
	var admitted []*waiting
	for _, w := range batch {
		w.err = r.admitKept(w.arrival)
		if w.err == nil && !w.lookOnly {
			admitted = append(admitted, w)
		}
	}
	r.keepAll(admitted, false)
	for _, w := range batch {
		if errs.KindOf(w.err) == errs.Unavailable {
			r.observe.refused(DatabaseAway, 1)
		}
	}
}

// admitKept finds the check of a ping, and takes a place in the rates.
func (r *Recorder) admitKept(a *store.Arrival) error {
	if err := r.resolveKept(a); err != nil {
		return err
	}
	c, err := r.keep.strangers.admitLocated(a)
	r.keep.strangers.remember(a, c)
	return err
}

// keepOne keeps a ping that the gate has let in.
func (r *Recorder) keepOne(w *waiting) error {
	r.keepAll([]*waiting{w}, false)
	if w.err != nil {
		r.observe.refused(DatabaseAway, 1)
	}
	return w.err
}

// CodeBySlug finds the check a slug means, by what is known here while the database is away.
// It fails like Record.
func (r *Recorder) CodeBySlug(_ context.Context, pingKey, slug string) (uuid.UUID, error) {
	a := store.Arrival{PingKey: pingKey, Slug: slug, Admitted: true}
	err := r.lookUp(&a)
	return a.Code, err
}

// start begins to replay what is kept, and to follow the addresses of checks.
func (k *keeper) start(r *Recorder) {
	if k == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	k.ended.Go(func() { k.forever(ctx, replayPause, k.wake, func() error { return k.replayIfAny(ctx, r) }) })
	k.ended.Go(func() { k.forever(ctx, followPause, nil, func() error { return k.followAddresses(ctx) }) })
}

const (
	// between two looks whether something is kept
	replayPause = 200 * time.Millisecond
	// a snapshot of addresses is no older, while the database is there
	followPause = 5 * time.Second
	// while the database is away
	longestPause = time.Second
)

// forever does something again and again, until ctx ends: after each pause, and when wake
// receives.
func (k *keeper) forever(ctx context.Context, pause time.Duration, wake <-chan struct{}, do func() error) {
	for {
		err := incident.Catch("worker", do)
		if err != nil && !isAway(err) && ctx.Err() == nil {
			k.log.Error("pings that are kept, and addresses for them", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-time.After(pause):
		}
	}
}

// close stops replaying, when what is kept is recorded, or cannot be.
func (k *keeper) close(r *Recorder) {
	if k == nil {
		return
	}
	k.cancel()
	k.ended.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := k.replayIfAny(ctx, r); err != nil {
		k.log.Warn("pings are kept on this disk until the next start", "pings", k.Spool.Depth(), "error", err)
	}
}

// closeTime bounds the last replay.
const closeTime = 5 * time.Second

// replayIfAny has recorded what is kept, and finds out whether the database takes pings.
func (k *keeper) replayIfAny(ctx context.Context, r *Recorder) error {
	if !k.away.Load() && k.Spool.Depth() == 0 {
		return nil
	}
	err := k.replay(ctx, r)
	if errors.Is(err, errPending) {
		return nil
	}
	if ctx.Err() == nil || err == nil {
		k.trouble.Note(err, time.Now())
	}
	if err != nil {
		k.there.Store(false)
		return err
	}
	if k.replayed > 0 {
		k.log.Info("all pings that were kept are recorded", "pings", k.replayed, "of_no_check", k.dropped)
		k.replayed = 0
		k.dropped = 0
	}
	return nil
}

// back notes that the database takes pings again.
func (k *keeper) back() {
	if k.away.Swap(false) {
		k.log.Info("the database takes pings again", "kept", k.Spool.Depth())
	}
}

const (
	// pings that are replayed in one transaction, at most
	replayBatch = 256
	// the database has so long for one
	replayTime = 10 * time.Second
)

// errPending is why nothing is replayed: what may be recorded still must be decided before.
var errPending = errors.New("a commit is under way")

// replay has recorded all that is kept. What arrives meanwhile is kept behind it, unless more
// comes than can be replayed beside it.
func (k *keeper) replay(ctx context.Context, r *Recorder) error {
	if k.pending.Load() > 0 {
		return errPending
	}
	sp, err := k.position(ctx)
	if err != nil {
		return err
	}
	k.compare(&sp)
	if err := k.Spool.Delete(sp.ReplayedTo); err != nil {
		return err
	}
	before := k.Spool.Depth()
	for i := 1; ; i++ {
		if err := k.replayNext(ctx, r, &sp); err != nil {
			return err
		}
		k.compared = true
		k.there.Store(true)
		depth := k.Spool.Depth()
		if depth < replayBatch {
			done, err := k.handOver(ctx, r, &sp)
			if done || err != nil {
				return err
			}
		}
		if i%lookBehind == 0 {
			if depth >= before {
				k.back()
			}
			before = depth
		}
	}
}

// compare notices, the first time, that the spool is older than what the database knows of it:
// its directory was set back, with a snapshot of its machine. Its numbers are given again then,
// and what it holds may be recorded.
func (k *keeper) compare(sp *store.Spool) {
	if !k.compared && sp.ReplayedTo > k.opened {
		k.log.Warn("the spool is older than what the database has of it; what is kept is looked for before it is recorded",
			"recorded_to", sp.ReplayedTo, "last", k.opened)
		sp.ReplayedTo = 0
		k.doubtful = true
	}
}

// lookBehind is how many batches tell whether less and less is kept.
const lookBehind = 64

// replayNext has the next entries recorded; where there are none it finds out whether the
// database takes writes.
func (k *keeper) replayNext(ctx context.Context, r *Recorder, sp *store.Spool) error {
	entries, err := k.Spool.Next(sp.ReplayedTo, k.size)
	if err != nil {
		return err
	}
	if k.pending.Load() > 0 {
		return errPending
	}
	err = k.replayBatch(ctx, r, sp, entries)
	if errors.Is(err, context.DeadlineExceeded) {
		// others may have pinged these checks very often since
		k.size = max(1, k.size/2)
	}
	if err != nil {
		return err
	}
	k.size = min(replayBatch, k.size+4)
	return k.Spool.Delete(sp.ReplayedTo)
}

// handOver has the last of what is kept recorded, while what arrives waits, and pings recorded
// at once from then on. done is false where that would take too long.
func (k *keeper) handOver(ctx context.Context, r *Recorder, sp *store.Spool) (done bool, err error) {
	k.turn.Lock()
	defer k.turn.Unlock()
	short, cancel := context.WithTimeout(ctx, keepAfter)
	defer cancel()
	for k.Spool.Depth() > 0 {
		err := k.replayNext(short, r, sp)
		if err != nil {
			return false, err
		}
	}
	k.doubtful = false
	k.back()
	return true, nil
}

// position is how far the spool is recorded.
func (k *keeper) position(ctx context.Context) (store.Spool, error) {
	ctx, cancel := context.WithTimeout(ctx, replayTime)
	defer cancel()
	return k.Store.SpoolByID(ctx, k.Spool.ID(), k.Host)
}

// replayBatch has entries recorded, and moves sp on.
func (k *keeper) replayBatch(ctx context.Context, r *Recorder, sp *store.Spool, entries []spool.Entry) error {
	before := *sp
	batch := make([]*store.Arrival, len(entries))
	for i := range entries {
		batch[i] = r.arrivalOf(&entries[i])
		sp.ReplayedTo = entries[i].Seq
	}
	err := k.replayOnce(ctx, *sp, batch)
	if err == nil || isAway(err) || ctx.Err() != nil || len(entries) == 0 {
		if err != nil {
			*sp = before
			return err
		}
		k.count(batch)
		return nil
	}
	for i := range entries {
		next := before
		next.ReplayedTo = entries[i].Seq
		a := r.arrivalOf(&entries[i])
		err := k.replayOnce(ctx, next, []*store.Arrival{a})
		if isAway(err) || ctx.Err() != nil {
			*sp = before
			return err
		}
		if err != nil && !isOfPing(err) && !k.gaveUp(a.Code) {
			*sp = before
			return errs.Unavailablef(retryAfter, "the database does not take the ping").Because(err)
		}
		if err != nil {
			// the database will never have it
			k.log.Error("a ping that was kept could not be recorded", "check", a.Code, "at", entries[i].Ping.CreatedAt, "error", err)
			r.Lost(a)
			r.observe.refused(Failed, 1)
		}
		before = next
		k.count([]*store.Arrival{a})
	}
	*sp = before
	return nil
}

// gaveUpAfter is how long the pings of a check are tried again that the database refuses for a
// reason that may pass.
const gaveUpAfter = 15 * time.Minute

// gaveUp tells whether pings of the check have been refused for long enough.
func (k *keeper) gaveUp(code uuid.UUID) bool {
	if k.stuckOn != code {
		k.stuckOn = code
		k.stuck = time.Now()
	}
	return time.Since(k.stuck) >= gaveUpAfter
}

func (k *keeper) replayOnce(ctx context.Context, sp store.Spool, batch []*store.Arrival) error {
	ctx, cancel := context.WithTimeout(ctx, replayTime)
	defer cancel()
	return incident.Catch("worker", func() error { return k.Store.Replay(ctx, sp, batch) })
}

func (k *keeper) count(batch []*store.Arrival) {
	for _, a := range batch {
		k.replayed++
		if a.Err != nil {
			k.dropped++
		}
	}
}

// arrivalOf is the ping of an entry, as it arrived.
func (r *Recorder) arrivalOf(e *spool.Entry) *store.Arrival {
	a := &store.Arrival{Code: e.Code, PingKey: e.PingKey, Slug: e.Slug, Ping: e.Ping, Mail: e.Mail, Uncertain: e.Uncertain || r.keep.doubtful,
		Admitted: true,
		Classify: e.Classify}
	if r.limits.Bodies != nil {
		a.KeepBody = r.limits.Bodies.keep
	}
	return a
}
