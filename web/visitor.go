package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/gorilla/sessions"

	"punctual/internal/errs"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// sessionCookie is the name of the cookie with the session's id.
const sessionCookie = "punctual"

// The values every session may have; rooms have others. "user" is known to
// auth.SessionStore too.
const (
	sessionUser      = "user"      // id of who is logged in
	sessionSuperuser = "superuser" // id of the superuser who looks through the user's eyes
	sessionTheme     = "theme"     // of somebody without an account
)

// visitor is whoever sends a request, and what their session remembers of them.
type visitor struct {
	User *monitor.User // nil: not logged in

	session *sessions.Session
	admin   *monitor.User // set: a superuser, looking through the user's eyes
}

type visitorKey struct{}

// visitorOf is who sends the request. Where no session is looked at, it is
// somebody unknown.
func visitorOf(r *http.Request) *visitor {
	if v, ok := r.Context().Value(visitorKey{}).(*visitor); ok {
		return v
	}
	return &visitor{session: sessions.NewSession(nil, sessionCookie)}
}

// visit finds out who the session belongs to. One of somebody who is gone, or
// not active any more, is nobody's.
func (s *Site) visit(ctx context.Context, session *sessions.Session) (*visitor, error) {
	v := &visitor{session: session}
	user, err := s.sessionUser(ctx, session, sessionUser)
	if err != nil || user == nil {
		return v, err
	}
	if _, through := session.Values[sessionSuperuser]; through {
		admin, err := s.sessionUser(ctx, session, sessionSuperuser)
		if err != nil || admin == nil || !admin.IsSuperuser {
			return v, err
		}
		v.admin = admin
	}
	v.User = user
	return v, nil
}

func (s *Site) sessionUser(ctx context.Context, session *sessions.Session, key string) (*monitor.User, error) {
	text, _ := session.Values[key].(string)
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, nil //nolint:nilerr // nobody is named
	}
	user, err := s.Store.UserByID(ctx, id)
	switch {
	case errs.KindOf(err) == errs.NotFound, err == nil && !user.IsActive:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return user, nil
}

// logIn makes the session that of the user; what it held is forgotten and its
// id changes. Who has shown that they are the user is authenticated, too.
func (s *Site) logIn(v *visitor, u *monitor.User) {
	v.forget()
	v.session.Values[sessionUser] = u.ID.String()
	v.User, v.admin = u, nil
	s.Sessions.Rotate(v.session)
}

// logInAs is logIn for a superuser who looks through the user's eyes.
func (s *Site) logInAs(v *visitor, u *monitor.User) {
	admin := v.User
	s.logIn(v, u)
	v.session.Values[sessionSuperuser] = admin.ID.String()
}

// inPerson fails unless a user is logged in and no superuser looks through their
// eyes; doing says what only the user may do.
func (v *visitor) inPerson(doing string) error {
	switch {
	case v.User == nil:
		return errLogin
	case v.admin != nil:
		return errs.Forbiddenf("Only the user may %s.", doing)
	}
	return nil
}

// logOut ends the session.
func (v *visitor) logOut() {
	v.session.Options.MaxAge = -1
	v.User, v.admin = nil, nil
}

// forget drops all values of the session but leaves what its store keeps there.
func (v *visitor) forget() {
	for k := range v.session.Values {
		if _, ours := k.(string); ours {
			delete(v.session.Values, k)
		}
	}
}

// theme is "", "light" or "dark".
func (v *visitor) theme() string {
	if v.User != nil {
		return v.User.Theme
	}
	theme, _ := v.session.Values[sessionTheme].(string)
	return theme
}

// zone is where the visitor reads times, UTC when that is not known.
func (v *visitor) zone() *time.Location {
	if v.User == nil {
		return time.UTC
	}
	zone, err := schedule.LoadZone(v.User.TZ)
	if err != nil {
		return time.UTC
	}
	return zone
}

// superuser is the address of the superuser who looks through the user's eyes,
// "" when the user looks themselves.
func (v *visitor) superuser() string {
	if v.admin == nil {
		return ""
	}
	return v.admin.Email
}

// setTheme remembers the colours of somebody without an account: "", light or dark.
func (v *visitor) setTheme(theme string) {
	if theme == "" {
		delete(v.session.Values, sessionTheme)
		return
	}
	v.session.Values[sessionTheme] = theme
}

// flash shows a message on the next page; kind is ok, warning or error.
func (v *visitor) flash(kind, text string) { v.session.AddFlash(kind + ":" + text) }

// flashUndo is flash of kind ok with a button that posts to the path.
func (v *visitor) flashUndo(text, path string) { v.flash("undo", path+" "+text) }

// takeFlashes returns the messages to be shown now.
func (v *visitor) takeFlashes() []Flash {
	var out []Flash
	for _, f := range v.session.Flashes() {
		text, _ := f.(string)
		kind, text, ok := strings.Cut(text, ":")
		switch {
		case !ok:
		case kind == "undo":
			path, text, _ := strings.Cut(text, " ")
			out = append(out, Flash{Kind: "ok", Text: text, Undo: path})
		default:
			out = append(out, Flash{Kind: kind, Text: text})
		}
	}
	return out
}

// projectFor returns the project named in the address and what the visitor may
// do there. Not logged in is errLogin; one that is not theirs to see is
// errs.NotFound. Superusers may do everything everywhere.
func (s *Site) projectFor(r *http.Request) (*monitor.Project, monitor.Role, error) {
	return s.projectByID(r, chi.URLParam(r, "project"))
}

