package alert

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

const (
	lease = 60 * time.Second
	// less than the lease, so that nobody sends at the same time
	sendTimeout = 45 * time.Second
	// how long the loops sleep at most
	poll = time.Second
)

// Dispatcher makes deliveries. One is enough for a process.
type Dispatcher struct {
	cfg      Config
	queues   *queues
	windows  windows
	recorder *recorder
	claims   chan claimResult
	done     chan *job
	trouble  trouble
}

type claimResult struct {
	claimed []*store.Claimed
	// of the checks of those that may be told together; nil = not known
	flaps map[int64]store.Flaps
	// as many as were asked for
	flood bool
	// no alert is to be sent
	held bool
	err  error
}

// NewDispatcher makes a dispatcher that works under cfg.Worker.
func NewDispatcher(cfg Config) *Dispatcher {
	cfg = cfg.withDefaults()
	return &Dispatcher{
		cfg:      cfg,
		queues:   newQueues(cfg.Limits.withKinds(cfg.Registry)),
		windows:  windows{},
		recorder: newRecorder(cfg),
		claims:   make(chan claimResult, 1),
		done:     make(chan *job, crowded*ofAll(cfg.Limits.Total)),
		trouble:  newTrouble(cfg.Log, "claiming deliveries"),
	}
}

// Run makes deliveries until ctx ends. Then it gives back what it has not begun,
// lets what is in flight finish within Config.Grace, and records all outcomes.
// It is called once.
func (d *Dispatcher) Run(ctx context.Context) {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	// it outlives the work
	recording, endRecording := context.WithCancel(context.WithoutCancel(ctx))
	defer endRecording()
	go d.recorder.run(recording)
	wake := d.cfg.Store.DB().Watch(ctx, db.TopicDeliveries)
	tick := time.NewTimer(0)
	defer tick.Stop()

	// a claim is under way
	var claiming bool
	// there may be something to claim
	var due bool
	// room.closed at the last look
	var closed int
	for {
		if !claiming {
			room := d.queues.room(d.cfg.Store.Now())
			room.leaveOut(d.windows.closed(d.cfg.Store.Now()))
			if room.limit > 0 && (due || room.closed < closed) {
				due = false
				claiming = true
				go d.claim(work, room)
			}
			closed = room.closed
		}
		d.start(work)
		select {
		case <-ctx.Done():
			d.finish(work, cut, claiming)
			time.AfterFunc(recordTimeout, endRecording)
			d.recorder.close()
			return
		case <-wake:
			// else the timer has the word
			due = d.trouble.pause == 0
		case <-tick.C:
			due = true
			d.release(d.queues.late(d.cfg.Store.Now()))
			d.release(d.queues.makeRoom(d.cfg.Store.Now()))
			d.windows.forget(d.cfg.Store.Now())
			tick.Reset(poll)
		case r := <-d.claims:
			claiming = false
			pause, ok := d.trouble.note(r.err)
			if !ok {
				due = false
				tick.Reset(pause)
			} else {
				d.cfg.Observe.claimed()
			}
			d.queues.flood = r.flood
			if r.held {
				// what is in flight cannot be taken back
				d.release(d.queues.late(time.Time{}))
			}
			d.accept(r)
			// there may be more
			due = due || len(r.claimed) > 0
		case j := <-d.done:
			d.queues.done(j)
			d.windows.sent(j.ChannelID)
		}
	}
}

// claim leases what there is room for. It is not cut off with the work of the
// loop, so that what it has leased is known and can be given back.
func (d *Dispatcher) claim(ctx context.Context, r room) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var claimed []*store.Claimed
	err := incident.Catch("worker", func() (err error) {
		claimed, err = d.cfg.Store.ClaimDeliveries(ctx, store.Claim{Worker: d.cfg.Worker, Limit: r.limit, PerChannel: r.perChannel, Lease: lease,
			NotChannels: r.notChannels, NotOwners: r.notOwners, NotKinds: r.notKinds, Calm: r.calm})
		return err
	})
	held := false
	if err == nil && len(claimed) == 0 {
		held, err = d.held(ctx)
	}
	d.claims <- claimResult{claimed, d.flapsOf(ctx, claimed), len(claimed) >= r.limit, held, err}
}

