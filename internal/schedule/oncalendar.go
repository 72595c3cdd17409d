package schedule

import (
	"slices"
	"strings"
	"time"
)

// calendarSchedule is one or more compiled OnCalendar lines (docs/contract.md §1.10).
type calendarSchedule struct {
	lines []calendarLine
}

type calendarLine struct {
	pattern pattern
	loc     *time.Location
	// as written at the end of the line, or ""
	zone string
}

// calendarWord writes out the shorthands of docs/contract.md §1.10.
func calendarWord(word string) (expr string, ok bool) {
	switch strings.ToLower(word) {
	case "minutely":
		return "*-*-* *:*", true
	case "hourly":
		return "*-*-* *:00", true
	case "daily":
		return "*-*-*", true
	case "weekly":
		return "Mon *-*-*", true
	case "monthly":
		return "*-*-1", true
	case "yearly", "annually":
		return "*-1-1", true
	case "quarterly":
		return "*-1,4,7,10-1", true
	case "semiannually":
		return "*-1,7-1", true
	}
	return "", false
}

// parseOnCalendar compiles OnCalendar expressions, one a line. Lines without a
// zone of their own are in loc. It fails with a *SyntaxError. A well-formed
// text that never occurs is no error here; Parse refuses it.
func parseOnCalendar(text string, loc *time.Location) (*calendarSchedule, error) {
	s := &calendarSchedule{}
	for text := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		line, err := parseCalendarLine(text, loc)
		if err != nil {
			return nil, err
		}
		s.lines = append(s.lines, line)
	}
	return s, nil
}

func parseCalendarLine(text string, loc *time.Location) (calendarLine, error) {
	line := calendarLine{loc: loc}
	words := strings.Fields(text)
	if len(words) == 0 {
		return line, &SyntaxError{Reason: "an OnCalendar line is empty"}
	}
	n := len(words) - 1
	if n > 0 {
		zone, err := loadKnown(words[n])
		if err == nil {
			line.loc = zone
			line.zone = words[n]
			words = words[:n]
		}
	}
	if len(words) == 1 {
		expr, ok := calendarWord(words[0])
		if ok {
			words = strings.Fields(expr)
		}
	}
	return line, line.pattern.parseCalendar(words)
}

// parseCalendar reads [weekdays] [date] [time], looking from the end.
func (p *pattern) parseCalendar(words []string) error {
	var err error
	n := len(words) - 1
	if strings.Contains(words[n], ":") {
		err = p.parseTime(words[n])
		words = words[:n]
	} else {
		p.hours = 1
		p.minutes = 1
		p.seconds = 1
	}
	if err != nil {
		return err
	}
	if n := len(words) - 1; n >= 0 && isDate(words[n]) {
		err = p.parseDate(words[n])
		words = words[:n]
	} else {
		p.months = span{low: 1, high: 12, step: 1}.bits()
		p.days.fromStart = everyDay
	}
	if err != nil {
		return err
	}
	if len(words) == 0 {
		p.days.weekdays = everyWeekday
		return nil
	}
	if len(words) > 1 {
		return &SyntaxError{Text: words[1], Reason: "is not understood; a line is [weekdays] [date] [time] [time zone]"}
	}
	return p.days.parseCalendarWeekdays(words[0])
}

func isDate(word string) bool {
	return strings.ContainsAny(word, "-~") && (word[0] == '*' || isDigit(word[0]))
}

func (p *pattern) parseTime(text string) (err error) {
	parts := strings.Split(text, ":")
	if len(parts) == 2 {
		parts = append(parts, "0")
	}
	if len(parts) != 3 {
		return &SyntaxError{Field: "time", Text: text, Reason: "is not hour:minute or hour:minute:second"}
	}
	p.hours, err = calendarSet(&field{name: "hour", high: 23}, parts[0])
	if err != nil {
		return err
	}
	p.minutes, err = calendarSet(&field{name: "minute", high: 59}, parts[1])
	if err != nil {
		return err
	}
	p.seconds, err = calendarSet(&field{name: "second", high: 59}, parts[2])
	return err
}

