// Package schedule answers one question: when is the next ping expected? It
// knows the three kinds of schedule of docs/contract.md §1.8: a period, a five-field
// cron expression (§1.9) and systemd OnCalendar lines (§1.10).
//
// A cron expression and an OnCalendar line are both compiled to a pattern
// (pattern.go): bit sets over a wall clock. The two differ only in how the
// wall clock of a time zone is walked (walk.go). The package is pure: no
// clock, no database; only time zones are loaded.
package schedule

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind says how a schedule is written. The values are stored.
type Kind string

// The kinds of schedule.
const (
	// a period after the last ping
	Simple Kind = "simple"
	// five fields in a time zone
	Cron Kind = "cron"
	// systemd calendar events, one a line
	OnCalendar Kind = "oncalendar"
)

// maxLength is the most characters an expression may have (docs/contract.md §2.5).
const maxLength = 100

// Schedule is a compiled schedule. It is immutable and safe for concurrent use.
type Schedule interface {
	// Next returns the first occurrence strictly after the given time, in UTC.
	// It grows strictly, also through the repeated hour of a time change.
	// ok is false when the schedule has no further occurrence.
	Next(after time.Time) (t time.Time, ok bool)
	// Describe says in plain English when the schedule occurs.
	Describe() string
}

// Parse compiles an expression of kind Cron or OnCalendar in the named zone. It
// holds the whole rule of the API (docs/contract.md §1.9, §1.10): at most
// MaxLength characters, well-formed, and at least one occurrence after 2000-01-01
// UTC. Of cron it also takes the seven aliases such as @daily, as the five fields
// they stand for; blank lines of OnCalendar are nothing. A wrong expression gives
// a *SyntaxError, an unknown zone an error that wraps ErrZone.
func Parse(kind Kind, expr, tz string) (Schedule, error) {
	loc, err := LoadZone(tz)
	if err != nil {
		return nil, err
	}
	n := utf8.RuneCountInString(expr)
	if n > maxLength {
		return nil, &SyntaxError{Reason: fmt.Sprintf("the expression has %d characters, at most %d are allowed", n, maxLength)}
	}
	var s Schedule
	switch kind {
	case Cron:
		fields, ok := aliasFields(expr)
		if ok {
			expr = fields
		}
		s, err = parseCron(expr, loc)
	case OnCalendar:
		s, err = parseOnCalendar(withoutBlankLines(expr), loc)
	default:
		return nil, fmt.Errorf("parsing a schedule: kind %q has no expression", kind)
	}
	if err != nil {
		return nil, err
	}
	if !everOccurs(s) {
		return nil, errNever
	}
	return s, nil
}

// Detect tells which kind of expression a text is, by the rule of the API: one
// line of exactly five words is cron, and so is an alias such as @daily; all else
// is OnCalendar.
func Detect(expr string) Kind {
	expr = strings.TrimSpace(expr)
	_, ok := aliasFields(expr)
	if ok {
		return Cron
	}
	if !strings.Contains(expr, "\n") && len(strings.Fields(expr)) == 5 {
		return Cron
	}
	return OnCalendar
}

// everOccurs is the validity rule of docs/contract.md §1.9 and §1.10.
func everOccurs(s Schedule) bool {
	_, ok := s.Next(time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC))
	return ok
}

// SyntaxError says what is wrong with an expression in words fit to show.
type SyntaxError struct {
	// the part of the expression: "minute", "weekday"; may be empty
	Field string
	// the wrong text as it was written; may be empty
	Text string
	// what is wrong with it, or what is allowed instead
	Reason string
}

var errNever = &SyntaxError{Reason: "the expression never occurs after the year 2000"}

// Error is the message: `minute: "61" is not within 0-59`.
func (e *SyntaxError) Error() string {
	msg := e.Reason
	if e.Text != "" {
		msg = fmt.Sprintf("%q %s", e.Text, msg)
	}
	if e.Field != "" {
		msg = e.Field + ": " + msg
	}
	return msg
}
