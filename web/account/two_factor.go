package account

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/ui"
)

// twoFactorView is the part of the profile page about the second step.
type twoFactorView struct {
	*store.Factors
	// security keys work on this site
	KeysOffered bool
	// recovery codes that one gets
	AllCodes int
}

// Lone tells whether there is one factor only, and it may be lost.
func (t twoFactorView) Lone() bool { return t.Count() == 1 }

// newKeyPage adds a security key.
type newKeyPage struct {
	ui.BasePage
	Form *ui.Form
	// for the script; "" = keys do not work on this site
	Options string
}

// keyNamePage gives a key another name.
type keyNamePage struct {
	ui.BasePage
	Form *ui.Form
	Key  *store.SecurityKey
}

// totpPage sets up an authenticator app.
type totpPage struct {
	ui.BasePage
	Form  *ui.Form
	Setup *auth.TOTPSetup
	// opens the app on a phone
	Link template.URL
}

// factorRemovePage asks before a factor goes.
type factorRemovePage struct {
	ui.BasePage
	// "the security key “At work”"
	What   string
	Action string
	// it is the only one
	Last bool
}

// recoveryCodesPage shows new recovery codes, once, or how many there are.
type recoveryCodesPage struct {
	ui.BasePage
	// new ones
	Codes []string
	// with the codes
	File     template.URL
	FileName string
	// with them two-factor sign-in has begun
	First bool
	// devices on which the user was logged out
	Others    int
	Remaining int
	Since     time.Time
}

// Lines are the new codes, one in each.
func (p *recoveryCodesPage) Lines() string { return strings.Join(p.Codes, "\n") }

const (
	twoFactorPath     = "/accounts/two_factor/"
	recoveryCodesPath = twoFactorPath + "recovery/"
)

// sessionTOTP is the sealed secret of an app that is being set up.
const sessionTOTP = "totp"

func (s *Pages) twoFactor(r *http.Request) (twoFactorView, error) {
	f, err := s.Store.FactorsOf(r.Context(), ui.VisitorOf(r).User.ID)
	return twoFactorView{Factors: f, KeysOffered: s.auth.KeysOffered(), AllCodes: auth.RecoveryCodes}, err
}

// NewKeyForm answers GET /accounts/two_factor/webauthn/.
func (s *Pages) NewKeyForm(w http.ResponseWriter, r *http.Request) error {
	return s.showNewKey(w, r, http.StatusOK, ui.NewForm(nil))
}

func (s *Pages) showNewKey(w http.ResponseWriter, r *http.Request, status int, form *ui.Form) error {
	v := ui.VisitorOf(r)
	m := &newKeyPage{BasePage: ui.BasePage{Title: "Add a security key", Nav: "account"}, Form: form}
	if s.auth.KeysOffered() {
		question, err := s.auth.BeginKey(r.Context(), v.User)
		if err != nil {
			return err
		}
		m.Options = question.Options
		v.Session.Values[sessionKey] = question.Session
	}
	return s.Render(w, r, status, "account/key_add", m)
}

// AddKey takes what a new key has answered.
func (s *Pages) AddKey(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	others, err := s.otherSessions(r)
	if err != nil {
		return err
	}
	codes, err := s.auth.AddKey(r.Context(), v.User, takeText(v, sessionKey), form.Value("credential"), form.Value("name"), s.by(r))
	if errs.KindOf(err) == errs.Conflict {
		form.Fail("credential", errs.Message(err))
	} else if err = form.Note(err); err != nil {
		return err
	}
	if !form.OK() {
		return s.showNewKey(w, r, http.StatusBadRequest, form)
	}
	return s.factorAdded(w, r, codes, others, "The key is added.")
}

// otherSessions is on how many other devices the user is logged in.
func (s *Pages) otherSessions(r *http.Request) (int, error) {
	sessions, err := s.Store.SessionsOf(r.Context(), ui.VisitorOf(r).User.ID)
	return max(0, len(sessions)-1), err
}

