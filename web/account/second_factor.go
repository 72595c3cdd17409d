package account

import (
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/ui"
)

// The second step of logging in. Who has passed the first one is
// nobody yet: their session does not say "user", so that no page, stream or
// form takes them for one. It says who they want to be, since when, and where
// to lead them in the end.
const (
	// id of who has passed the first step
	sessionHalf = "half"
	// when
	sessionHalfAt = "half_at"
	// as of welcomeBack
	sessionHalfNext = "half_next"
	// auth.FirstStepMark of then
	sessionHalfMark = "half_mark"
	// what a security key was asked for, until it answers
	sessionKey = "key"
)

const (
	secondStepPath = "/accounts/login/two_factor/"
	totpStepPath   = secondStepPath + "totp/"
	recoveryPath   = secondStepPath + "recovery/"
)

// secondStep is somebody between the two steps.
type secondStep struct {
	user    *monitor.User
	factors *store.Factors
	next    string
}

// secondKeyPage asks for a security key.
type secondKeyPage struct {
	ui.BasePage
	Form *ui.Form
	// for the script; "" = keys do not work on this site
	Options string
	Else    otherWays
}

// secondCodePage asks for a code: of the authenticator app, or for recovery.
type secondCodePage struct {
	ui.BasePage
	Form     *ui.Form
	Recovery bool
	Else     otherWays
}

// otherWays lead to the other pages of the second step. Again: the visitor is
// logged in and shows that it is still them.
type otherWays struct{ Key, TOTP, Recovery, Again bool }

// enter lets somebody in who has passed the first step: at once, or by way of
// the second step where they have set one up. Who is logged in as the same user
// in this browser stays so meanwhile.
func (s *Pages) enter(w http.ResponseWriter, r *http.Request, user *monitor.User, next string) error {
	v := ui.VisitorOf(r)
	on, err := s.auth.TwoFactorOn(r.Context(), user.ID)
	if err != nil {
		return err
	}
	again := isUser(v, user.ID)
	if !on {
		if !again {
			s.LogIn(v, user)
		}
		s.authenticated(w, r, false)
		return s.WelcomeBack(w, r, user, next)
	}
	if !again {
		v.Forget()
		v.User = nil
		v.Admin = nil
	}
	v.Session.Values[sessionHalf] = user.ID.String()
	v.Session.Values[sessionHalfAt] = s.Store.Now().Format(time.RFC3339)
	v.Session.Values[sessionHalfNext] = next
	v.Session.Values[sessionHalfMark] = auth.FirstStepMark(user)
	s.Sessions.Rotate(v.Session)
	return s.Redirect(w, r, secondStepPath)
}

// is tells whether the visitor is logged in as the user, themselves.
func isUser(v *ui.Visitor, user uuid.UUID) bool {
	return v.User != nil && v.Admin == nil && v.User.ID == user
}

// isHalfWay tells whether the visitor has passed the first step as the user with
// the id, and not the second.
func isHalfWay(v *ui.Visitor, user string) bool {
	return user != "" && v.Session.Values[sessionHalf] == user
}

// endHalf forgets that the visitor has passed the first step.
func endHalf(v *ui.Visitor) {
	for _, key := range []string{sessionHalf, sessionHalfAt, sessionHalfNext, sessionHalfMark, sessionKey} {
		delete(v.Session.Values, key)
	}
}

// SecondStep is for the pages of the second step: h is for those who have passed
// the first one at most auth.SecondStepLife ago. All others begin anew.
func (s *Pages) SecondStep(h func(w http.ResponseWriter, r *http.Request, step *secondStep) error) ui.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v := ui.VisitorOf(r)
		if v.User != nil && (v.Admin != nil || !isHalfWay(v, v.User.ID.String())) {
			// done, in another tab
			return s.Redirect(w, r, "/")
		}
		next, _ := v.Session.Values[sessionHalfNext].(string)
		user, err := s.SessionUser(r.Context(), v.Session, sessionHalf)
		switch {
		case err != nil:
			return err
		case user == nil:
			return s.Redirect(w, r, "/accounts/login/")
		}
		if s.Store.Now().Sub(timeOf(v, sessionHalfAt)) > auth.SecondStepLife {
			return s.beginAnew(w, r, next, "That took longer than five minutes. Please log in again.")
		}
		if v.Session.Values[sessionHalfMark] != auth.FirstStepMark(user) {
			return s.beginAnew(w, r, next, "The password or the address has been changed meanwhile. Please log in again.")
		}
		factors, err := s.Store.FactorsOf(r.Context(), user.ID)
		switch {
		case err != nil:
			return err
		case !factors.On():
			return s.beginAnew(w, r, next, "Two-factor sign-in has been switched off meanwhile. Please log in again.")
		}
		return h(w, r, &secondStep{user, factors, next})
	}
}

