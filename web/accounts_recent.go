package web

import (
	"net/http"
	"net/url"
	"time"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// recentAuthLife is how long after a log-in the most delicate pages open without
// asking again.
const recentAuthLife = 30 * time.Minute

// confirmPage asks somebody who is logged in to show that it is still them.
type confirmPage struct {
	BasePage
	Form        *Form
	Next        string
	HasPassword bool
	TwoFactor   bool // a second step follows
}

// The values of a session that are about that.
const (
	sessionAuth    = "auth"     // when they last logged in or showed again who they are
	sessionAuthTwo = "auth_two" // when they last did so by a second factor, too
	sessionRepeat  = "repeat"   // set: what they posted waits for them to show who they are
)

const confirmPath = "/accounts/confirm/"

// requireRecentAuth lets only those pass who have logged in, or shown again that
// it is them, within recentAuthLife, with the second factor where they have one:
// what follows could lock the user out, or hand control over to somebody else. A
// superuser who acts in somebody's name never passes. Others come back to the
// page afterwards.
func (s *accountPages) requireRecentAuth(h handler) handler {
	return s.requireRecentAuthOn(func(r *http.Request) string { return r.URL.Path }, h)
}

// requireRecentAuthOn is requireRecentAuth for addresses that take posts only:
// page is where the form is.
func (s *accountPages) requireRecentAuthOn(page func(r *http.Request) string, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		asked, err := s.askRecentAuth(w, r, page(r))
		if asked || err != nil {
			return err
		}
		return h(w, r)
	}
}

// requireRecentSuperuser is requireRecentAuthOn for what superusers do to the
// accounts of others. Others do not learn that there is anything to see.
func (s *accountPages) requireRecentSuperuser(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := s.superuserOnly(r)
		if err != nil {
			return err
		}
		asked, err := s.askRecentAuth(w, r, "/admin/users/")
		if asked || err != nil {
			return err
		}
		return h(w, r)
	}
}

// askRecentAuth leads a visitor who is not recently authenticated to where they
// can be, and from there to next; asked tells that it has answered. It fails when
// nobody is logged in, and for a superuser who acts in somebody's name.
func (s *accountPages) askRecentAuth(w http.ResponseWriter, r *http.Request, next string) (asked bool, err error) {
	v := visitorOf(r)
	err = v.inPerson("do that")
	if err != nil {
		return false, err
	}
	recent, err := s.recentlyAuthenticated(r)
	if recent || err != nil {
		return false, err
	}
	delete(v.session.Values, sessionRepeat)
	if r.Method == http.MethodPost {
		v.session.Values[sessionRepeat] = "1"
	}
	return true, s.redirect(w, r, confirmPath+"?"+url.Values{"next": {next}}.Encode())
}

// recentlyAuthenticated tells whether the user of the session has lately shown
// all that logging in takes.
func (s *accountPages) recentlyAuthenticated(r *http.Request) (bool, error) {
	v := visitorOf(r)
	since := s.Store.Now().Add(-recentAuthLife)
	if timeOf(v, sessionAuth).Before(since) {
		return false, nil
	}
	on, err := s.auth.TwoFactorOn(r.Context(), v.User.ID)
	if err != nil {
		return false, err
	}
	return !on || !timeOf(v, sessionAuthTwo).Before(since), nil
}

// authenticated notes that the visitor has just shown who they are; second tells
// that it was by a second factor, too. The session gets a new id and begins anew.
func (s *accountPages) authenticated(w http.ResponseWriter, r *http.Request, second bool) {
	v := visitorOf(r)
	now := s.Store.Now().Format(time.RFC3339)
	v.session.Values[sessionAuth] = now
	delete(v.session.Values, sessionAuthTwo)
	if second {
		v.session.Values[sessionAuthTwo] = now
	}
	s.Sessions.Renew(v.session)
	s.setDeviceCookie(w, s.auth.DeviceMark(originOf(r).Device, v.User))
	if takeText(v, sessionRepeat) != "" {
		v.flash("ok", "Thank you. Nothing has changed yet: please press the button again.")
	}
}

// timeOf is a moment that the session remembers, zero for none.
func timeOf(v *visitor, key string) time.Time {
	text, _ := v.session.Values[key].(string)
	at, _ := time.Parse(time.RFC3339, text) // none: zero
	return at
}

func (s *accountPages) confirmForm(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	err := v.inPerson("do that")
	if err != nil {
		return err
	}
	return s.showConfirm(w, r, http.StatusOK, v.User, newForm(nil), safeNext(r.URL.Query().Get("next")))
}

func (s *accountPages) showConfirm(w http.ResponseWriter, r *http.Request, status int, user *monitor.User, form *Form, next string) error {
	on, err := s.auth.TwoFactorOn(r.Context(), user.ID)
	if err != nil {
		return err
	}
	form.Values.Del("password")
	return s.render(w, r, status, "recent_auth", &confirmPage{
		BasePage: BasePage{Title: "Is it you?", Nav: "account"}, Form: form, Next: next, HasPassword: user.PasswordHash != "", TwoFactor: on,
	})
}

// confirmIdentity takes the password, or mails a link whose log-in confirms it
// too. Where there is a second factor, it is asked for next.
func (s *accountPages) confirmIdentity(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	err := v.inPerson("do that")
	if err != nil {
		return err
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	next := safeNext(form.Value("next"))
	if form.Values.Has("link") {
		return s.mailConfirmLink(w, r, form, next)
	}
	err = s.auth.ConfirmPassword(r.Context(), v.User, form.Value("password"), s.Sessions.Hash(v.session))
	status := http.StatusBadRequest
	if errs.KindOf(err) == errs.TooMany {
		status = http.StatusTooManyRequests
		form.Fail("password", errs.Message(err))
	} else if err := form.Note(err); err != nil {
		return err
	}
	if !form.OK() {
		return s.showConfirm(w, r, status, v.User, form, next)
	}
	if next == "" {
		next = profilePath
	}
	return s.enter(w, r, v.User, next)
}

func (s *accountPages) mailConfirmLink(w http.ResponseWriter, r *http.Request, form *Form, next string) error {
	user := visitorOf(r).User
	browser, err := s.auth.RequestLogin(r.Context(), auth.LoginRequest{Identity: user.Email, Origin: originOf(r), Next: next})
	if errs.KindOf(err) == errs.TooMany {
		form.Fail("", errs.Message(err))
		return s.showConfirm(w, r, http.StatusTooManyRequests, user, form, next)
	}
	if err != nil {
		return err
	}
	s.setBrowserCookie(w, browser)
	return s.redirect(w, r, "/accounts/login_link_sent/")
}
