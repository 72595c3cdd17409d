package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/clientip"
	"punctual/internal/errs"
	"punctual/internal/store"
)

// loginPage is the form that asks for an address, or for a password.
type loginPage struct {
	BasePage
	Form *Form
	Next string // where to go then
}

// linkSentPage says where to look for the login link.
type linkSentPage struct {
	BasePage
	Mailbox bool // this visitor may look into the local mailbox
}

// linkPage is what a login link leads to when it does not log in at once.
type linkPage struct {
	BasePage
	Valid bool
	Next  string
	Form  *Form // for another link
}

// browserCookie marks the browser that asked for a login link.
const browserCookie = "punctual-login"

// deviceCookie marks a browser in which somebody has logged in. It opens nothing.
const deviceCookie = "punctual-device"

const linksPath = "/accounts/check_token/"

func (s *accountPages) loginForm(w http.ResponseWriter, r *http.Request) error {
	next := safeNext(r.URL.Query().Get("next"))
	if user := visitorOf(r).User; user != nil {
		return s.welcomeBack(w, r, user, next)
	}
	return s.render(w, r, http.StatusOK, "login", &loginPage{BasePage: BasePage{Title: "Log in"}, Form: newForm(nil), Next: next})
}

// login takes an address to mail a link to or, in the other form of the page,
// an address and a password.
func (s *accountPages) login(w http.ResponseWriter, r *http.Request) error {
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	if form.Values.Has("password") {
		return s.loginByPassword(w, r, form)
	}
	return s.mailLink(w, r, form)
}

// signup is login for somebody new; the difference is only in the words of the
// page it was sent from.
func (s *accountPages) signup(w http.ResponseWriter, r *http.Request) error {
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	return s.mailLink(w, r, form)
}

func (s *accountPages) mailLink(w http.ResponseWriter, r *http.Request, form *Form) error {
	v := visitorOf(r)
	browser, err := s.auth.RequestLogin(r.Context(), auth.LoginRequest{
		Identity: form.Value("identity"), TZ: form.Value("tz"), Origin: originOf(r),
		Next: safeNext(form.Value("next")), DemoCheck: demoCode(v),
	})
	if err != nil {
		return s.loginAgain(w, r, form, err)
	}
	setDemoCheck(v, uuid.Nil) // it belongs to the account now; forgotten for known addresses too, so that nothing shows
	s.setBrowserCookie(w, browser)
	return s.redirect(w, r, "/accounts/login_link_sent/")
}

func (s *accountPages) loginByPassword(w http.ResponseWriter, r *http.Request, form *Form) error {
	user, err := s.auth.LoginByPassword(r.Context(), form.Value("email"), form.Value("password"), originOf(r))
	if err != nil {
		return s.loginAgain(w, r, form, err)
	}
	return s.enter(w, r, user, safeNext(form.Value("next")))
}

// loginAgain shows the form with what was typed, but for the password.
func (s *accountPages) loginAgain(w http.ResponseWriter, r *http.Request, form *Form, err error) error {
	status := http.StatusBadRequest
	if errs.KindOf(err) == errs.TooMany {
		status = http.StatusTooManyRequests
		form.Fail("", errs.Message(err))
	} else if err := form.Note(err); err != nil {
		return err
	}
	form.Values.Del("password")
	m := &loginPage{BasePage: BasePage{Title: "Log in"}, Form: form, Next: safeNext(form.Value("next"))}
	return s.render(w, r, status, "login", m)
}

func (s *accountPages) setBrowserCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: browserCookie, Value: value, Path: s.Site.Path(linksPath), MaxAge: int(auth.LinkLife.Seconds()),
		HttpOnly: true, Secure: s.Site.Root.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}

// originOf is where an attempt to log in comes from.
func originOf(r *http.Request) auth.Origin {
	from := auth.Origin{IP: clientip.Of(r)}
	if cookie, err := r.Cookie(deviceCookie); err == nil {
		from.Device = cookie.Value
	}
	return from
}

func (s *accountPages) setDeviceCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: deviceCookie, Value: value, Path: s.Site.Path("/accounts/"), MaxAge: int(auth.DeviceLife.Seconds()),
		HttpOnly: true, Secure: s.Site.Root.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}

