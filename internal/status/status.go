// Package status looks whether Punctual itself is well: named checks that run
// side by side, each with a time limit, and a report of what they found. It knows
// nothing of how a report is shown.
//
// A check of one's own is a name and a function (see the example); where the
// list of a process is made, in internal/app, it is appended:
//
//	status.Check{Name: "lake", Title: "Data lake", Run: func(ctx context.Context) status.Finding {
//		n, err := lake.Backlog(ctx)
//		if err != nil {
//			return status.Failed("does not answer", err)
//		}
//		return status.Healthy("answers", status.Field{Name: "backlog", Value: n})
//	}}
//
// The rules, kept by Runner: a check that does not come back in time is an error
// and is not started a second time while it is still out; a panic is an error;
// a check that says nothing is an error; a result is good for a second, and those
// who ask meanwhile share it.
package status

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Severity says how bad a finding is; the worse, the larger.
type Severity int

// The severities. A part with a warning still does its work.
const (
	OK Severity = iota
	Warning
	Error
)

// String is the word for s: "ok", "warning", "error".
func (s Severity) String() string {
	switch s {
	case OK:
		return "ok"
	case Warning:
		return "warning"
	}
	return "error"
}

// Check is one named look at a part of Punctual.
type Check struct {
	// stable, for ?check= and -c: "database"
	Name string
	// for people: "Database"; Name when empty
	Title string
	// groups it belongs to, which may be chosen like names: "worker"
	Labels []string
	// runs only when it is chosen by its name
	Costly bool
	// when the context of Run ends; 0, and for all but costly checks the most: Timeout
	Timeout time.Duration
	// how long a result is good for; 0 = Keep
	Keep time.Duration

	// Run looks. It must be safe to be abandoned: nobody waits for it when its
	// context has ended.
	Run func(context.Context) Finding
}

// Finding is what a check has to say. One without Fact and Err says nothing,
// which is an error; so is one with an Err and the severity OK.
type Finding struct {
	Severity Severity
	// one line, what was seen: "answers in 2 ms"
	Fact string
	// figures
	Fields []Field
	// the cause, which may hold internals; for the operator only
	Err error
}

// Field is a figure of a finding. The unit is part of the name: "lag_seconds".
type Field struct {
	// a-z, 0-9 and _
	Name string
	// string, bool, int, int64 or float64
	Value any
}

// Number is the value as a number: true is 1, false is 0. A text is none.
func (f Field) Number() (n float64, ok bool) {
	switch v := f.Value.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// Text is the value as a text.
func (f Field) Text() string {
	v, ok := f.Value.(float64)
	if ok {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(f.Value)
}

// Healthy finds nothing wrong.
func Healthy(fact string, fields ...Field) Finding {
	return Finding{Severity: OK, Fact: fact, Fields: fields}
}

// Warn finds something that should be looked at.
func Warn(fact string, fields ...Field) Finding {
	return Finding{Severity: Warning, Fact: fact, Fields: fields}
}

// Failed finds something broken; err, which may be nil, is the cause.
func Failed(fact string, err error, fields ...Field) Finding {
	return Finding{Severity: Error, Fact: fact, Fields: fields, Err: err}
}

// Result is how one check went.
type Result struct {
	Name, Title string
	Labels      []string
	Finding
	Took time.Duration
	// when it was found
	At time.Time
	// since when it has this severity, as this process saw it
	Since time.Time
}

// Message is the fact and the cause in one line, for the operator.
func (r Result) Message() string {
	if r.Err == nil {
		return r.Fact
	}
	cause := strings.Join(strings.FieldsFunc(r.Err.Error(), func(c rune) bool { return c == '\n' || c == '\r' }), "; ")
	if r.Fact == "" {
		return cause
	}
	return r.Fact + ": " + cause
}

// Report is how all chosen checks went, in the order they were registered.
type Report struct {
	Results []Result
	At      time.Time
	Took    time.Duration
}

// Severity is that of the worst result.
func (r Report) Severity() Severity {
	worst := OK
	for _, result := range r.Results {
		worst = max(worst, result.Severity)
	}
	return worst
}

// Healthy tells whether nothing is broken; warnings are healthy.
func (r Report) Healthy() bool { return r.Severity() < Error }
