package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// The second step of logging in (features §9). Who has passed the first one is
// nobody yet: their session does not say "user", so that no page, stream or
// form takes them for one. It says who they want to be, since when, and where
// to lead them in the end.
const (
	sessionHalf     = "half"      // id of who has passed the first step
	sessionHalfAt   = "half_at"   // when
	sessionHalfNext = "half_next" // as of welcomeBack
	sessionHalfMark = "half_mark" // auth.FirstStepMark of then
	sessionKey      = "key"       // what a security key was asked for, until it answers
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
	BasePage
	Form    *Form
	Options string // for the script; "" = keys do not work on this site
	Else    otherWays
}

// secondCodePage asks for a code: of the authenticator app, or for recovery.
type secondCodePage struct {
	BasePage
	Form     *Form
	Recovery bool
	Else     otherWays
}

// otherWays lead to the other pages of the second step. Again: the visitor is
// logged in and shows that it is still them.
type otherWays struct{ Key, TOTP, Recovery, Again bool }

// enter lets somebody in who has passed the first step: at once, or by way of
// the second step where they have set one up. Who is logged in as the same user
// in this browser stays so meanwhile.
func (s *accountPages) enter(w http.ResponseWriter, r *http.Request, user *monitor.User, next string) error {
	v := visitorOf(r)
	on, err := s.auth.TwoFactorOn(r.Context(), user.ID)
	if err != nil {
		return err
	}
	again := isUser(v, user.ID)
	if !on {
		if !again {
			s.logIn(v, user)
		}
		s.authenticated(w, r, false)
		return s.welcomeBack(w, r, user, next)
	}
	if !again {
		v.forget()
		v.User, v.admin = nil, nil
	}
	v.session.Values[sessionHalf] = user.ID.String()
	v.session.Values[sessionHalfAt] = s.Store.Now().Format(time.RFC3339)
	v.session.Values[sessionHalfNext] = next
	v.session.Values[sessionHalfMark] = auth.FirstStepMark(user)
	s.Sessions.Rotate(v.session)
	return s.redirect(w, r, secondStepPath)
}

// is tells whether the visitor is logged in as the user, themselves.
func isUser(v *visitor, user uuid.UUID) bool {
	return v.User != nil && v.admin == nil && v.User.ID == user
}

// halfWay tells whether the visitor has passed the first step as the user with
// the id, and not the second.
func isHalfWay(v *visitor, user string) bool {
	return user != "" && v.session.Values[sessionHalf] == user
}

// endHalf forgets that the visitor has passed the first step.
func endHalf(v *visitor) {
	for _, key := range []string{sessionHalf, sessionHalfAt, sessionHalfNext, sessionHalfMark, sessionKey} {
		delete(v.session.Values, key)
	}
}

// second is for the pages of the second step: h is for those who have passed
// the first one at most auth.SecondStepLife ago. All others begin anew.
func (s *accountPages) second(h func(w http.ResponseWriter, r *http.Request, step *secondStep) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v := visitorOf(r)
		if v.User != nil && (v.admin != nil || !isHalfWay(v, v.User.ID.String())) {
			return s.redirect(w, r, "/") // done, in another tab
		}
		next, _ := v.session.Values[sessionHalfNext].(string)
		user, err := s.sessionUser(r.Context(), v.session, sessionHalf)
		switch {
		case err != nil:
			return err
		case user == nil:
			return s.redirect(w, r, "/accounts/login/")
		}
		if s.Store.Now().Sub(timeOf(v, sessionHalfAt)) > auth.SecondStepLife {
			return s.beginAnew(w, r, next, "That took longer than five minutes. Please log in again.")
		}
		if v.session.Values[sessionHalfMark] != auth.FirstStepMark(user) {
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
func (s *accountPages) beginAnew(w http.ResponseWriter, r *http.Request, next, why string) error {
	v := visitorOf(r)
	path := confirmPath
	if v.User == nil {
		path = "/accounts/login/"
		v.forget()
	}
	endHalf(v)
	v.flash("warning", why)
	if next != "" {
		path += "?" + url.Values{"next": {next}}.Encode()
	}
	return s.redirect(w, r, path)
}

// passed logs in who has passed the second step.
func (s *accountPages) passed(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	v := visitorOf(r)
	endHalf(v)
	if !isUser(v, step.user.ID) {
		s.logIn(v, step.user)
	}
	s.authenticated(w, r, true)
	return s.welcomeBack(w, r, step.user, step.next)
}

// secondForm asks for a key where there is one, else for a code.
func (s *accountPages) secondForm(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	if len(step.factors.Keys) == 0 {
		return s.redirect(w, r, totpStepPath)
	}
	return s.showSecondKey(w, r, http.StatusOK, newForm(nil), step)
}

func (s *accountPages) showSecondKey(w http.ResponseWriter, r *http.Request, status int, form *Form, step *secondStep) error {
	m := &secondKeyPage{BasePage: BasePage{Title: "Security key"}, Form: form, Else: otherWays{TOTP: step.factors.TOTPSecret != "", Recovery: true, Again: visitorOf(r).User != nil}}
	if s.auth.KeysOffered() {
		question, err := s.auth.AskKey(step.user, step.factors)
		if err != nil {
			return err
		}
		m.Options = question.Options
		visitorOf(r).session.Values[sessionKey] = question.Session
	}
	return s.render(w, r, status, "second_key", m)
}

// passByKey takes what a key has answered. A question is answered once.
func (s *accountPages) passByKey(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	question := takeText(visitorOf(r), sessionKey)
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
func takeText(v *visitor, key string) string {
	text, _ := v.session.Values[key].(string)
	delete(v.session.Values, key)
	return text
}

func (s *accountPages) totpStepForm(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	if step.factors.TOTPSecret == "" {
		return s.redirect(w, r, secondStepPath)
	}
	return s.showSecondCode(w, r, http.StatusOK, newForm(nil), step, false)
}

func (s *accountPages) recoveryStepForm(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	return s.showSecondCode(w, r, http.StatusOK, newForm(nil), step, true)
}

func (s *accountPages) showSecondCode(w http.ResponseWriter, r *http.Request, status int, form *Form, step *secondStep, recovery bool) error {
	m := &secondCodePage{
		BasePage: BasePage{Title: "Authenticator app"}, Form: form, Recovery: recovery,
		Else: otherWays{Key: len(step.factors.Keys) > 0, TOTP: recovery && step.factors.TOTPSecret != "", Recovery: !recovery, Again: visitorOf(r).User != nil},
	}
	if recovery {
		m.Title = "Recovery code"
	}
	form.Values.Del("code")
	return s.render(w, r, status, "second_code", m)
}

func (s *accountPages) passByTOTP(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	return s.passByCode(w, r, step, false, func(code string) error {
		return s.auth.PassTOTP(r.Context(), step.user, step.factors, code, originOf(r).Device)
	})
}

func (s *accountPages) passByRecovery(w http.ResponseWriter, r *http.Request, step *secondStep) error {
	return s.passByCode(w, r, step, true, func(code string) error {
		left, err := s.auth.PassRecovery(r.Context(), step.user, code, originOf(r).Device)
		if err == nil && left == 0 {
			step.next = recoveryCodesPath // to new ones
		}
		return err
	})
}

// passByCode takes a code that pass may accept.
func (s *accountPages) passByCode(w http.ResponseWriter, r *http.Request, step *secondStep, recovery bool, pass func(code string) error) error {
	form, err := postedForm(r)
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
