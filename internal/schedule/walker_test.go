package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The walker is the rules of docs/contract.md §1.9 and §1.10 written down as naively
// as possible: it looks at every minute of some days around a clock change.

// walkerDays are the middles of the windows that are walked, by zone.
var walkerDays = map[string][]string{
	"Europe/Riga":         {"2026-03-29", "2026-10-25", "2038-10-31"},
	"America/New_York":    {"2026-03-08", "2026-11-01", "2024-12-31"},
	"Australia/Lord_Howe": {"2026-04-05", "2026-10-04", "2027-02-28"},
	"America/Santiago":    {"2026-04-05", "2026-09-06"},
	"Africa/Cairo":        {"2026-04-24", "2026-10-30"},
	"UTC":                 {"2028-02-29", "2026-12-31"},
	"Asia/Kathmandu":      {"2026-02-28", "2040-12-31"},
	"Pacific/Apia":        {"2011-12-30", "2012-04-01"},
}

// minute is one minute of real time and what the wall clock shows.
type minute struct {
	at time.Time
	// as if it were UTC
	wall time.Time
}

func window(loc *time.Location, day string) (all []minute) {
	middle, err := time.ParseInLocation("2006-01-02", day, time.UTC)
	if err != nil {
		panic(err)
	}
	for at := middle.AddDate(0, 0, -3); at.Before(middle.AddDate(0, 0, 4)); at = at.Add(time.Minute) {
		l := at.In(loc)
		all = append(all, minute{at, time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)})
	}
	return all
}

// walk lists all occurrences in the window.
func walk(minutes []minute, mode string, fits func(wall time.Time) bool) (all []time.Time) {
	if mode == "any clock" {
		for _, m := range minutes {
			if fits(m.wall) {
				all = append(all, m.at)
			}
		}
		return all
	}
	first := map[time.Time]time.Time{}
	for _, m := range slices.Backward(minutes) {
		first[m.wall] = m.at
	}
	end := minutes[len(minutes)-1].wall
	for wall := minutes[0].wall; !wall.After(end); wall = wall.Add(time.Minute) {
		if !fits(wall) {
			continue
		}
		at, real := first[wall]
		if !real && mode == "skip" {
			continue
		}
		for next := wall; !real; at, real = first[next] {
			next = next.Add(time.Minute)
		}
		if !slices.Contains(all[max(0, len(all)-1):], at) {
			all = append(all, at)
		}
	}
	return all
}

// holds tells whether a list of "*", "a", "a-b" and steps holds v.
func holds(text, sign string, v, high int) bool {
	for term := range strings.SplitSeq(text, ",") {
		base, stepText, stepped := strings.Cut(term, "/")
		step := 1
		if stepped {
			step, _ = strconv.Atoi(stepText)
		}
		low := 0
		high := high
		switch a, b, ranged := strings.Cut(base, sign); {
		case base == "*":
			if high == 31 || high == 12 {
				low = 1
			}
		case ranged:
			low, _ = strconv.Atoi(a)
			high, _ = strconv.Atoi(b)
		default:
			low, _ = strconv.Atoi(base)
			if !stepped {
				high = low
			}
		}
		if v >= low && v <= high && (v-low)%step == 0 {
			return true
		}
	}
	return false
}

func fitsCron(expr string) func(time.Time) bool {
	f := strings.Fields(expr)
	return func(w time.Time) bool {
		if !holds(f[0], "-", w.Minute(), 59) || !holds(f[1], "-", w.Hour(), 23) || !holds(f[3], "-", int(w.Month()), 12) {
			return false
		}
		place := f[2] == "L" && w.AddDate(0, 0, 1).Day() == 1 || f[2] != "L" && holds(f[2], "-", w.Day(), 31)
		weekday := holds(f[4], "-", int(w.Weekday()), 7) || w.Weekday() == 0 && holds(f[4], "-", 7, 7)
		if f[2][0] == '*' || f[4][0] == '*' {
			return place && weekday
		}
		return place || weekday
	}
}

func fitsCalendar(text string) func(time.Time) bool {
	f := strings.Fields(text)
	date := strings.Split(f[0], "-")
	clock := strings.Split(f[1], ":")
	return func(w time.Time) bool {
		return holds(clock[0], "..", w.Hour(), 23) && holds(clock[1], "..", w.Minute(), 59) &&
			holds(date[1], "..", int(w.Month()), 12) && holds(date[2], "..", w.Day(), 31)
	}
}

