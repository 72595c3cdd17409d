package check

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/monitor"
)

// A downtime from ten hours before midnight UTC to one hour after it, at the end
// of February: where it belongs depends on the zone.
func TestMonthsAndDaysAreThoseOfTheZone(t *testing.T) {
	border := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	now := border.Add(24 * time.Hour)
	spells := []monitor.Spell{
		{From: border.Add(-240 * time.Hour), Until: border.Add(-10 * time.Hour), Status: monitor.StatusUp},
		{From: border.Add(-10 * time.Hour), Until: border.Add(time.Hour), Status: monitor.StatusDown},
		{From: border.Add(time.Hour), Until: now, Status: monitor.StatusUp},
	}
	for _, tc := range []struct {
		zone string
		want []string
	}{
		{"UTC", []string{"March 2026: 95.83 %, 1, 1 hour", "February 2026: 95.83 %, 1, 10 hours", "January 2026: –, 0, –", "Sun, 1 Mar: 1 hour",
			"Sat, 28 Feb: 10 hours"}},
		{"Asia/Tokyo", []string{"March 2026: 69.69 %, 1, 10 hours", "February 2026: 99.56 %, 1, 1 hour", "January 2026: –, 0, –",
			"Sun, 1 Mar: 10 hours", "Sat, 28 Feb: 1 hour"}},
		{"America/New_York", []string{"March 2026: 100 %, 0, –", "February 2026: 95.51 %, 1, 11 hours", "January 2026: –, 0, –",
			"Sat, 28 Feb: 11 hours"}},
	} {
		zone, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		h := historyOf(spells, now.In(zone))
		var got []string
		for _, m := range h.Months {
			got = append(got, fmt.Sprintf("%s: %s, %d, %s", m.Name, m.Uptime(), m.Downtimes, m.Lost()))
		}
		for _, d := range h.Bad {
			got = append(got, d.Name+": "+d.Lost())
		}
		diff := cmp.Diff(tc.want, got)
		if diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.zone, diff)
		}
		bad := strings.Count(string(h.Calendar), "<g><title>")
		if bad != h.BadDays {
			t.Errorf("%s: %d days are drawn as bad, want %d", tc.zone, bad, h.BadDays)
		}
	}
}

func TestTheCalendarBeginsOnAMondayAndEndsToday(t *testing.T) {
	riga, err := time.LoadLocation("Europe/Riga")
	if err != nil {
		t.Fatal(err)
	}
	// clocks skip midnight there
	beirut, err := time.LoadLocation("Asia/Beirut")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		now   time.Time
		known time.Duration
		weeks int
	}{
		// a Sunday, the day clocks change
		{time.Date(2026, 3, 29, 12, 0, 0, 0, riga), time.Hour, fewestWeeks},
		{time.Date(2026, 3, 30, 0, 0, 0, 0, riga), time.Hour, fewestWeeks},
		{time.Date(2026, 6, 3, 23, 59, 0, 0, riga), 200 * 24 * time.Hour, 30},
		{time.Date(2026, 6, 3, 23, 59, 0, 0, riga), 2000 * 24 * time.Hour, historyWeeks},
		{time.Date(2026, 3, 30, 5, 0, 0, 0, beirut), 90 * 24 * time.Hour, fewestWeeks},
	} {
		spells := []monitor.Spell{{From: tc.now.Add(-tc.known), Until: tc.now, Status: monitor.StatusUp}}
		days := daysOf(spells, tc.now)
		n := (len(days) + 6) / 7
		if n != tc.weeks {
			t.Errorf("%v: %d weeks, want %d", tc.now, n, tc.weeks)
		}
		if days[0].From.Weekday() != time.Monday {
			t.Errorf("%v: begins on a %v", tc.now, days[0].From.Weekday())
		}
		for i := 1; i < len(days); i++ {
			if dayNumber(days[i].From)-dayNumber(days[i-1].From) != 1 {
				t.Errorf("%v: %v is followed by %v", tc.now, days[i-1].From, days[i].From)
			}
		}
		last := days[len(days)-1]
		if dayNumber(last.From) != dayNumber(tc.now) || last.Watched == 0 && tc.now.Hour() > 0 {
			t.Errorf("%v: ends with %v, %v", tc.now, last.From, last.Watched)
		}
	}
}
