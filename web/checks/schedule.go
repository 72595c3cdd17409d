package checks

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/web/ui"
	"punctual/web/ui/preview"
)

// readSchedule reads kind, timeout, grace, schedule and tz from a form and
// notes there what is wrong. Lengths of time come in seconds (timeout) or as a
// number and the seconds of its unit (timeout_value, timeout_unit).
//
// A text that is of the other kind of expression is taken as that, as the API
// takes it. The button "use" of a hint puts another expression into the form and
// shows it.
func readSchedule(form *ui.Form) preview.Schedule {
	use := form.Value("use")
	if use != "" {
		form.Values.Set("schedule", use)
		form.Values.Set("preview", "1")
		form.Values.Del("use")
		zone, ok := schedule.CanonicalZone(form.Value("use_tz"))
		if ok {
			form.Values.Set("tz", zone)
		}
	}
	in := preview.Schedule{Kind: schedule.Kind(form.Value("kind"))}
	in.Grace = readLength(form, "grace", "The grace time")
	switch in.Kind {
	case schedule.Simple:
		in.Timeout = readLength(form, "timeout", "The period")
		_, err := schedule.LoadZone(form.Value("tz"))
		if err == nil {
			// offered first when the kind changes
			in.TZ = form.Value("tz")
		}
	case schedule.Cron, schedule.OnCalendar:
		in.Expression = strings.TrimSpace(strings.ReplaceAll(form.Value("schedule"), "\r\n", "\n"))
		in.TZ = form.Value("tz")
		field, message := preview.Problem(in.Kind, in.Expression, in.TZ)
		other := schedule.Detect(in.Expression)
		if field == "schedule" && other != in.Kind {
			_, wrong := preview.Problem(other, in.Expression, in.TZ)
			if wrong == "" {
				in.Kind = other
				message = ""
				form.Values.Set("kind", string(other))
			}
		}
		if message != "" {
			form.Fail(field, message)
		}
	default:
		form.Fail("kind", "Choose a kind of schedule.")
	}
	return in
}

func readLength(form *ui.Form, field, what string) time.Duration {
	seconds, err := strconv.ParseFloat(form.Value(field), 64)
	if form.Value(field) == "" {
		var value, unit float64
		value, err = strconv.ParseFloat(strings.ReplaceAll(form.Value(field+"_value"), ",", "."), 64)
		if err == nil {
			unit, err = strconv.ParseFloat(form.Value(field+"_unit"), 64)
		}
		seconds = math.Round(value * unit)
	}
	switch {
	case err != nil || math.IsNaN(seconds):
		form.Fail(field, what+" must be a number.")
	case seconds < monitor.MinSeconds:
		form.Fail(field, what+" must be at least one minute.")
	case seconds > monitor.MaxSeconds:
		form.Fail(field, what+" must be at most 365 days.")
	case seconds != math.Trunc(seconds):
		form.Fail(field, what+" must be whole seconds.")
	default:
		return time.Duration(seconds) * time.Second
	}
	return 0
}

// scheduleFields is what the partial "schedule-fields" shows.
type scheduleFields struct {
	Form *ui.Form
	// zones the project uses, the most used first
	Near  []string
	Zones []string
	// of what the form holds; nil: it cannot be read
	Preview *preview.Preview
	// where scripts ask for another preview
	Action string
}

// Units are the choices beside a number.
func (scheduleFields) Units() []lengthUnit {
	return []lengthUnit{{"60", "minutes"}, {"3600", "hours"}, {"86400", "days"}, {"1", "seconds"}}
}

// Hint is help with the expression where it is refused.
func (f scheduleFields) Hint() schedule.Hint {
	if f.Form.Error("schedule") == "" {
		return schedule.Hint{}
	}
	return schedule.HintFor(f.Form.Value("schedule"))
}

// Rest are the zones that are not near.
func (f scheduleFields) Rest() []string {
	return slices.DeleteFunc(slices.Clone(f.Zones), func(z string) bool { return slices.Contains(f.Near, z) })
}

// lengthUnit is a unit of time with its seconds.
type lengthUnit struct{ Seconds, Name string }

// maxNearZones is how many zones of the project come first.
const maxNearZones = 3

