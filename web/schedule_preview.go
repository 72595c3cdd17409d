package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

const (
	// previewRuns is how many of the next runs a preview shows (features §4.5).
	previewRuns = 6
	// trialTime is how far back a preview tries a schedule on the stored pings,
	// and trialPings the most it takes: 0.1 s of work.
	trialTime  = 30 * 24 * time.Hour
	trialPings = 5000
	// trialAlerts is how many of the alerts it names, the last ones.
	trialAlerts = 3
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

// previewForm tells what the form's schedule means, or what is wrong with it,
// and tries it on the pings of check c, when there is one.
func (s *Server) previewForm(r *http.Request, form *Form, project *monitor.Project, c *monitor.Check) (*preview, error) {
	probe := newForm(form.Values) // what is wrong is said here, not in the form
	in := readSchedule(probe)
	for _, field := range []string{"kind", "schedule", "tz", "timeout", "grace"} {
		message := probe.Error(field)
		if message == "" {
			continue
		}
		p := &preview{Error: message}
		if field == "schedule" {
			p.Hint = schedule.HintFor(in.Expression)
		}
		return p, nil
	}
	p := explain(&in, s.Store.Now(), readerZone(r))
	if c == nil || p.Error != "" {
		return p, nil
	}
	var err error
	p.Trial, err = s.tryOut(r, c, project, &in)
	return p, err
}

func readerZone(r *http.Request) *time.Location {
	loc, err := schedule.LoadZone(visitorOf(r).User.TZ)
	if err != nil {
		return time.UTC
	}
	return loc
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

// tryOut replays the stored pings of a check under a schedule, and under its
// own to compare.
func (s *Server) tryOut(r *http.Request, c *monitor.Check, project *monitor.Project, in *scheduleInput) (*trial, error) {
	first, limit, err := s.firstKept(r.Context(), c, project)
	if err != nil {
		return nil, err
	}
	h, err := s.Store.History(r.Context(), c.ID, first, min(limit, trialPings))
	if err != nil {
		return nil, err
	}
	now := s.Store.Now()
	changed := *c
	in.set(&changed)
	then := monitor.Simulate(&changed, h, now.Add(-trialTime), now)
	t := newTrial(then, h, now)
	if changed.Kind != c.Kind || changed.Timeout != c.Timeout || changed.Schedule != c.Schedule || changed.TZ != c.TZ || changed.Grace != c.Grace {
		if stored := monitor.Simulate(c, h, now.Add(-trialTime), now); !stored.From.IsZero() {
			t.Now = "With the schedule as it is stored: " + timesOf(len(stored.Downs)) + "."
		}
	}
	return t, nil
}

func newTrial(sim monitor.Simulation, h monitor.History, now time.Time) *trial {
	if sim.From.IsZero() {
		return &trial{Head: "No ping is stored yet that this could be tried on.", Class: "s-new"}
	}
	span := "in the last 30 days"
	t := &trial{Class: "s-up"}
	if sim.From.After(now.Add(-trialTime)) {
		if h.Pings[0].N == 1 {
			span = "since the first ping, " + ago(now, sim.From)
		} else {
			span = "in the last " + duration(now.Sub(sim.From))
			t.Note = "The pings that are kept reach back no further."
		}
	}
	n := len(sim.Downs)
	if n > 0 {
		t.Class = "s-down"
	}
	t.Head = fmt.Sprintf("With this setting you would have been alerted %s %s.", timesOf(n), span)
	if n == 0 {
		t.Head = fmt.Sprintf("With this setting you would not have been alerted %s.", span)
	}
	for i := n - 1; i >= max(0, n-trialAlerts); i-- {
		why := "no ping in time"
		if sim.Downs[i].Reason == monitor.ReasonFail {
			why = "a failure was signalled"
		}
		t.Alerts = append(t.Alerts, trialAlert{At: sim.Downs[i].CreatedAt, Why: why})
	}
	return t
}

// timesOf is "never", "once" or "3 times".
func timesOf(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

// schedulePreview: POST /checks/{check}/schedule_preview/ with the fields of the
// form, for scripts.
func (s *Server) schedulePreview(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.writableCheck(r)
	if err != nil {
		return err
	}
	return s.showPreview(w, r, project, c)
}

// newSchedulePreview: POST /checks/schedule_preview/, the same for a new check.
func (s *Server) newSchedulePreview(w http.ResponseWriter, r *http.Request) error {
	return s.showPreview(w, r, nil, nil)
}

// showPreview answers with a fragment for the page of a form.
func (s *Server) showPreview(w http.ResponseWriter, r *http.Request, project *monitor.Project, c *monitor.Check) error {
	if visitorOf(r).User == nil {
		return errLogin
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	p, err := s.previewForm(r, form, project, c)
	if err != nil {
		return err
	}
	return s.fragment(w, r, "check_schedule", "preview", p)
}

func (s *Server) cronPreview(w http.ResponseWriter, r *http.Request) error {
	return s.showExpression(w, r, schedule.Cron)
}

func (s *Server) oncalendarPreview(w http.ResponseWriter, r *http.Request) error {
	return s.showExpression(w, r, schedule.OnCalendar)
}

// showExpression answers with what an expression alone means (features §11).
func (s *Server) showExpression(w http.ResponseWriter, r *http.Request, kind schedule.Kind) error {
	if visitorOf(r).User == nil {
		return errLogin
	}
	expr, tz := strings.TrimSpace(strings.ReplaceAll(postedValue(r, "schedule"), "\r\n", "\n")), postedValue(r, "tz")
	if tz == "" {
		tz = "UTC"
	}
	return s.fragment(w, r, "check_schedule", "preview", newPreview(kind, expr, tz, s.Store.Now()))
}

// newPreview tells what an expression alone means.
func newPreview(kind schedule.Kind, expr, tz string, now time.Time) *preview {
	if _, problem := scheduleProblem(kind, expr, tz); problem != "" {
		return &preview{Zone: tz, Error: problem, Hint: schedule.HintFor(expr)}
	}
	return explain(&scheduleInput{Kind: kind, Expression: expr, TZ: tz}, now, time.UTC)
}
