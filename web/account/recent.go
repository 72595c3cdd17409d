package account

import (
	"net/http"
	"net/url"
	"time"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/web/ui"
)

// RecentAuthLife is how long after a log-in the most delicate pages open without
// asking again.
const RecentAuthLife = 30 * time.Minute

// confirmPage asks somebody who is logged in to show that it is still them.
type confirmPage struct {
	ui.BasePage
	Form        *ui.Form
	Next        string
	HasPassword bool
	// a second step follows
	TwoFactor bool
}

// The values of a session that are about that.
const (
	// when they last logged in or showed again who they are
	sessionAuth = "auth"
	// when they last did so by a second factor, too
	sessionAuthTwo = "auth_two"
	// set: what they posted waits for them to show who they are
	sessionRepeat = "repeat"
)

const confirmPath = "/accounts/confirm/"

// RequireRecentAuth lets only those pass who have logged in, or shown again that
// it is them, within RecentAuthLife, with the second factor where they have one:
// what follows could lock the user out, or hand control over to somebody else. A
// superuser who acts in somebody's name never passes. Others come back to the
// page afterwards.
func (s *Pages) RequireRecentAuth(h ui.Handler) ui.Handler {
	return s.RequireRecentAuthOn(func(r *http.Request) string { return r.URL.Path }, h)
}

// RequireRecentAuthOn is RequireRecentAuth for addresses that take posts only:
// page is where the form is.
func (s *Pages) RequireRecentAuthOn(page func(r *http.Request) string, h ui.Handler) ui.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		asked, err := s.AskRecentAuth(w, r, page(r))
		if asked || err != nil {
			return err
		}
		return h(w, r)
	}
}

// RequireRecentSuperuser is RequireRecentAuthOn for what superusers do to the
// accounts of others. Others do not learn that there is anything to see.
func (s *Pages) RequireRecentSuperuser(h ui.Handler) ui.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := s.SuperuserOnly(r)
		if err != nil {
			return err
		}
		asked, err := s.AskRecentAuth(w, r, "/admin/users/")
		if asked || err != nil {
			return err
		}
		return h(w, r)
	}
}

// AskRecentAuth leads a visitor who is not recently authenticated to where they
// can be, and from there to next; asked tells that it has answered. It fails when
// nobody is logged in, and for a superuser who acts in somebody's name.
func (s *Pages) AskRecentAuth(w http.ResponseWriter, r *http.Request, next string) (asked bool, err error) {
	v := ui.VisitorOf(r)
	err = v.InPerson("do that")
	if err != nil {
		return false, err
	}
	recent, err := s.recentlyAuthenticated(r)
	if recent || err != nil {
		return false, err
	}
	delete(v.Session.Values, sessionRepeat)
	if r.Method == http.MethodPost {
		v.Session.Values[sessionRepeat] = "1"
	}
	return true, s.Redirect(w, r, confirmPath+"?"+url.Values{"next": {next}}.Encode())
}

// recentlyAuthenticated tells whether the user of the session has lately shown
// all that logging in takes.
func (s *Pages) recentlyAuthenticated(r *http.Request) (bool, error) {
	v := ui.VisitorOf(r)
	since := s.Store.Now().Add(-RecentAuthLife)
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
func (s *Pages) authenticated(w http.ResponseWriter, r *http.Request, secondFactor bool) {
	v := ui.VisitorOf(r)
	now := s.Store.Now().Format(time.RFC3339)
	v.Session.Values[sessionAuth] = now
	delete(v.Session.Values, sessionAuthTwo)
	if secondFactor {
		v.Session.Values[sessionAuthTwo] = now
	}
	s.Sessions.Renew(v.Session)
	s.setDeviceCookie(w, s.auth.DeviceMark(originOf(r).Device, v.User))
	if takeText(v, sessionRepeat) != "" {
		v.Flash("ok", "Thank you. Nothing has changed yet: please press the button again.")
	}
}

// timeOf is a moment that the session remembers, zero for none.
func timeOf(v *ui.Visitor, key string) time.Time {
	text, _ := v.Session.Values[key].(string)
	// none: zero
	at, _ := time.Parse(time.RFC3339, text)
	return at
}

// ConfirmForm answers GET /accounts/confirm/.
func (s *Pages) ConfirmForm(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	err := v.InPerson("do that")
	if err != nil {
		return err
	}
	return s.showConfirm(w, r, http.StatusOK, v.User, ui.NewForm(nil), ui.SafeNext(r.URL.Query().Get("next")))
}

func (s *Pages) showConfirm(w http.ResponseWriter, r *http.Request, status int, user *monitor.User, form *ui.Form, next string) error {
	on, err := s.auth.TwoFactorOn(r.Context(), user.ID)
	if err != nil {
		return err
	}
	form.Values.Del("password")
	return s.Render(w, r, status, "account/recent_auth", &confirmPage{
		BasePage: ui.BasePage{Title: "Is it you?", Nav: "account"}, Form: form, Next: next, HasPassword: user.PasswordHash != "", TwoFactor: on,
	})
}

// ConfirmIdentity takes the password, or mails a link whose log-in confirms it
// too. Where there is a second factor, it is asked for next.
func (s *Pages) ConfirmIdentity(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	err := v.InPerson("do that")
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	next := ui.SafeNext(form.Value("next"))
	if form.Values.Has("link") {
		return s.mailConfirmLink(w, r, form, next)
	}
	err = s.auth.ConfirmPassword(r.Context(), v.User, form.Value("password"), s.Sessions.Hash(v.Session))
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
		next = ProfilePath
	}
	return s.enter(w, r, v.User, next)
}

func (s *Pages) mailConfirmLink(w http.ResponseWriter, r *http.Request, form *ui.Form, next string) error {
	user := ui.VisitorOf(r).User
	browser, err := s.auth.RequestLogin(r.Context(), auth.LoginRequest{Identity: user.Email, Origin: originOf(r), Next: next})
	if errs.KindOf(err) == errs.TooMany {
		form.Fail("", errs.Message(err))
		return s.showConfirm(w, r, http.StatusTooManyRequests, user, form, next)
	}
	if err != nil {
		return err
	}
	s.setBrowserCookie(w, browser)
	return s.Redirect(w, r, "/accounts/login_link_sent/")
}
