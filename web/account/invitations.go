package account

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/monitor"
	"punctual/internal/project"
	"punctual/internal/store"
	"punctual/web/ui"
)

// invitationPage asks whoever was mailed an invitation. It is the same whether the
// address has an account or not.
type invitationPage struct {
	ui.BasePage
	Invitation *store.Invitation
	// of the project
	Name string
	// address of somebody else who is logged in here, "" = nobody
	Other    string
	Declined bool
}

// Invitation answers GET /invitations/{invitation}/{token}/.
func (s *Pages) Invitation(w http.ResponseWriter, r *http.Request) error {
	i, err := s.mailedInvitation(r)
	if err != nil {
		return err
	}
	return s.showInvitation(w, r, i, false)
}

func (s *Pages) mailedInvitation(r *http.Request) (*store.Invitation, error) {
	// What is no id is nobody's.
	id, _ := uuid.Parse(chi.URLParam(r, "invitation"))
	return s.projects.Invitation(r.Context(), id, chi.URLParam(r, "token"))
}

func (s *Pages) showInvitation(w http.ResponseWriter, r *http.Request, i *store.Invitation, declined bool) error {
	p := monitor.Project{ID: i.ProjectID, Name: i.Project}
	m := &invitationPage{BasePage: ui.BasePage{Title: "Invitation"}, Invitation: i, Name: p.Title(), Declined: declined}
	user := ui.VisitorOf(r).User
	if user != nil && hosts.MailAddress(user.Email) != hosts.MailAddress(i.Email) {
		m.Other = user.Email
	}
	return s.Render(w, r, http.StatusOK, "account/invitation", m)
}

// AnswerMailed answers POST /invitations/{invitation}/{token}/ with accept or decline.
func (s *Pages) AnswerMailed(w http.ResponseWriter, r *http.Request) error {
	i, err := s.mailedInvitation(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	v := ui.VisitorOf(r)
	switch {
	case form.Value("decline") != "":
		if err := s.projects.DeclineInvitation(r.Context(), i.ID, chi.URLParam(r, "token")); err != nil {
			return err
		}
		return s.showInvitation(w, r, i, true)
	case v.User != nil:
		return s.answerAs(w, r, i.ID, true)
	}
	user, err := s.projects.JoinByInvitation(r.Context(), i)
	if err != nil {
		return err
	}
	if user == nil {
		v.Flash("ok", "Please log in as "+i.Email+" to accept the invitation.")
		return s.Redirect(w, r, "/accounts/login/?"+url.Values{"next": {r.URL.EscapedPath()}}.Encode())
	}
	return s.enter(w, r, user, ui.ListURL(i.ProjectID))
}

// AnswerInvitation answers POST /invitations/{invitation}/ with accept or decline, of
// somebody who is logged in and sees the invitation among their projects.
func (s *Pages) AnswerInvitation(w http.ResponseWriter, r *http.Request) error {
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(chi.URLParam(r, "invitation"))
	if err != nil {
		return errs.NotFoundf("There is no such invitation.")
	}
	return s.answerAs(w, r, id, form.Value("decline") == "")
}

func (s *Pages) answerAs(w http.ResponseWriter, r *http.Request, id uuid.UUID, accept bool) error {
	v := ui.VisitorOf(r)
	if err := v.InPerson("answer an invitation"); err != nil {
		return err
	}
	i, err := s.projects.AnswerInvitation(r.Context(), v.User, id, accept)
	if err != nil {
		return err
	}
	if !accept {
		v.Flash("ok", "You have declined.")
		return s.Redirect(w, r, "/")
	}
	v.Flash("ok", "You are a "+project.RoleName(i.Role)+" of this project now.")
	return s.Redirect(w, r, ui.ListURL(i.ProjectID))
}