// held tells whether alerts are held. To ask is of use only where nothing was claimed.
func (d *Dispatcher) held(ctx context.Context) (bool, error) {
	hold, err := d.cfg.Store.AlertHold(ctx)
	return hold != nil, err
}

// accept puts claimed deliveries into their queues, and settles those that need
// no attempt.
func (d *Dispatcher) accept(r claimResult) {
	now := d.cfg.Store.Now()
	var jobs []*job
	digests := map[uuid.UUID]*job{}
	for _, c := range r.claimed {
		o, settled := d.withoutAttempt(c)
		if settled {
			d.settle(o)
			continue
		}
		j := &job{Claimed: c, digests: d.digests(c), flaps: r.flaps, startBy: c.NextTryAt.Add(-sendTimeout)}
		if j.digests {
			until := d.windows.waits(c, r.flaps, now)
			first := digests[c.ChannelID]
			switch {
			case !until.IsZero():
				d.recorder.add(held(c, until))
				continue
			case first != nil:
				first.others = append(first.others, c)
				continue
			}
			digests[c.ChannelID] = j
		}
		jobs = append(jobs, j)
	}
	for _, j := range jobs {
		j.destination = d.cfg.Registry.Kind(j.Channel.Kind).Destination(j.Channel.Config)
		switch {
		case !d.queues.add(j):
			d.release([]*job{j})
		case j.digests:
			d.windows.open(j.ChannelID, now, j.gathers(now))
		}
	}
}

// settle records an outcome that no attempt was needed for.
func (d *Dispatcher) settle(o outcome) {
	d.cfg.Observe.settled(o.claimed.Channel.Kind, o.Verdict)
	d.recorder.add(o)
}

// withoutAttempt decides about deliveries that are not to be sent: what the
// channel was when the flip came may have changed since.
func (d *Dispatcher) withoutAttempt(c *store.Claimed) (outcome, bool) {
	o := outcomeOf(c)
	o.At = d.cfg.Store.Now()
	k := d.cfg.Registry.Kind(c.Channel.Kind)
	switch {
	case c.Channel.Disabled:
		o.Verdict = store.Failed
		o.Error = "The integration is disabled"
	case !c.Channel.Verified:
		o.Verdict = store.Failed
		o.Error = "The address is not verified"
	case k == nil:
		o.Verdict = store.Failed
		o.Error = fmt.Sprintf("This site does not offer the integration %q", c.Channel.Kind)
	case !k.Wants(c.Channel.Config, c.Flip):
		o.Verdict = store.Unwanted
		if c.Flip.New == monitor.StatusDown {
			o.Untold = monitor.UntoldUnwanted
		}
	case c.Attempts > maxAttempts && o.age() > maxAge:
		// workers that died with it have not tried for certain
		o.Verdict = store.Failed
		o.Error = "Punctual stopped in the middle of each attempt"
	default:
		return o, false
	}
	return o, true
}

func (d *Dispatcher) start(ctx context.Context) {
	for {
		now := d.cfg.Store.Now()
		j := d.queues.next(now)
		if j == nil {
			return
		}
		if now.After(j.startBy) {
			d.release([]*job{j})
			// it says nothing about the destination
			j.worked = true
			d.queues.done(j)
			continue
		}
		go d.deliver(ctx, j)
	}
}

func (d *Dispatcher) deliver(ctx context.Context, j *job) {
	defer func() { d.done <- j }()
	err := incident.Catch("worker", func() error {
		j.worked = true
		if !d.gather(ctx, j) {
			return nil
		}
		b := bundleOf(j.all(), j.flaps, d.cfg.Store.Now())
		for _, c := range b.outdated {
			o := outcomeOf(c)
			o.Verdict = store.Unwanted
			d.settle(o)
		}
		if len(b.events) > 0 {
			j.worked = d.attempt(ctx, j, b)
		}
		return nil
	})
	// its lease runs out, then it is tried again
	if err != nil {
		d.cfg.Log.Error("a delivery failed", "delivery", j.Code, "kind", j.Channel.Kind, "error", err)
	}
}

