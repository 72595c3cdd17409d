package web

import (
	"bytes"
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/report"
	"punctual/internal/schedule"
	"punctual/internal/store"
)

// profilePage is what a user may change about themselves.
type profilePage struct {
	BasePage
	Form     *Form // tz, date_format
	Zones    []string
	Dates    []dateChoice
	Sessions []sessionView

	HasPassword bool
	Change      *store.EmailChange // of the address, under way; nil = none
	TwoFactor   twoFactorView

	TokenForm *Form // of a new token: name, access
	Tokens    []tokenView
	Recent    bool // the visitor may make and revoke tokens without being asked who they are
}

// sessionView is a device on which the user is logged in.
type sessionView struct {
	ID      string // names it in forms
	Device  string
	Address string
	Since   time.Time
	Used    time.Time
	Current bool
}

type appearancePage struct {
	BasePage
	Form *Form
}

type closeAccountPage struct {
	BasePage
	Form   *Form
	Owned  []store.ProjectContent // what goes with the account
	Checks int
	Shared int // of the projects have members
	Tokens int
	Walls  int
}

func (s *accountPages) profile(w http.ResponseWriter, r *http.Request) error {
	user := visitorOf(r).User
	if user == nil {
		return errLogin
	}
	return s.showProfile(w, r, http.StatusOK, profileForm(user), newForm(nil), tokenView{})
}

// profileForm has what the user has chosen.
func profileForm(user *monitor.User) *Form {
	return newForm(url.Values{"tz": {user.TZ}, "date_format": {user.DateFormat}})
}

// showProfile shows the page; made is a token to be shown this once.
func (s *accountPages) showProfile(w http.ResponseWriter, r *http.Request, status int, form, tokenForm *Form, made tokenView) error {
	v := visitorOf(r)
	m := &profilePage{BasePage: BasePage{Title: "Profile", Nav: "account"}, Form: form, TokenForm: tokenForm, Zones: schedule.Zones(), HasPassword: v.User.PasswordHash != ""}
	m.Dates = dateChoices(s.Store.Now(), v.User.TZ)
	var err error
	if m.Change, err = s.emailChange(r); err != nil {
		return err
	}
	if m.TwoFactor, err = s.twoFactor(r); err != nil {
		return err
	}
	if m.Tokens, err = s.tokens(r, made); err != nil {
		return err
	}
	if m.Recent, err = s.recentlyAuthenticated(r); err != nil {
		return err
	}
	sessions, err := s.Store.SessionsOf(r.Context(), v.User.ID)
	if err != nil {
		return err
	}
	current := s.Sessions.Hash(v.session)
	for _, row := range sessions {
		m.Sessions = append(m.Sessions, sessionView{
			ID: hex.EncodeToString(row.IDHash), Device: deviceOf(row.UserAgent), Address: row.RemoteAddr,
			Since: row.CreatedAt, Used: row.LastUsedAt, Current: bytes.Equal(row.IDHash, current),
		})
	}
	return s.render(w, r, status, "profile", m)
}

