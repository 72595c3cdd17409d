package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// The tables printed in docs/contract.md §1.9 and §1.10.
func TestTablesOfTheContract(t *testing.T) {
	const stamp = "2006-01-02T15:04"
	for _, row := range []struct {
		kind                   Kind
		expr, zone, from, want string
	}{
		{Cron, "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00 2026-03-30T00:30"},
		{Cron, "0 2-3 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00 2026-03-30T00:00 2026-03-30T01:00"},
		{Cron, "0 * * * *", "Europe/Berlin", "2026-03-28T23:30", "2026-03-29T00:00 2026-03-29T01:00 2026-03-29T02:00"},
		{Cron, "*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00",
			"2026-10-25T00:00 2026-10-25T00:30 2026-10-25T01:00 2026-10-25T01:30 2026-10-26T01:00"},
		{Cron, "15 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:15 2026-10-26T01:15"},
		{Cron, "15 2 * * *", "Europe/Berlin", "2026-10-25T01:05", "2026-10-26T01:15"},
		{Cron, "30 1-3 * * *", "Europe/Berlin", "2026-10-24T22:00", "2026-10-24T23:30 2026-10-25T00:30 2026-10-25T02:30"},
		{Cron, "0 */2 * * *", "Europe/Berlin", "2026-03-28T22:30", "2026-03-28T23:00 2026-03-29T02:00 2026-03-29T04:00"},
		{Cron, "0 */2 * * *", "Europe/Berlin", "2026-10-24T20:30", "2026-10-24T22:00 2026-10-25T00:00 2026-10-25T01:00 2026-10-25T03:00"},
		{Cron, "0 0-23/2 * * *", "Europe/Berlin", "2026-10-24T20:30", "2026-10-24T22:00 2026-10-25T00:00 2026-10-25T03:00"},
		{Cron, "30 2 * * *", "America/New_York", "2026-03-08T05:00", "2026-03-08T07:00 2026-03-09T06:30"},
		{Cron, "0 0 13 * 5", "UTC", "2026-01-01T00:00", "2026-01-02T00:00 2026-01-09T00:00 2026-01-13T00:00 2026-01-16T00:00"},
		{Cron, "0 0 */2 * MON", "UTC", "2026-01-01T00:00", "2026-01-05T00:00 2026-01-19T00:00 2026-02-09T00:00 2026-02-23T00:00"},
		{Cron, "0 0 L * *", "UTC", "2026-01-01T00:00", "2026-01-31T00:00 2026-02-28T00:00 2026-03-31T00:00"},
		{Cron, "0 0 LW * *", "UTC", "2026-01-01T00:00", "2026-01-30T00:00 2026-02-27T00:00 2026-03-31T00:00"},
		{Cron, "0 0 1,LW * *", "UTC", "2026-01-01T00:00", "2026-01-30T00:00 2026-02-01T00:00"},
		{Cron, "0 0 * * 5L", "UTC", "2026-01-01T00:00", "2026-01-30T00:00 2026-02-27T00:00 2026-03-27T00:00"},
		{Cron, "0 0 * * MON#2", "UTC", "2026-01-01T00:00", "2026-01-12T00:00 2026-02-09T00:00 2026-03-09T00:00"},
		{Cron, "0 0 1 * 1#1", "UTC", "2026-01-01T00:00", "2026-01-05T00:00 2026-02-01T00:00 2026-02-02T00:00 2026-03-01T00:00"},
		{Cron, "10/20 * * * *", "UTC", "2026-01-01T00:00", "2026-01-01T00:10 2026-01-01T00:30 2026-01-01T00:50 2026-01-01T01:10"},
		{Cron, "0 0 29 2 *", "UTC", "2026-01-01T00:00", "2028-02-29T00:00 2032-02-29T00:00"},
		{Cron, "0 0 * * 5/1", "UTC", "2026-01-01T00:00", "2026-01-02T00:00 2026-01-03T00:00 2026-01-04T00:00 2026-01-09T00:00"},
		{Cron, "*/61 * * * *", "UTC", "2026-01-01T00:00", "2026-01-01T01:00 2026-01-01T02:00"},
		{Cron, "@yearly", "UTC", "2026-01-15T00:00", "2027-01-01T00:00"},
		{Cron, "@annually", "UTC", "2026-01-15T00:00", "2027-01-01T00:00"},
		{Cron, "@monthly", "UTC", "2026-01-15T00:00", "2026-02-01T00:00"},
		{Cron, "@weekly", "UTC", "2026-01-15T00:00", "2026-01-18T00:00"},
		{Cron, "@daily", "Europe/Riga", "2026-01-15T00:00", "2026-01-15T22:00"},
		{Cron, " @midnight ", "UTC", "2026-01-15T00:00", "2026-01-16T00:00"},
		{Cron, "@hourly", "UTC", "2026-01-15T00:00", "2026-01-15T01:00"},
		{OnCalendar, "\n08:00\n \n\r\n09:00\n", "UTC", "2026-01-15T00:00", "2026-01-15T08:00 2026-01-15T09:00"},
		{OnCalendar, "*-*-* 02:30", "Europe/Berlin", "2026-03-28T12:00", "2026-03-30T00:30"},
		{OnCalendar, "hourly", "Europe/Berlin", "2026-10-24T23:30", "2026-10-25T00:00 2026-10-25T02:00 2026-10-25T03:00"},
		{OnCalendar, "*-*-* *:00/20", "Europe/Berlin", "2026-10-25T00:10", "2026-10-25T00:20 2026-10-25T00:40 2026-10-25T02:00 2026-10-25T02:20"},
		{OnCalendar, "Mon..Fri 09:30 America/New_York", "UTC", "2026-03-06T12:00", "2026-03-06T14:30 2026-03-09T13:30"},
		{OnCalendar, "2027-01-01\n*-*~02 08:00", "UTC", "2026-12-01T00:00",
			"2026-12-30T08:00 2027-01-01T00:00 2027-01-30T08:00 2027-02-27T08:00"},
		{OnCalendar, "Mon *-05~07/1", "UTC", "2026-01-01T00:00", "2026-05-25T00:00 2027-05-31T00:00 2028-05-29T00:00"},
		{OnCalendar, "Wed-Fri *-1", "UTC", "2026-01-01T00:00", "2026-04-01T00:00 2026-05-01T00:00 2026-07-01T00:00"},
		{OnCalendar, "*-*-5/3", "UTC", "2026-01-01T00:00", "2026-01-05T00:00 2026-01-08T00:00 2026-01-11T00:00"},
		{OnCalendar, "daily Europe/Riga", "UTC", "2026-01-01T00:00", "2026-01-01T22:00 2026-01-02T22:00"},
		{OnCalendar, "2020-01-01", "UTC", "2026-01-01T00:00", ""},
	} {
		s, err := Parse(row.kind, row.expr, row.zone)
		if err != nil {
			t.Errorf("%q: %v", row.expr, err)
			continue
		}
		from, _ := time.Parse(stamp, row.from)
		wants := strings.Fields(row.want)
		var got []string
		for _, next := range upcoming(s, from, max(len(wants), 1)) {
			got = append(got, next.Format(stamp))
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%q in %s from %s:\n got %s\nwant %s", row.expr, row.zone, row.from, got, wants)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, row := range []struct {
		kind       Kind
		expr, want string
	}{
		{Cron, "61 * * * *", `minute: "61" is not within 0-59`},
		{Cron, "* * * FOO *", `month: "FOO" is not within 1-12 or JAN-DEC`},
		{Cron, "* * * * FRI-SUN", `weekday: "FRI-SUN" runs backwards`},
		{Cron, "* * * * FRIL", "a number within 0-7 must come before the L"},
		{Cron, "* * * * 1#6", "a number within 1-5 must follow the #"},
		{Cron, "*/0 * * * *", "a whole number of at least 1"},
		{Cron, "* * * *", "has 5 fields"},
		{Cron, "1,,2 * * * *", "minute: has an empty part"},
		{Cron, "0 0 31 2 *", "never comes in the chosen months"},
		{Cron, "0 0 31 4,6 *", "never comes in the chosen months"},
		{Cron, "0 0 */40 * 1#2", "never occurs"},
		{Cron, "* * * * *" + strings.Repeat(" ", 92), "at most 100"},
		{OnCalendar, "12:00:00.5", "second"},
		{OnCalendar, "*-*-* */2:00", "does not stand alone"},
		{OnCalendar, "noon", "a weekday such as Mon or Monday"},
		{OnCalendar, "*-*-* 24:00", `hour: "24" is not within 0-23`},
		{OnCalendar, "*-*-*,1", "does not stand alone"},
		{OnCalendar, "30 4 * * *", "not understood"},
		{OnCalendar, "1999-01-01", "never occurs"},
		{OnCalendar, "*-02-30", "never occurs"},
		{OnCalendar, "*-*~29", "counted from the end"},
		{OnCalendar, "Mon/2", "list or range of weekdays"},
		{OnCalendar, "* 12:00", "list or range of weekdays"},
		{OnCalendar, "", "empty"},
		{OnCalendar, "\n \n", "empty"},
		{Cron, "@reboot", "has 5 fields"},
		{Cron, "@DAILY", "has 5 fields"},
	} {
		_, err := Parse(row.kind, row.expr, "UTC")
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s %q gives %v, want a SyntaxError with %q", row.kind, row.expr, err, row.want)
		}
	}
	_, err := Parse(Cron, "* * * * *", "europe/riga")
	if !errors.Is(err, ErrZone) {
		t.Errorf("a zone in the wrong case gives %v, want ErrZone", err)
	}
}

