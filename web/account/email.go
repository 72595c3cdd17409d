package account

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/store"
	"punctual/web/ui"
)

// changeEmailPage asks for the new address of the account.
type changeEmailPage struct {
	ui.BasePage
	Form *ui.Form
	// under way, nil = none
	Change *store.EmailChange
}

// agreeEmailPage is what a link leads to that was mailed for a change of
// address.
type agreeEmailPage struct {
	ui.BasePage
	Change *store.EmailChange
	// it was mailed to the present address
	Old bool
	// this side has
	Agreed bool
}

// emailDonePage says how a change of address stands after an answer.
type emailDonePage struct {
	ui.BasePage
	// the new address
	Email string
	// the account has it
	Done    bool
	Stopped bool
	// who has answered
	Old bool
}

// ChangeEmailForm answers GET /accounts/change_email/.
func (s *Pages) ChangeEmailForm(w http.ResponseWriter, r *http.Request) error {
	return s.showChangeEmail(w, r, http.StatusOK, ui.NewForm(nil))
}

func (s *Pages) showChangeEmail(w http.ResponseWriter, r *http.Request, status int, form *ui.Form) error {
	change, err := s.emailChange(r)
	if err != nil {
		return err
	}
	return s.Render(w, r, status, "account/change_email", &changeEmailPage{
		BasePage: ui.BasePage{Title: "Change the address", Nav: "account"}, Form: form, Change: change,
	})
}

// emailChange is the change of the visitor's address that is under way, nil for
// none.
func (s *Pages) emailChange(r *http.Request) (*store.EmailChange, error) {
	change, err := s.Store.EmailChangeOf(r.Context(), ui.VisitorOf(r).User.ID)
	if errs.KindOf(err) == errs.NotFound {
		return nil, nil //nolint:nilnil // none
	}
	return change, err
}

// ChangeEmail mails both addresses; the button stop ends a change under way.
func (s *Pages) ChangeEmail(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	if form.Values.Has("stop") {
		if err := s.Store.CancelEmailChange(r.Context(), v.User.ID); err != nil {
			return err
		}
		v.Flash("ok", "Your address stays "+v.User.Email+".")
		return s.Redirect(w, r, ProfilePath)
	}
	err = s.auth.BeginEmailChange(r.Context(), v.User, form.Value("email"))
	status := http.StatusBadRequest
	if errs.KindOf(err) == errs.TooMany {
		status = http.StatusTooManyRequests
		form.Fail("email", errs.Message(err))
	} else if err := form.Note(err); err != nil {
		return err
	}
	if !form.OK() {
		return s.showChangeEmail(w, r, status, form)
	}
	v.Flash("ok", "We have mailed both addresses. Open the links in both mails within a day.")
	return s.Redirect(w, r, ProfilePath)
}

// emailLinkOf is what a link mailed for a change of address says.
func emailLinkOf(r *http.Request) auth.EmailChangeLink {
	// none: nobody's
	user, _ := uuid.Parse(chi.URLParam(r, "user"))
	// none: no change
	change, _ := uuid.Parse(chi.URLParam(r, "change"))
	return auth.EmailChangeLink{User: user, Change: change, Side: chi.URLParam(r, "side"), Signature: chi.URLParam(r, "signed")}
}

// AgreeEmailForm shows the change and a button: programs that look into mails
// open links, but press no buttons.
func (s *Pages) AgreeEmailForm(w http.ResponseWriter, r *http.Request) error {
	link := emailLinkOf(r)
	change, err := s.auth.EmailChange(r.Context(), link)
	if err != nil {
		return err
	}
	m := &agreeEmailPage{
		BasePage: ui.BasePage{Title: "Change of address"}, Change: change, Old: link.Side == auth.SideOld, Agreed: change.NewAgreed,
	}
	if m.Old {
		m.Agreed = change.OldAgreed
	}
	return s.Render(w, r, http.StatusOK, "account/agree_email", m)
}

// AgreeEmail answers POST /accounts/change_email/{user}/{change}/{side}/{signed}/.
func (s *Pages) AgreeEmail(w http.ResponseWriter, r *http.Request) error {
	link := emailLinkOf(r)
	change, err := s.auth.EmailChange(r.Context(), link)
	if err != nil {
		return err
	}
	m := &emailDonePage{BasePage: ui.BasePage{Title: "Change of address"}, Email: change.Email, Old: link.Side == auth.SideOld}
	if ui.Field(r, "answer") == "stop" {
		m.Stopped = true
		err = s.auth.StopEmailChange(r.Context(), link)
	} else {
		m.Done, err = s.auth.AgreeToEmailChange(r.Context(), link, s.by(r))
	}
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "account/email_done", m)
}
