package web

import (
	"net/http"

	"punctual/internal/auth"
	"punctual/internal/monitor"
)

// passwordPage sets a password, or another one, or takes it away.
type passwordPage struct {
	BasePage
	Form        *Form
	HasPassword bool
	MinLength   int
}

const profilePath = "/accounts/profile/"

func (s *Server) passwordForm(w http.ResponseWriter, r *http.Request) error {
	return s.showPassword(w, r, http.StatusOK, newForm(nil))
}

func (s *Server) showPassword(w http.ResponseWriter, r *http.Request, status int, form *Form) error {
	form.Values.Del("password")
	has := visitorOf(r).User.PasswordHash != ""
	title := "Set a password"
	if has {
		title = "Change the password"
	}
	return s.render(w, r, status, "password", &passwordPage{
		BasePage: BasePage{Title: title, Nav: "account"}, Form: form, HasPassword: has, MinLength: auth.MinPasswordLength,
	})
}

// savePassword sets the password; the button remove takes it away. Whoever else
// is logged in as the user is not any more.
func (s *Server) savePassword(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	said := "Your password is set."
	if form.Values.Has("remove") {
		said = "You have no password any more: log in by mailed link."
		err = s.Auth.RemovePassword(r.Context(), v.User)
	} else {
		err = form.Note(s.Auth.SetPassword(r.Context(), v.User, form.Value("password")))
	}
	switch {
	case err != nil:
		return err
	case !form.OK():
		return s.showPassword(w, r, http.StatusBadRequest, form)
	}
	return s.endOtherSessions(w, r, v.User, said)
}

// endOtherSessions logs the user out on all other devices and says what was done.
func (s *Server) endOtherSessions(w http.ResponseWriter, r *http.Request, user *monitor.User, said string) error {
	v := visitorOf(r)
	n, err := s.Store.DeleteSessionsOf(r.Context(), user.ID, s.Sessions.Hash(v.session))
	if err != nil {
		return err
	}
	if n > 0 {
		said += " You are logged out on " + plural(int(n), "other device", "other devices") + "."
	}
	v.flash("ok", said)
	return s.redirect(w, r, profilePath)
}