func (p *pattern) parseDate(text string) (err error) {
	// A tilde stands for the dash before a day that counts from the end.
	parts := strings.Split(strings.ReplaceAll(text, "~", "-~"), "-")
	if len(parts) == 2 {
		parts = append([]string{"*"}, parts...)
	}
	if len(parts) != 3 {
		return &SyntaxError{Field: "date", Text: text, Reason: "is not month-day or year-month-day"}
	}
	p.years, err = parseYears(parts[0])
	if err != nil {
		return err
	}
	p.months, err = calendarSet(&field{name: "month", low: 1, high: 12}, parts[1])
	if err != nil {
		return err
	}
	day := &field{name: "day", low: 1, high: 31}
	back, ok := strings.CutPrefix(parts[2], "~")
	if ok && back != "*" {
		p.days.fromEnd, err = parseDaysFromEnd(day, back)
		return err
	}
	set, err := calendarSet(day, strings.TrimPrefix(parts[2], "~"))
	p.days.fromStart = uint32(set)
	return err
}

// calendarSet reads "*" or a list of values, ranges and steps.
func calendarSet(f *field, text string) (set uint64, err error) {
	err = eachCalendarSpan(f, text, func(_ string, s span) error {
		set |= s.bits()
		return nil
	})
	return set, err
}

func eachCalendarSpan(f *field, text string, use func(term string, s span) error) error {
	if text == "*" {
		return use(text, span{low: f.low, high: f.high, step: 1})
	}
	for term := range strings.SplitSeq(text, ",") {
		if strings.Contains(term, "*") {
			return f.wrong(text, "has a * that does not stand alone; write %d/2 for every second one", f.low)
		}
		s, err := f.span(term, "..")
		if err != nil {
			return err
		}
		if err := use(term, s); err != nil {
			return err
		}
	}
	return nil
}

func parseYears(text string) (*yearSet, error) {
	set := &yearSet{}
	f := &field{name: "year", low: firstYear, high: lastYear, century: true}
	return set, eachCalendarSpan(f, text, func(_ string, s span) error {
		s.each(set.add)
		return nil
	})
}

// parseDaysFromEnd reads days counted from the month's end, 1 is the last.
// Steps go towards the end: ~07/2 is the 7th, 5th, 3rd and 1st last day.
func parseDaysFromEnd(f *field, text string) (set uint32, err error) {
	err = eachCalendarSpan(f, text, func(term string, s span) error {
		if s.low > 28 && !strings.Contains(term, "..") {
			return f.wrong("~"+term, "is not within 1-28, counted from the end of the month")
		}
		if s.open {
			s.high = s.low
			s.low = 1
		}
		s.down = true
		set |= uint32(s.bits())
		return nil
	})
	return set, err
}

// parseCalendarWeekdays reads a list of weekdays and ranges of them; a comma
// at the end is tolerated, there are no steps.
func (r *dayRule) parseCalendarWeekdays(text string) error {
	monday := append(slices.Clone(weekdayNames[1:]), weekdayNames[0])
	f := &field{name: "weekday", high: 6, words: monday,
		fullWords: []string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}}
	list := strings.ReplaceAll(strings.TrimRight(text, ","), "-", "..")
	if strings.ContainsAny(list, "/*") {
		return f.wrong(text, "is not a list or range of weekdays such as Mon,Thu or Mon..Fri")
	}
	return eachCalendarSpan(f, list, func(_ string, s span) error {
		s.each(func(v int) { r.weekdays |= 1 << ((v + 1) % 7) })
		return nil
	})
}

// Next is the earliest occurrence of any line, see Schedule.
func (s *calendarSchedule) Next(after time.Time) (t time.Time, ok bool) {
	start, searches := searchable(after)
	if !searches {
		return time.Time{}, false
	}
	var first int64
	for i := range s.lines {
		line := &s.lines[i]
		unix, found := line.pattern.nextOnWallClock(line.loc, start, false)
		if found && (!ok || unix < first) {
			first = unix
			ok = true
		}
	}
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(first, 0).UTC(), true
}
