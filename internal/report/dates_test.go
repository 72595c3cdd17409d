package report

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

func local(t *testing.T, zone, text string) time.Time {
	t.Helper()
	z, err := schedule.LoadZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, z)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The day of the next report; its minute is another matter.
func TestReportsComeOnTheFirstDayOfAPeriod(t *testing.T) {
	for _, tc := range []struct{ reports, zone, now, day string }{
		{"daily", "UTC", "2026-11-21 08:59:59", "2026-11-21"},
		{"daily", "UTC", "2026-11-21 11:00:00", "2026-11-22"},
		{"daily", "UTC", "2026-12-31 12:00:00", "2027-01-01"},
		// a Saturday
		{"weekly", "UTC", "2026-11-21 12:00:00", "2026-11-23"},
		{"weekly", "UTC", "2026-11-23 08:00:00", "2026-11-23"},
		{"weekly", "UTC", "2026-11-23 11:00:00", "2026-11-30"},
		{"weekly", "UTC", "2026-12-29 11:00:00", "2027-01-04"},
		{"monthly", "UTC", "2026-11-21 12:00:00", "2026-12-01"},
		{"monthly", "UTC", "2026-11-01 08:00:00", "2026-11-01"},
		{"monthly", "UTC", "2026-11-01 11:00:00", "2026-12-01"},
		{"monthly", "UTC", "2026-12-31 23:59:59", "2027-01-01"},
		// the next month is short
		{"monthly", "UTC", "2027-01-31 23:59:59", "2027-02-01"},
		{"monthly", "UTC", "2028-02-29 12:00:00", "2028-03-01"},
		{"", "UTC", "2026-11-21 12:00:00", "2026-12-01"},
		// The day is that of the reader: in UTC these are on the day before, or after.
		{"monthly", "Pacific/Kiritimati", "2026-11-01 00:30:00", "2026-11-01"},
		{"weekly", "America/Los_Angeles", "2026-11-22 23:30:00", "2026-11-23"},
		// Clocks change in the night before, on both sides of the world and by half an hour.
		{"daily", "Europe/Riga", "2026-03-28 12:00:00", "2026-03-29"},
		{"daily", "Europe/Riga", "2026-10-24 12:00:00", "2026-10-25"},
		{"monthly", "America/New_York", "2026-10-31 12:00:00", "2026-11-01"},
		{"daily", "Australia/Lord_Howe", "2026-10-03 12:00:00", "2026-10-04"},
		// midnight is skipped
		{"daily", "Africa/Cairo", "2026-04-23 12:00:00", "2026-04-24"},
		// the 30th is skipped
		{"daily", "Pacific/Apia", "2011-12-29 12:00:00", "2011-12-31"},
	} {
		now := local(t, tc.zone, tc.now)
		u := &monitor.User{ID: uuid.MustParse("0190163d-8694-739b-aea5-966c26f8ad91"), TZ: tc.zone, Reports: monitor.Reports(tc.reports)}
		next := Next(u, now)
		there := next.In(now.Location())
		if there.Format(time.DateOnly) != tc.day || there.Hour() < 9 || there.Hour() >= 11 || there.Second() != 0 || !next.After(now) ||
			next.Location() != time.UTC {
			t.Errorf("%s in %s after %s: %s, want on %s from 09:00 to 10:59", tc.reports, tc.zone, tc.now, there, tc.day)
		}
		again := Next(u, now.Add(-time.Second))
		if !again.Equal(next) {
			t.Errorf("%s in %s: %s a second before, %s now", tc.reports, tc.zone, again, next)
		}
		after := Next(u, next)
		if !after.After(next.Add(20 * time.Hour)) {
			t.Errorf("%s in %s: after the report of %s comes one at %s", tc.reports, tc.zone, next, after)
		}
	}
}

func TestWhoWantsNoReportsHasNoDate(t *testing.T) {
	next := Next(&monitor.User{Reports: monitor.ReportsOff}, time.Now())
	if !next.IsZero() {
		t.Errorf("next report at %s", next)
	}
}

func TestAnUnknownZoneIsUTC(t *testing.T) {
	next := Next(&monitor.User{Reports: monitor.ReportsDaily, TZ: "Mars/Base"}, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))
	if next.Hour() < 9 || next.Hour() >= 11 {
		t.Errorf("next report at %s", next)
	}
}

