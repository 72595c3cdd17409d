package account

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"punctual/internal/clientip"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/web/ui"
)

// welcomePage says what Punctual does, and lets a visitor try it at once.
type welcomePage struct {
	ui.BasePage
	Form *ui.Form
	// nil: no check to try
	Demo *demoView
}

// demoView is the visitor's own check.
type demoView struct {
	PingURL string
	Status  monitor.Status
	Started bool
	NPings  int
	// of the last ping of any kind, zero = none
	At time.Time
}

// Class is the class of the state's dot.
func (d *demoView) Class() string {
	if d.Started {
		return "s-started"
	}
	return "s-" + string(d.Status)
}

// stopPolling tells the page not to ask again.
const stopPolling = http.StatusNoContent

// Welcome shows the page for visitors.
func (s *Pages) Welcome(w http.ResponseWriter, r *http.Request) error {
	m := &welcomePage{Form: ui.NewForm(nil)}
	check, err := s.demoCheck(r)
	if err != nil {
		return err
	}
	if check != nil {
		m.Demo = s.demoView(check)
	}
	return s.Render(w, r, http.StatusOK, "account/welcome", m)
}

// WelcomeCheck is the part of the page that tells the state of the check. It
// never makes one.
func (s *Pages) WelcomeCheck(w http.ResponseWriter, r *http.Request) error {
	check, err := s.demoCheck(r)
	if err != nil {
		return err
	}
	// pruned, or somebody's by now
	if check == nil {
		w.WriteHeader(stopPolling)
		return nil
	}
	return s.Fragment(w, r, "account/welcome", "demo-state", &welcomePage{Demo: s.demoView(check)})
}

// MakeWelcomeCheck answers POST /welcome/check/ makes a check for a visitor who wants to
// try one, unless they have one.
func (s *Pages) MakeWelcomeCheck(w http.ResponseWriter, r *http.Request) error {
	check, err := s.demoCheck(r)
	if err != nil {
		return err
	}
	if check == nil && s.Site.RegistrationOpen && ui.VisitorOf(r).User == nil {
		if err := s.makeDemoCheck(r); err != nil {
			return err
		}
	}
	return s.Redirect(w, r, "/")
}

// demoCheck is the visitor's check, nil when there is none (any more).
func (s *Pages) demoCheck(r *http.Request) (*monitor.Check, error) {
	code := demoCode(ui.VisitorOf(r))
	if code == uuid.Nil {
		return nil, nil
	}
	check, err := s.Store.CheckByCode(r.Context(), code)
	switch {
	case errs.KindOf(err) == errs.NotFound, err == nil && check.ProjectID != uuid.Nil:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return check, nil
}

// makeDemoCheck makes a check that belongs to nobody yet; prunechecks removes
// it after two hours unless the visitor signs up.
func (s *Pages) makeDemoCheck(r *http.Request) error {
	check, err := s.auth.NewDemoCheck(r.Context(), clientip.Of(r))
	if err != nil {
		return err
	}
	setDemoCheck(ui.VisitorOf(r), check.Code)
	return nil
}

func (s *Pages) demoView(c *monitor.Check) *demoView {
	v := &demoView{PingURL: s.Site.PingURL(c), Status: c.StatusAt(s.Store.Reading()), Started: c.Started(), NPings: int(c.NPings),
		At: c.LastPing}
	if c.LastStart.After(v.At) {
		v.At = c.LastStart
	}
	return v
}

// sessionDemo is the code of the visitor's check on the welcome page.
const sessionDemo = "demo"

// demoCode is the code of the visitor's check on the welcome page, zero when
// there is none yet.
func demoCode(v *ui.Visitor) uuid.UUID {
	text, _ := v.Session.Values[sessionDemo].(string)
	// none: zero
	code, _ := uuid.Parse(text)
	return code
}

// setDemoCheck remembers the visitor's check; zero forgets it.
func setDemoCheck(v *ui.Visitor, code uuid.UUID) {
	if code == uuid.Nil {
		delete(v.Session.Values, sessionDemo)
		return
	}
	v.Session.Values[sessionDemo] = code.String()
}
