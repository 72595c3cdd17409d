package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// Describe is, for example, "At 03:00 on Monday through Friday".
func (s *cronSchedule) Describe() string {
	return s.pattern.describe()
}

// Describe joins the descriptions of the lines and names their own zones: "At
// 08:00 every day; and at 09:00 on Saturday (Europe/Riga time)".
func (s *calendarSchedule) Describe() string {
	texts := make([]string, len(s.lines))
	for i := range s.lines {
		line := &s.lines[i]
		texts[i] = line.pattern.describe()
		if line.zone != "" {
			texts[i] += " (" + line.zone + " time)"
		}
		if i > 0 {
			texts[i] = strings.ToLower(texts[i][:1]) + texts[i][1:]
		}
	}
	n := len(texts) - 1
	if n > 0 {
		texts[n] = "and " + texts[n]
	}
	return strings.Join(texts, "; ")
}

func (p *pattern) describe() string {
	text := p.describeTime()
	days, condition := p.describeDays()
	if days == "" && strings.HasPrefix(text, "At ") && !strings.Contains(text, "every") {
		days = " every day"
	}
	return text + days + p.describeYears() + condition
}

// shape is what a set of field values looks like to a reader.
type shape struct {
	set uint64
	// the field's bounds
	low, high int
	// of the set
	first, last int
	n           int
	// distance of neighbours, where it is the same for all
	step int
}

func shapeOf(set uint64, low, high int) shape {
	s := shape{set: set, low: low, high: high, first: bits.TrailingZeros64(set), last: bits.Len64(set) - 1, n: bits.OnesCount64(set)}
	if s.n > 1 {
		s.step = bits.TrailingZeros64(set&(set-1)) - s.first
		if (span{low: s.first, high: s.last, step: s.step}).bits() != set {
			s.step = 0
		}
	}
	return s
}

func (s shape) all() bool     { return s.n == s.high-s.low+1 }
func (s shape) single() bool  { return s.n == 1 }
func (s shape) isRange() bool { return s.n > 2 && s.step == 1 }

// steps: three or more values, or two that halve the field, evenly apart.
func (s shape) steps() bool { return s.step > 1 && (s.n > 2 || s.whole()) }

// whole: the steps go around the field without a seam, as */5 minutes do.
func (s shape) whole() bool {
	return s.step > 0 && s.first == s.low && s.step*s.n == s.high-s.low+1
}

// toEnd: the steps fill the field from their first value on, as 5/10 does.
func (s shape) toEnd() bool { return s.last+s.step > s.high }

// list writes the values with "through" for runs of three and more.
func (s shape) list(write func(int) string) string {
	var parts []string
	for set := s.set; set != 0; {
		a := bits.TrailingZeros64(set)
		b := a + bits.TrailingZeros64(^(set >> a)) - 1
		set = set >> b >> 1 << b << 1
		switch {
		case b-a >= 2:
			parts = append(parts, write(a)+" through "+write(b))
		case b > a:
			parts = append(parts, write(a), write(b))
		default:
			parts = append(parts, write(a))
		}
	}
	return enumerate(parts)
}

// enumerate is "a, b and c".
func enumerate(parts []string) string {
	n := len(parts) - 1
	if n < 1 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:n], ", ") + " and " + parts[n]
}

func number(n int) string { return fmt.Sprint(n) }

func ordinal(n int) string {
	suffix := "th"
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return number(n) + suffix
}

// describeDays is " on the 1st of March", " on Monday in June", or nothing, and
// what must be true besides: ", if it falls on Monday".
func (p *pattern) describeDays() (text, condition string) {
	months := shapeOf(p.months, 1, 12)
	place := p.days.describePlace(months)
	weekday, nth := p.days.describeWeekday()
	if nth {
		weekday += ofMonths(months)
	}
	everyPlace := p.days.fromStart == everyDay
	everyDow := p.days.weekdays == everyWeekday
	switch {
	case everyPlace && everyDow || p.days.either && (everyPlace || everyDow):
		if months.all() {
			return "", ""
		}
		return " every day" + inMonths(months), ""
	case everyPlace && nth:
		return " on " + weekday, ""
	case everyPlace:
		return " on " + weekday + inMonths(months), ""
	case everyDow:
		return " on " + place, ""
	case p.days.either && (nth || months.all()):
		return " on " + place + " or on " + weekday, ""
	case p.days.either:
		return " on " + p.days.describePlace(shapeOf(1<<13-2, 1, 12)) + " or on " + weekday + "," + inMonths(months), ""
	}
	return " on " + place, ", if it falls on " + strings.ReplaceAll(weekday, " and ", " or ")
}

