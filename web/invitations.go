package web

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// invitationPage asks whoever was mailed an invitation. It is the same whether the
// address has an account or not.
type invitationPage struct {
	BasePage
	Invitation *store.Invitation
	Name       string // of the project
	Other      string // address of somebody else who is logged in here, "" = nobody
	Declined   bool
}

// invitation: GET /invitations/{invitation}/{token}/.
func (s *accountPages) invitation(w http.ResponseWriter, r *http.Request) error {
	i, err := s.mailedInvitation(r)
	if err != nil {
		return err
	}
	return s.showInvitation(w, r, i, false)
}

func (s *accountPages) mailedInvitation(r *http.Request) (*store.Invitation, error) {
	// What is no id is nobody's.
	id, _ := uuid.Parse(chi.URLParam(r, "invitation"))
	return s.auth.Invitation(r.Context(), id, chi.URLParam(r, "token"))
}

func (s *accountPages) showInvitation(w http.ResponseWriter, r *http.Request, i *store.Invitation, declined bool) error {
	p := monitor.Project{ID: i.ProjectID, Name: i.Project}
	m := &invitationPage{BasePage: BasePage{Title: "Invitation"}, Invitation: i, Name: p.Title(), Declined: declined}
	if user := visitorOf(r).User; user != nil && hosts.MailAddress(user.Email) != hosts.MailAddress(i.Email) {
		m.Other = user.Email
	}
	return s.render(w, r, http.StatusOK, "invitation", m)
}

// answerMailed: POST /invitations/{invitation}/{token}/ with accept or decline.
func (s *accountPages) answerMailed(w http.ResponseWriter, r *http.Request) error {
	i, err := s.mailedInvitation(r)
	if err != nil {
		return err
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	v := visitorOf(r)
	switch {
	case form.Value("decline") != "":
		if err := s.auth.DeclineInvitation(r.Context(), i.ID, chi.URLParam(r, "token")); err != nil {
			return err
		}
		return s.showInvitation(w, r, i, true)
	case v.User != nil:
		return s.answerAs(w, r, i.ID, true)
	}
	user, err := s.auth.JoinByInvitation(r.Context(), i)
	if err != nil {
		return err
	}
	if user == nil {
		v.flash("ok", "Please log in as "+i.Email+" to accept the invitation.")
		return s.redirect(w, r, "/accounts/login/?"+url.Values{"next": {r.URL.EscapedPath()}}.Encode())
	}
	return s.enter(w, r, user, listURL(i.ProjectID))
}

// answerInvitation: POST /invitations/{invitation}/ with accept or decline, of
// somebody who is logged in and sees the invitation among their projects.
func (s *accountPages) answerInvitation(w http.ResponseWriter, r *http.Request) error {
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(chi.URLParam(r, "invitation"))
	if err != nil {
		return errs.NotFoundf("There is no such invitation.")
	}
	return s.answerAs(w, r, id, form.Value("decline") == "")
}

func (s *accountPages) answerAs(w http.ResponseWriter, r *http.Request, id uuid.UUID, accept bool) error {
	v := visitorOf(r)
	if err := v.inPerson("answer an invitation"); err != nil {
		return err
	}
	i, err := s.auth.AnswerInvitation(r.Context(), v.User, id, accept)
	if err != nil {
		return err
	}
	if !accept {
		v.flash("ok", "You have declined.")
		return s.redirect(w, r, "/")
	}
	v.flash("ok", "You are a "+auth.RoleName(i.Role)+" of this project now.")
	return s.redirect(w, r, listURL(i.ProjectID))
}
