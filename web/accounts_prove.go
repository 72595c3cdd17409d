package web

import (
	"net/http"
	"net/url"
	"time"

	"punctual/internal/auth"
	"punctual/internal/clientip"
	"punctual/internal/monitor"
)

// proofLife is how long after a login the most delicate pages open without
// asking again (features §9).
const proofLife = 30 * time.Minute

// provePage asks somebody who is logged in to show that it is still them.
type provePage struct {
	BasePage
	Form        *Form
	Next        string
	HasPassword bool
}

const provePath = "/accounts/confirm/"

// proven lets only those pass who have logged in, or shown again that it is
// them, within proofLife: what follows could lock the user out of the account.
// A superuser who looks through somebody's eyes never passes.
func (s *Server) proven(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v := visitorOf(r)
		if err := v.inPerson("do that"); err != nil {
			return err
		}
		if s.Store.Now().Sub(v.provenAt()) > proofLife {
			return s.redirect(w, r, provePath+"?"+url.Values{"next": {r.URL.Path}}.Encode())
		}
		return h(w, r)
	}
}

// prove notes that the visitor has just shown who they are.
func (s *Server) prove(v *visitor) {
	v.session.Values[sessionProof] = s.Store.Now().Format(time.RFC3339)
}

// provenAt is when the visitor last showed who they are, zero for never.
func (v *visitor) provenAt() time.Time {
	text, _ := v.session.Values[sessionProof].(string)
	at, _ := time.Parse(time.RFC3339, text) // none: zero
	return at
}

func (s *Server) proveForm(w http.ResponseWriter, r *http.Request) error {
	user := visitorOf(r).User
	if user == nil {
		return errLogin
	}
	return s.showProve(w, r, http.StatusOK, user, newForm(nil), safeNext(r.URL.Query().Get("next")))
}

func (s *Server) showProve(w http.ResponseWriter, r *http.Request, status int, user *monitor.User, form *Form, next string) error {
	m := &provePage{BasePage: BasePage{Title: "Is it you?", Nav: "account"}, Form: form, Next: next, HasPassword: user.PasswordHash != ""}
	return s.render(w, r, status, "prove", m)
}

// confirmIdentity takes the password, or mails a link whose login proves it too.
func (s *Server) confirmIdentity(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if v.User == nil {
		return errLogin
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	next := safeNext(form.Value("next"))
	if form.Values.Has("link") {
		browser, err := s.Auth.RequestLogin(r.Context(), auth.LoginRequest{Identity: v.User.Email, IP: clientip.Of(r), Next: next})
		if err != nil {
			return err
		}
		s.setBrowserCookie(w, browser)
		return s.redirect(w, r, "/accounts/login_link_sent/")
	}
	err = s.Auth.ConfirmPassword(r.Context(), v.User, form.Value("password"))
	form.Values.Del("password")
	if err := form.Note(err); err != nil {
		return err
	}
	if !form.OK() {
		return s.showProve(w, r, http.StatusBadRequest, v.User, form, next)
	}
	s.prove(v)
	if next == "" {
		next = profilePath
	}
	return s.redirect(w, r, next)
}
