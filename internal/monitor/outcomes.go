package monitor

import (
	"slices"
	"time"
)

// Outcome is one of the runs of RecentRuns, with what is stored of it.
type Outcome struct {
	// RunSuccess, RunLate, RunFail, RunMissed or RunUnknown
	Kind byte
	// when it ended, or the deadline that passed; zero = not known any more
	At time.Time
	// the ping that ended it; 0 = there is none, or it is not known any more
	Ping int64
	// from its start to its end; Timed tells whether both are known
	Took  time.Duration
	Timed bool
	// of RunLate: by how much, by the schedule as it is now; 0 = not known
	Late time.Duration
}

// Outcomes are the recent runs of c, newest first. What h has of them is filled
// in: h is of the same check, up to now, and may begin anywhere.
func Outcomes(c *Check, h History) []Outcome {
	newestFirst := func(yield func(*Ping) bool) {
		for i := len(h.Pings) - 1; i >= 0 && yield(&h.Pings[i]); i-- {
		}
	}
	took := RunDurations(newestFirst)
	ends := endsOf(h)
	out := make([]Outcome, 0, len(c.RecentRuns))
	for i := len(c.RecentRuns) - 1; i >= 0; i-- {
		o := Outcome{Kind: c.RecentRuns[i]}
		for len(ends) > 0 && ends[len(ends)-1].ping == nil && !ends[len(ends)-1].is(o.Kind) {
			// a deadline that passed by a change of the schedule is no run
			ends = ends[:len(ends)-1]
		}
		n := len(ends)
		if n == 0 || !ends[n-1].is(o.Kind) {
			out = append(out, o)
			continue
		}
		end := ends[n-1]
		ends = ends[:n-1]
		o.At = end.at
		if end.ping != nil {
			o.Ping = end.ping.N
			o.Took, o.Timed = took[o.Ping]
		}
		if o.Kind == RunLate {
			o.Late = c.lateBy(&o, ends)
		}
		out = append(out, o)
	}
	return out
}

// runEnd is a ping that ended a run, or a deadline that passed.
type runEnd struct {
	at time.Time
	// nil: a deadline
	ping *Ping
	// the run was hidden; nil: it was not
	unknown *UnknownRun
}

func (e runEnd) is(outcome byte) bool {
	if e.unknown != nil {
		return outcome == e.unknown.Verdict.Outcome()
	}
	switch outcome {
	case RunSuccess, RunLate:
		return e.ping != nil && e.ping.Kind == PingSuccess
	case RunFail:
		return e.ping != nil && e.ping.Kind == PingFail
	case RunMissed:
		return e.ping == nil
	default:
		return false
	}
}

// endsOf are the ends of runs in a history, oldest first.
func endsOf(h History) []runEnd {
	var out []runEnd
	for i := range h.Pings {
		p := &h.Pings[i]
		if p.Kind == PingSuccess || p.Kind == PingFail {
			out = append(out, runEnd{at: p.CreatedAt, ping: p})
		}
	}
	for i := range h.Flips {
		f := &h.Flips[i]
		if f.New == StatusDown && f.Reason == ReasonTimeout {
			out = append(out, runEnd{at: f.CreatedAt})
		}
	}
	for i := range h.Unknown {
		u := &h.Unknown[i]
		out = append(out, runEnd{at: u.Deadline, unknown: u})
	}
	slices.SortStableFunc(out, func(a, b runEnd) int { return a.at.Compare(b.at) })
	return out
}

// lateBy is how long after it was expected a late run came, before are the ends
// before it.
func (c *Check) lateBy(o *Outcome, before []runEnd) time.Duration {
	i := len(before) - 1
	for i >= 0 && before[i].ping == nil {
		i--
	}
	if i < 0 {
		return 0
	}
	then := *c
	then.Status = StatusUp
	then.LastPing = before[i].at
	expected, err := then.Expected()
	if err != nil || expected.IsZero() {
		return 0
	}
	came := o.At
	if o.Timed {
		came = came.Add(-o.Took)
	}
	return max(0, came.Sub(expected))
}
