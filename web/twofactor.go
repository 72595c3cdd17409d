package web

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
)

// twoFactorView is the part of the profile page about the second step.
type twoFactorView struct {
	*store.Factors
	KeysOffered bool // security keys work on this site
	AllCodes    int  // recovery codes that one gets
}

// Lone tells whether there is one factor only, and it may be lost.
func (t twoFactorView) Lone() bool { return t.Count() == 1 }

// newKeyPage adds a security key.
type newKeyPage struct {
	BasePage
	Form    *Form
	Options string // for the script; "" = keys do not work on this site
}

// keyNamePage gives a key another name.
type keyNamePage struct {
	BasePage
	Form *Form
	Key  *store.SecurityKey
}

// totpPage sets up an authenticator app.
type totpPage struct {
	BasePage
	Form  *Form
	Setup *auth.TOTPSetup
	Link  template.URL // opens the app on a phone
}

// factorRemovePage asks before a factor goes.
type factorRemovePage struct {
	BasePage
	What   string // "the security key “At work”"
	Action string
	Last   bool // it is the only one
}

// recoveryCodesPage shows new recovery codes, once, or how many there are.
type recoveryCodesPage struct {
	BasePage
	Codes    []string     // new ones
	File     template.URL // with the codes
	FileName string
	First    bool // with them two-factor sign-in has begun
	Others   int  // devices on which the user was logged out
	Left     int
	Since    time.Time
}

// Lines are the new codes, one in each.
func (p *recoveryCodesPage) Lines() string { return strings.Join(p.Codes, "\n") }

const (
	twoFactorPath     = "/accounts/two_factor/"
	recoveryCodesPath = twoFactorPath + "recovery/"
)

// sessionTOTP is the sealed secret of an app that is being set up.
const sessionTOTP = "totp"

func (s *accountPages) twoFactor(r *http.Request) (twoFactorView, error) {
	f, err := s.Store.FactorsOf(r.Context(), visitorOf(r).User.ID)
	return twoFactorView{Factors: f, KeysOffered: s.auth.KeysOffered(), AllCodes: auth.RecoveryCodes}, err
}

func (s *accountPages) newKeyForm(w http.ResponseWriter, r *http.Request) error {
	return s.showNewKey(w, r, http.StatusOK, newForm(nil))
}

func (s *accountPages) showNewKey(w http.ResponseWriter, r *http.Request, status int, form *Form) error {
	v := visitorOf(r)
	m := &newKeyPage{BasePage: BasePage{Title: "Add a security key", Nav: "account"}, Form: form}
	if s.auth.KeysOffered() {
		question, err := s.auth.BeginKey(r.Context(), v.User)
		if err != nil {
			return err
		}
		m.Options = question.Options
		v.session.Values[sessionKey] = question.Session
	}
	return s.render(w, r, status, "key_add", m)
}

// addKey takes what a new key has answered.
func (s *accountPages) addKey(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	form, err := postedForm(r)
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
func (s *accountPages) otherSessions(r *http.Request) (int, error) {
	sessions, err := s.Store.SessionsOf(r.Context(), visitorOf(r).User.ID)
	return max(0, len(sessions)-1), err
}

// factorAdded shows the recovery codes that come with the first factor, once. With
// it the other devices, so many, were logged out. The code or key has just been
// shown to be there: it counts as a second step.
func (s *accountPages) factorAdded(w http.ResponseWriter, r *http.Request, codes []string, others int, done string) error {
	v := visitorOf(r)
	if codes == nil {
		v.flash("ok", done)
		return s.redirect(w, r, profilePath)
	}
	s.authenticated(w, r, true)
	return s.showCodes(w, r, &recoveryCodesPage{Codes: codes, First: true, Others: others})
}

func (s *accountPages) showCodes(w http.ResponseWriter, r *http.Request, m *recoveryCodesPage) error {
	m.BasePage = BasePage{Title: "Recovery codes", Nav: "account"}
	if m.Codes != nil {
		text := "Recovery codes of " + visitorOf(r).User.Email + " for " + s.Site.Name + ", " + s.Site.Root.String() + "\nEach works once.\n\n" + m.Lines() + "\n"
		m.File = template.URL("data:text/plain;charset=utf-8," + url.PathEscape(text)) //nolint:gosec // escaped
		m.FileName = "recovery-codes-" + s.Site.Root.Hostname() + ".txt"
	}
	return s.render(w, r, http.StatusOK, "recovery_codes", m)
}

// recoveryCodes: how many are left, and a button for new ones.
func (s *accountPages) recoveryCodes(w http.ResponseWriter, r *http.Request) error {
	f, err := s.Store.FactorsOf(r.Context(), visitorOf(r).User.ID)
	switch {
	case err != nil:
		return err
	case !f.On():
		return s.redirect(w, r, profilePath)
	}
	return s.showCodes(w, r, &recoveryCodesPage{Left: f.RecoveryCodes, Since: f.RecoverySince})
}

func (s *accountPages) newRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	codes, err := s.auth.NewRecoveryCodes(r.Context(), visitorOf(r).User)
	if err != nil {
		return err
	}
	return s.showCodes(w, r, &recoveryCodesPage{Codes: codes})
}

