package report

import (
	"hash/fnv"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// Reports are sent from firstHour on, within the minutes after it, by the clock
// of their reader.
const (
	firstHour = 9
	minutes   = 120
)

// Next is when u gets the next report after now: on the next day that begins a
// period, at a minute between 09:00 and 11:00 of their zone. It is zero for those
// who want none.
//
// The minute depends on the user and the day only, so that mails are spread, and
// whoever asks gets the same answer.
func Next(u *monitor.User, now time.Time) time.Time {
	if u.Reports == monitor.ReportsOff {
		return time.Time{}
	}
	zone := zone(u)
	year, month, today := now.In(zone).Date()
	// a month has a first, a week a Monday
	for day := today; ; day++ {
		noon := time.Date(year, month, day, 12, 0, 0, 0, zone)
		if !begins(u.Reports, noon) {
			continue
		}
		at := time.Date(year, month, day, firstHour, minute(u.ID, noon), 0, 0, zone)
		if at.After(now) {
			return at.UTC()
		}
	}
}

// zone is where u reads times, UTC when that is not known.
func zone(u *monitor.User) *time.Location {
	zone, err := schedule.LoadZone(u.TZ)
	if err == nil {
		return zone
	}
	return time.UTC
}

// begins tells whether a period begins on the day of t; a period that is not
// known is a month.
func begins(period monitor.Reports, t time.Time) bool {
	switch period {
	case monitor.ReportsDaily:
		return true
	case monitor.ReportsWeekly:
		return t.Weekday() == time.Monday
	default:
		return t.Day() == 1
	}
}

func minute(user uuid.UUID, day time.Time) int {
	h := fnv.New32a()
	h.Write(user[:])
	h.Write([]byte(day.Format(time.DateOnly)))
	return int(h.Sum32() % minutes)
}

// Span is a period that is over.
type Span struct {
	// from inclusive, until exclusive; in the zone of the reader
	From, Until time.Time
	// short, for a column: "October", "9–15 Nov", "Fri, 20 Nov"
	Name string
	// for the beginning of a sentence: "In October"
	In string
}

// Spans are the last two periods that are over at now, the later one first, in
// the zone of now.
func Spans(period monitor.Reports, now time.Time) [2]Span {
	zone := now.Location()
	year, month, day := now.Date()
	border := func(back int) time.Time {
		switch period {
		case monitor.ReportsDaily:
			return monitor.Midnight(year, month, day-back, zone)
		case monitor.ReportsWeekly:
			sinceMonday := (int(now.Weekday()) + 6) % 7
			return monitor.Midnight(year, month, day-sinceMonday-7*back, zone)
		default:
			return monitor.Midnight(year, month-time.Month(back), 1, zone)
		}
	}
	return [2]Span{spanOf(period, border(1), border(0)), spanOf(period, border(2), border(1))}
}

func spanOf(period monitor.Reports, from, until time.Time) Span {
	s := Span{From: from, Until: until}
	switch period {
	case monitor.ReportsDaily:
		s.Name = from.Format("Mon, 2 Jan")
		s.In = "On " + from.Format("Monday, 2 January")
	case monitor.ReportsWeekly:
		last := until.Add(-12 * time.Hour)
		s.Name = days(from, last, "Jan")
		s.In = "In the week of " + days(from, last, "January")
	default:
		s.Name = from.Format("January")
		s.In = "In " + from.Format("January")
	}
	return s
}

// days are "9–15 November" or "30 November – 6 December", with the month in a
// layout of time.Format.
func days(first, last time.Time, month string) string {
	if first.Month() == last.Month() {
		return first.Format("2") + "–" + last.Format("2 "+month)
	}
	return first.Format("2 "+month) + " – " + last.Format("2 "+month)
}
