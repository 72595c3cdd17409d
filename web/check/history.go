package check

import (
	"context"
	"fmt"
	"html/template"
	"strconv"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui/human"
)

const (
	// of the calendar, at most
	historyWeeks = 53
	// and at least
	fewestWeeks = 14
	// in the table
	historyMonths = 3
	// that are looked at: a check that flaps all the time is known for less long
	historyFlips = 10_000
	// with downtime, in words
	listedDays = 31
)

// history is how a check did, from its flips; nil while it has never been watched.
type history struct {
	// the newest first
	Months []span
	// days with downtime, the newest first, at most listedDays
	Bad []span
	// all of them
	BadDays  int
	Calendar template.HTML
}

// span is a month or a day.
type span struct {
	Name string
	monitor.Tally
}

// Uptime is "99.58 %", or "–" where the check was not watched.
func (s *span) Uptime() string {
	share, ok := s.Tally.Uptime()
	if !ok {
		return "–"
	}
	if share == 10000 {
		return "100 %"
	}
	return fmt.Sprintf("%d.%02d %%", share/100, share%100)
}

// Lost is the downtime: "2 hr 5 min", "–" when there was none. Seconds would not
// fit a phone.
func (s *span) Lost() string {
	if s.Downtimes == 0 {
		return "–"
	}
	return human.Duration(human.Coarse(s.Down))
}

// loadHistory reads how the check did, its days and months as in zone tz; unknown are its
// unknown runs since historyWeeks ago.
func (s *Pages) loadHistory(ctx context.Context, c *monitor.Check, tz *time.Location, unknown []monitor.UnknownRun) (*history,
	error) {
	now := s.Store.Now()
	flips, err := s.Store.Flips(ctx, c.ID, store.FlipFilter{From: now.AddDate(0, 0, -7*historyWeeks), Limit: historyFlips})
	if err != nil {
		return nil, err
	}
	spells := monitor.Spells(flips, len(flips) < historyFlips, c.Status, c.CreatedAt, now)
	return historyOf(monitor.LeaveOut(spells, unknown), now.In(tz)), nil
}

// historyOf counts the days and months of the spells, in the zone of now.
func historyOf(spells []monitor.Spell, now time.Time) *history {
	if monitor.TallyOf(spells, time.Time{}, now).Watched == 0 {
		return nil
	}
	h := &history{}
	for i := range historyMonths {
		from := monitor.Midnight(now.Year(), now.Month()-time.Month(i), 1, now.Location())
		until := monitor.Midnight(now.Year(), now.Month()-time.Month(i)+1, 1, now.Location())
		h.Months = append(h.Months, span{from.Format("January 2006"), monitor.TallyOf(spells, from, until)})
	}
	days := daysOf(spells, now)
	h.Calendar = drawCalendar(days)
	for i := len(days) - 1; i >= 0; i-- {
		if days[i].Downtimes == 0 {
			continue
		}
		if h.BadDays++; h.BadDays <= listedDays {
			h.Bad = append(h.Bad, span{days[i].From.Format("Mon, 2 Jan"), days[i].Tally})
		}
	}
	return h
}

// day is a square of the calendar.
type day struct {
	From time.Time
	monitor.Tally
}

// daysOf are the days of the calendar, oldest first: from a Monday on, until
// today.
func daysOf(spells []monitor.Spell, now time.Time) []day {
	zone := now.Location()
	known := dayNumber(now) - dayNumber(spells[0].From.In(zone))
	weeks := min(max(known/7+2, fewestWeeks), historyWeeks)
	sinceMonday := (int(now.Weekday()) + 6) % 7
	days := make([]day, 0, 7*weeks)
	for back := 7*(weeks-1) + sinceMonday; back >= 0; back-- {
		from := monitor.Midnight(now.Year(), now.Month(), now.Day()-back, zone)
		until := monitor.Midnight(now.Year(), now.Month(), now.Day()-back+1, zone)
		days = append(days, day{from, monitor.TallyOf(spells, from, until)})
	}
	return days
}

// The calendar is squares of dayEdge each dayStep, right of and below the names
// of weekdays and months.
const (
	dayEdge      = 11
	dayStep      = 14
	calendarLeft = 30
	calendarTop  = 18
)

// drawCalendar draws a column for each week. Days that are alike are one path,
// which keeps a year below a few kilobytes; a day with downtime has a bar through
// it, so that colour is not its only sign, and says more on hover.
func drawCalendar(days []day) template.HTML {
	weeks := (len(days) + 6) / 7
	var good, unknown, bad, marks []byte
	watched := 0
	down := 0
	for i, d := range days {
		x := calendarLeft + i/7*dayStep
		y := calendarTop + i%7*dayStep
		square := fmt.Appendf(nil, "M%d %dh%dv%dh-%dz", x, y, dayEdge, dayEdge, dayEdge)
		switch {
		case d.Watched == 0:
			unknown = append(unknown, square...)
		case d.Downtimes == 0:
			watched++
			good = append(good, square...)
		default:
			watched++
			down++
			s := span{Tally: d.Tally}
			bad = fmt.Appendf(bad, `<g><title>%s: %s, %s, %s up</title><path class="c-down" d="%s"/><path class="c-bar" d="M%d %dh5"/></g>`,
				d.From.Format("Mon, 2 Jan 2006"), text.Plural(d.Downtimes, "downtime", "downtimes"), human.Duration(d.Down), s.Uptime(),
				square, x+3, y+dayEdge/2)
		}
		if i%7 == 0 && (i == 0 && d.From.Day() < 22 || d.From.Day() <= 7 && i > 0) {
			marks = fmt.Appendf(marks, `<text x="%d" y="11">%s</text>`, x, d.From.Format("Jan"))
		}
	}
	for row := 0; row < 7; row += 2 {
		marks = fmt.Appendf(marks, `<text x="0" y="%d">%s</text>`, calendarTop+row*dayStep+9, days[row%len(days)].From.Format("Mon"))
	}
	label := fmt.Sprintf("The last %d weeks, day by day: %s watched, %s with downtime", weeks, text.Plural(watched, "day", "days"),
		strconv.Itoa(down))
	return template.HTML(
		fmt.Sprintf(
			`<svg class="calendar" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="%[3]s">%[4]s`+ //nolint:gosec // all ours
				`<path class="c-none" d="%[5]s"/><path class="c-up" d="%[6]s"/>%[7]s</svg>`,
			calendarLeft+weeks*dayStep, calendarTop+7*dayStep, label, marks, unknown, good, bad))
}
