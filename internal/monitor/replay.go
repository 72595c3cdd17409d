package monitor

import (
	"encoding/json"
	"time"
)

// A ping may be recorded long after it arrived: it was kept on the disk of a process that
// did not reach the database. Others may have pinged since, deadlines may have been
// judged, and people may have changed the check. Replay finds out what the ping says all
// the same.

// Past is what is stored of a check since the first of the pings that are replayed.
type Past struct {
	// in the order of time
	Flips []*Flip
	// successes and failures, in any order
	Ends []Ping
	// runs that are unknown still, in the order of their deadlines
	Unknown []*UnknownRun
	// when successes came that are to be replayed behind the ping, in the order of time
	Coming []time.Time
}

// Replayed is what a ping that comes late has changed.
type Replayed struct {
	// in the order of time
	Flips []*Flip
	// the run that it settles, with its verdict; nil = none
	Settled *UnknownRun
}

// Replay applies a ping to c at the time at which it arrived, p.CreatedAt, and brings past
// up to date. now is when that happens.
//
// Where nothing has happened to c since, that is Take. Else stored flips stay as they are,
// and LastPing never goes back:
//
//   - Before the last time a person paused, resumed or cleared c, a ping changes nothing.
//   - Where c has been pinged since, a failure adds that c was down from then to the next
//     success, and anything else changes nothing but the record of runs.
//   - A success after the deadline of which c is down was told as missed makes c up again
//     now, unless a later deadline has passed.
//   - Where the run is unknown, the ping settles it.
func Replay(c *Check, p *Ping, past *Past, now time.Time) Replayed {
	if past.inOrder(c, p) {
		flip := Take(c, p)
		past.note(p, flip)
		if flip == nil {
			return Replayed{}
		}
		return Replayed{Flips: []*Flip{flip}}
	}
	l := late{c: c, p: p, past: past, now: now}
	return l.apply()
}

// inOrder tells whether nothing has happened to c since p arrived.
func (past *Past) inOrder(c *Check, p *Ping) bool {
	t := p.CreatedAt
	return !t.Before(c.LastPing) && !t.Before(c.LastStart) && t.After(c.ActedAt) && t.After(c.BlindUntil) && len(past.flipsSince(t)) == 0
}

func (past *Past) note(p *Ping, flips ...*Flip) {
	for _, f := range flips {
		if f != nil {
			past.Flips = append(past.Flips, f)
		}
	}
	if p.Kind == PingSuccess || p.Kind == PingFail {
		past.Ends = append(past.Ends, Ping{N: p.N, CreatedAt: p.CreatedAt, Kind: p.Kind})
	}
}

// flipsSince are the flips after a time.
func (past *Past) flipsSince(t time.Time) []*Flip {
	for i, f := range past.Flips {
		if f.CreatedAt.After(t) {
			return past.Flips[i:]
		}
	}
	return nil
}

// endsSince is how many runs have ended after a time, and when the first of them did with a
// success, zero: none has.
func (past *Past) endsSince(t time.Time) (n int, success time.Time) {
	for i := range past.Ends {
		end := &past.Ends[i]
		if !end.CreatedAt.After(t) {
			continue
		}
		n++
		if end.Kind == PingSuccess && (success.IsZero() || end.CreatedAt.Before(success)) {
			success = end.CreatedAt
		}
	}
	return n, success
}

// late is a ping that is applied after things that came later.
type late struct {
	c    *Check
	p    *Ping
	past *Past
	now  time.Time
	out  Replayed
}

func (l *late) apply() Replayed {
	c := l.c
	p := l.p
	if c.Status == StatusPaused && c.ManualResume {
		p.Kind = PingIgn
	}
	c.NPings++
	p.CheckID = c.ID
	p.N = c.NPings
	if p.Kind != PingSuccess && p.Kind != PingFail || !p.CreatedAt.After(c.ActedAt) {
		return l.out
	}
	if c.Unjudged != "" && !c.foldsBehind(p.CreatedAt) {
		// Fold takes it, in its place
		return l.out
	}
	l.settle()
	switch {
	case !p.CreatedAt.After(c.LastPing):
		l.superseded()
	case p.Kind == PingSuccess:
		l.success()
	default:
		l.fail()
	}
	l.past.note(p, l.out.Flips...)
	return l.out
}

