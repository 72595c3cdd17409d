package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// cronSchedule is a compiled five-field cron expression (docs/contract.md §1.9).
type cronSchedule struct {
	pattern pattern
	loc     *time.Location
	// onWallClock: neither minute nor hour starts with "*", so a time that a
	// clock change skips or repeats occurs once. Otherwise the schedule means
	// "every so often" and follows the clock as it is.
	onWallClock bool
}

// parseCron compiles a cron expression: minute, hour, day of month, month and
// weekday, in the zone loc. It fails with a *SyntaxError, also when the
// expression has no occurrence in the 50 years from 2000 on (docs/contract.md §1.9).
func parseCron(expr string, loc *time.Location) (*cronSchedule, error) {
	f := strings.Fields(expr)
	if len(f) != 5 {
		return nil, &SyntaxError{Reason: fmt.Sprintf(
			"a cron expression has 5 fields (minute, hour, day of month, month, weekday), this one has %d", len(f))}
	}
	s := &cronSchedule{loc: loc, onWallClock: !strings.HasPrefix(f[0], "*") && !strings.HasPrefix(f[1], "*")}
	s.pattern.seconds = 1
	var err error
	s.pattern.minutes, err = cronSet(&field{name: "minute", high: 59}, f[0])
	if err != nil {
		return nil, err
	}
	s.pattern.hours, err = cronSet(&field{name: "hour", high: 23}, f[1])
	if err != nil {
		return nil, err
	}
	err = s.pattern.days.parseDayOfMonth(f[2])
	if err != nil {
		return nil, err
	}
	months := &field{name: "month", low: 1, high: 12, words: monthNames}
	s.pattern.months, err = cronSet(months, f[3])
	if err != nil {
		return nil, err
	}
	err = s.pattern.days.parseWeekday(f[4])
	if err != nil {
		return nil, err
	}
	s.pattern.days.either = !strings.HasPrefix(f[2], "*") && !strings.HasPrefix(f[4], "*")
	if !s.pattern.hasDay() {
		return nil, &SyntaxError{Field: "day of month", Text: f[2], Reason: "never comes in the chosen months"}
	}
	if !everOccurs(s) {
		return nil, errNever
	}
	return s, nil
}

// cronSet reads a list of values, ranges and steps.
func cronSet(f *field, text string) (set uint64, err error) {
	for term := range strings.SplitSeq(text, ",") {
		s, err := cronSpan(f, term)
		if err != nil {
			return 0, err
		}
		set |= s.bits()
	}
	return set, nil
}

func cronSpan(f *field, term string) (span, error) {
	rest, star := strings.CutPrefix(term, "*")
	if !star || rest != "" && rest[0] != '/' {
		return f.span(term, "-")
	}
	s := span{low: f.low, high: f.high, step: 1}
	if rest == "" {
		return s, nil
	}
	var err error
	s.step, err = f.step(rest[1:])
	return s, err
}

// parseDayOfMonth reads the third field: besides numbers L, the last day of
// the month, and LW, its last day from Monday to Friday.
func (r *dayRule) parseDayOfMonth(text string) error {
	f := &field{name: "day of month", low: 1, high: 31}
	for term := range strings.SplitSeq(text, ",") {
		word, step, stepped := strings.Cut(strings.ToUpper(term), "/")
		if word != "L" && word != "LW" {
			s, err := cronSpan(f, term)
			if err != nil {
				return err
			}
			r.fromStart |= uint32(s.bits())
			continue
		}
		// has no effect on a single day, but must be well-formed
		if stepped {
			_, err := f.step(step)
			if err != nil {
				return err
			}
		}
		r.lastWorkday = r.lastWorkday || word == "LW"
		if word == "L" {
			r.fromEnd |= 1 << 1
		}
	}
	return nil
}

// parseWeekday reads the fifth field: besides numbers and names 5L, the last
// Friday of the month, and MON#2, its second Monday. 0 and 7 are Sunday.
func (r *dayRule) parseWeekday(text string) error {
	f := &field{name: "weekday", high: 7, words: weekdayNames}
	for term := range strings.SplitSeq(text, ",") {
		day, isLast := strings.CutSuffix(strings.ToUpper(term), "L")
		if isLast {
			v, err := f.value(day)
			if err != nil || !isNumber(day) {
				return f.wrong(term, "is not a last weekday: a number within 0-7 must come before the L")
			}
			r.last |= 1 << (v % 7)
			continue
		}
		if day, n, isNth := strings.Cut(term, "#"); isNth {
			v, err := f.value(day)
			if err != nil {
				return err
			}
			if !isNumber(n) || atoi(n) < 1 || atoi(n) > 5 {
				return f.wrong(term, "is not an n-th weekday: a number within 1-5 must follow the #")
			}
			r.nth[atoi(n)] |= 1 << (v % 7)
			continue
		}
		s, err := cronSpan(f, term)
		if err != nil {
			return err
		}
		set := s.bits()
		r.weekdays |= uint8(set|set>>7) & everyWeekday
	}
	return nil
}

// hasDay tells whether any chosen month is long enough for the first chosen
// day. The rule holds even where weekdays would give the schedule occurrences.
func (p *pattern) hasDay() bool {
	if p.days.fromEnd != 0 || p.days.lastWorkday {
		return true
	}
	longest := 0
	for m := p.months; m != 0; m &= m - 1 {
		longest = max(longest, daysIn(2000, time.Month(bits.TrailingZeros64(m))))
	}
	return bits.TrailingZeros32(p.days.fromStart) <= longest
}

// Next is the first occurrence after the given time, see Schedule.
func (s *cronSchedule) Next(after time.Time) (time.Time, bool) {
	unix, ok := searchable(after)
	if !ok {
		return time.Time{}, false
	}
	if s.onWallClock {
		unix, ok = s.pattern.nextOnWallClock(s.loc, unix, true)
	} else {
		unix, ok = s.pattern.nextOnAnyClock(s.loc, unix)
	}
	return time.Unix(unix, 0).UTC(), ok
}

// searchable turns the start of a search into Unix seconds, moved into the
// years a pattern looks at; ok is false when it lies behind them.
func searchable(t time.Time) (unix int64, ok bool) {
	switch year := t.UTC().Year(); {
	case year < minYear:
		return time.Date(minYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix() - 1, true
	case year > maxYear:
		return 0, false
	}
	return t.Unix(), true
}
