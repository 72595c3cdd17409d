package schedule

import (
	"fmt"
	"time"

	"punctual/internal/text"
)

// Warnings names what a user may not expect of a schedule, in sentences fit to
// show: it never occurs again; it occurs every minute; steps that do not fill
// their hour or day; cron's "day of month or weekday" (docs/contract.md §1.9);
// the first time within a year from now that a clock change moves or drops, and
// the first that it repeats. There are none for a period.
func Warnings(s Schedule, now time.Time) []string {
	var all []string
	switch s := s.(type) {
	case *cronSchedule:
		all = s.pattern.warnOften(warnOver(all, s, now))
		all = s.pattern.warnSteps(all)
		d := &s.pattern.days
		if d.either && d.fromStart != everyDay && d.weekdays != everyWeekday {
			all = append(all,
				"Both the day of the month and the weekday are set: cron runs when either of them matches. Start one of the two fields with * to "+
					"require both.")
		}
		all = s.pattern.warnGap(all, s.loc, now, s.onWallClock)
		all = s.pattern.warnRepeat(all, s.loc, now, s.onWallClock)
	case *calendarSchedule:
		all = warnOver(all, s, now)
		for i := range s.lines {
			p := &s.lines[i].pattern
			loc := s.lines[i].loc
			all = p.warnOften(all)
			all = p.warnGap(all, loc, now, false)
			all = p.warnRepeat(all, loc, now, true)
		}
	}
	return all
}

// warnOver tells of a schedule whose last time has passed.
func warnOver(all []string, s Schedule, now time.Time) []string {
	_, ok := s.Next(now)
	if ok {
		return all
	}
	return append(all, "It never occurs again: no ping is expected any more, and silence is never noticed.")
}

func (p *pattern) warnOften(all []string) []string {
	h := shapeOf(p.hours, 0, 23)
	m := shapeOf(p.minutes, 0, 59)
	switch {
	case !m.all():
		return all
	case shapeOf(p.seconds, 0, 59).n > 1:
		return append(all, "This is more often than every minute: a ping is expected each time.")
	case h.all():
		return append(all, "This is every minute: a ping is expected each minute.")
	default:
		return append(all, "This is every minute of each chosen hour, 60 times in it. For once an hour, set the minute to 0.")
	}
}

// warnSteps tells of steps such as */45 that begin anew with each hour or day,
// which makes one distance shorter than the others.
func (p *pattern) warnSteps(all []string) []string {
	hours := shapeOf(p.hours, 0, 23)
	if hours.all() {
		all = warnStep(all, shapeOf(p.minutes, 0, 59), "minute", "hour")
	}
	if p.days.fromStart == everyDay && p.days.weekdays == everyWeekday {
		all = warnStep(all, hours, "hour", "day")
	}
	return all
}

func warnStep(all []string, s shape, unit, whole string) []string {
	if s.step <= 1 || s.first != s.low || !s.toEnd() || s.whole() {
		return all
	}
	left := fmt.Sprintf("%d %ss", s.high+1-s.last, unit)
	if s.last == s.high {
		left = "1 " + unit
	}
	return append(all,
		fmt.Sprintf(
			"This is not every %d %ss all along: the count begins anew with each %s, so between the last one and the first of the next %s lies "+
				"only %s.",
			s.step, unit, whole, whole, left))
}

// warnGap looks for the first occurrence of the next year that a clock jumps
// over; shift tells that it moves then.
func (p *pattern) warnGap(all []string, loc *time.Location, now time.Time, shift bool) []string {
	found, from, until, ok := p.atChange(loc, now, func(before, after int64) (int64, int64) { return before, after })
	if !ok {
		return all
	}
	what := "does not occur"
	if shift {
		what = "moves to " + timeOfDay(until)
	}
	return append(all, fmt.Sprintf("On %s clocks in %s go from %s to %s: the time %s that day %s.",
		date(found), loc, timeOfDay(from), timeOfDay(until), timeOfDay(found), what))
}

// warnRepeat looks for the first occurrence of the next year whose time a clock
// shows twice; once tells that only the first of the two counts.
func (p *pattern) warnRepeat(all []string, loc *time.Location, now time.Time, once bool) []string {
	found, from, until, ok := p.atChange(loc, now, func(before, after int64) (int64, int64) { return after, before })
	if !ok {
		return all
	}
	what := "a ping is expected both times"
	if once {
		what = "a ping is expected the first time"
	}
	return append(all, fmt.Sprintf("On %s clocks in %s go back from %s to %s: the time %s comes twice that day, and %s.",
		date(found), loc, timeOfDay(until), timeOfDay(from), timeOfDay(found), what))
}

// atChange finds the first occurrence, within a year of now, in the span of a
// clock change. span is given what clocks show at the change by the old offset
// and by the new one, and returns the times that the change concerns, none when
// they are in the wrong order. A schedule that runs in every hour loses and
// repeats nothing worth a warning. All times are wall clock seconds.
func (p *pattern) atChange(loc *time.Location, now time.Time, span func(before, after int64) (from, until int64)) (found, from, until int64,
	ok bool) {
	unix, ok := searchable(now)
	if !ok || shapeOf(p.hours, 0, 23).all() {
		return 0, 0, 0, false
	}
	here := segmentAt(loc, unix)
	for end := unix + 366*secondsPerDay; here.end < end; {
		next := segmentAt(loc, here.end)
		from, until = span(here.end+here.offset, here.end+next.offset)
		found, ok = p.next(from)
		if ok && found < until {
			return found, from, until, true
		}
		here = next
	}
	return 0, 0, 0, false
}

// date and timeOfDay show wall clock seconds.
func date(wall int64) string      { return time.Unix(wall, 0).UTC().Format("2006-01-02") }
func timeOfDay(wall int64) string { return time.Unix(wall, 0).UTC().Format("15:04") }

// graceTimes is how many of the next occurrences GraceWarning looks at.
const graceTimes = 200

// GraceWarning says that a grace time is so long that runs can be missed without
// a word, "" = it is not: longer than the shortest distance of the next
// occurrences. A ping of any later run makes up for those before it.
func GraceWarning(s Schedule, grace time.Duration, now time.Time) string {
	shortest := time.Duration(0)
	for at, i := now, 0; i < graceTimes; i++ {
		next, ok := s.Next(at)
		if !ok {
			break
		}
		d := next.Sub(at)
		if i > 0 && (shortest == 0 || d < shortest) {
			shortest = d
		}
		at = next
	}
	if shortest == 0 || grace <= shortest {
		return ""
	}
	return fmt.Sprintf(
		"The grace time of %s is longer than the %s between two runs: when one is missed and the next one comes, nobody is told.",
		text.Duration(grace), text.Duration(shortest))
}