func (s *accountPages) saveProfile(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if v.User == nil {
		return errLogin
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	tz, known := schedule.CanonicalZone(form.Value("tz"))
	if !known {
		form.Fail("tz", "Please choose a time zone of the list.")
	}
	format := form.Value("date_format")
	if _, known := dateLayouts[format]; !known {
		form.Fail("date_format", "Please choose one of the ways to write dates.")
	}
	if !form.OK() {
		return s.showProfile(w, r, http.StatusBadRequest, form, newForm(nil), tokenView{})
	}
	v.User, err = s.Store.ChangeUser(r.Context(), v.User.ID, func(u *monitor.User) error {
		if u.DateFormat = format; u.TZ != tz {
			u.TZ = tz
			u.NextReportAt = report.Next(u, s.Store.Now())
		}
		return nil
	})
	if err != nil {
		return err
	}
	v.flash("ok", "Times are in "+tz+" now, as in “"+exactIn(s.Store.Now(), tz, format)+"”.")
	return s.redirect(w, r, profilePath)
}

// dateChoice is one of them with an example.
type dateChoice struct{ Value, Example string }

func dateChoices(now time.Time, tz string) []dateChoice {
	choices := make([]dateChoice, 0, len(dateLayouts))
	for _, value := range []string{"", "iso", "dots", "us"} {
		choices = append(choices, dateChoice{value, exactIn(now, tz, value)})
	}
	return choices
}

// exactIn writes a moment in full in a zone, in one of dateLayouts.
func exactIn(t time.Time, tz, format string) string {
	zone, err := schedule.LoadZone(tz)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format(dateLayouts[format])
}

// endSession ends the user's session that the hex number names; one that is
// not theirs, or has ended, is no error.
func (s *accountPages) endSession(ctx context.Context, user uuid.UUID, named string) error {
	hash, err := hex.DecodeString(named)
	if err != nil {
		return errs.NotFoundf("There is no such session.")
	}
	sessions, err := s.Store.SessionsOf(ctx, user)
	if err != nil {
		return err
	}
	for _, row := range sessions {
		if bytes.Equal(row.IDHash, hash) {
			return s.Store.DeleteSession(ctx, hash)
		}
	}
	return nil
}

func (s *accountPages) appearance(w http.ResponseWriter, r *http.Request) error {
	user := visitorOf(r).User
	if user == nil {
		return errLogin
	}
	form := newForm(nil)
	form.Values.Set("theme", user.Theme)
	return s.render(w, r, http.StatusOK, "appearance", &appearancePage{BasePage: BasePage{Title: "Appearance", Nav: "account"}, Form: form})
}

// saveAppearance remembers the colours: of the user, or of a visitor in their
// session.
func (s *accountPages) saveAppearance(w http.ResponseWriter, r *http.Request) error {
	theme := formValue(r, "theme")
	if theme != "" && theme != "light" && theme != "dark" {
		return errs.Invalidf("theme", "There are light and dark colours only.")
	}
	v := visitorOf(r)
	switch {
	case v.User != nil:
		changed, err := s.Store.ChangeUser(r.Context(), v.User.ID, func(u *monitor.User) error { u.Theme = theme; return nil })
		if err != nil {
			return err
		}
		v.User = changed
	default:
		v.setTheme(theme)
	}
	next := safeNext(formValue(r, "next"))
	if next == "" {
		next = "/accounts/profile/appearance/"
	}
	return s.redirect(w, r, next)
}

func (s *accountPages) closeAccountForm(w http.ResponseWriter, r *http.Request) error {
	return s.showCloseAccount(w, r, http.StatusOK, newForm(nil))
}

func (s *accountPages) showCloseAccount(w http.ResponseWriter, r *http.Request, status int, form *Form) error {
	user := visitorOf(r).User
	m := &closeAccountPage{BasePage: BasePage{Title: "Close the account", Nav: "account"}, Form: form}
	var err error
	m.Owned, err = s.Store.ContentOwnedBy(r.Context(), user.ID)
	if err != nil {
		return err
	}
	for i := range m.Owned {
		m.Checks += m.Owned[i].Checks
		if len(m.Owned[i].Members) > 0 {
			m.Shared++
		}
	}
	tokens, err := s.Store.AccountTokens(r.Context(), user.ID)
	if err != nil {
		return err
	}
	walls, err := s.Store.WallsOf(r.Context(), user.ID)
	if err != nil {
		return err
	}
	m.Tokens, m.Walls = len(tokens), len(walls)
	return s.render(w, r, status, "close", m)
}

// closeAccount removes the user with all they own, once they have typed their
// own address.
func (s *accountPages) closeAccount(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	if !strings.EqualFold(strings.TrimSpace(form.Value("confirmation")), v.User.Email) {
		form.Fail("confirmation", "This is not the address of your account.")
		return s.showCloseAccount(w, r, http.StatusBadRequest, form)
	}
	if err := s.auth.CloseAccount(r.Context(), v.User, v.User); err != nil {
		return err
	}
	v.logOut()
	return s.redirect(w, r, "/")
}

// deviceOf names a browser and its system by what it says of itself.
func deviceOf(userAgent string) string {
	browser := firstIn(userAgent, [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS", "Firefox"}, {"CriOS", "Chrome"}, {"Chrome/", "Chrome"},
		{"Safari/", "Safari"}, {"curl/", "curl"},
	})
	system := firstIn(userAgent, [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	})
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser+system != "":
		return browser + system
	default:
		return "Unknown device"
	}
}

func firstIn(text string, names [][2]string) string {
	for _, n := range names {
		if strings.Contains(text, n[0]) {
			return n[1]
		}
	}
	return ""
}