// foldsBehind tells whether Fold of c begins after a time.
func (c *Check) foldsBehind(t time.Time) bool {
	var u unjudged
	err := json.Unmarshal([]byte(c.Unjudged), &u)
	return err == nil && u.State.LastPing.After(t)
}

// settle finds the unknown run that the ping is of.
func (l *late) settle() {
	for i, run := range l.past.Unknown {
		if run.Verdict != VerdictNone || l.p.CreatedAt.Before(run.BlindFrom) || l.p.CreatedAt.After(run.Deadline) {
			continue
		}
		run.Verdict = VerdictSuccess
		if l.p.Kind == PingFail {
			run.Verdict = VerdictFail
		}
		run.VerdictAt = l.now
		later := 0
		for _, other := range l.past.Unknown[i+1:] {
			if other.Verdict == VerdictNone {
				later++
			}
		}
		l.c.Settle(later, run.Verdict)
		l.out.Settled = run
		return
	}
}

// superseded applies a ping of before the last one.
func (l *late) superseded() {
	c := l.c
	since, success := l.past.endsSince(l.p.CreatedAt)
	for _, coming := range l.past.Coming {
		if coming.After(l.p.CreatedAt) && coming.Before(success) {
			success = coming
		}
	}
	if l.out.Settled == nil {
		outcome := RunSuccess
		if l.p.Kind == PingFail {
			outcome = RunFail
		}
		c.RecentRuns = insertRun(c.RecentRuns, since, outcome)
	}
	if l.p.Kind != PingFail || c.Status != StatusUp || success.IsZero() || len(l.past.flipsSince(l.p.CreatedAt)) > 0 {
		return
	}
	l.out.Flips = []*Flip{
		{CheckID: c.ID, CreatedAt: l.p.CreatedAt, Old: StatusUp, New: StatusDown, Reason: ReasonFail},
		{CheckID: c.ID, CreatedAt: success, Old: StatusDown, New: StatusUp},
	}
}

// insertRun puts an outcome before the last n of runs.
func insertRun(runs string, n int, outcome byte) string {
	if n >= len(runs) {
		if len(runs) >= MaxRecentRuns {
			return runs
		}
		return string(outcome) + runs
	}
	before := AppendRun(runs[:len(runs)-n], outcome)
	all := before + runs[len(runs)-n:]
	return all[max(0, len(all)-MaxRecentRuns):]
}

// end notes the end of the run, which nothing that is stored has ended.
func (l *late) end() {
	c := l.c
	c.noteEnd(l.p)
	c.finish(l.p)
	if l.p.Kind == PingFail {
		c.clearStart()
	}
	outcome := RunSuccess
	if l.p.Kind == PingFail {
		outcome = RunFail
	}
	missed := len(c.RecentRuns) > 0 && c.RecentRuns[len(c.RecentRuns)-1] == RunMissed
	switch {
	case l.out.Settled != nil:
	case c.Status == StatusDown && missed:
		// it was not missed
		c.RecentRuns = c.RecentRuns[:len(c.RecentRuns)-1] + string(outcome)
	default:
		c.RecentRuns = AppendRun(c.RecentRuns, outcome)
	}
}

// success applies a success that is the newest, to a check that has been judged since.
func (l *late) success() {
	c := l.c
	l.end()
	up := *c
	up.Status = StatusUp
	up.Recompute(l.now)
	if c.Status == StatusDown && up.deadlinePassed(l.now) {
		// a later run has been missed
		c.Recompute(l.now)
		return
	}
	at := l.p.CreatedAt
	if c.Status == StatusDown {
		// it stays true that it was shown as down until now
		at = l.now
	}
	flip := c.flipTo(StatusUp, at, ReasonNone)
	if flip != nil {
		l.out.Flips = []*Flip{flip}
	}
	c.Recompute(l.now)
}

// fail applies a failure that is the newest, to a check that has been judged since.
func (l *late) fail() {
	c := l.c
	l.end()
	flip := c.flipTo(StatusDown, l.p.CreatedAt, ReasonFail)
	if flip != nil {
		l.out.Flips = []*Flip{flip}
	}
	c.Recompute(l.now)
}
