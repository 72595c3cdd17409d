package account

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
	"punctual/web/ui"
	"punctual/web/ui/human"
)

// profilePage is what a user may change about themselves.
type profilePage struct {
	ui.BasePage
	// tz, date_format
	Form     *ui.Form
	Zones    []string
	Dates    []dateChoice
	Sessions []sessionView

	HasPassword bool
	// of the address, under way; nil = none
	Change    *store.EmailChange
	TwoFactor twoFactorView

	// of a new token: name, access
	TokenForm *ui.Form
	Tokens    []tokenView
	// the visitor may make and revoke tokens without being asked who they are
	Recent bool
}

// sessionView is a device on which the user is logged in.
type sessionView struct {
	// names it in forms
	ID      string
	Device  string
	Address string
	Since   time.Time
	Used    time.Time
	Current bool
}

type appearancePage struct {
	ui.BasePage
	Form *ui.Form
}

type closeAccountPage struct {
	ui.BasePage
	Form *ui.Form
	// what goes with the account
	Owned  []store.ProjectContent
	Checks int
	// of the projects have members
	Shared int
	Tokens int
	Walls  int
}

// Profile answers GET /accounts/profile/.
func (s *Pages) Profile(w http.ResponseWriter, r *http.Request) error {
	user := ui.VisitorOf(r).User
	if user == nil {
		return ui.ErrLogin
	}
	return s.showProfile(w, r, http.StatusOK, profileForm(user), ui.NewForm(nil), tokenView{})
}

// profileForm has what the user has chosen.
func profileForm(user *monitor.User) *ui.Form {
	return ui.NewForm(url.Values{"tz": {user.TZ}, "date_format": {user.DateFormat}})
}

// showProfile shows the page; made is a token to be shown this once.
func (s *Pages) showProfile(w http.ResponseWriter, r *http.Request, status int, form, tokenForm *ui.Form, made tokenView) error {
	v := ui.VisitorOf(r)
	m := &profilePage{
		BasePage: ui.BasePage{Title: "Profile", Nav: "account"}, Form: form, TokenForm: tokenForm,
		Zones: schedule.Zones(), HasPassword: v.User.PasswordHash != "",
	}
	m.Dates = dateChoices(s.Store.Now(), v.User.TZ)
	var err error
	m.Change, err = s.emailChange(r)
	if err != nil {
		return err
	}
	m.TwoFactor, err = s.twoFactor(r)
	if err != nil {
		return err
	}
	m.Tokens, err = s.tokens(r, made)
	if err != nil {
		return err
	}
	m.Recent, err = s.recentlyAuthenticated(r)
	if err != nil {
		return err
	}
	sessions, err := s.Store.SessionsOf(r.Context(), v.User.ID)
	if err != nil {
		return err
	}
	current := s.Sessions.Hash(v.Session)
	for _, row := range sessions {
		m.Sessions = append(m.Sessions, sessionView{
			ID: hex.EncodeToString(row.IDHash), Device: deviceOf(row.UserAgent), Address: row.RemoteAddr,
			Since: row.CreatedAt, Used: row.LastUsedAt, Current: bytes.Equal(row.IDHash, current),
		})
	}
	return s.Render(w, r, status, "account/profile", m)
}