// newScheduleFields offers the zones of the other checks of the project, and
// the reader's own, before all others. c is the check the form is of, nil for a
// new one.
func (s *Pages) newScheduleFields(r *http.Request, form *ui.Form, project *monitor.Project, c *monitor.Check) (scheduleFields, error) {
	checks, err := s.Store.CheckList(r.Context(), project.ID)
	if err != nil {
		return scheduleFields{}, err
	}
	used := map[string]int{}
	var near []string
	for i := range checks {
		if checks[i].Kind == schedule.Simple {
			continue
		}
		if used[checks[i].TZ]++; used[checks[i].TZ] == 1 {
			near = append(near, checks[i].TZ)
		}
	}
	slices.SortStableFunc(near, func(a, b string) int { return used[b] - used[a] })
	near = near[:min(len(near), maxNearZones)]
	for _, own := range []string{ui.VisitorOf(r).User.TZ, "UTC"} {
		if !slices.Contains(near, own) && slices.Contains(schedule.Zones(), own) {
			near = append(near, own)
		}
	}
	fields := scheduleFields{Form: form, Near: near, Zones: schedule.Zones(), Action: "/checks/schedule_preview/"}
	if c != nil {
		fields.Action = "/checks/" + c.Code.String() + "/schedule_preview/"
	}
	if form.OK() {
		p, err := s.previewForm(r, form, project, c)
		if err != nil {
			return scheduleFields{}, err
		}
		if p.Error == "" {
			fields.Preview = p
		}
	}
	return fields, nil
}

// setScheduleValues fills in the fields of a form from a check.
func setScheduleValues(form *ui.Form, c *monitor.Check) {
	form.Values.Set("kind", string(c.Kind))
	form.Values.Set("schedule", c.Schedule)
	form.Values.Set("tz", c.TZ)
	setLengthValues(form, "timeout", c.Timeout)
	setLengthValues(form, "grace", c.Grace)
}

// setLengthValues writes a length of time in its largest whole unit.
func setLengthValues(form *ui.Form, field string, d time.Duration) {
	for _, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if d%unit == 0 {
			form.Values.Set(field+"_value", strconv.FormatInt(int64(d/unit), 10))
			form.Values.Set(field+"_unit", strconv.FormatInt(int64(unit/time.Second), 10))
			return
		}
	}
}

// schedulePage is the form of a check's schedule.
type schedulePage struct {
	ui.BasePage
	Check  *monitor.Check
	Form   *ui.Form
	Fields scheduleFields
	// where to go back to, see checkURL
	From string
}

// ScheduleForm answers GET /checks/{check}/timeout/.
func (s *Pages) ScheduleForm(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	if c.Kind == schedule.Simple && c.Schedule == "" {
		// who turns to cron for the first time thinks in the own zone
		c.TZ = ui.VisitorOf(r).User.TZ
	}
	form := ui.NewForm(nil)
	setScheduleValues(form, c)
	return s.showScheduleForm(w, r, http.StatusOK, c, project, form)
}

func (s *Pages) showScheduleForm(
	w http.ResponseWriter, r *http.Request, status int, c *monitor.Check, project *monitor.Project, form *ui.Form,
) error {
	fields, err := s.newScheduleFields(r, form, project, c)
	if err != nil {
		return err
	}
	return s.Render(w, r, status, "checks/schedule", &schedulePage{
		BasePage: ui.ChecksBase(project, "Schedule of "+c.Title()), Check: c, Form: form, Fields: fields, From: ui.Field(r, "from"),
	})
}

// SaveSchedule stores a schedule. Where that makes the check overdue, it is
// down from now on, and nobody is told: it is their own doing.
func (s *Pages) SaveSchedule(w http.ResponseWriter, r *http.Request) error {
	c, project, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	in := readSchedule(form)
	switch {
	case !form.OK():
		return s.showScheduleForm(w, r, http.StatusBadRequest, c, project, form)
	case form.On("preview"):
		// a button for browsers without scripts
		return s.showScheduleForm(w, r, http.StatusOK, c, project, form)
	}
	_, err = s.Store.UpdateCheck(r.Context(), c.Code, func(edit *store.CheckChange) error {
		in.Set(edit.Check)
		edit.Flip = monitor.Rescheduled(edit.Check, edit.Now)
		edit.Silent = true
		return nil
	})
	if err != nil {
		return err
	}
	return s.Redirect(w, r, ui.CheckURL(c, ui.Field(r, "from")))
}

// ValidateSchedule tells scripts whether an expression is well-formed:
// ?kind=&schedule= → {"result": true}.
func (s *Pages) ValidateSchedule(w http.ResponseWriter, r *http.Request) error {
	kind := schedule.Kind(ui.Field(r, "kind"))
	_ = ""
	problem := fmt.Sprintf("kind %q has no expression", kind)
	if kind == schedule.Cron || kind == schedule.OnCalendar {
		_, problem = preview.Problem(kind, strings.TrimSpace(ui.Field(r, "schedule")), "UTC")
	}
	return ui.WriteJSON(w, map[string]bool{"result": problem == ""})
}
