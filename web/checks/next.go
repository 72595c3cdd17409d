package checks

import (
	"strconv"
	"time"

	"punctual/internal/monitor"
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

// appendNext writes the cell of the next ping. What is expected has its time in
// seconds since 1970, by which static/js/app.js keeps it current.
func (r *checkRow) appendNext(b []byte) []byte {
	next := r.next()
	seconds := next.at.Unix()
	switch next.kind {
	case nextExpected:
		b = strconv.AppendInt(append(b, `<td class=nx data-due=`...), seconds, 10)
		b = append(b, '>')
		return append(b, human.Ago(r.page.Now, next.at)...)
	case nextOverdue:
		b = append(b, "<td class=nx><b>overdue</b>"...)
	case nextRunning:
		b = append(b, "<td class=nx>running"...)
	default:
		return append(b, "<td class=nx>–"...)
	}
	b = append(b, `<span class=mut>for <span data-since=`...)
	b = strconv.AppendInt(b, seconds, 10)
	b = append(append(b, '>'), human.Duration(r.page.Now.Sub(next.at).Truncate(time.Second))...)
	return append(b, "</span></span>"...)
}

// appendDistance writes how far away a moment is. The exact time is written so that
// people and static/js/app.js can both read it.
func (r *checkRow) appendDistance(b []byte, at time.Time) []byte {
	b = append(b, `<span data-ago title="`...)
	b = at.In(r.page.TZ).AppendFormat(b, "2006-01-02 15:04:05 -07:00")
	b = append(append(b, `">`...), human.Ago(r.page.Now, at)...)
	return append(b, "</span>"...)
}