// writableProject is projectFor for changes: a read-only member gets errs.Forbidden.
func (s *Site) writableProject(r *http.Request) (*monitor.Project, monitor.Role, error) {
	p, role, err := s.projectFor(r)
	return p, role, mayWrite(role, err)
}

func (s *Site) projectByID(r *http.Request, text string) (*monitor.Project, monitor.Role, error) {
	user := visitorOf(r).User
	if user == nil {
		return nil, monitor.RoleNone, errLogin
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, monitor.RoleNone, errs.NotFoundf("There is no such project.")
	}
	p, err := s.Store.ProjectByID(r.Context(), id)
	if err != nil {
		return nil, monitor.RoleNone, hide(err, "There is no such project.")
	}
	logs.EventOf(r.Context()).Project = id
	role, err := s.Store.RoleIn(r.Context(), user.ID, id)
	switch {
	case err != nil:
		return nil, monitor.RoleNone, err
	case user.IsSuperuser:
		role = monitor.RoleOwner
	case role == monitor.RoleNone:
		return nil, role, errs.NotFoundf("There is no such project.")
	}
	return p, role, nil
}

// checkFor returns the check named in the address, its project, and what the
// visitor may do there; the errors are those of projectFor.
func (s *Site) checkFor(r *http.Request) (*monitor.Check, *monitor.Project, monitor.Role, error) {
	if visitorOf(r).User == nil {
		return nil, nil, monitor.RoleNone, errLogin
	}
	code, err := uuid.Parse(chi.URLParam(r, "check"))
	if err != nil {
		return nil, nil, monitor.RoleNone, errs.NotFoundf("There is no such check.")
	}
	c, err := s.Store.CheckByCode(r.Context(), code)
	if err != nil {
		return nil, nil, monitor.RoleNone, hide(err, "There is no such check.")
	}
	p, role, err := s.projectByID(r, c.ProjectID.String())
	if err != nil {
		return nil, nil, role, hide(err, "There is no such check.")
	}
	return c, p, role, nil
}

// writableCheck is checkFor for changes: a read-only member gets errs.Forbidden.
func (s *Site) writableCheck(r *http.Request) (*monitor.Check, *monitor.Project, monitor.Role, error) { //nolint:unparam // like checkFor
	c, p, role, err := s.checkFor(r)
	return c, p, role, mayWrite(role, err)
}

// channelFor returns the channel named in the address, its project, and what
// the visitor may do there; the errors are those of projectFor.
func (s *Site) channelFor(r *http.Request) (*monitor.Channel, *monitor.Project, monitor.Role, error) {
	if visitorOf(r).User == nil {
		return nil, nil, monitor.RoleNone, errLogin
	}
	id, err := uuid.Parse(chi.URLParam(r, "channel"))
	if err != nil {
		return nil, nil, monitor.RoleNone, errs.NotFoundf("There is no such integration.")
	}
	ch, err := s.Store.ChannelByID(r.Context(), id)
	if err != nil {
		return nil, nil, monitor.RoleNone, hide(err, "There is no such integration.")
	}
	p, role, err := s.projectByID(r, ch.ProjectID.String())
	if err != nil {
		return nil, nil, role, hide(err, "There is no such integration.")
	}
	return ch, p, role, nil
}

// writableChannel is channelFor for changes: a read-only member gets errs.Forbidden.
func (s *Site) writableChannel(r *http.Request) (*monitor.Channel, *monitor.Project, error) {
	ch, p, role, err := s.channelFor(r)
	return ch, p, mayWrite(role, err)
}

// superuserOnly lets superusers pass. Others must not learn that there is
// something to see. A superuser who looks through somebody's eyes is that
// somebody.
func (s *Site) superuserOnly(r *http.Request) error {
	switch user := visitorOf(r).User; {
	case user == nil:
		return errLogin
	case !user.IsSuperuser:
		return errs.NotFoundf("There is no such page.")
	}
	return nil
}

// mayWrite is Forbidden for a role that may only look.
func mayWrite(role monitor.Role, err error) error {
	if err == nil && !role.CanWrite() {
		return errs.Forbiddenf("You may look at this project, but not change it.")
	}
	return err
}

// hide puts our words in the place of a lower "not found".
func hide(err error, message string) error {
	if errs.KindOf(err) == errs.NotFound {
		return errs.NotFoundf("%s", message)
	}
	return err
}

// welcomeBack leads somebody who has logged in to next, else to their only
// project, else to all of them.
func (s *Site) welcomeBack(w http.ResponseWriter, r *http.Request, user *monitor.User, next string) error {
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

// firstKept is the oldest ping of a check that is shown: older ones are hidden
// before they are pruned (features §12).
func (s *Site) firstKept(ctx context.Context, c *monitor.Check, project *monitor.Project) (n int64, limit int, err error) {
	owner, err := s.Store.UserByID(ctx, project.OwnerID)
	if err != nil {
		return 0, 0, err
	}
	return c.NPings - int64(owner.PingLogLimit) + 1, owner.PingLogLimit, nil
}

// look is all a page says of who looks at it, and who that is, for pages that must
// be had whatever becomes of the session: it is read, not touched.
func (s *Site) look(r *http.Request) (BasePage, *visitor, error) {
	var b BasePage
	session, err := s.Sessions.Get(r, sessionCookie)
	if err != nil {
		return b, nil, err
	}
	v, err := s.visit(r.Context(), session)
	if err != nil {
		return b, nil, fmt.Errorf("find the visitor: %w", err)
	}
	if err := s.fillBase(withVisitor(r, v), &b); err != nil {
		return b, nil, err
	}
	return b, v, nil
}

// withVisitor is the request as one of the visitor.
func withVisitor(r *http.Request, v *visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}