func TestDetect(t *testing.T) {
	for expr, want := range map[string]Kind{
		"* * * * *": Cron, "  0 0 * * *\n": Cron, "a b c d e": Cron, "*  *\t* * *": Cron,
		"* * * * * *": OnCalendar, "@daily": Cron, " @hourly\n": Cron, "@Daily": OnCalendar, "@daily x": OnCalendar, "* *\n* * *": OnCalendar,
		"": OnCalendar,
	} {
		got := Detect(expr)
		if got != want {
			t.Errorf("%q is detected as %s, want %s", expr, got, want)
		}
	}
}

func TestParsePeriod(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90": 90 * time.Second, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "1d": 24 * time.Hour,
		"2w": 14 * 24 * time.Hour, "5 minutes": 5 * time.Minute, "1 hour, 30 minutes": 90 * time.Minute,
		" 1 Day 3 Hours ": 27 * time.Hour, "1s": time.Second,
	} {
		got, err := ParsePeriod(text)
		if err != nil || got != want {
			t.Errorf("ParsePeriod(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "0m", "-1h", "+5", "m", "5x", "1.5h", "5m,", "5 5", "5min",
		"99999999999999999999", "9223372036854775807", "99999999999w 5d", "12:00", "daily"} {
		got, err := ParsePeriod(text)
		if err == nil {
			t.Errorf("ParsePeriod(%q) = %s, want an error", text, got)
		}
	}
}

func TestZones(t *testing.T) {
	for old, want := range map[string]string{
		"Europe/Kiev": "Europe/Kyiv", "UCT": "Etc/UTC", "CET": "Europe/Brussels", "US/Eastern": "America/New_York",
		"EST5EDT": "America/New_York", "Asia/Calcutta": "Asia/Kolkata", "GMT": "GMT", "Etc/GMT+5": "Etc/GMT+5",
		"UTC": "UTC", "Europe/Riga": "Europe/Riga",
	} {
		got, ok := CanonicalZone(old)
		if !ok || got != want {
			t.Errorf("CanonicalZone(%q) = %q, %v, want %q", old, got, ok, want)
		}
	}
	for _, name := range []string{"", "europe/riga", "UTC+2", "Local", "../etc/passwd", "Factory"} {
		_, ok := CanonicalZone(name)
		if ok {
			t.Errorf("CanonicalZone(%q) is known", name)
		}
		_, err := LoadZone(name)
		if !errors.Is(err, ErrZone) {
			t.Errorf("LoadZone(%q) gives %v, want ErrZone", name, err)
		}
	}
	_, err := LoadZone("Europe/Kiev")
	if !errors.Is(err, ErrZone) {
		t.Errorf("LoadZone of an old name gives %v, want ErrZone", err)
	}
	for name, canonical := range zoneNames() {
		_, err := LoadZone(canonical)
		if err != nil {
			t.Errorf("%s stands for %s: %v", name, canonical, err)
		}
	}
	n := len(Zones())
	if n < 440 || n != len(zoneNames())-142 {
		t.Errorf("there are %d zones", n)
	}
}

func TestWarnings(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		kind       Kind
		expr, zone string
		// a part of each warning
		want []string
	}{
		{Cron, "* * * * *", "UTC", []string{"every minute: a ping"}},
		{Cron, "* 3 * * *", "UTC", []string{"every minute of each chosen hour"}},
		{Cron, "0 3 * * *", "UTC", nil},
		{OnCalendar, "*:*:0/10", "UTC", []string{"more often"}},
		{OnCalendar, "2025-06-01", "UTC", []string{"never occurs again"}},
		{Cron, "*/45 * * * *", "UTC",
			[]string{"not every 45 minutes all along: the count begins anew with each hour, so between the last one and the first of the next " +
				"hour lies only 15 minutes."}},
		{Cron, "*/59 * * * *", "UTC", []string{"lies only 1 minute."}},
		{Cron, "*/7 */5 * * *", "UTC", []string{"lies only 4 hours"}},
		{Cron, "*/7 */5 * * 1", "UTC", nil},
		{Cron, "*/15 */6 * * *", "UTC", nil},
		{Cron, "5/10 9-17/2 * * *", "UTC", nil},
		{Cron, "0 0 13 * 5", "UTC", []string{"either of them"}},
		{Cron, "0 0 */2 * 5", "UTC", nil},
		{Cron, "30 2 * * *", "Europe/Berlin", []string{
			"On 2026-03-29 clocks in Europe/Berlin go from 02:00 to 03:00: the time 02:30 that day moves to 03:00.",
			"On 2026-10-25 clocks in Europe/Berlin go back from 03:00 to 02:00: the time 02:30 comes twice that day, and a ping is expected the " +
				"first time.",
		}},
		{Cron, "*/30 2 * * *", "Europe/Berlin", []string{"does not occur", "both times"}},
		{OnCalendar, "02:30", "Europe/Berlin", []string{"the time 02:30 that day does not occur", "the first time"}},
		{OnCalendar, "02:30 UTC", "Europe/Berlin", nil},
		{Cron, "0 * * * *", "Europe/Berlin", nil},
		{Cron, "30 4 * * *", "Europe/Berlin", nil},
		{Cron, "30 2 * 6 *", "Europe/Berlin", nil},
	} {
		s, err := Parse(row.kind, row.expr, row.zone)
		if err != nil {
			t.Fatal(err)
		}
		got := Warnings(s, now)
		fits := len(got) == len(row.want)
		for i := 0; fits && i < len(got); i++ {
			fits = strings.Contains(got[i], row.want[i])
		}
		if !fits {
			t.Errorf("%q in %s warns %q, want %q", row.expr, row.zone, got, row.want)
		}
	}
	got := Warnings(Every(time.Minute), now)
	if got != nil {
		t.Errorf("a period warns %q", got)
	}
}

