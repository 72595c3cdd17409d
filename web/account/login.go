package account

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/clientip"
	"punctual/internal/errs"
	"punctual/internal/store"
	"punctual/web/ui"
)

// loginPage is the form that asks for an address, or for a password.
type loginPage struct {
	ui.BasePage
	Form *ui.Form
	// where to go then
	Next string
}

// linkSentPage says where to look for the login link.
type linkSentPage struct {
	ui.BasePage
	// this visitor may look into the local mailbox
	Mailbox bool
}

// linkPage is what a login link leads to when it does not log in at once.
type linkPage struct {
	ui.BasePage
	Valid bool
	Next  string
	// for another link
	Form *ui.Form
}

// browserCookie marks the browser that asked for a login link.
const browserCookie = "punctual-login"

// deviceCookie marks a browser in which somebody has logged in. It opens nothing.
const deviceCookie = "punctual-device"

const linksPath = "/accounts/check_token/"

// LoginForm answers GET /accounts/login/.
func (s *Pages) LoginForm(w http.ResponseWriter, r *http.Request) error {
	next := ui.SafeNext(r.URL.Query().Get("next"))
	user := ui.VisitorOf(r).User
	if user != nil {
		return s.WelcomeBack(w, r, user, next)
	}
	m := &loginPage{BasePage: ui.BasePage{Title: "Log in"}, Form: ui.NewForm(nil), Next: next}
	return s.Render(w, r, http.StatusOK, "account/login", m)
}

// Login takes an address to mail a link to or, in the other form of the page,
// an address and a password.
func (s *Pages) Login(w http.ResponseWriter, r *http.Request) error {
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	if form.Values.Has("password") {
		return s.loginByPassword(w, r, form)
	}
	return s.mailLink(w, r, form)
}

// Signup is login for somebody new; the difference is only in the words of the
// page it was sent from.
func (s *Pages) Signup(w http.ResponseWriter, r *http.Request) error {
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	return s.mailLink(w, r, form)
}

func (s *Pages) mailLink(w http.ResponseWriter, r *http.Request, form *ui.Form) error {
	v := ui.VisitorOf(r)
	browser, err := s.auth.RequestLogin(r.Context(), auth.LoginRequest{
		Identity: form.Value("identity"), TZ: form.Value("tz"), Origin: originOf(r),
		Next: ui.SafeNext(form.Value("next")), DemoCheck: demoCode(v),
	})
	if err != nil {
		return s.loginAgain(w, r, form, err)
	}
	// it belongs to the account now; forgotten for known addresses too, so that nothing shows
	setDemoCheck(v, uuid.Nil)
	s.setBrowserCookie(w, browser)
	return s.Redirect(w, r, "/accounts/login_link_sent/")
}

func (s *Pages) loginByPassword(w http.ResponseWriter, r *http.Request, form *ui.Form) error {
	user, err := s.auth.LoginByPassword(r.Context(), form.Value("email"), form.Value("password"), originOf(r))
	if err != nil {
		return s.loginAgain(w, r, form, err)
	}
	return s.enter(w, r, user, ui.SafeNext(form.Value("next")))
}

// loginAgain shows the form with what was typed, but for the password.
func (s *Pages) loginAgain(w http.ResponseWriter, r *http.Request, form *ui.Form, err error) error {
	status := http.StatusBadRequest
	if errs.KindOf(err) == errs.TooMany {
		status = http.StatusTooManyRequests
		form.Fail("", errs.Message(err))
	} else if err := form.Note(err); err != nil {
		return err
	}
	form.Values.Del("password")
	m := &loginPage{BasePage: ui.BasePage{Title: "Log in"}, Form: form, Next: ui.SafeNext(form.Value("next"))}
	return s.Render(w, r, status, "account/login", m)
}

func (s *Pages) setBrowserCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: browserCookie, Value: value, Path: s.Site.Path(linksPath), MaxAge: int(auth.LinkLife.Seconds()),
		HttpOnly: true, Secure: s.Site.Root.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}

// originOf is where an attempt to log in comes from.
func originOf(r *http.Request) auth.Origin {
	from := auth.Origin{IP: clientip.Of(r)}
	cookie, err := r.Cookie(deviceCookie)
	if err == nil {
		from.Device = cookie.Value
	}
	return from
}

