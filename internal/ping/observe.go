package ping

import (
	"errors"
	"time"

	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// Observe are hooks for metrics; any may be nil. They must be quick: the pings
// of a batch are answered after them.
type Observe struct {
	// Batch is told of each batch, in how long it was on disk or given up.
	Batch func(n Tally, took time.Duration)
	// Refused is told of pings that got no place in a batch, or were lost to the
	// database: each was answered with an error.
	Refused func(why Refusal, pings int)
	// Unknown is told of pings of checks that do not exist and got no place in a
	// batch for that.
	Unknown func(pings int)
	// Kept is told of pings that are on this disk, since the database takes none.
	Kept func(pings int)
}

// Tally is what the pings of a batch were. Pings that were refused are not in it.
type Tally struct {
	Success, Start, Fail, Log, Ignored int
	// of checks that do not exist: not recorded
	Unknown int
}

// Refusal says why a ping was not recorded although it may have been in order.
type Refusal string

// The refusals.
const (
	QueueFull    Refusal = "queue_full"
	DatabaseAway Refusal = "database_away"
	ShuttingDown Refusal = "shutting_down"
	// the database would not have it
	Failed Refusal = "error"
	// its check sends too many
	CheckRate Refusal = "check_rate"
	// its project does
	ProjectRate Refusal = "project_rate"
)

func (o Observe) refused(why Refusal, pings int) {
	if o.Refused != nil && pings > 0 {
		o.Refused(why, pings)
	}
}

func (o Observe) kept(pings int) {
	if o.Kept != nil && pings > 0 {
		o.Kept(pings)
	}
}

func (o Observe) unknown(pings int) {
	if o.Unknown != nil && pings > 0 {
		o.Unknown(pings)
	}
}

// rateRefused counts a ping when err says that it was one too many.
func (o Observe) rateRefused(err error) {
	if err == nil {
		return
	}
	rate, ok := errors.AsType[rateError](err)
	if ok {
		o.refused(Refusal(rate), 1)
	}
}

// batch counts the pings of a batch: hooks are called for batches, not for pings.
func (o Observe) batch(batch []*waiting, took time.Duration) {
	if o.Batch == nil {
		return
	}
	var n Tally
	var away, failed, own int
	for _, w := range batch {
		switch {
		case w.arrival.Own && w.err == nil:
			own++
		case w.err == nil:
			n.add(w)
		case errs.KindOf(w.err) == errs.Unavailable:
			away++
		default:
			failed++
		}
	}
	o.refused(DatabaseAway, away)
	o.refused(Failed, failed)
	if own < len(batch) {
		o.Batch(n, took)
	}
}

func (t *Tally) add(w *waiting) {
	if w.arrival.Err != nil {
		t.Unknown++
		return
	}
	switch w.arrival.Ping.Kind {
	case monitor.PingSuccess:
		t.Success++
	case monitor.PingStart:
		t.Start++
	case monitor.PingFail:
		t.Fail++
	case monitor.PingLog:
		t.Log++
	default:
		t.Ignored++
	}
}