// totpForm shows what an authenticator app is to be told. Reloading the page
// shows the same: somebody may have told their app already.
func (s *accountPages) totpForm(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	f, err := s.Store.FactorsOf(r.Context(), v.User.ID)
	switch {
	case err != nil:
		return err
	case f.TOTPSecret != "":
		return errs.Conflictf("You have an authenticator app already. Remove it first to set up another one.")
	}
	return s.showTOTP(w, r, http.StatusOK, newForm(nil))
}

func (s *accountPages) showTOTP(w http.ResponseWriter, r *http.Request, status int, form *Form) error {
	v := visitorOf(r)
	sealed, _ := v.session.Values[sessionTOTP].(string)
	if sealed == "" {
		sealed = s.auth.NewTOTP(v.User)
		v.session.Values[sessionTOTP] = sealed
	}
	setup, err := s.auth.TOTPSetup(v.User, sealed)
	if err != nil {
		return err
	}
	form.Values.Del("code")
	m := &totpPage{BasePage: BasePage{Title: "Set up an authenticator app", Nav: "account"}, Form: form, Setup: setup}
	m.Link = template.URL(setup.URL) //nolint:gosec // we made it
	return s.render(w, r, status, "totp", m)
}

// addTOTP takes the code that shows that the app works.
func (s *accountPages) addTOTP(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	sealed, _ := v.session.Values[sessionTOTP].(string)
	if sealed == "" { // logged in anew since
		return s.redirect(w, r, twoFactorPath+"totp/")
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
	delete(v.session.Values, sessionTOTP)
	return s.factorAdded(w, r, codes, others, "The authenticator app is set up.")
}

func (s *accountPages) removeTOTPForm(w http.ResponseWriter, r *http.Request) error {
	return s.askRemoveFactor(w, r, "the authenticator app", twoFactorPath+"totp/remove/")
}

func (s *accountPages) askRemoveFactor(w http.ResponseWriter, r *http.Request, what, action string) error {
	f, err := s.Store.FactorsOf(r.Context(), visitorOf(r).User.ID)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "factor_remove", &factorRemovePage{
		BasePage: BasePage{Title: "Remove " + what, Nav: "account"}, What: what, Action: action, Last: f.Count() == 1,
	})
}

func (s *accountPages) removeTOTP(w http.ResponseWriter, r *http.Request) error {
	if err := s.auth.RemoveTOTP(r.Context(), visitorOf(r).User); err != nil {
		return hide(err, "There is no authenticator app. Perhaps it has been removed already.")
	}
	return s.factorRemoved(w, r, "The authenticator app is removed.")
}

// factorRemoved says so, and what it means when it was the last one.
func (s *accountPages) factorRemoved(w http.ResponseWriter, r *http.Request, said string) error {
	v := visitorOf(r)
	on, err := s.auth.TwoFactorOn(r.Context(), v.User.ID)
	if err != nil {
		return err
	}
	if !on {
		said += " Logging in takes one step again."
	}
	v.flash("ok", said)
	return s.redirect(w, r, profilePath)
}

// keyOf is the visitor's key that the address names.
func (s *accountPages) keyOf(r *http.Request) (*monitor.User, *store.SecurityKey, error) {
	user := visitorOf(r).User
	f, err := s.Store.FactorsOf(r.Context(), user.ID)
	if err != nil {
		return nil, nil, err
	}
	id, _ := uuid.Parse(chi.URLParam(r, "key")) // none: no key's
	for i := range f.Keys {
		if f.Keys[i].ID == id {
			return user, &f.Keys[i], nil
		}
	}
	return nil, nil, errs.NotFoundf("There is no such key. Perhaps it has been removed already.")
}

func (s *accountPages) removeKeyForm(w http.ResponseWriter, r *http.Request) error {
	_, key, err := s.keyOf(r)
	if err != nil {
		return err
	}
	return s.askRemoveFactor(w, r, "the security key “"+key.Name+"”", twoFactorPath+key.ID.String()+"/remove/")
}

func (s *accountPages) removeKey(w http.ResponseWriter, r *http.Request) error {
	user, key, err := s.keyOf(r)
	if err != nil {
		return err
	}
	if err := s.auth.RemoveKey(r.Context(), user, key); err != nil {
		return hide(err, "There is no such key. Perhaps it has been removed already.")
	}
	return s.factorRemoved(w, r, "The key “"+key.Name+"” is removed.")
}

func (s *accountPages) keyNameForm(w http.ResponseWriter, r *http.Request) error {
	_, key, err := s.keyOf(r)
	if err != nil {
		return err
	}
	return s.showKeyName(w, r, http.StatusOK, newForm(url.Values{"name": {key.Name}}), key)
}

func (s *accountPages) showKeyName(w http.ResponseWriter, r *http.Request, status int, form *Form, key *store.SecurityKey) error {
	return s.render(w, r, status, "key_name", &keyNamePage{BasePage: BasePage{Title: "Rename a key", Nav: "account"}, Form: form, Key: key})
}

func (s *accountPages) renameKey(w http.ResponseWriter, r *http.Request) error {
	user, key, err := s.keyOf(r)
	if err != nil {
		return err
	}
	form, err := postedForm(r)
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
	visitorOf(r).flash("ok", "The key has its new name.")
	return s.redirect(w, r, profilePath)
}
