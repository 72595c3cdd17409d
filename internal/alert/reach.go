package alert

import (
	"time"

	"punctual/internal/notify"
	"punctual/internal/store"
)

// reach remembers which destinations work, so that what waits for one that did not is tried at once when it works again.
// It is used by one goroutine.
//
// A destination is named as deliveries wait for it (store.Outcome.WaitsFor). What is not known, as after a start, counts as
// one that did not work: at worst, deliveries are asked for that are not there.
type reach struct {
	at map[string]reached
}

type reached struct {
	// works is when it worked last.
	works time.Time
	// since is when it worked for the first time after it was away.
	since time.Time
	// away says that it has failed since, for longer than a moment.
	away bool
}

const (
	// A destination that has just worked and fails once is not away: of many deliveries to it some may fail for
	// reasons of their own, and each success would bring them back at once.
	reachMoment = time.Minute
	// More destinations than this are not remembered.
	reachSize = 10_000
)

func newReach() *reach { return &reach{at: make(map[string]reached)} }

// failed takes note that an attempt, from begun to now, did not reach the destination. again tells that the destination
// came back meanwhile: others were told to come at once while this attempt was under way.
func (r *reach) failed(name string, begun, now time.Time) (again bool) {
	was := r.at[name]
	if begun.Before(was.since) {
		return true
	}
	if now.Sub(was.works) >= reachMoment {
		was.away = true
		r.put(name, was)
	}
	return false
}

// worked takes note that the destination worked at time now, and tells whether it did not before.
func (r *reach) worked(name string, now time.Time) (again bool) {
	was, known := r.at[name]
	again = !known || was.away
	if again {
		was.since = now
	}
	r.put(name, reached{works: now, since: was.since})
	return again
}

// worksAgain takes note of how attempts went, and returns what works that did not before.
func (r *reach) worksAgain(batch []outcome) []string {
	var again []string
	for _, o := range batch {
		switch {
		case o.WaitsFor != "":
			if r.failed(o.WaitsFor, o.At.Add(-o.took), o.At) {
				again = append(again, o.WaitsFor)
			}
		case o.Verdict == store.Sent:
			for _, name := range []string{o.away(notify.DestinationAway), o.away(notify.KindAway)} {
				if r.worked(name, o.At) {
					again = append(again, name)
				}
			}
		}
	}
	return again
}

// away is the name of what was found away by an attempt: of the destination, of the whole kind, or "".
func (o *outcome) away(what notify.Away) string {
	switch what {
	case notify.DestinationAway:
		return o.claimed.Channel.Kind + " " + o.destination
	case notify.KindAway:
		return o.claimed.Channel.Kind
	default:
		return ""
	}
}

func (r *reach) put(name string, state reached) {
	if len(r.at) >= reachSize {
		clear(r.at)
	}
	r.at[name] = state
}
