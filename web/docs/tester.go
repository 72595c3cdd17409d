package docs

import (
	"net/http"
	"strings"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/text"
	"punctual/web/ui"
	"punctual/web/ui/preview"
)

// testerView is the form with which a page of documentation lets its reader try
// an expression. It works by a plain GET.
type testerView struct {
	Kind     schedule.Kind
	Schedule string
	TZ       string
	Zones    []string
	// nil: nothing was typed yet
	Preview *preview.Preview
}

// Multiline tells whether the expression may have several lines.
func (t *testerView) Multiline() bool { return t.Kind == schedule.OnCalendar }

// Example is what the empty field shows.
func (t *testerView) Example() string {
	if t.Kind == schedule.OnCalendar {
		return "Mon..Fri 08:30"
	}
	return "30 8 * * MON-FRI"
}

// newTester tries the expression of the request.
func (s *Pages) newTester(r *http.Request, kind schedule.Kind) *testerView {
	t := &testerView{Kind: kind, TZ: ui.Field(r, "tz"), Zones: schedule.Zones()}
	_, err := schedule.LoadZone(t.TZ)
	if t.TZ == "" || err != nil {
		t.TZ = "UTC"
		u := ui.VisitorOf(r).User
		if u != nil && u.TZ != "" {
			t.TZ = u.TZ
		}
	}
	expr := strings.TrimSpace(strings.ReplaceAll(ui.Field(r, "schedule"), "\r\n", "\n"))
	t.Schedule = text.Clip(expr, 2*monitor.MaxScheduleLength)
	if t.Schedule != "" {
		t.Preview = preview.Of(kind, t.Schedule, t.TZ, s.Store.Now())
		t.Preview.Now = s.Store.Now()
		u := ui.VisitorOf(r).User
		if u != nil {
			loc, err := schedule.LoadZone(u.TZ)
			if err == nil {
				t.Preview.BasePage.TZ = loc
			}
		}
	}
	return t
}
