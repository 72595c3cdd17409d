package web

import (
	"errors"
	"fmt"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/text"
	"time"
)

// preview is what a schedule means.
type preview struct {
	BasePage
	Error       string
	Hint        schedule.Hint // what to write instead, where Error is of the expression
	Description string
	Told        string // when silence is noticed
	Zone        string
	Mine        string // the reader's zone, "" when it is Zone or UTC
	Runs        []previewRun
	Ends        bool // there are no more runs than those shown
	Warnings    []string
	Trial       *trial // nil: there is no check yet
}

// previewRun is one time in the schedule's zone, in the reader's and in UTC.
type previewRun struct {
	At    time.Time
	Local string
	Mine  string
	UTC   string
}

// trial is what would have come of the last weeks with a schedule.
type trial struct {
	Head   string
	Note   string // how far the stored pings reach, "" when far enough
	Now    string // what came of them with the schedule as it is stored, "" when that is the same
	Alerts []trialAlert
	Class  string
}

// trialAlert is one alert that would have been sent.
type trialAlert struct {
	At  time.Time
	Why string
}

// explain tells what a valid schedule means to a reader in zone mine.
// A grace time of zero is one that is not known.
func explain(in *scheduleInput, now time.Time, mine *time.Location) *preview {
	p := &preview{BasePage: BasePage{Now: now, TZ: mine}}
	s := schedule.Every(in.Timeout)
	if in.Kind != schedule.Simple {
		var err error
		if s, err = schedule.Parse(in.Kind, in.Expression, in.TZ); err != nil {
			return &preview{Error: "This schedule cannot be read."}
		}
		loc, err := schedule.LoadZone(in.TZ)
		if err != nil {
			return &preview{Error: "This time zone cannot be read."}
		}
		p.listRuns(s, loc)
	}
	p.Description, p.Warnings = s.Describe(), schedule.Warnings(s, now)
	if in.Grace == 0 {
		return p
	}
	if warning := schedule.GraceWarning(s, in.Grace, now); warning != "" {
		p.Warnings = append(p.Warnings, warning)
	}
	if in.Kind == schedule.Simple {
		p.Told = fmt.Sprintf("You are told after %s without a ping.", duration(in.Timeout+in.Grace))
	} else if len(p.Runs) > 0 {
		p.Told = fmt.Sprintf("You are told %s after one of these times when no ping has come.", duration(in.Grace))
	}
	return p
}

func (p *preview) listRuns(s schedule.Schedule, loc *time.Location) {
	p.Zone = loc.String()
	if mine := p.TZ.String(); mine != p.Zone && mine != "UTC" {
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
		p.Runs = append(p.Runs, previewRun{At: next, Local: next.In(loc).Format(layout), Mine: next.In(p.TZ).Format(layout), UTC: next.Format(layout)})
		at = next
	}
}

// newPreview tells what an expression alone means.
func newPreview(kind schedule.Kind, expr, tz string, now time.Time) *preview {
	if _, problem := scheduleProblem(kind, expr, tz); problem != "" {
		return &preview{Zone: tz, Error: problem, Hint: schedule.HintFor(expr)}
	}
	return explain(&scheduleInput{Kind: kind, Expression: expr, TZ: tz}, now, time.UTC)
}

// scheduleInput is a schedule as the forms send it.
type scheduleInput struct {
	Kind           schedule.Kind
	Timeout, Grace time.Duration
	Expression     string
	TZ             string
}

// set puts the schedule into a check. The settings of the other kinds stay, to
// be there when somebody switches back (features §4.1).
func (in *scheduleInput) set(c *monitor.Check) {
	c.Kind, c.Grace = in.Kind, in.Grace
	if in.Kind == schedule.Simple {
		c.Timeout = in.Timeout
		if in.TZ != "" {
			c.TZ = in.TZ
		}
		return
	}
	c.Schedule, c.TZ = in.Expression, in.TZ
}

// scheduleProblem says in words what is wrong with an expression or its zone,
// and which field that is; "" = nothing.
func scheduleProblem(kind schedule.Kind, expr, tz string) (field, message string) {
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
	if hint := schedule.HintFor(expr); hint.Sentence != "" {
		return "schedule", hint.Sentence
	}
	if wrong, ok := errors.AsType[*schedule.SyntaxError](err); ok {
		return "schedule", text.UpperFirst(wrong.Error()) + "."
	}
	return "schedule", "This schedule cannot be read."
}

// previewRuns is how many of the next runs a preview shows.
const previewRuns = 6
