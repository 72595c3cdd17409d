package account

import (
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/report"
	"punctual/web/ui"
)

const reportsPath = "/accounts/profile/notifications/"

// reportsPage is how often the user hears of checks without anything happening.
type reportsPage struct {
	ui.BasePage
	// reports, nag
	Form *ui.Form
	Next time.Time
	// Next has come: the report is on its way
	Due bool
	Nag time.Time
}

// unsubscribeReportsPage asks before it acts, and says what was done.
type unsubscribeReportsPage struct {
	ui.BasePage
	Address string
	Done    bool
	// the mail is old enough that a person has opened its link: the form sends itself
	Sure bool
}

// nagPeriods are how often to remind, by what the form calls it.
var nagPeriods = map[string]time.Duration{"off": 0, "hour": time.Hour, "day": 24 * time.Hour}

// ReportWords are the user's reports in words, for the profile.
func (p *profilePage) ReportWords() string {
	switch p.User.Reports {
	case monitor.ReportsOff:
		return "No reports"
	case monitor.ReportsDaily:
		return "A report each day"
	case monitor.ReportsWeekly:
		return "A report each week"
	default:
		return "A report each month"
	}
}

// NagWords are the user's reminders in words, for the profile.
func (p *profilePage) NagWords() string {
	switch p.User.NagEvery {
	case 0:
		return "no reminders"
	case time.Hour:
		return "a reminder every hour while something is down"
	default:
		return "a reminder every day while something is down"
	}
}

// nextReport is when the user gets a report; before it is planned, when it will be.
func (s *Pages) nextReport(u *monitor.User) time.Time {
	if u.NextReportAt.IsZero() {
		return report.Next(u, s.Store.Now())
	}
	return u.NextReportAt
}

// Reports answers GET /accounts/profile/notifications/.
func (s *Pages) Reports(w http.ResponseWriter, r *http.Request) error {
	user := ui.VisitorOf(r).User
	if user == nil {
		return ui.ErrLogin
	}
	form := ui.NewForm(url.Values{"reports": {string(user.Reports)}, "nag": {"off"}})
	for name, every := range nagPeriods {
		if every == user.NagEvery {
			form.Values.Set("nag", name)
		}
	}
	return s.showReports(w, r, http.StatusOK, form)
}

func (s *Pages) showReports(w http.ResponseWriter, r *http.Request, status int, form *ui.Form) error {
	user := ui.VisitorOf(r).User
	m := &reportsPage{BasePage: ui.BasePage{Title: "Email reports", Nav: "account"}, Form: form, Next: s.nextReport(user), Nag: user.NextNagAt}
	m.Due = !m.Next.IsZero() && !m.Next.After(s.Store.Now())
	return s.Render(w, r, status, "account/reports", m)
}

// SaveReports stores the wishes. What stays as it was keeps its date.
func (s *Pages) SaveReports(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	if v.User == nil {
		return ui.ErrLogin
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	reports := monitor.Reports(form.Value("reports"))
	switch reports {
	case monitor.ReportsOff, monitor.ReportsDaily, monitor.ReportsWeekly, monitor.ReportsMonthly:
	default:
		form.Fail("reports", "Please choose off, daily, weekly or monthly.")
	}
	every, known := nagPeriods[form.Value("nag")]
	if !known {
		form.Fail("nag", "Please choose off, every hour or every day.")
	}
	if !form.OK() {
		return s.showReports(w, r, http.StatusBadRequest, form)
	}
	v.User, err = s.Store.ChangeUser(r.Context(), v.User.ID, func(u *monitor.User) error {
		if u.Reports != reports {
			u.Reports = reports
			u.NextReportAt = report.Next(u, s.Store.Now())
		}
		if u.NagEvery != every {
			// the worker looks whether anything is down
			u.NagEvery = every
			u.NextNagAt = time.Time{}
		}
		return nil
	})
	if err != nil {
		return err
	}
	text := "Saved. You get no reports."
	next := s.nextReport(v.User)
	if !next.IsZero() {
		text = "Saved. The next report comes on " + exactIn(next, v.User.TZ, v.User.DateFormat) + "."
	}
	v.Flash("ok", text)
	return s.Redirect(w, r, reportsPath)
}

// obviousTime is how old a mail must be that its link acts by itself when it is
// opened: programs that look into mails do so as they arrive.
const obviousTime = 5 * time.Minute

// UnsubscribeReportsForm answers GET /accounts/unsubscribe_reports/{signed}/.
func (s *Pages) UnsubscribeReportsForm(w http.ResponseWriter, r *http.Request) error {
	user, made, err := s.reportsReader(r)
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "account/unsubscribe_reports", &unsubscribeReportsPage{
		BasePage: ui.BasePage{Title: "Unsubscribe"}, Address: user.Email,
		Done: user.Reports == monitor.ReportsOff && user.NagEvery == 0, Sure: s.Store.Now().Sub(made) > obviousTime,
	})
}

// UnsubscribeReports answers POST /accounts/unsubscribe_reports/{signed}/, by the button
// of the form or by a mail program (RFC 8058), which sends no cookie.
func (s *Pages) UnsubscribeReports(w http.ResponseWriter, r *http.Request) error {
	user, _, err := s.reportsReader(r)
	if err != nil {
		return err
	}
	if err := s.Store.StopReports(r.Context(), user.ID); err != nil {
		return err
	}
	s.Log.InfoContext(r.Context(), "unsubscribed from reports", "user", user.ID)
	m := &unsubscribeReportsPage{BasePage: ui.BasePage{Title: "Unsubscribed"}, Address: user.Email, Done: true}
	return s.Render(w, r, http.StatusOK, "account/unsubscribe_reports", m)
}

// reportsReader is whose reports a link ends, and when it was mailed.
func (s *Pages) reportsReader(r *http.Request) (*monitor.User, time.Time, error) {
	id, made, ok := s.Signer.OpenUnsubscribeReports(chi.URLParam(r, "signed"))
	if !ok {
		return nil, made, errs.NotFoundf("This link is not valid. Perhaps it was cut off on its way.")
	}
	user, err := s.Store.UserByID(r.Context(), id)
	return user, made, ui.Hide(err, "The account that this link is about has been closed: no more reports will come.")
}