func (s *Pages) setDeviceCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: deviceCookie, Value: value, Path: s.Site.Path("/accounts/"), MaxAge: int(auth.DeviceLife.Seconds()),
		HttpOnly: true, Secure: s.Site.Root.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}

// LoginLinkSent answers GET /accounts/login_link_sent/.
func (s *Pages) LoginLinkSent(w http.ResponseWriter, r *http.Request) error {
	m := &linkSentPage{BasePage: ui.BasePage{Title: "Check your inbox"}, Mailbox: s.mayReadMailbox(r)}
	return s.Render(w, r, http.StatusOK, "account/login_link_sent", m)
}

// CheckToken is a login link opened. In the browser that asked for it, it logs
// in at once; elsewhere a button must be pressed, which programs that look into
// mails do not do.
func (s *Pages) CheckToken(w http.ResponseWriter, r *http.Request) error {
	user, token := linkOf(r)
	browser := ""
	if cookie, err := r.Cookie(browserCookie); err == nil && r.Method == http.MethodGet {
		browser = cookie.Value
	}
	link, err := s.auth.CheckLink(r.Context(), user, token, browser)
	if err != nil {
		return err
	}
	next := ui.SafeNext(r.URL.Query().Get("next"))
	if !link.Valid && isHalfWay(ui.VisitorOf(r), user.String()) {
		// the link was clicked twice, and the second step is to come
		return s.Redirect(w, r, secondStepPath)
	}
	known := ui.VisitorOf(r).User
	if !link.Valid && known != nil && known.ID == user {
		// it was clicked twice
		return s.WelcomeBack(w, r, known, next)
	}
	if link.Valid && link.SameBrowser {
		return s.UseToken(w, r)
	}
	return s.showLink(w, r, link.Valid, next)
}

// UseToken is the button of a login link's page.
func (s *Pages) UseToken(w http.ResponseWriter, r *http.Request) error {
	next := ui.SafeNext(ui.Field(r, "next"))
	id, token := linkOf(r)
	user, err := s.auth.UseLink(r.Context(), id, token)
	if errs.KindOf(err) == errs.Unauthorized {
		return s.showLink(w, r, false, next)
	}
	if err != nil {
		return err
	}
	return s.enter(w, r, user, next)
}

func (s *Pages) showLink(w http.ResponseWriter, r *http.Request, valid bool, next string) error {
	m := &linkPage{BasePage: ui.BasePage{Title: "Log in"}, Valid: valid, Next: next, Form: ui.NewForm(nil)}
	status := http.StatusOK
	if !valid {
		status = http.StatusGone
	}
	return s.Render(w, r, status, "account/check_token", m)
}

// linkOf is what a login link says; a user id that is none is nobody's.
func linkOf(r *http.Request) (user uuid.UUID, token string) {
	user, err := uuid.Parse(chi.URLParam(r, "user"))
	if err != nil {
		return uuid.Nil, ""
	}
	return user, chi.URLParam(r, "token")
}

// Logout ends the session; a superuser who looks through somebody's eyes gets
// their own back.
func (s *Pages) Logout(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	admin := v.Admin
	if admin != nil {
		s.Log.InfoContext(r.Context(), "superuser is themselves again", "superuser", admin.Email, "user", v.User.Email)
		s.LogIn(v, admin)
		return s.Redirect(w, r, "/admin/users/")
	}
	v.LogOut()
	return s.Redirect(w, r, "/")
}

// LogoutEverywhere ends all sessions of the user or, when the form names one,
// that one. With all sessions account tokens end, unless keep_tokens is ticked.
func (s *Pages) LogoutEverywhere(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	err := v.InPerson("log out their devices")
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	named := form.Value("session")
	if named != "" {
		if err := s.endSession(r.Context(), v.User.ID, named); err != nil {
			return err
		}
		v.Flash("ok", "That device is logged out.")
		return s.Redirect(w, r, ProfilePath)
	}
	by := s.by(r)
	by.Keep = store.Access{Tokens: form.On("keep_tokens")}
	if _, err := s.auth.LogOutEverywhere(r.Context(), v.User, by); err != nil {
		return err
	}
	v.LogOut()
	return s.Redirect(w, r, "/accounts/login/")
}