func (d *Dispatcher) release(jobs []*job) {
	for _, j := range jobs {
		for _, c := range j.all() {
			d.recorder.add(released(c))
		}
	}
}

// finish is the orderly end of Run.
func (d *Dispatcher) finish(work context.Context, cut context.CancelFunc, claiming bool) {
	if claiming {
		for _, c := range (<-d.claims).claimed {
			d.recorder.add(released(c))
		}
	}
	d.release(d.queues.late(time.Time{}))
	grace, end := context.WithTimeout(work, d.cfg.Grace)
	defer end()
	if !d.await(grace) {
		// what is still in flight ends as a failed attempt and is tried again by another
		cut()
		last, end := context.WithTimeout(context.Background(), time.Second)
		defer end()
		d.await(last)
	}
}

// await waits until nothing is in flight.
func (d *Dispatcher) await(ctx context.Context) bool {
	for d.queues.total.all != (flights{}) {
		select {
		case j := <-d.done:
			d.queues.done(j)
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// outcome is what the recorder gets to know of a delivery.
type outcome struct {
	store.Outcome
	claimed *store.Claimed
	// destination is where the message went; "" = nowhere.
	destination string
	took        time.Duration
	// of a failure, for the log
	cause error
	// to be told to the owner
	notice *Notice
}

func outcomeOf(c *store.Claimed) outcome {
	return outcome{claimed: c, Outcome: store.Outcome{ID: c.ID, Attempt: c.Attempts, Channel: c.ChannelID}}
}

// age is for how long the delivery could have been made: not while alerts were held.
func (o *outcome) age() time.Duration {
	since := o.claimed.CreatedAt
	released := o.claimed.Released
	if released.After(since) && released.Before(o.At) {
		since = released
	}
	return o.At.Sub(since)
}

func released(c *store.Claimed) outcome {
	o := outcomeOf(c)
	o.Verdict = store.Released
	o.WaitsFor = c.WaitsFor
	return o
}

// level is how much an outcome matters to the log.
func (o outcome) level() slog.Level {
	switch o.Verdict {
	case store.Released:
		if o.Tried {
			return slog.LevelInfo
		}
		return slog.LevelDebug
	case store.Sent, store.Unwanted:
		return slog.LevelInfo
	default:
		return slog.LevelWarn
	}
}

// attrs is the delivery in one wide event. Its code is the key that the other
// side got with it: of a webhook in the header Idempotency-Key, of a mail at the
// beginning of the Message-ID.
func (o outcome) attrs() []slog.Attr {
	c := o.claimed
	attrs := []slog.Attr{
		slog.String("delivery", c.Code.String()),
		slog.String("kind", c.Channel.Kind),
		slog.String("outcome", o.Verdict.String()),
		slog.Int("attempt", c.Attempts),
		logs.Took(o.took),
		slog.String("status", string(c.Flip.New)),
		slog.String("check", monitor.UniqueKey(c.Check.Code)),
		slog.String("channel", c.ChannelID.String()),
		slog.String("project", c.Project.ID.String()),
	}
	if !o.At.IsZero() {
		attrs = append(attrs, slog.Float64("since_flip_s", o.At.Sub(c.Flip.CreatedAt).Seconds()))
	}
	if o.Verdict == store.Retry {
		attrs = append(attrs, slog.Float64("again_in_s", o.NextTry.Sub(o.At).Seconds()))
	}
	if o.Error != "" {
		attrs = append(attrs, slog.String("error", o.Error))
	}
	if o.cause != nil && o.cause.Error() != o.Error {
		attrs = append(attrs, slog.String("cause", o.cause.Error()))
	}
	return attrs
}