// SaveProfile answers POST /accounts/profile/.
func (s *Pages) SaveProfile(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	if v.User == nil {
		return ui.ErrLogin
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	tz, known := schedule.CanonicalZone(form.Value("tz"))
	if !known {
		form.Fail("tz", "Please choose a time zone of the list.")
	}
	format := form.Value("date_format")
	if _, known := human.DateLayouts[format]; !known {
		form.Fail("date_format", "Please choose one of the ways to write dates.")
	}
	if !form.OK() {
		return s.showProfile(w, r, http.StatusBadRequest, form, ui.NewForm(nil), tokenView{})
	}
	v.User, err = s.Store.ChangeUser(r.Context(), v.User.ID, func(u *monitor.User) error {
		u.DateFormat = format
		if u.TZ != tz {
			u.TZ = tz
			u.NextReportAt = report.Next(u, s.Store.Now())
		}
		return nil
	})
	if err != nil {
		return err
	}
	v.Flash("ok", "Times are in "+tz+" now, as in “"+exactIn(s.Store.Now(), tz, format)+"”.")
	return s.Redirect(w, r, ProfilePath)
}

// dateChoice is one of them with an example.
type dateChoice struct{ Value, Example string }

func dateChoices(now time.Time, tz string) []dateChoice {
	choices := make([]dateChoice, 0, len(human.DateLayouts))
	for _, value := range []string{"", "iso", "dots", "us"} {
		choices = append(choices, dateChoice{value, exactIn(now, tz, value)})
	}
	return choices
}

// exactIn writes a moment in full in a zone, in one of human.DateLayouts.
func exactIn(t time.Time, tz, format string) string {
	zone, err := schedule.LoadZone(tz)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format(human.DateLayouts[format])
}

// endSession ends the user's session that the hex number names; one that is
// not theirs, or has ended, is no error.
func (s *Pages) endSession(ctx context.Context, user uuid.UUID, named string) error {
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

// Appearance answers GET /accounts/profile/appearance/.
func (s *Pages) Appearance(w http.ResponseWriter, r *http.Request) error {
	user := ui.VisitorOf(r).User
	if user == nil {
		return ui.ErrLogin
	}
	form := ui.NewForm(nil)
	form.Values.Set("theme", user.Theme)
	m := &appearancePage{BasePage: ui.BasePage{Title: "Appearance", Nav: "account"}, Form: form}
	return s.Render(w, r, http.StatusOK, "account/appearance", m)
}

// SaveAppearance remembers the colours: of the user, or of a visitor in their
// session.
func (s *Pages) SaveAppearance(w http.ResponseWriter, r *http.Request) error {
	theme := ui.Field(r, "theme")
	if theme != "" && theme != "light" && theme != "dark" {
		return errs.Invalidf("theme", "There are light and dark colours only.")
	}
	v := ui.VisitorOf(r)
	switch {
	case v.User != nil:
		changed, err := s.Store.ChangeUser(r.Context(), v.User.ID, func(u *monitor.User) error { u.Theme = theme; return nil })
		if err != nil {
			return err
		}
		v.User = changed
	default:
		v.SetTheme(theme)
	}
	next := ui.SafeNext(ui.Field(r, "next"))
	if next == "" {
		next = "/accounts/profile/appearance/"
	}
	return s.Redirect(w, r, next)
}

// CloseAccountForm answers GET /accounts/close/.
func (s *Pages) CloseAccountForm(w http.ResponseWriter, r *http.Request) error {
	return s.showCloseAccount(w, r, http.StatusOK, ui.NewForm(nil))
}

func (s *Pages) showCloseAccount(w http.ResponseWriter, r *http.Request, status int, form *ui.Form) error {
	user := ui.VisitorOf(r).User
	m := &closeAccountPage{BasePage: ui.BasePage{Title: "Close the account", Nav: "account"}, Form: form}
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
	m.Tokens = len(tokens)
	m.Walls = len(walls)
	return s.Render(w, r, status, "account/close", m)
}

// CloseAccount removes the user with all they own, once they have typed their
// own address.
func (s *Pages) CloseAccount(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	if !strings.EqualFold(strings.TrimSpace(form.Value("confirmation")), v.User.Email) {
		form.Fail("confirmation", "This is not the address of your account.")
		return s.showCloseAccount(w, r, http.StatusBadRequest, form)
	}
	if err := s.projects.CloseAccount(r.Context(), v.User, v.User); err != nil {
		return err
	}
	v.LogOut()
	return s.Redirect(w, r, "/")
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