// What is said of a repeated time is what Next does.
func TestRepeatedTimesOccurAsWarned(t *testing.T) {
	// 02:30 in Berlin, an hour before it comes again
	first := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)
	for _, row := range []struct {
		kind  Kind
		expr  string
		twice bool
	}{{Cron, "30 2 * * *", false}, {Cron, "*/30 2 * * *", true}, {OnCalendar, "02:30", false}} {
		s, err := Parse(row.kind, row.expr, "Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		times := 0
		for at := first.Add(-time.Second); ; {
			next, ok := s.Next(at)
			if !ok || next.After(first.Add(time.Hour)) {
				break
			}
			if next.Equal(first) || next.Equal(first.Add(time.Hour)) {
				times++
			}
			at = next
		}
		want := map[bool]int{false: 1, true: 2}[row.twice]
		if times != want {
			t.Errorf("%s occurs %d times, want %d", row.expr, times, want)
		}
	}
}

func TestGraceWarning(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		expr  string
		grace time.Duration
		warns bool
	}{
		{"0 3 * * *", time.Hour, false},
		{"0 3 * * *", 23 * time.Hour, false},
		{"0 3 * * *", 24 * time.Hour, false},
		{"0 3 * * *", 25 * time.Hour, true},
		{"0 3,5 * * *", 3 * time.Hour, true},
		{"0 9 * * MON-FRI", 30 * time.Hour, true},
		{"0 3 1 1 *", 300 * 24 * time.Hour, false},
	} {
		s, err := Parse(Cron, row.expr, "UTC")
		if err != nil {
			t.Fatal(err)
		}
		got := GraceWarning(s, row.grace, now)
		if (got != "") != row.warns {
			t.Errorf("%s with %s: %q", row.expr, row.grace, got)
		}
	}
	if GraceWarning(Every(time.Hour), 2*time.Hour, now) == "" || GraceWarning(Every(time.Hour), time.Hour-time.Second, now) != "" {
		t.Error("periods")
	}
}
