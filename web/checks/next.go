package checks

import (
	"strconv"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/web/ui/checkstate"
	"punctual/web/ui/human"
)

// nextKind is what the list says of the ping that comes next.
type nextKind int

const (
	// nothing is expected: the check is paused, new, or down after a failure
	nextNone nextKind = iota
	nextExpected
	nextOverdue
	nextRunning
)

// nextPing is the ping that comes next: when it is expected, since when it is
// overdue, or since when the run goes on that it will end.
type nextPing struct {
	kind nextKind
	at   time.Time
}

func (r *checkRow) next() nextPing {
	switch {
	case r.State == checkstate.Paused:
		return nextPing{}
	case r.Started():
		return nextPing{nextRunning, r.LastStart}
	case r.State == checkstate.Down:
		return r.missed()
	case r.State == checkstate.Late:
		return nextPing{nextOverdue, r.DueAt}
	case r.DueAt.IsZero():
		return nextPing{}
	default:
		return nextPing{nextExpected, r.DueAt}
	}
}

// missed is the ping that a check is down for, if that is why it is down. A stored
// check that is down has no moment any more at which a ping is expected.
func (r *checkRow) missed() nextPing {
	if !r.DueAt.IsZero() {
		return nextPing{nextOverdue, r.DueAt}
	}
	runs := r.RecentRuns
	if runs == "" || runs[len(runs)-1] != monitor.RunMissed {
		return nextPing{}
	}
	up := *r.Check
	up.Status = monitor.StatusUp
	due, err := up.Expected()
	if err != nil || due.IsZero() || due.After(r.page.Now) {
		return nextPing{}
	}
	return nextPing{nextOverdue, due}
}

// appendNext writes the cell of the next ping, with its time, by which scripts keep
// it current. Distances are rounded: scripts count the seconds.
func (r *checkRow) appendNext(b []byte) []byte {
	next := r.next()
	switch next.kind {
	case nextExpected:
		b = r.appendMoment(append(b, `<td class=nx data-`...), "due", next.at)
		b = append(b, '>')
		return append(b, human.Ago(r.page.Now, next.at)...)
	case nextOverdue:
		b = append(b, "<td class=nx><b>overdue</b>"...)
	case nextRunning:
		b = append(b, "<td class=nx>running"...)
	default:
		return append(b, "<td class=nx>–"...)
	}
	b = r.appendMoment(append(b, `<span class=mut data-`...), "since", next.at)
	b = append(append(b, ">for "...), human.Duration(human.Coarse(r.page.Now.Sub(next.at)))...)
	return append(b, "</span>"...)
}

// appendMoment writes an attribute with a moment in seconds since 1970. The moment at
// which the next ping is expected is written as data-after, in seconds after the last
// one, where it follows from that: most rows have it from their period, and what they
// have alike costs a compressed page nothing. static/js/checks.js works it out.
func (r *checkRow) appendMoment(b []byte, name string, at time.Time) []byte {
	seconds := at.Unix()
	if r.Kind == schedule.Simple && at.Equal(r.LastPing.Add(r.Timeout)) {
		name = "after"
		seconds = int64(r.Timeout.Seconds())
	}
	b = append(append(b, name...), '=')
	return strconv.AppendInt(b, seconds, 10)
}

// appendDistance writes how long ago a moment was. Scripts show the exact time when
// somebody points at it.
func (r *checkRow) appendDistance(b []byte, at time.Time) []byte {
	b = strconv.AppendInt(append(b, `<span data-ago=`...), at.Unix(), 10)
	b = append(append(b, '>'), human.Ago(r.page.Now, at)...)
	return append(b, "</span>"...)
}
