package checks

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/web/ui"
	"punctual/web/ui/human"
	"punctual/web/ui/preview"
)

const (
	// trialTime is how far back a preview tries a schedule on the stored pings,
	// and trialPings the most it takes: 0.1 s of work.
	trialTime  = 30 * 24 * time.Hour
	trialPings = 5000
	// trialAlerts is how many of the alerts it names, the last ones.
	trialAlerts = 3
)

// previewForm tells what the form's schedule means, or what is wrong with it,
// and tries it on the pings of check c, when there is one.
func (s *Pages) previewForm(r *http.Request, form *ui.Form, project *monitor.Project, c *monitor.Check) (*preview.Preview, error) {
	// what is wrong is said here, not in the form
	probe := ui.NewForm(form.Values)
	in := readSchedule(probe)
	for _, field := range []string{"kind", "schedule", "tz", "timeout", "grace"} {
		message := probe.Error(field)
		if message == "" {
			continue
		}
		p := &preview.Preview{Error: message}
		if field == "schedule" {
			p.Hint = schedule.HintFor(in.Expression)
		}
		return p, nil
	}
	p := preview.Explain(&in, s.Store.Now(), readerZone(r))
	if c == nil || p.Error != "" {
		return p, nil
	}
	var err error
	p.Trial, err = s.tryOut(r, c, project, &in)
	return p, err
}

func readerZone(r *http.Request) *time.Location {
	loc, err := schedule.LoadZone(ui.VisitorOf(r).User.TZ)
	if err != nil {
		return time.UTC
	}
	return loc
}

// tryOut replays the stored pings of a check under a schedule, and under its
// own to compare.
func (s *Pages) tryOut(r *http.Request, c *monitor.Check, project *monitor.Project, in *preview.Schedule) (*preview.Trial, error) {
	first, limit, err := s.FirstKept(r.Context(), c, project)
	if err != nil {
		return nil, err
	}
	h, err := s.Store.History(r.Context(), c.ID, first, min(limit, trialPings))
	if err != nil {
		return nil, err
	}
	now := s.Store.Now()
	changed := *c
	in.Set(&changed)
	then := monitor.Simulate(&changed, h, now.Add(-trialTime), now)
	t := newTrial(then, h, now)
	if changed.Kind != c.Kind || changed.Timeout != c.Timeout || changed.Schedule != c.Schedule || changed.TZ != c.TZ ||
		changed.Grace != c.Grace {
		stored := monitor.Simulate(c, h, now.Add(-trialTime), now)
		if !stored.From.IsZero() {
			t.Now = "With the schedule as it is stored: " + timesOf(len(stored.Downs)) + "."
		}
	}
	return t, nil
}

func newTrial(sim monitor.Simulation, h monitor.History, now time.Time) *preview.Trial {
	if sim.From.IsZero() {
		return &preview.Trial{Head: "No ping is stored yet that this could be tried on.", Class: "s-new"}
	}
	span := "in the last 30 days"
	t := &preview.Trial{Class: "s-up"}
	if sim.From.After(now.Add(-trialTime)) {
		if h.Pings[0].N == 1 {
			span = "since the first ping, " + human.Ago(now, sim.From)
		} else {
			span = "in the last " + human.Duration(now.Sub(sim.From))
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
		t.Alerts = append(t.Alerts, preview.Alert{At: sim.Downs[i].CreatedAt, Why: why})
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

// SchedulePreview answers POST /checks/{check}/schedule_preview/ with the fields of the
// form, for scripts.
func (s *Pages) SchedulePreview(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	return s.showPreview(w, r, project, c)
}

// NewSchedulePreview answers POST /checks/schedule_preview/, the same for a new check.
func (s *Pages) NewSchedulePreview(w http.ResponseWriter, r *http.Request) error {
	return s.showPreview(w, r, nil, nil)
}

// showPreview answers with a fragment for the page of a form.
func (s *Pages) showPreview(w http.ResponseWriter, r *http.Request, project *monitor.Project, c *monitor.Check) error {
	if ui.VisitorOf(r).User == nil {
		return ui.ErrLogin
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	p, err := s.previewForm(r, form, project, c)
	if err != nil {
		return err
	}
	return s.Fragment(w, r, "checks/schedule", "preview", p)
}

// CronPreview answers POST /checks/cron_preview/.
func (s *Pages) CronPreview(w http.ResponseWriter, r *http.Request) error {
	return s.showExpression(w, r, schedule.Cron)
}

// OnCalendarPreview answers POST /checks/oncalendar_preview/.
func (s *Pages) OnCalendarPreview(w http.ResponseWriter, r *http.Request) error {
	return s.showExpression(w, r, schedule.OnCalendar)
}

// showExpression answers with what an expression alone means.
func (s *Pages) showExpression(w http.ResponseWriter, r *http.Request, kind schedule.Kind) error {
	if ui.VisitorOf(r).User == nil {
		return ui.ErrLogin
	}
	expr := strings.TrimSpace(strings.ReplaceAll(ui.PostedField(r, "schedule"), "\r\n", "\n"))
	tz := ui.PostedField(r, "tz")
	if tz == "" {
		tz = "UTC"
	}
	return s.Fragment(w, r, "checks/schedule", "preview", preview.Of(kind, expr, tz, s.Store.Now()))
}
