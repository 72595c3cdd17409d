package schedule

import (
	"testing"
	"time"
)

// patience is far above the few milliseconds any input may take, because a
// busy machine stops a test now and then.
const patience = 250 * time.Millisecond

var fuzzStarts = []time.Time{
	time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC),
	time.Date(1890, 5, 5, 5, 5, 5, 5, time.UTC),
	time.Date(2026, 10, 25, 1, 5, 0, 0, time.UTC),
	time.Date(2040, 12, 31, 23, 30, 0, 0, time.UTC),
	time.Date(2199, 12, 31, 23, 59, 59, 0, time.UTC),
	time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	time.Unix(1<<60, 0),
}

// try takes a schedule through everything it can do.
func try(t *testing.T, s Schedule) {
	for _, start := range fuzzStarts {
		for range 3 {
			next, ok := s.Next(start)
			if !ok {
				break
			}
			if !next.After(start) {
				t.Fatalf("after %s comes %s", start, next)
			}
			start = next
		}
	}
	if s.Describe() == "" {
		t.Fatal("no description")
	}
	Warnings(s, fuzzStarts[2])
}

func inTime(t *testing.T, what string, work func()) {
	begun := time.Now()
	work()
	took := time.Since(begun)
	if took > patience {
		t.Fatalf("%q took %s", what, took)
	}
}

func fuzzZones(f *testing.F) []*time.Location {
	var all []*time.Location
	for _, name := range []string{"UTC", "Europe/Riga", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"} {
		loc, err := LoadZone(name)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, loc)
	}
	return all
}

func FuzzParseCron(f *testing.F) {
	for _, expr := range []string{
		"* * * * *", "0 0 29 2 */7", "*/7 1-5,9 L,LW,3 JAN-MAR MON#2,5L", "0 0 31 2 *", "0 0 */40 * 1#2",
		"1 0 29 2 1#5", "* * */29 2 3#5", "0 0 31 2,4,6 *", "*/99999999999999999999 * * * *", "10/0 * * * *", "ſun * * * *",
	} {
		f.Add(expr)
	}
	zones := fuzzZones(f)
	f.Fuzz(func(t *testing.T, expr string) {
		if len(expr) > maxLength {
			return
		}
		inTime(t, expr, func() {
			for _, loc := range zones {
				s, err := parseCron(expr, loc)
				if err == nil {
					try(t, s)
				}
			}
		})
	})
}

func FuzzParseOnCalendar(f *testing.F) {
	for _, text := range []string{
		"daily", "*-02-30", "Mon *-2-29", "2199-12-31 23:59:59", "1970..2199/3-*~1..28/5 *:*:0/7", "Sun *-3-25..31 03:30:*",
		"Mon..Fri 09:30 America/New_York\n*-*~02 08:00", "Tue 2028-02-30\n2020-01-01", "Mon,Tue-Fri,", "*-*~28/3", "00:00 UTC UTC",
	} {
		f.Add(text)
	}
	zones := fuzzZones(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > maxLength {
			return
		}
		inTime(t, text, func() {
			for _, loc := range zones {
				s, err := parseOnCalendar(text, loc)
				if err == nil {
					try(t, s)
				}
			}
		})
	})
}

func FuzzParsePeriod(f *testing.F) {
	for _, text := range []string{"90", "5m", "1h30m", "1d", "2w", "5 minutes", "1 hour, 30 minutes", "99999999999w", "0", "-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		inTime(t, text, func() {
			d, err := ParsePeriod(text)
			if err != nil {
				return
			}
			if d <= 0 || d%time.Second != 0 {
				t.Fatalf("%q is %s", text, d)
			}
			try(t, Every(d))
		})
	})
}

func BenchmarkNext(b *testing.B) {
	loc, err := LoadZone("Europe/Riga")
	if err != nil {
		b.Fatal(err)
	}
	for _, expr := range []string{"*/5 * * * *", "0 3 * * 1-5", "0 0 29 2 1"} {
		s, err := parseCron(expr, loc)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expr, func(b *testing.B) {
			after := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				s.Next(after)
			}
		})
	}
	// always in the gap
	s, err := parseOnCalendar("Sun *-3-25..31 03:30", loc)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("never", func(b *testing.B) {
		for b.Loop() {
			s.Next(time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC))
		}
	})
}