// With the same minute for all, all mails of a zone would go out at once.
func TestReportsAreSpreadOverTwoHours(t *testing.T) {
	perQuarter := map[int]int{}
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	const users = 2000
	for range users {
		next := Next(&monitor.User{ID: uuid.New(), Reports: monitor.ReportsMonthly}, now)
		perQuarter[next.Hour()*4+next.Minute()/15]++
	}
	for quarter := 9 * 4; quarter < 11*4; quarter++ {
		n := perQuarter[quarter]
		if n < users/16 || n > users/4 {
			t.Errorf("%d of %d reports in the quarter of an hour from %d:%02d", n, users, quarter/4, quarter%4*15)
		}
	}
}

func TestSpansAreTheTwoPeriodsThatAreOver(t *testing.T) {
	const at = "2006-01-02 15:04"
	for _, tc := range []struct {
		period, zone, now string
		from, border, to  string
		name, before, in  string
	}{
		{"daily", "UTC", "2026-11-21 09:30:00", "2026-11-19 00:00", "2026-11-20 00:00", "2026-11-21 00:00", "Fri, 20 Nov", "Thu, 19 Nov",
			"On Friday, 20 November"},
		{"weekly", "UTC", "2026-11-23 09:30:00", "2026-11-09 00:00", "2026-11-16 00:00", "2026-11-23 00:00", "16–22 Nov", "9–15 Nov",
			"In the week of 16–22 November"},
		{"weekly", "UTC", "2026-12-07 09:30:00", "2026-11-23 00:00", "2026-11-30 00:00", "2026-12-07 00:00", "30 Nov – 6 Dec", "23–29 Nov",
			"In the week of 30 November – 6 December"},
		// late, on a Sunday
		{"weekly", "UTC", "2026-11-29 23:00:00", "2026-11-09 00:00", "2026-11-16 00:00", "2026-11-23 00:00", "16–22 Nov", "9–15 Nov",
			"In the week of 16–22 November"},
		{"monthly", "UTC", "2026-04-01 09:30:00", "2026-02-01 00:00", "2026-03-01 00:00", "2026-04-01 00:00", "March", "February", "In March"},
		{"monthly", "UTC", "2026-01-15 09:30:00", "2025-11-01 00:00", "2025-12-01 00:00", "2026-01-01 00:00", "December", "November",
			"In December"},
		{"monthly", "Europe/Riga", "2026-04-01 09:30:00", "2026-02-01 00:00", "2026-03-01 00:00", "2026-04-01 00:00", "March", "February",
			"In March"},
		{"daily", "Africa/Cairo", "2026-04-25 09:30:00", "2026-04-23 00:00", "2026-04-24 01:00", "2026-04-25 00:00", "Fri, 24 Apr", "Thu, 23 Apr",
			"On Friday, 24 April"},
		// an hour short
		{"weekly", "Europe/Riga", "2026-03-30 09:30:00", "2026-03-16 00:00", "2026-03-23 00:00", "2026-03-30 00:00", "23–29 Mar", "16–22 Mar",
			"In the week of 23–29 March"},
	} {
		s := Spans(monitor.Reports(tc.period), local(t, tc.zone, tc.now))
		if s[1].From.Format(at) != tc.from || s[1].Until.Format(at) != tc.border || s[0].From.Format(at) != tc.border ||
			s[0].Until.Format(at) != tc.to {
			t.Errorf("%s in %s at %s: %s – %s and %s – %s, want %s – %s – %s", tc.period, tc.zone, tc.now, s[1].From, s[1].Until, s[0].From,
				s[0].Until, tc.from, tc.border, tc.to)
		}
		if s[0].Name != tc.name || s[1].Name != tc.before || s[0].In != tc.in {
			t.Errorf("%s at %s: %q, %q, %q; want %q, %q, %q", tc.period, tc.now, s[0].Name, s[1].Name, s[0].In, tc.name, tc.before, tc.in)
		}
	}
	s := Spans(monitor.ReportsMonthly, local(t, "Europe/Riga", "2026-04-01 09:30:00"))
	got := s[0].Until.Sub(s[0].From)
	if got != (31*24-1)*time.Hour {
		t.Errorf("March in Riga has %s, want an hour less than 31 days", got)
	}
}
