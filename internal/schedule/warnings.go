package schedule

import (
	"fmt"
	"time"
)

// Warnings names what a user may not expect of a schedule, in sentences fit to
// show: it occurs every minute; cron's "day of month or weekday" (contract
// §1.9); the first time within a year from now that a clock change moves or
// drops. There are none for a period.
func Warnings(s Schedule, now time.Time) []string {
	var all []string
	switch s := s.(type) {
	case *CronSchedule:
		all = s.pattern.warnOften(all)
		if d := &s.pattern.days; d.either && d.fromStart != everyDay && d.weekdays != everyWeekday {
			all = append(all, "Both the day of the month and the weekday are set: cron runs when either of them matches. Start one of the two fields with * to require both.")
		}
		all = s.pattern.warnGap(all, s.loc, now, s.onWallClock)
	case *CalendarSchedule:
		for i := range s.lines {
			all = s.lines[i].pattern.warnOften(all)
			all = s.lines[i].pattern.warnGap(all, s.lines[i].loc, now, false)
		}
	}
	return all
}

func (p *pattern) warnOften(all []string) []string {
	h, m := shapeOf(p.hours, 0, 23), shapeOf(p.minutes, 0, 59)
	if !h.all() || !m.all() {
		return all
	}
	if shapeOf(p.seconds, 0, 59).n > 1 {
		return append(all, "This is more often than every minute: a ping is expected each time.")
	}
	return append(all, "This is every minute: a ping is expected each minute.")
}

// warnGap looks for the first occurrence of the next year that a clock jumps
// over. A schedule that runs in every hour loses nothing worth a warning.
func (p *pattern) warnGap(all []string, loc *time.Location, now time.Time, shift bool) []string {
	unix, ok := searchable(now)
	if !ok || shapeOf(p.hours, 0, 23).all() {
		return all
	}
	here := segmentAt(loc, unix)
	for end := unix + 366*secondsPerDay; here.end < end; {
		next := segmentAt(loc, here.end)
		gapStart, gapEnd := here.end+here.offset, here.end+next.offset
		if found, ok := p.next(gapStart); ok && found < gapEnd {
			what := "does not occur"
			if shift {
				what = "moves to " + time.Unix(gapEnd, 0).UTC().Format("15:04")
			}
			return append(all, fmt.Sprintf("On %s clocks in %s go from %s to %s: the time %s that day %s.",
				time.Unix(found, 0).UTC().Format("2006-01-02"), loc,
				time.Unix(gapStart, 0).UTC().Format("15:04"), time.Unix(gapEnd, 0).UTC().Format("15:04"),
				time.Unix(found, 0).UTC().Format("15:04"), what))
		}
		here = next
	}
	return all
}
