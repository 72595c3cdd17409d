package ping

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"punctual/internal/boottime"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// How a taker signs.
const (
	// a mark is never older, while everything works
	signEvery = 5 * time.Second
	// between two, however close the deadlines are
	signPause = 50 * time.Millisecond
	// after one that failed
	signAgain = time.Second
	// the database has so long for one
	signPatience = 5 * time.Second
	// how often is looked whether this process runs, and whether a mark is due
	tickEvery = 200 * time.Millisecond
	// between two looks: what is longer has not been attested
	maxGap = 5 * time.Second
)

// takerStore is the part of the store a Taker needs.
type takerStore interface {
	Now() time.Time
	ClockMayBeSet() bool
	SignTaker(ctx context.Context, t *monitor.Taker, sign store.Sign) error
	TakerStopped(ctx context.Context, t *monitor.Taker, sign store.Sign) error
	NextDeadline(ctx context.Context, after time.Time) (time.Time, error)
	RefreshHeard(ctx context.Context) error
}

// Taker tells the watchers until when all pings are known that have arrived at this
// process, and when it could not take any: a deadline is judged by what has been heard.
// It writes its mark at least every five seconds, and when a deadline comes.
type Taker struct {
	recorder *Recorder
	store    takerStore
	self     monitor.Taker
	log      *slog.Logger
	trouble  logs.Outage

	// of the fields below: Run and Stop use them from different goroutines
	mu sync.Mutex
	// when the last look was: by a clock that goes on while the machine sleeps and that nobody
	// can set, and by that of the database
	looked   time.Duration
	lookedAt time.Time
	gaps     []monitor.Blind
	// since when no connection could be accepted, zero: they can; and when that was last so
	deafSince time.Time
	failedAt  time.Time
	// from then on nothing is attested; zero: we listen
	closed time.Time
	// the last mark written
	mark time.Time
	// when the last was written, or was to be: by the clock of this process, and by that of
	// the database
	signed   time.Time
	signedAt time.Time
	failed   bool
	// to be done once what was to be stored is
	afterSign []func()
	// of the last damage of the spool that is no news
	damage time.Time
}

// NewTaker makes a Taker for the pings of r. Who it is is in self; it listens already.
func NewTaker(r *Recorder, s takerStore, self monitor.Taker, log *slog.Logger) *Taker {
	return &Taker{recorder: r, store: s, self: self, log: log, looked: boottime.Now(), lookedAt: s.Now(),
		trouble: logs.Outage{Log: log, Doing: "telling the watchers which pings are recorded", Level: slog.LevelWarn}}
}

// Run signs until ctx ends. changed receives a value when deadlines may have moved.
func (t *Taker) Run(ctx context.Context, changed <-chan struct{}) {
	var looking sync.WaitGroup
	defer looking.Wait()
	// beside the signing: a database that hangs keeps nobody from running
	looking.Go(func() { t.keepLooking(ctx) })
	var next time.Time
	for {
		if t.due(t.store.Now(), next) {
			next = t.sign(ctx, next)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(t.pause(next)):
		case <-changed:
			next = t.nextDeadline(ctx, next)
		}
	}
}

// keepLooking looks again and again whether this process runs, until ctx ends.
func (t *Taker) keepLooking(ctx context.Context) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.look()
		}
	}
}

// due tells whether a mark is to be written now, where next is the next deadline.
func (t *Taker) due(now, next time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	since := time.Since(t.signed)
	switch {
	case t.failed:
		return since >= signAgain
	case since < signPause:
		return false
	case since >= signEvery || now.Sub(t.signedAt) >= signEvery:
		return true
	}
	return t.recorder.arriving.waits() || !next.IsZero() && !now.Before(next)
}

// pause is how long nothing is to be done.
func (t *Taker) pause(next time.Time) time.Duration {
	pause := tickEvery
	if !next.IsZero() {
		pause = min(pause, next.Sub(t.store.Now()))
	}
	return max(pause, signPause/2)
}

// Lost notes that pings were lost that had arrived from one time to another.
func (t *Taker) Lost(from, to time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gaps = append(t.gaps, monitor.Blind{From: from, Until: to, Ways: t.self.Ways, Cause: monitor.CauseRefused})
}

// DamageTold notes that Lost has been called, where pings were lost, for all damages of the
// spool that were noticed up to a time. Until then the mark stands still.
func (t *Taker) DamageTold(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.damage = at
}

// AfterSign has f called when all that was noted before is stored.
func (t *Taker) AfterSign(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.afterSign = append(t.afterSign, f)
}

// look notes that this process runs, or that it did not.
func (t *Taker) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lookLocked()
}

