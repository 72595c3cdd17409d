package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// field is one part of an expression: its name for messages, its bounds, and
// the words that stand for numbers, in upper case.
type field struct {
	name      string
	low, high int
	// words[i] stands for low+i
	words []string
	// the same, written out
	fullWords []string
	// two-digit years are completed (docs/contract.md §1.10)
	century bool
}

// span is low..high in steps; down counts the steps from the high end. open
// tells that only the low end was written and steps go on to the field's end.
type span struct {
	low, high, step int
	down, open      bool
}

func (s span) each(add func(int)) {
	if s.down {
		for v := s.high; v >= s.low; v -= s.step {
			add(v)
		}
		return
	}
	for v := s.low; v <= s.high; v += s.step {
		add(v)
	}
}

// bits is the span as a bit set; values are at most 63.
func (s span) bits() (set uint64) {
	s.each(func(v int) { set |= 1 << v })
	return set
}

func (f *field) wrong(text, format string, args ...any) *SyntaxError {
	return &SyntaxError{Field: f.name, Text: text, Reason: fmt.Sprintf(format, args...)}
}

// missing is what is wrong with an empty piece, as in "1,,2" or "5-".
func (f *field) missing(text string) *SyntaxError {
	return f.wrong(text, "has an empty part")
}

// value reads one number or word.
func (f *field) value(text string) (int, error) {
	i := max(index(f.words, text), index(f.fullWords, text))
	if i >= 0 {
		return f.low + i, nil
	}
	if text == "" {
		return 0, f.missing(text)
	}
	if !isNumber(text) {
		return 0, f.wrong(text, "is not %s", f.allowed())
	}
	v := atoi(text)
	if f.century && v < 70 {
		v += 2000
	} else if f.century && v < 100 {
		v += 1900
	}
	if v < f.low || v > f.high || f.fullWords != nil {
		return 0, f.wrong(text, "is not %s", f.allowed())
	}
	return v, nil
}

// allowed says what a single value may be.
func (f *field) allowed() string {
	switch {
	case f.fullWords != nil:
		return "a weekday such as Mon or Monday"
	case f.words != nil:
		return fmt.Sprintf("within %d-%d or %s-%s", f.low, f.high, f.words[0], f.words[len(f.words)-1])
	}
	return fmt.Sprintf("within %d-%d", f.low, f.high)
}

// step reads the number behind a slash; it may be larger than the field.
func (f *field) step(text string) (int, error) {
	if !isNumber(text) || atoi(text) == 0 {
		return 0, f.wrong("/"+text, "is not a step: a whole number of at least 1 must follow the slash")
	}
	return atoi(text), nil
}

// span reads "a", "a-b", "a/n" and "a-b/n", with the given sign between the
// ends of a range. A single value with a step runs to the end of the field.
func (f *field) span(text, sign string) (span, error) {
	base, stepText, stepped := strings.Cut(text, "/")
	if base == "" {
		return span{}, f.missing(text)
	}
	lowText, highText, ranged := strings.Cut(base, sign)
	low, err := f.value(lowText)
	if err != nil {
		return span{}, err
	}
	s := span{low: low, high: low, step: 1}
	if ranged {
		s.high, err = f.value(highText)
		if err != nil {
			return span{}, err
		}
	}
	if s.high < s.low {
		return span{}, f.wrong(base, "runs backwards")
	}
	if stepped {
		s.step, err = f.step(stepText)
		if err != nil {
			return span{}, err
		}
		if s.high == s.low {
			s.high = f.high
			s.open = true
		}
	}
	return s, nil
}

func index(words []string, text string) int {
	return slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, text) })
}

// atoi reads digits; numbers larger than any field hold become a large one.
func atoi(digits string) int {
	const large = 1_000_000
	v := 0
	for _, c := range []byte(digits) {
		v = v*10 + int(c-'0')
		if v > large {
			return large
		}
	}
	return v
}

// The short names of months, from January, and of weekdays, from Sunday.
var (
	monthNames   = shortNames(time.January, time.December)
	weekdayNames = shortNames(time.Sunday, time.Saturday)
)

func shortNames[T time.Month | time.Weekday](first, last T) (names []string) {
	for v := first; v <= last; v++ {
		names = append(names, strings.ToUpper(fmt.Sprint(v)[:3]))
	}
	return names
}