// describePlace writes the days chosen by their place in the month: "the 1st
// of June".
func (r *dayRule) describePlace(months shape) string {
	var parts []string
	from := ""
	switch s := shapeOf(uint64(r.fromStart), 1, 31); {
	case s.n == 0:
	case s.steps() && s.toEnd() && s.n > 4:
		parts = append(parts, "every "+ordinal(s.step)+" day")
		if s.first != 1 {
			from = " from the " + ordinal(s.first) + " on"
		}
	default:
		parts = append(parts, "the "+s.list(ordinal))
	}
	end := shapeOf(uint64(r.fromEnd), 1, 31)
	if end.n > 0 {
		parts = append(parts, describeFromEnd(end))
	}
	if r.lastWorkday {
		parts = append(parts, "the last workday (Monday to Friday)")
	}
	return enumerate(parts) + ofMonths(months) + from
}

func describeFromEnd(s shape) string {
	switch {
	case s.single() && s.first == 1:
		return "the last day"
	case s.isRange() && s.first == 1:
		return "the last " + number(s.n) + " days"
	}
	return "the " + s.list(func(n int) string {
		if n == 1 {
			return "last"
		}
		return ordinal(n) + " to last"
	}) + " day"
}

// describeWeekday writes the chosen weekdays; nth tells that they depend on
// the month, as "the 2nd Monday" does.
func (r *dayRule) describeWeekday() (text string, nth bool) {
	var parts []string
	if r.weekdays != 0 {
		// Sunday is the last day of a week when people count it.
		week := uint64(r.weekdays>>1) | uint64(r.weekdays&1)<<6
		parts = append(parts, shapeOf(week, 0, 6).list(func(d int) string { return time.Weekday((d + 1) % 7).String() }))
	}
	add := func(which string, days uint8) {
		for d := range 7 {
			if days>>d&1 != 0 {
				parts = append(parts, "the "+which+" "+time.Weekday(d).String())
				nth = true
			}
		}
	}
	for n, days := range r.nth {
		add(ordinal(n), days)
	}
	add("last", r.last)
	return enumerate(parts), nth
}

func monthName(m int) string { return time.Month(m).String() }

// inMonths is " in June and July", " from June through August", or nothing for
// all months.
func inMonths(s shape) string {
	switch {
	case s.all():
		return ""
	case s.isRange():
		return " from " + s.list(monthName)
	}
	return " in " + s.list(monthName)
}

// ofMonths is " of June", " of the month", " of every month from May through July".
func ofMonths(s shape) string {
	switch {
	case s.all():
		return " of the month"
	case s.isRange():
		return " of every month from " + s.list(monthName)
	}
	return " of " + s.list(monthName)
}

// describeYears is " in 2027", " from 2024 through 2030" or nothing.
func (p *pattern) describeYears() string {
	if p.years == nil {
		return ""
	}
	var runs [][2]int
	for y := p.years.next(firstYear); y <= lastYear; y = p.years.next(y + 1) {
		n := len(runs) - 1
		if n >= 0 && runs[n][1] == y-1 {
			runs[n][1] = y
		} else {
			runs = append(runs, [2]int{y, y})
		}
	}
	switch {
	case len(runs) == 1 && runs[0] == [2]int{firstYear, lastYear}:
		return ""
	case len(runs) == 1 && runs[0][0] == runs[0][1] && p.days.fromStart != everyDay && shapeOf(p.months, 1, 12).single():
		// as in "the 1st of January 2027"
		return fmt.Sprintf(" %d", runs[0][0])
	case len(runs) == 1 && runs[0][1] == lastYear:
		return fmt.Sprintf(" from %d on", runs[0][0])
	case len(runs) == 1 && runs[0][1] > runs[0][0]:
		return fmt.Sprintf(" from %d through %d", runs[0][0], runs[0][1])
	}
	var parts []string
	for _, r := range runs {
		if len(parts) == 4 {
			parts = append(parts, "later years")
			break
		}
		if r[0] == r[1] {
			parts = append(parts, number(r[0]))
		} else {
			parts = append(parts, fmt.Sprintf("%d through %d", r[0], r[1]))
		}
	}
	return " in " + enumerate(parts)
}