func (t *Taker) lookLocked() {
	t.listenAgain()
	boot := boottime.Now()
	gap := boot - t.looked
	t.looked = boot
	now := t.store.Now()
	before := t.lookedAt
	t.lookedAt = now
	leap := now.Sub(before) - gap
	if leap > maxGap && t.store.ClockMayBeSet() {
		t.gaps = append(t.gaps, monitor.Blind{From: before, Until: now, Ways: t.self.Ways, Cause: monitor.CauseClock})
		t.log.Warn("the clock was set forward; runs that were due meanwhile prove nothing", "by", leap.Round(time.Millisecond).String())
	}
	if gap > maxGap {
		t.gaps = append(t.gaps, monitor.Blind{From: now.Add(-gap), Until: now, Ways: t.self.Ways, Cause: monitor.CauseSuspended})
		t.log.Warn("this process did not run for a while; pings may have been lost", "for", gap.Round(time.Millisecond).String())
	}
}

// AcceptFailed notes that a connection could not be accepted. The listener tries again at
// least once a second while one waits, so that some time without an error says that it
// can.
func (t *Taker) AcceptFailed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failedAt = t.store.Now()
	if t.deafSince.IsZero() {
		t.deafSince = t.failedAt
	}
}

// longDeaf is how long the mark waits for connections to be accepted again.
const longDeaf = 30 * time.Second

// acceptWorks is how long after the last error connections count as accepted again.
const acceptWorks = 2 * time.Second

// listenAgain ends the interval in which no connection could be accepted, when that is over.
func (t *Taker) listenAgain() {
	now := t.store.Now()
	if t.deafSince.IsZero() || now.Sub(t.failedAt) < acceptWorks {
		return
	}
	t.gaps = append(t.gaps, monitor.Blind{From: t.deafSince, Until: now, Ways: t.self.Ways, Cause: monitor.CauseNotAccepting})
	t.deafSince = time.Time{}
}

// Closing is to be called before the listeners are closed: from then on nothing is attested.
func (t *Taker) Closing() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed.IsZero() {
		t.closed = t.store.Now()
	}
}

// prepare is what there is to tell.
func (t *Taker) prepare() (sign store.Sign) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lookLocked()
	now := t.store.Now()
	if !t.deafSince.IsZero() && now.Sub(t.deafSince) >= longDeaf {
		// else nobody would be told of anything
		t.gaps = append(t.gaps, monitor.Blind{From: t.deafSince, Until: now, Ways: t.self.Ways, Cause: monitor.CauseNotAccepting})
		t.deafSince = now
	}
	var tooMany time.Time
	sign.Mark, sign.Refused, tooMany = t.recorder.heard(now)
	for _, limit := range []time.Time{t.closed, t.deafSince} {
		if !limit.IsZero() && sign.Mark.After(limit) {
			sign.Mark = limit
		}
	}
	if t.recorder.keep.damaged().After(t.damage) && !t.mark.IsZero() && t.mark.Before(sign.Mark) {
		// what was kept since may be lost
		sign.Mark = t.mark
	}
	if !tooMany.IsZero() {
		t.gaps = append(t.gaps, monitor.Blind{From: tooMany, Until: now, Ways: t.self.Ways, Cause: monitor.CauseRefused})
	}
	sign.Gaps = t.gaps
	t.gaps = nil
	return sign
}

func (t *Taker) putBack(sign store.Sign) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gaps = append(sign.Gaps, t.gaps...)
	t.recorder.arriving.putBack(sign.Refused)
}

// sign writes the mark and returns the deadline after it.
func (t *Taker) sign(ctx context.Context, next time.Time) time.Time {
	ctx, cancel := context.WithTimeout(ctx, signPatience)
	defer cancel()
	err := t.write(ctx, next)
	if ctx.Err() == nil || err == nil {
		t.trouble.Note(err, time.Now())
	}
	if err != nil {
		return next
	}
	// what this process has just told is shown by it at once, not with the next look
	_ = t.store.RefreshHeard(ctx)
	return t.nextDeadline(ctx, next)
}

// write writes the mark; next is the deadline that it is written for, zero = none.
func (t *Taker) write(ctx context.Context, next time.Time) error {
	sign := t.prepare()
	sign.Wake = !next.IsZero() && !sign.Mark.Before(next)
	err := t.store.SignTaker(ctx, &t.self, sign)
	if err != nil {
		t.putBack(sign)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.signed = time.Now()
	t.signedAt = t.store.Now()
	t.failed = err != nil
	if err != nil {
		return err
	}
	t.mark = sign.Mark
	for _, f := range t.afterSign {
		f()
	}
	t.afterSign = nil
	return nil
}

// nextDeadline is the one after the last mark; where it cannot be found out, the one that
// was known.
func (t *Taker) nextDeadline(ctx context.Context, known time.Time) time.Time {
	t.mu.Lock()
	mark := t.mark
	t.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, signPatience)
	defer cancel()
	next, err := t.store.NextDeadline(ctx, mark)
	if err != nil {
		return known
	}
	return next
}

// Stop tells the watchers that this process takes no more pings: it is to be called when
// Run has ended and the Recorder is closed.
func (t *Taker) Stop(ctx context.Context) error {
	t.Closing()
	if t.recorder.keep.holds() {
		// this process, or the next, will tell of them: until then they are waited for
		return nil
	}
	sign := t.prepare()
	return t.store.TakerStopped(ctx, &t.self, sign)
}
