package check

import (
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/web/ui"
)

// verdictOf reads what somebody says of an unknown run; false for what nobody can say.
func verdictOf(said string) (monitor.Verdict, bool) {
	v := monitor.Verdict(said)
	return v, v == monitor.VerdictSuccess || v == monitor.VerdictFail
}

// SetVerdict answers POST /checks/{check}/unknown-runs/{run}/: ?verdict= is what became of
// the run.
func (s *Pages) SetVerdict(w http.ResponseWriter, r *http.Request) error {
	c, _, _, err := s.WritableCheck(r)
	if err != nil {
		return err
	}
	verdict, ok := verdictOf(ui.PostedField(r, "verdict"))
	if !ok {
		return errs.Invalidf("verdict", "Please say whether it ran or failed.")
	}
	id, err := runID(r)
	if err != nil {
		return err
	}
	u, _, err := s.Store.UnknownRun(r.Context(), id)
	if err != nil || u.CheckID != c.ID {
		return noSuchRun(err)
	}
	_, err = s.Store.SetVerdict(r.Context(), id, verdict, ui.VisitorOf(r).User.Email)
	if err != nil && errs.KindOf(err) != errs.Conflict {
		return noSuchRun(err)
	}
	if err != nil {
		ui.VisitorOf(r).Flash("warning", errs.Message(err))
	}
	return s.Redirect(w, r, ui.CheckURL(c, ""))
}

func runID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "run"), 10, 64)
	if err != nil {
		return 0, noSuchRun(nil)
	}
	return id, nil
}

// noSuchRun is what visitors hear of a run that is not there, or is not theirs.
func noSuchRun(err error) error {
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return err
	}
	return errs.NotFoundf("There is no such run. Perhaps the events of its check have been cleared.")
}

// verdictPage asks before it acts, since programs open links in mails; and says what was
// done.
type verdictPage struct {
	ui.BasePage
	Check string
	Run   unknownRun
	// it ran, or it failed: what the button says
	Failed bool
	// the reader has just said so
	Done bool
}

// Zone is that of the times on the page.
func (p *verdictPage) Zone() string { return p.Run.by.tz.String() }

// Heard is the reason in a sentence.
func (p *verdictPage) Heard() template.HTML { return p.Run.Why() + "." }

// VerdictForm answers GET /unknown-runs/{run}/{verdict}/{signed}/, a link in a mail.
func (s *Pages) VerdictForm(w http.ResponseWriter, r *http.Request) error {
	page, _, err := s.signedRun(r)
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "check/verdict", page)
}

// VerdictByLink answers POST /unknown-runs/{run}/{verdict}/{signed}/, by the button of the
// form. Who says so is the address that the link was mailed to.
func (s *Pages) VerdictByLink(w http.ResponseWriter, r *http.Request) error {
	page, address, err := s.signedRun(r)
	if err != nil {
		return err
	}
	verdict := monitor.VerdictSuccess
	if page.Failed {
		verdict = monitor.VerdictFail
	}
	u, err := s.Store.SetVerdict(r.Context(), page.Run.ID, verdict, address)
	if err != nil && errs.KindOf(err) != errs.Conflict {
		return noSuchRun(err)
	}
	page.Done = err == nil
	page.Run.UnknownRun = *u
	return s.Render(w, r, http.StatusOK, "check/verdict", page)
}

// signedRun is what a link is about, and whom it was mailed to.
func (s *Pages) signedRun(r *http.Request) (page *verdictPage, address string, err error) {
	id, err := runID(r)
	if err != nil {
		return nil, "", err
	}
	said := chi.URLParam(r, "verdict")
	verdict, ok := verdictOf(said)
	address, expired, right := s.Signer.OpenVerdict(id, said, chi.URLParam(r, "signed"), s.Store.Now())
	switch {
	case !ok || !right:
		return nil, "", errs.NotFoundf("This link is not valid. Perhaps it was cut off on its way.")
	case expired:
		return nil, "", errs.NotFoundf("This link has expired: it was made more than 30 days ago. The page of the check still takes an answer.")
	}
	u, c, err := s.Store.UnknownRun(r.Context(), id)
	if err != nil {
		return nil, "", noSuchRun(err)
	}
	run := unknownRun{UnknownRun: *u, by: describer{c: c, now: s.Store.Now(), tz: zoneOfSchedule(c)}}
	return &verdictPage{BasePage: ui.BasePage{Title: "Did it run?"}, Check: c.Title(), Run: run, Failed: verdict == monitor.VerdictFail},
		address, nil
}

// zoneOfSchedule is the zone of times for a reader who is nobody we know.
func zoneOfSchedule(c *monitor.Check) *time.Location {
	if c.Kind == schedule.Simple {
		return time.UTC
	}
	zone, err := schedule.LoadZone(c.TZ)
	if err != nil {
		return time.UTC
	}
	return zone
}
