package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/clientip"
	"punctual/internal/errs"
	"punctual/internal/monitor"
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

func (s *Server) loginForm(w http.ResponseWriter, r *http.Request) error {
	next := safeNext(r.URL.Query().Get("next"))
	if user := visitorOf(r).User; user != nil {
		return s.welcomeBack(w, r, user, next)
	}
	return s.render(w, r, http.StatusOK, "login", &loginPage{BasePage: BasePage{Title: "Log in"}, Form: newForm(nil), Next: next})
}

// login takes an address to mail a link to or, in the other form of the page,
// an address and a password.
func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
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
func (s *Server) signup(w http.ResponseWriter, r *http.Request) error {
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	return s.mailLink(w, r, form)
}

func (s *Server) mailLink(w http.ResponseWriter, r *http.Request, form *Form) error {
	v := visitorOf(r)
	browser, err := s.Auth.RequestLogin(r.Context(), auth.LoginRequest{
		Identity: form.Value("identity"), TZ: form.Value("tz"), Origin: originOf(r),
		Next: safeNext(form.Value("next")), DemoCheck: v.demoCheck(),
	})
	if err != nil {
		return s.loginAgain(w, r, form, err)
	}
	v.setDemoCheck(uuid.Nil) // it belongs to the account now; forgotten for known addresses too, so that nothing shows
	s.setBrowserCookie(w, browser)
	return s.redirect(w, r, "/accounts/login_link_sent/")
}

func (s *Server) loginByPassword(w http.ResponseWriter, r *http.Request, form *Form) error {
	user, err := s.Auth.LoginByPassword(r.Context(), form.Value("email"), form.Value("password"), originOf(r))
	if err != nil {
		return s.loginAgain(w, r, form, err)
	}
	return s.enter(w, r, user, safeNext(form.Value("next")))
}

// loginAgain shows the form with what was typed, but for the password.
func (s *Server) loginAgain(w http.ResponseWriter, r *http.Request, form *Form, err error) error {
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

func (s *Server) setBrowserCookie(w http.ResponseWriter, value string) {
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

func (s *Server) setDeviceCookie(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: deviceCookie, Value: value, Path: s.Site.Path("/accounts/"), MaxAge: int(auth.DeviceLife.Seconds()),
		HttpOnly: true, Secure: s.Site.Root.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}

func (s *Server) loginLinkSent(w http.ResponseWriter, r *http.Request) error {
	m := &linkSentPage{BasePage: BasePage{Title: "Look into your inbox"}, Mailbox: s.mayReadMailbox(r)}
	return s.render(w, r, http.StatusOK, "login_link_sent", m)
}

// checkToken is a login link opened. In the browser that asked for it, it logs
// in at once; elsewhere a button must be pressed, which programs that look into
// mails do not do (features §9).
func (s *Server) checkToken(w http.ResponseWriter, r *http.Request) error {
	user, token := linkOf(r)
	browser := ""
	if cookie, err := r.Cookie(browserCookie); err == nil && r.Method == http.MethodGet {
		browser = cookie.Value
	}
	link, err := s.Auth.CheckLink(r.Context(), user, token, browser)
	if err != nil {
		return err
	}
	next := safeNext(r.URL.Query().Get("next"))
	if !link.Valid && visitorOf(r).halfWay(user.String()) {
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
func (s *Server) useToken(w http.ResponseWriter, r *http.Request) error {
	next := safeNext(formValue(r, "next"))
	id, token := linkOf(r)
	user, err := s.Auth.UseLink(r.Context(), id, token)
	if errs.KindOf(err) == errs.Unauthorized {
		return s.showLink(w, r, false, next)
	}
	if err != nil {
		return err
	}
	return s.enter(w, r, user, next)
}

func (s *Server) showLink(w http.ResponseWriter, r *http.Request, valid bool, next string) error {
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

// welcomeBack leads somebody who has logged in to next, else to their only
// project, else to all of them.
func (s *Server) welcomeBack(w http.ResponseWriter, r *http.Request, user *monitor.User, next string) error {
	if next == "" {
		next = "/"
		projects, err := s.Store.ProjectsOf(r.Context(), user.ID)
		if err != nil {
			return err
		}
		if len(projects) == 1 {
			next = "/projects/" + projects[0].ID.String() + "/checks/"
		}
	}
	return s.redirect(w, r, next)
}

// safeNext returns a path of ours (without the path of SITE_ROOT) that a login
// may lead to, "" for anything else: other sites, and the pages of logging in.
func safeNext(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Fragment != "" {
		return ""
	}
	path := u.EscapedPath()
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(text, "\\\r\n\t") {
		return ""
	}
	for _, prefix := range []string{"/accounts/log", linksPath, "/api/", "/static/"} {
		if strings.HasPrefix(path, prefix) {
			return ""
		}
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}

// logout ends the session; a superuser who looks through somebody's eyes gets
// their own back.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
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
func (s *Server) logoutEverywhere(w http.ResponseWriter, r *http.Request) error {
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
	if _, err := s.Auth.LogOutEverywhere(r.Context(), v.User, by); err != nil {
		return err
	}
	v.logOut()
	return s.redirect(w, r, "/accounts/login/")
}