// beginAnew leads back to the first step and says why.
func (s *Pages) beginAnew(w http.ResponseWriter, r *http.Request, next, why string) error {
	v := ui.VisitorOf(r)
	path := confirmPath
	if v.User == nil {
		path = "/accounts/login/"
		v.Forget()
	}
	endHalf(v)
	v.Flash("warning", why)
	if next != "" {
		path += "?" + url.Values{"next": {next}}.Encode()
	}
	return s.Redirect(w, r, path)
}

// passed logs in who has passed the second step.
func (s *Pages) passed(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	v := ui.VisitorOf(r)
	endHalf(v)
	if !isUser(v, step.user.ID) {
		s.LogIn(v, step.user)
	}
	s.authenticated(w, r, true)
	return s.WelcomeBack(w, r, step.user, step.next)
}

// SecondStepForm asks for a key where there is one, else for a code.
func (s *Pages) SecondStepForm(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	if len(step.factors.Keys) == 0 {
		return s.Redirect(w, r, totpStepPath)
	}
	return s.showSecondKey(w, r, http.StatusOK, ui.NewForm(nil), step)
}

func (s *Pages) showSecondKey(w http.ResponseWriter, r *http.Request, status int, form *ui.Form, step *secondStep) error {
	ways := otherWays{TOTP: step.factors.TOTPSecret != "", Recovery: true, Again: ui.VisitorOf(r).User != nil}
	m := &secondKeyPage{BasePage: ui.BasePage{Title: "Security key"}, Form: form, Else: ways}
	if s.auth.KeysOffered() {
		question, err := s.auth.AskKey(step.user, step.factors)
		if err != nil {
			return err
		}
		m.Options = question.Options
		ui.VisitorOf(r).Session.Values[sessionKey] = question.Session
	}
	return s.Render(w, r, status, "account/second_key", m)
}

// PassByKey takes what a key has answered. A question is answered once.
func (s *Pages) PassByKey(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	question := takeText(ui.VisitorOf(r), sessionKey)
	err = form.Note(s.auth.PassKey(r.Context(), step.user, step.factors, question, form.Value("credential"), s.by(r).From))
	switch {
	case err != nil:
		return err
	case !form.OK():
		return s.showSecondKey(w, r, http.StatusBadRequest, form, step)
	}
	return s.passed(w, r, step)
}

// takeText takes a text out of the session, "" when it is not there.
func takeText(v *ui.Visitor, key string) string {
	text, _ := v.Session.Values[key].(string)
	delete(v.Session.Values, key)
	return text
}

// TOTPStepForm answers GET /accounts/login/two_factor/totp/.
func (s *Pages) TOTPStepForm(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	if step.factors.TOTPSecret == "" {
		return s.Redirect(w, r, secondStepPath)
	}
	return s.showSecondCode(w, r, http.StatusOK, ui.NewForm(nil), step, false)
}

// RecoveryStepForm answers GET /accounts/login/two_factor/recovery/.
func (s *Pages) RecoveryStepForm(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	return s.showSecondCode(w, r, http.StatusOK, ui.NewForm(nil), step, true)
}

func (s *Pages) showSecondCode(w http.ResponseWriter, r *http.Request, status int, form *ui.Form, step *secondStep, recovery bool) error {
	m := &secondCodePage{
		BasePage: ui.BasePage{Title: "Authenticator app"}, Form: form, Recovery: recovery,
		Else: otherWays{
			Key:      len(step.factors.Keys) > 0,
			TOTP:     recovery && step.factors.TOTPSecret != "",
			Recovery: !recovery,
			Again:    ui.VisitorOf(r).User != nil,
		},
	}
	if recovery {
		m.Title = "Recovery code"
	}
	form.Values.Del("code")
	return s.Render(w, r, status, "account/second_code", m)
}

// PassByTOTP answers POST /accounts/login/two_factor/totp/.
func (s *Pages) PassByTOTP(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	return s.passByCode(w, r, step, false, func(code string) error {
		return s.auth.PassTOTP(r.Context(), step.user, step.factors, code, originOf(r).Device)
	})
}

// PassByRecovery answers POST /accounts/login/two_factor/recovery/.
func (s *Pages) PassByRecovery(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	return s.passByCode(w, r, step, true, func(code string) error {
		remaining, err := s.auth.PassRecovery(r.Context(), step.user, code, originOf(r).Device)
		if err == nil && remaining == 0 {
			// to new ones
			step.next = recoveryCodesPath
		}
		return err
	})
}

// passByCode takes a code that pass may accept.
func (s *Pages) passByCode(w http.ResponseWriter, r *http.Request, step *secondStep, recovery bool, pass func(code string) error) error {
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	err = pass(form.Value("code"))
	status := http.StatusBadRequest
	if errs.KindOf(err) == errs.TooMany {
		status = http.StatusTooManyRequests
		form.Fail("code", errs.Message(err))
	} else if err := form.Note(err); err != nil {
		return err
	}
	if !form.OK() {
		return s.showSecondCode(w, r, status, form, step, recovery)
	}
	return s.passed(w, r, step)
}