// factorAdded shows the recovery codes that come with the first factor, once. With
// it the other devices, so many, were logged out. The code or key has just been
// shown to be there: it counts as a second step.
func (s *Pages) factorAdded(w http.ResponseWriter, r *http.Request, codes []string, others int, done string) error {
	v := ui.VisitorOf(r)
	if codes == nil {
		v.Flash("ok", done)
		return s.Redirect(w, r, ProfilePath)
	}
	s.authenticated(w, r, true)
	return s.showCodes(w, r, &recoveryCodesPage{Codes: codes, First: true, Others: others})
}

func (s *Pages) showCodes(w http.ResponseWriter, r *http.Request, m *recoveryCodesPage) error {
	m.BasePage = ui.BasePage{Title: "Recovery codes", Nav: "account"}
	if m.Codes != nil {
		text := "Recovery codes of " + ui.VisitorOf(r).User.Email + " for " + s.Site.Name + ", " + s.Site.Root.String() +
			"\nEach works once.\n\n" + m.Lines() + "\n"
		m.File = template.URL("data:text/plain;charset=utf-8," + url.PathEscape(text)) //nolint:gosec // escaped
		m.FileName = "recovery-codes-" + s.Site.Root.Hostname() + ".txt"
	}
	return s.Render(w, r, http.StatusOK, "account/recovery_codes", m)
}

// RecoveryCodes tells how many are left, and a button for new ones.
func (s *Pages) RecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	f, err := s.Store.FactorsOf(r.Context(), ui.VisitorOf(r).User.ID)
	switch {
	case err != nil:
		return err
	case !f.On():
		return s.Redirect(w, r, ProfilePath)
	}
	return s.showCodes(w, r, &recoveryCodesPage{Remaining: f.RecoveryCodes, Since: f.RecoverySince})
}

// NewRecoveryCodes answers POST /accounts/two_factor/recovery/.
func (s *Pages) NewRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	codes, err := s.auth.NewRecoveryCodes(r.Context(), ui.VisitorOf(r).User)
	if err != nil {
		return err
	}
	return s.showCodes(w, r, &recoveryCodesPage{Codes: codes})
}

// TOTPForm shows what an authenticator app is to be told. Reloading the page
// shows the same: somebody may have told their app already.
func (s *Pages) TOTPForm(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	f, err := s.Store.FactorsOf(r.Context(), v.User.ID)
	switch {
	case err != nil:
		return err
	case f.TOTPSecret != "":
		return errs.Conflictf("You have an authenticator app already. Remove it first to set up another one.")
	}
	return s.showTOTP(w, r, http.StatusOK, ui.NewForm(nil))
}

func (s *Pages) showTOTP(w http.ResponseWriter, r *http.Request, status int, form *ui.Form) error {
	v := ui.VisitorOf(r)
	sealed, _ := v.Session.Values[sessionTOTP].(string)
	if sealed == "" {
		sealed = s.auth.NewTOTP(v.User)
		v.Session.Values[sessionTOTP] = sealed
	}
	setup, err := s.auth.TOTPSetup(v.User, sealed)
	if err != nil {
		return err
	}
	form.Values.Del("code")
	m := &totpPage{BasePage: ui.BasePage{Title: "Set up an authenticator app", Nav: "account"}, Form: form, Setup: setup}
	m.Link = template.URL(setup.URL) //nolint:gosec // we made it
	return s.Render(w, r, status, "account/totp", m)
}

// AddTOTP takes the code that shows that the app works.
func (s *Pages) AddTOTP(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	sealed, _ := v.Session.Values[sessionTOTP].(string)
	// logged in anew since
	if sealed == "" {
		return s.Redirect(w, r, twoFactorPath+"totp/")
	}
	others, err := s.otherSessions(r)
	if err != nil {
		return err
	}
	codes, err := s.auth.ConfirmTOTP(r.Context(), v.User, sealed, form.Value("code"), s.by(r))
	if err := form.Note(err); err != nil {
		return err
	}
	if !form.OK() {
		return s.showTOTP(w, r, http.StatusBadRequest, form)
	}
	delete(v.Session.Values, sessionTOTP)
	return s.factorAdded(w, r, codes, others, "The authenticator app is set up.")
}

// RemoveTOTPForm answers GET /accounts/two_factor/totp/remove/.
func (s *Pages) RemoveTOTPForm(w http.ResponseWriter, r *http.Request) error {
	return s.askRemoveFactor(w, r, "the authenticator app", twoFactorPath+"totp/remove/")
}

