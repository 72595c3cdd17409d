package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/store"
)

// changeEmailPage asks for the new address of the account.
type changeEmailPage struct {
	BasePage
	Form   *Form
	Change *store.EmailChange // under way, nil = none
}

// agreeEmailPage is what a link leads to that was mailed for a change of
// address.
type agreeEmailPage struct {
	BasePage
	Change *store.EmailChange
	Old    bool // it was mailed to the present address
	Agreed bool // this side has
}

// emailDonePage says how a change of address stands after an answer.
type emailDonePage struct {
	BasePage
	Email   string // the new address
	Done    bool   // the account has it
	Stopped bool
	Old     bool // who has answered
}

func (s *accountPages) changeEmailForm(w http.ResponseWriter, r *http.Request) error {
	return s.showChangeEmail(w, r, http.StatusOK, newForm(nil))
}

func (s *accountPages) showChangeEmail(w http.ResponseWriter, r *http.Request, status int, form *Form) error {
	change, err := s.emailChange(r)
	if err != nil {
		return err
	}
	return s.render(w, r, status, "change_email", &changeEmailPage{
		BasePage: BasePage{Title: "Change the address", Nav: "account"}, Form: form, Change: change,
	})
}

// emailChange is the change of the visitor's address that is under way, nil for
// none.
func (s *accountPages) emailChange(r *http.Request) (*store.EmailChange, error) {
	change, err := s.Store.EmailChangeOf(r.Context(), visitorOf(r).User.ID)
	if errs.KindOf(err) == errs.NotFound {
		return nil, nil //nolint:nilnil // none
	}
	return change, err
}

// changeEmail mails both addresses; the button stop ends a change under way.
func (s *accountPages) changeEmail(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	if form.Values.Has("stop") {
		if err := s.Store.CancelEmailChange(r.Context(), v.User.ID); err != nil {
			return err
		}
		v.flash("ok", "Your address stays "+v.User.Email+".")
		return s.redirect(w, r, profilePath)
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
	v.flash("ok", "We have mailed both addresses. Open the links in both mails within a day.")
	return s.redirect(w, r, profilePath)
}

// emailLinkOf is what a link mailed for a change of address says.
func emailLinkOf(r *http.Request) auth.EmailChangeLink {
	user, _ := uuid.Parse(chi.URLParam(r, "user"))     // none: nobody's
	change, _ := uuid.Parse(chi.URLParam(r, "change")) // none: no change
	return auth.EmailChangeLink{User: user, Change: change, Side: chi.URLParam(r, "side"), Signature: chi.URLParam(r, "signed")}
}

// agreeEmailForm shows the change and a button: programs that look into mails
// open links, but press no buttons.
func (s *accountPages) agreeEmailForm(w http.ResponseWriter, r *http.Request) error {
	link := emailLinkOf(r)
	change, err := s.auth.EmailChange(r.Context(), link)
	if err != nil {
		return err
	}
	m := &agreeEmailPage{BasePage: BasePage{Title: "Change of address"}, Change: change, Old: link.Side == auth.SideOld, Agreed: change.NewAgreed}
	if m.Old {
		m.Agreed = change.OldAgreed
	}
	return s.render(w, r, http.StatusOK, "agree_email", m)
}

func (s *accountPages) agreeEmail(w http.ResponseWriter, r *http.Request) error {
	link := emailLinkOf(r)
	change, err := s.auth.EmailChange(r.Context(), link)
	if err != nil {
		return err
	}
	m := &emailDonePage{BasePage: BasePage{Title: "Change of address"}, Email: change.Email, Old: link.Side == auth.SideOld}
	if formValue(r, "answer") == "stop" {
		m.Stopped = true
		err = s.auth.StopEmailChange(r.Context(), link)
	} else {
		m.Done, err = s.auth.AgreeToEmailChange(r.Context(), link, s.by(r))
	}
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "email_done", m)
}
