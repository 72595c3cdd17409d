package admin

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/web/ui"
)

// SetActive lets a user in, or keeps them out from now on: active=1 or 0.
func (s *Pages) SetActive(w http.ResponseWriter, r *http.Request) error {
	user, err := s.otherUser(r)
	if err != nil {
		return err
	}
	active := ui.Field(r, "active") == "1"
	result := " may log in again."
	if active {
		err = s.auth.Activate(r.Context(), user.ID)
	} else {
		result = " is logged out and cannot log in. Their checks are watched as before."
		err = s.auth.Deactivate(r.Context(), user.ID)
	}
	if err != nil {
		return err
	}
	s.audit(r, "user activated or deactivated", "user", user.Email, "active", active)
	ui.VisitorOf(r).Flash("ok", user.Email+result)
	return s.Redirect(w, r, "/admin/users/?"+url.Values{"q": {ui.Field(r, "q")}}.Encode())
}

// LoginAs lets a superuser look through a user's eyes until they stop. The
// session remembers who it is, every page says so, and the log has a line.
func (s *Pages) LoginAs(w http.ResponseWriter, r *http.Request) error {
	user, err := s.otherUser(r)
	switch {
	case err != nil:
		return err
	case !user.IsActive:
		return errs.Conflictf("%s is deactivated.", user.Email)
	case user.IsSuperuser:
		return errs.Forbiddenf("%s is a superuser too.", user.Email)
	}
	s.audit(r, "superuser logs in as a user", "user", user.Email)
	s.LogInAs(ui.VisitorOf(r), user)
	return s.WelcomeBack(w, r, user, "")
}

// otherUser is the user named in the address, who is not the superuser asking.
func (s *Pages) otherUser(r *http.Request) (*monitor.User, error) {
	if err := s.SuperuserOnly(r); err != nil {
		return nil, err
	}
	id, err := uuid.Parse(chi.URLParam(r, "user"))
	if err != nil {
		return nil, errs.NotFoundf("There is no such user.")
	}
	if id == ui.VisitorOf(r).User.ID {
		return nil, errs.Conflictf("This is you.")
	}
	user, err := s.Store.UserByID(r.Context(), id)
	return user, ui.Hide(err, "There is no such user.")
}

// audit leaves a trace of what a superuser did.
func (s *Pages) audit(r *http.Request, what string, attrs ...any) {
	s.Log.WarnContext(r.Context(), what, append(attrs, "superuser", ui.VisitorOf(r).User.Email)...)
}

// RemoveFactors lets a user log in with one step again who has lost all
// else. They are told by mail.
func (s *Pages) RemoveFactors(w http.ResponseWriter, r *http.Request) error {
	user, err := s.otherUser(r)
	if err != nil {
		return err
	}
	n, err := s.auth.RemoveFactors(r.Context(), user)
	if err != nil {
		return err
	}
	s.audit(r, "two-factor sign-in of a user removed", "user", user.Email, "factors", n)
	ui.VisitorOf(r).Flash("ok", user.Email+" logs in with one step now. We have told them by mail.")
	return s.Redirect(w, r, "/admin/users/?"+url.Values{"q": {ui.Field(r, "q")}}.Encode())
}