func (s *Pages) askRemoveFactor(w http.ResponseWriter, r *http.Request, what, action string) error {
	f, err := s.Store.FactorsOf(r.Context(), ui.VisitorOf(r).User.ID)
	if err != nil {
		return err
	}
	return s.Render(w, r, http.StatusOK, "account/factor_remove", &factorRemovePage{
		BasePage: ui.BasePage{Title: "Remove " + what, Nav: "account"}, What: what, Action: action, Last: f.Count() == 1,
	})
}

// RemoveTOTP answers POST /accounts/two_factor/totp/remove/.
func (s *Pages) RemoveTOTP(w http.ResponseWriter, r *http.Request) error {
	if err := s.auth.RemoveTOTP(r.Context(), ui.VisitorOf(r).User); err != nil {
		return ui.Hide(err, "There is no authenticator app. Perhaps it has been removed already.")
	}
	return s.factorRemoved(w, r, "The authenticator app is removed.")
}

// factorRemoved says so, and what it means when it was the last one.
func (s *Pages) factorRemoved(w http.ResponseWriter, r *http.Request, message string) error {
	v := ui.VisitorOf(r)
	on, err := s.auth.TwoFactorOn(r.Context(), v.User.ID)
	if err != nil {
		return err
	}
	if !on {
		message += " Logging in takes one step again."
	}
	v.Flash("ok", message)
	return s.Redirect(w, r, ProfilePath)
}

// keyOf is the visitor's key that the address names.
func (s *Pages) keyOf(r *http.Request) (*monitor.User, *store.SecurityKey, error) {
	user := ui.VisitorOf(r).User
	f, err := s.Store.FactorsOf(r.Context(), user.ID)
	if err != nil {
		return nil, nil, err
	}
	// none: no key's
	id, _ := uuid.Parse(chi.URLParam(r, "key"))
	for i := range f.Keys {
		if f.Keys[i].ID == id {
			return user, &f.Keys[i], nil
		}
	}
	return nil, nil, errs.NotFoundf("There is no such key. Perhaps it has been removed already.")
}

// RemoveKeyForm answers GET /accounts/two_factor/{key}/remove/.
func (s *Pages) RemoveKeyForm(w http.ResponseWriter, r *http.Request) error {
	_, key, err := s.keyOf(r)
	if err != nil {
		return err
	}
	return s.askRemoveFactor(w, r, "the security key “"+key.Name+"”", twoFactorPath+key.ID.String()+"/remove/")
}

// RemoveKey answers POST /accounts/two_factor/{key}/remove/.
func (s *Pages) RemoveKey(w http.ResponseWriter, r *http.Request) error {
	user, key, err := s.keyOf(r)
	if err != nil {
		return err
	}
	if err := s.auth.RemoveKey(r.Context(), user, key); err != nil {
		return ui.Hide(err, "There is no such key. Perhaps it has been removed already.")
	}
	return s.factorRemoved(w, r, "The key “"+key.Name+"” is removed.")
}

// KeyNameForm answers GET /accounts/two_factor/{key}/name/.
func (s *Pages) KeyNameForm(w http.ResponseWriter, r *http.Request) error {
	_, key, err := s.keyOf(r)
	if err != nil {
		return err
	}
	return s.showKeyName(w, r, http.StatusOK, ui.NewForm(url.Values{"name": {key.Name}}), key)
}

func (s *Pages) showKeyName(w http.ResponseWriter, r *http.Request, status int, form *ui.Form, key *store.SecurityKey) error {
	m := &keyNamePage{BasePage: ui.BasePage{Title: "Rename a key", Nav: "account"}, Form: form, Key: key}
	return s.Render(w, r, status, "account/key_name", m)
}

// RenameKey answers POST /accounts/two_factor/{key}/name/.
func (s *Pages) RenameKey(w http.ResponseWriter, r *http.Request) error {
	user, key, err := s.keyOf(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	err = form.Note(s.auth.RenameKey(r.Context(), user, key, form.Value("name")))
	switch {
	case err != nil:
		return err
	case !form.OK():
		return s.showKeyName(w, r, http.StatusBadRequest, form, key)
	}
	ui.VisitorOf(r).Flash("ok", "The key has its new name.")
	return s.Redirect(w, r, ProfilePath)
}
