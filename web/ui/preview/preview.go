// Package preview tells what a schedule means before it is stored: in words, by its next
// runs, and by what would have come of the pings that are stored.
package preview

import (
	"errors"
	"fmt"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/text"
	"punctual/web/ui"
	"punctual/web/ui/human"
)

// Preview is what a schedule means.
type Preview struct {
	ui.BasePage
	Error string
	// what to write instead, where Error is of the expression
	Hint        schedule.Hint
	Description string
	// when silence is noticed
	Deadline string
	Zone     string
	// the reader's zone, "" when it is Zone or UTC
	Mine string
	Runs []Run
	// there are no more runs than those shown
	Ends     bool
	Warnings []string
	// nil: there is no check yet
	Trial *Trial
}

// Run is one time in the schedule's zone, in the reader's and in UTC.
type Run struct {
	At    time.Time
	Local string
	Mine  string
	UTC   string
}

// Trial is what would have come of the last weeks with a schedule.
type Trial struct {
	Head string
	// how far the stored pings reach, "" when far enough
	Note string
	// what came of them with the schedule as it is stored, "" when that is the same
	Now    string
	Alerts []Alert
	Class  string
}

// Alert is one alert that would have been sent.
type Alert struct {
	At  time.Time
	Why string
}

// Explain tells what a valid schedule means to a reader in zone mine.
// A grace time of zero is one that is not known.
func Explain(in *Schedule, now time.Time, mine *time.Location) *Preview {
	p := &Preview{BasePage: ui.BasePage{Now: now, TZ: mine}}
	s := schedule.Every(in.Timeout)
	if in.Kind != schedule.Simple {
		var err error
		s, err = schedule.Parse(in.Kind, in.Expression, in.TZ)
		if err != nil {
			return &Preview{Error: "This schedule cannot be read."}
		}
		loc, err := schedule.LoadZone(in.TZ)
		if err != nil {
			return &Preview{Error: "This time zone cannot be read."}
		}
		p.listRuns(s, loc)
	}
	p.Description = s.Describe()
	p.Warnings = schedule.Warnings(s, now)
	if in.Grace == 0 {
		return p
	}
	warning := schedule.GraceWarning(s, in.Grace, now)
	if warning != "" {
		p.Warnings = append(p.Warnings, warning)
	}
	if in.Kind == schedule.Simple {
		p.Deadline = fmt.Sprintf("You are told after %s without a ping.", human.Duration(in.Timeout+in.Grace))
	} else if len(p.Runs) > 0 {
		p.Deadline = fmt.Sprintf("You are told %s after one of these times when no ping has come.", human.Duration(in.Grace))
	}
	return p
}

func (p *Preview) listRuns(s schedule.Schedule, loc *time.Location) {
	p.Zone = loc.String()
	mine := p.TZ.String()
	if mine != p.Zone && mine != "UTC" {
		p.Mine = mine
	}
	for at := p.Now; len(p.Runs) < previewRuns; {
		next, ok := s.Next(at)
		if !ok {
			p.Ends = true
			return
		}
		layout := "Mon, 2 Jan 2006, 15:04"
		if next.Second() != 0 {
			layout += ":05"
		}
		p.Runs = append(p.Runs, Run{At: next, Local: next.In(loc).Format(layout), Mine: next.In(p.TZ).Format(layout), UTC: next.Format(layout)})
		at = next
	}
}

// Of tells what an expression alone means.
func Of(kind schedule.Kind, expr, tz string, now time.Time) *Preview {
	_, problem := Problem(kind, expr, tz)
	if problem != "" {
		return &Preview{Zone: tz, Error: problem, Hint: schedule.HintFor(expr)}
	}
	return Explain(&Schedule{Kind: kind, Expression: expr, TZ: tz}, now, time.UTC)
}

// Schedule is a schedule as the forms send it.
type Schedule struct {
	Kind           schedule.Kind
	Timeout, Grace time.Duration
	Expression     string
	TZ             string
}

// Set puts the schedule into a check. The settings of the other kinds stay, to
// be there when somebody switches back.
func (in *Schedule) Set(c *monitor.Check) {
	c.Kind = in.Kind
	c.Grace = in.Grace
	if in.Kind == schedule.Simple {
		c.Timeout = in.Timeout
		if in.TZ != "" {
			c.TZ = in.TZ
		}
		return
	}
	c.Schedule = in.Expression
	c.TZ = in.TZ
}

// Problem says in words what is wrong with an expression or its zone,
// and which field that is; "" = nothing.
func Problem(kind schedule.Kind, expr, tz string) (field, message string) {
	if expr == "" {
		return "schedule", "Write when the job runs."
	}
	_, err := schedule.Parse(kind, expr, tz)
	switch {
	case err == nil:
		return "", ""
	case errors.Is(err, schedule.ErrZone):
		return "tz", "Choose a time zone of the list."
	}
	hint := schedule.HintFor(expr)
	if hint.Sentence != "" {
		return "schedule", hint.Sentence
	}
	wrong, ok := errors.AsType[*schedule.SyntaxError](err)
	if ok {
		return "schedule", text.UpperFirst(wrong.Error()) + "."
	}
	return "schedule", "This schedule cannot be read."
}

// previewRuns is how many of the next runs a preview shows.
const previewRuns = 6