func (s *accountPages) loginLinkSent(w http.ResponseWriter, r *http.Request) error {
	m := &linkSentPage{BasePage: BasePage{Title: "Look into your inbox"}, Mailbox: s.mayReadMailbox(r)}
	return s.render(w, r, http.StatusOK, "login_link_sent", m)
}

// checkToken is a login link opened. In the browser that asked for it, it logs
// in at once; elsewhere a button must be pressed, which programs that look into
// mails do not do (features §9).
func (s *accountPages) checkToken(w http.ResponseWriter, r *http.Request) error {
	user, token := linkOf(r)
	browser := ""
	if cookie, err := r.Cookie(browserCookie); err == nil && r.Method == http.MethodGet {
		browser = cookie.Value
	}
	link, err := s.auth.CheckLink(r.Context(), user, token, browser)
	if err != nil {
		return err
	}
	next := safeNext(r.URL.Query().Get("next"))
	if !link.Valid && isHalfWay(visitorOf(r), user.String()) {
		return s.redirect(w, r, secondStepPath) // the link was clicked twice, and the second step is to come
	}
	if known := visitorOf(r).User; !link.Valid && known != nil && known.ID == user {
		return s.welcomeBack(w, r, known, next) // it was clicked twice
	}
	if link.Valid && link.SameBrowser {
		return s.useToken(w, r)
	}
	return s.showLink(w, r, link.Valid, next)
}

// useToken is the button of a login link's page.
func (s *accountPages) useToken(w http.ResponseWriter, r *http.Request) error {
	next := safeNext(formValue(r, "next"))
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

func (s *accountPages) showLink(w http.ResponseWriter, r *http.Request, valid bool, next string) error {
	m := &linkPage{BasePage: BasePage{Title: "Log in"}, Valid: valid, Next: next, Form: newForm(nil)}
	status := http.StatusOK
	if !valid {
		status = http.StatusGone
	}
	return s.render(w, r, status, "check_token", m)
}

// linkOf is what a login link says; a user id that is none is nobody's.
func linkOf(r *http.Request) (user uuid.UUID, token string) {
	user, err := uuid.Parse(chi.URLParam(r, "user"))
	if err != nil {
		return uuid.Nil, ""
	}
	return user, chi.URLParam(r, "token")
}

// logout ends the session; a superuser who looks through somebody's eyes gets
// their own back.
func (s *accountPages) logout(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	if admin := v.admin; admin != nil {
		s.Log.InfoContext(r.Context(), "superuser is themselves again", "superuser", admin.Email, "user", v.User.Email)
		s.logIn(v, admin)
		return s.redirect(w, r, "/admin/users/")
	}
	v.logOut()
	return s.redirect(w, r, "/")
}

// logoutEverywhere ends all sessions of the user or, when the form names one,
// that one. With all sessions account tokens end, unless keep_tokens is ticked.
func (s *accountPages) logoutEverywhere(w http.ResponseWriter, r *http.Request) error {
	v := visitorOf(r)
	err := v.inPerson("log out their devices")
	if err != nil {
		return err
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	if named := form.Value("session"); named != "" {
		if err := s.endSession(r.Context(), v.User.ID, named); err != nil {
			return err
		}
		v.flash("ok", "That device is logged out.")
		return s.redirect(w, r, profilePath)
	}
	by := s.by(r)
	by.Keep = store.Access{Tokens: form.On("keep_tokens")}
	if _, err := s.auth.LogOutEverywhere(r.Context(), v.User, by); err != nil {
		return err
	}
	v.logOut()
	return s.redirect(w, r, "/accounts/login/")
}

// accountPages are the pages of people's accounts: how they log in, and what is theirs.
type accountPages struct {
	*Site
	auth           *auth.Service
	mayReadMailbox func(*http.Request) bool
}

// newAccount makes them; mayReadMailbox tells whether a visitor may look into the
// local mailbox.
func newAccount(site *Site, service *auth.Service, mayReadMailbox func(*http.Request) bool) *accountPages {
	return &accountPages{Site: site, auth: service, mayReadMailbox: mayReadMailbox}
}
