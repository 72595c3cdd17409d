package alert

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"punctual/internal/incident"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
)

// attempt sends the message of a job once, and records what becomes of each of its
// deliveries. It is true when the destination has not failed.
func (d *Dispatcher) attempt(ctx context.Context, j *job, b bundle) bool {
	begun := d.cfg.Store.Now()
	began := time.Now()
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	result, err := send(sending, d.cfg.Registry, b.events...)
	took := time.Since(began)
	_, bug := errors.AsType[*incident.Panic](err)
	if bug {
		d.cfg.Log.Error("a notifier failed", "delivery", j.Code, "kind", j.Channel.Kind, "error", err)
	}
	outdated := make(map[int64]bool, len(b.outdated))
	for _, c := range b.outdated {
		outdated[c.ID] = true
	}
	verdict := store.Sent
	for _, c := range j.all() {
		if outdated[c.ID] {
			continue
		}
		o := outcomeOf(c)
		o.took = took
		o.cause = err
		o.Tried = true
		o.destination = j.destination
		o.At = begun.Add(took).Truncate(time.Microsecond)
		o.Latency = took
		o.Answer = result.Said
		d.conclude(ctx, &o, b, err)
		verdict = o.Verdict
		d.recorder.add(o)
	}
	if err == nil {
		verdict = store.Sent
	}
	if result.Plain {
		d.cfg.Observe.plain(j.Channel.Kind)
	}
	d.cfg.Observe.attempted(j.Channel.Kind, verdict, took)
	return verdict != store.Retry
}

// conclude decides what becomes of one delivery after an attempt that ended with err.
func (d *Dispatcher) conclude(ctx context.Context, o *outcome, b bundle, err error) {
	settles, flaps := b.settles[o.ID]
	switch {
	case err == nil && flaps:
		o.Verdict = store.Released
		o.NextTry = settles
		o.WaitsFor = monitor.WaitsToSettle
	case err == nil:
		o.Verdict = store.Sent
		if o.claimed.WaitsFor == monitor.WaitsToSettle {
			o.WaitsFor = monitor.WaitsToSettle
		} else {
			d.cfg.Observe.accepted(o.claimed.Channel.Kind, o.At.Sub(o.claimed.CreatedAt))
		}
	case ctx.Err() != nil:
		o.Verdict = store.Retry
		o.NextTry = o.At
		o.Error = "Punctual was stopped in the middle of this attempt"
		o.Tried = false
	default:
		d.judge(o, err)
	}
}

// judge decides after a failed attempt: again, or never, and whether the
// channel is to be used at all.
func (d *Dispatcher) judge(o *outcome, err error) {
	o.Error = message(err)
	var sendErr *notify.Error
	if !errors.As(err, &sendErr) {
		sendErr = &notify.Error{}
	}
	pause, again := pauseAfter(o.Attempt, o.age(), sendErr.RetryAfter, d.cfg.Random())
	switch {
	case sendErr.Permanent():
		o.Verdict = store.Failed
		o.Disable = true
		o.notice = d.noticeOf(ChannelDisabled, o)
	case sendErr.GivenUp() || !again:
		o.Verdict = store.Failed
		o.notice = d.noticeOf(DeliveryGivenUp, o)
	default:
		o.Verdict = store.Retry
		o.NextTry = o.At.Add(pause)
		o.WaitsFor = o.away(sendErr.Away)
	}
}

// message is what the owner of the channel may read about err: the notifier's
// own words, or a general sentence, for other errors are internal.
func message(err error) string {
	var sendErr *notify.Error
	switch {
	case errors.As(err, &sendErr):
		return sendErr.Message
	case errors.Is(err, context.DeadlineExceeded):
		return "Connection timed out"
	default:
		return "Internal error"
	}
}

// send is one attempt in which a panic is an error like any other: one broken
// message must not take the others along.
func send(ctx context.Context, r *notify.Registry, events ...notify.Event) (res notify.Result, err error) {
	defer func() {
		p := recover()
		if p != nil {
			err = fmt.Errorf("notifier %s: %w", events[0].Channel.Kind, incident.Caught("notifier", p))
		}
	}()
	return r.Send(ctx, events...)
}

func event(c *store.Claimed, now time.Time) notify.Event {
	ev := notify.Event{
		Check: c.Check, Flip: c.Flip, Channel: c.Channel, Project: c.Project, Status: c.Flip.New, Now: now,
		LastPing: c.LastPing, OtherDown: c.OtherDown, OtherDownTotal: c.OtherDownTotal, OwnerTZ: time.UTC,
		Attempt: c.Attempts, Key: c.Code.String(), Decided: c.CreatedAt,
	}
	if !c.DownSince.IsZero() {
		ev.DownFor = max(0, c.Flip.CreatedAt.Sub(c.DownSince))
	}
	tz, err := time.LoadLocation(c.Owner.TZ)
	if err == nil {
		ev.OwnerTZ = tz
	}
	return ev
}

// NoticeKind says what the owner of a channel is told.
type NoticeKind string

// The notices.
const (
	// a permanent error: nothing more is sent through it
	ChannelDisabled NoticeKind = "channel-disabled"
	DeliveryGivenUp NoticeKind = "delivery-given-up"
)

// Notice is what the owner of a project has to know about a channel that does
// not work. It may be told more than once, also by other processes, with the same
// Key each time: who gets it tells it to people once.
type Notice struct {
	Kind NoticeKind
	// one per kind, channel and day (UTC)
	Key     string
	Channel monitor.Channel
	Project monitor.Project
	Owner   store.Owner
	// the one whose alert did not get through
	Check monitor.Check
	// what was to be told of it: up or down
	Status monitor.Status
	// what the other side said; may be shown
	Error string
	At    time.Time
}

// noticeOf returns nil where the only way to tell the owner is the address that
// does not work.
func (d *Dispatcher) noticeOf(kind NoticeKind, o *outcome) *Notice {
	c := o.claimed
	if strings.EqualFold(strings.TrimSpace(d.cfg.Store.AddressOf(&c.Channel)), c.Owner.Email) {
		return nil
	}
	return &Notice{
		Kind: kind, Key: fmt.Sprintf("%s-%s-%s", kind, c.ChannelID, o.At.Format(time.DateOnly)),
		Channel: c.Channel, Project: c.Project, Owner: c.Owner, Check: c.Check, Status: c.Flip.New, Error: o.Error, At: o.At,
	}
}