// randomField is a list of one or two terms; star is allowed to be "*/n".
func randomField(r *rand.Rand, low, high int, sign string) string {
	term := func() string {
		a := low + r.IntN(high-low+1)
		b := low + r.IntN(high-low+1)
		if a > b {
			a, b = b, a
		}
		switch r.IntN(5) {
		case 0:
			if a < b {
				return fmt.Sprintf("%d%s%d", a, sign, b)
			}
		case 1:
			if a < b {
				return fmt.Sprintf("%d%s%d/%d", a, sign, b, 1+r.IntN(9))
			}
		case 2:
			return fmt.Sprintf("%d/%d", a, 1+r.IntN(9))
		}
		return strconv.Itoa(a)
	}
	switch r.IntN(5) {
	case 0, 1:
		return "*"
	case 2:
		return term() + "," + term()
	case 3:
		if sign == "-" {
			return fmt.Sprintf("*/%d", 1+r.IntN(7))
		}
	}
	return term()
}

func TestCronAgreesWithTheWalker(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	forEachWindow(t, func(zone string, loc *time.Location, minutes []minute) {
		for range 15 {
			expr := fmt.Sprintf("%s %s %s %s %s", randomField(r, 0, 59, "-"), randomField(r, 0, 4, "-"),
				[]string{"*", "L", randomField(r, 1, 31, "-")}[r.IntN(3)], "*", []string{"*", "1-5/2", randomField(r, 0, 7, "-")}[r.IntN(3)])
			s, err := parseCron(expr, loc)
			if err != nil {
				t.Fatalf("%q: %v", expr, err)
			}
			mode := "any clock"
			if s.onWallClock {
				mode = "shift"
			}
			// Half-hour changes are walked in whole hours, see oddshift.go.
			exact := zone != "Australia/Lord_Howe" || s.onWallClock
			compare(t, expr+" in "+zone, s, minutes, walk(minutes, mode, fitsCron(expr)), exact)
		}
	})
}

func TestOnCalendarAgreesWithTheWalker(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 10))
	forEachWindow(t, func(zone string, loc *time.Location, minutes []minute) {
		for range 15 {
			text := fmt.Sprintf("*-%s-%s %s:%s", []string{"*", "1..12", "2/2"}[r.IntN(3)], randomField(r, 1, 28, ".."),
				randomField(r, 0, 4, ".."), randomField(r, 0, 59, ".."))
			s, err := parseOnCalendar(text, loc)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			compare(t, text+" in "+zone, s, minutes, walk(minutes, "skip", fitsCalendar(text)), true)
		}
	})
}

func forEachWindow(t *testing.T, check func(zone string, loc *time.Location, minutes []minute)) {
	for zone, days := range walkerDays {
		loc, err := LoadZone(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range days {
			check(zone, loc, window(loc, day))
		}
	}
}

// compare asks for the next occurrence from every minute of the window, and
// from within it. Not exact: what is found must fit and lie ahead.
func compare(t *testing.T, name string, s Schedule, minutes []minute, want []time.Time, exact bool) {
	// The window's first and last day only give room for what is found.
	inner := minutes[24*60 : len(minutes)-24*60]
	end := inner[len(inner)-1].at
	for i, m := range inner {
		after := m.at.Add(time.Duration(i%3) * 29 * time.Second)
		at, _ := slices.BinarySearchFunc(want, after, func(w, a time.Time) int {
			if w.After(a) {
				return 1
			}
			return -1
		})
		got, ok := s.Next(after)
		switch {
		case ok && !got.After(after):
			t.Fatalf("%s: after %s comes %s", name, after, got)
		case !exact && ok && got.Before(end):
			if !slices.Contains(want, got) {
				t.Fatalf("%s: after %s comes %s, which does not fit", name, after, got)
			}
		case exact && at < len(want) && !want[at].After(end) && !got.Equal(want[at]):
			t.Fatalf("%s: after %s comes %s, want %s", name, after, got, want[at])
		case exact && (at == len(want) || want[at].After(end)) && ok && !got.After(end):
			t.Fatalf("%s: after %s comes %s, want nothing until %s", name, after, got, end)
		}
	}
}
