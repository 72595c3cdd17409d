package ui

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
	"punctual/internal/store"
)

// sessionCookie is the name of the cookie with the session's id.
const sessionCookie = "punctual"

// The values every session may have; rooms have others. "user" is known to
// auth.SessionStore too.
const (
	// id of who is logged in
	sessionUser = "user"
	// id of the superuser who looks through the user's eyes
	sessionSuperuser = "superuser"
	// of somebody without an account
	sessionTheme = "theme"
)

// Visitor is whoever sends a request, and what their session remembers of them.
type Visitor struct {
	// nil: not logged in
	User *monitor.User

	Session *sessions.Session
	// set: a superuser, looking through the user's eyes
	Admin *monitor.User
}

type visitorKey struct{}

// VisitorOf is who sends the request. Where no session is looked at, it is
// somebody unknown.
func VisitorOf(r *http.Request) *Visitor {
	v, ok := r.Context().Value(visitorKey{}).(*Visitor)
	if ok {
		return v
	}
	return &Visitor{Session: sessions.NewSession(nil, sessionCookie)}
}

// visit finds out who the session belongs to. One of somebody who is gone, or
// not active any more, is nobody's.
func (s *Site) visit(ctx context.Context, session *sessions.Session) (*Visitor, error) {
	v := &Visitor{Session: session}
	user, err := s.SessionUser(ctx, session, sessionUser)
	if err != nil || user == nil {
		return v, err
	}
	_, through := session.Values[sessionSuperuser]
	if through {
		admin, err := s.SessionUser(ctx, session, sessionSuperuser)
		if err != nil || admin == nil || !admin.IsSuperuser {
			return v, err
		}
		v.Admin = admin
	}
	v.User = user
	return v, nil
}

// SessionUser is the user whose id the session has under the key, nil where it has
// none, or that of somebody who is gone or not active.
func (s *Site) SessionUser(ctx context.Context, session *sessions.Session, key string) (*monitor.User, error) {
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

// LogIn makes the session that of the user; what it held is forgotten and its
// id changes. Who has shown that they are the user is authenticated, too.
func (s *Site) LogIn(v *Visitor, u *monitor.User) {
	v.Forget()
	v.Session.Values[sessionUser] = u.ID.String()
	v.User = u
	v.Admin = nil
	s.Sessions.Rotate(v.Session)
}

// LogInAs is LogIn for a superuser who looks through the user's eyes.
func (s *Site) LogInAs(v *Visitor, u *monitor.User) {
	admin := v.User
	s.LogIn(v, u)
	v.Session.Values[sessionSuperuser] = admin.ID.String()
}

// InPerson fails unless a user is logged in and no superuser looks through their
// eyes; doing says what only the user may do.
func (v *Visitor) InPerson(doing string) error {
	switch {
	case v.User == nil:
		return ErrLogin
	case v.Admin != nil:
		return errs.Forbiddenf("Only the user may %s.", doing)
	}
	return nil
}

// LogOut ends the session.
func (v *Visitor) LogOut() {
	v.Session.Options.MaxAge = -1
	v.User = nil
	v.Admin = nil
}

// Forget drops all values of the session but leaves what its store keeps there.
func (v *Visitor) Forget() {
	for k := range v.Session.Values {
		_, ours := k.(string)
		if ours {
			delete(v.Session.Values, k)
		}
	}
}

// theme is "", "light" or "dark".
func (v *Visitor) theme() string {
	if v.User != nil {
		return v.User.Theme
	}
	theme, _ := v.Session.Values[sessionTheme].(string)
	return theme
}

// zone is where the visitor reads times, UTC when that is not known.
func (v *Visitor) zone() *time.Location {
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
func (v *Visitor) superuser() string {
	if v.Admin == nil {
		return ""
	}
	return v.Admin.Email
}

// SetTheme remembers the colours of somebody without an account: "", light or dark.
func (v *Visitor) SetTheme(theme string) {
	if theme == "" {
		delete(v.Session.Values, sessionTheme)
		return
	}
	v.Session.Values[sessionTheme] = theme
}

// Flash shows a message on the next page; kind is ok, warning or error.
func (v *Visitor) Flash(kind, text string) { v.Session.AddFlash(kind + ":" + text) }

// FlashUndo is flash of kind ok with a button that posts to the path.
func (v *Visitor) FlashUndo(text, path string) { v.Flash("undo", path+" "+text) }

// takeFlashes returns the messages to be shown now.
func (v *Visitor) takeFlashes() []Flash {
	var out []Flash
	for _, f := range v.Session.Flashes() {
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

// ProjectFor returns the project named in the address and what the visitor may
// do there. Not logged in is ErrLogin; one that is not theirs to see is
// errs.NotFound. Superusers may do everything everywhere.
func (s *Site) ProjectFor(r *http.Request) (*monitor.Project, monitor.Role, error) {
	return s.ProjectByID(r, chi.URLParam(r, "project"))
}

// WritableProject is ProjectFor for changes: a read-only member gets errs.Forbidden.
func (s *Site) WritableProject(r *http.Request) (*monitor.Project, monitor.Role, error) {
	p, role, err := s.ProjectFor(r)
	return p, role, mayWrite(role, err)
}

// WritableProjectByID is WritableProject by an id.
func (s *Site) WritableProjectByID(r *http.Request, id uuid.UUID) (*monitor.Project, error) {
	p, role, err := s.ProjectByID(r, id.String())
	return p, mayWrite(role, err)
}

// ProjectByID is ProjectFor by an id as text.
func (s *Site) ProjectByID(r *http.Request, text string) (*monitor.Project, monitor.Role, error) {
	user := VisitorOf(r).User
	if user == nil {
		return nil, monitor.RoleNone, ErrLogin
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, monitor.RoleNone, errs.NotFoundf("There is no such project.")
	}
	p, err := s.Store.ProjectByID(r.Context(), id)
	if err != nil {
		return nil, monitor.RoleNone, Hide(err, "There is no such project.")
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

// CheckFor returns the check named in the address, its project, and what the
// visitor may do there; the errors are those of ProjectFor.
func (s *Site) CheckFor(r *http.Request) (*monitor.Check, *monitor.Project, monitor.Role, error) {
	if VisitorOf(r).User == nil {
		return nil, nil, monitor.RoleNone, ErrLogin
	}
	code, err := uuid.Parse(chi.URLParam(r, "check"))
	if err != nil {
		return nil, nil, monitor.RoleNone, errs.NotFoundf("There is no such check.")
	}
	c, err := s.Store.CheckByCode(r.Context(), code)
	if err != nil {
		return nil, nil, monitor.RoleNone, Hide(err, "There is no such check.")
	}
	p, role, err := s.ProjectByID(r, c.ProjectID.String())
	if err != nil {
		return nil, nil, role, Hide(err, "There is no such check.")
	}
	return c, p, role, nil
}

// WritableCheck is CheckFor for changes: a read-only member gets errs.Forbidden.
func (s *Site) WritableCheck(r *http.Request) (*monitor.Check, *monitor.Project, monitor.Role, error) {
	c, p, role, err := s.CheckFor(r)
	return c, p, role, mayWrite(role, err)
}

// channelFor returns the channel named in the address, its project, and what
// the visitor may do there; the errors are those of ProjectFor.
func (s *Site) channelFor(r *http.Request) (*monitor.Channel, *monitor.Project, monitor.Role, error) {
	if VisitorOf(r).User == nil {
		return nil, nil, monitor.RoleNone, ErrLogin
	}
	id, err := uuid.Parse(chi.URLParam(r, "channel"))
	if err != nil {
		return nil, nil, monitor.RoleNone, errs.NotFoundf("There is no such integration.")
	}
	ch, err := s.Store.ChannelByID(r.Context(), id)
	if err != nil {
		return nil, nil, monitor.RoleNone, Hide(err, "There is no such integration.")
	}
	p, role, err := s.ProjectByID(r, ch.ProjectID.String())
	if err != nil {
		return nil, nil, role, Hide(err, "There is no such integration.")
	}
	return ch, p, role, nil
}

// WritableChannel is channelFor for changes: a read-only member gets errs.Forbidden.
func (s *Site) WritableChannel(r *http.Request) (*monitor.Channel, *monitor.Project, error) {
	ch, p, role, err := s.channelFor(r)
	return ch, p, mayWrite(role, err)
}

// SuperuserOnly lets superusers pass. Others must not learn that there is
// something to see. A superuser who looks through somebody's eyes is that
// somebody.
func (s *Site) SuperuserOnly(r *http.Request) error {
	switch user := VisitorOf(r).User; {
	case user == nil:
		return ErrLogin
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

// Hide puts our words in the place of a lower "not found".
func Hide(err error, message string) error {
	if errs.KindOf(err) == errs.NotFound {
		return errs.NotFoundf("%s", message)
	}
	return err
}

// WelcomeBack leads somebody who has logged in to next, else to where their only
// project starts, else to all of them.
func (s *Site) WelcomeBack(w http.ResponseWriter, r *http.Request, user *monitor.User, next string) error {
	if next == "" {
		next = "/"
		projects, err := s.Store.ProjectsOf(r.Context(), user.ID)
		if err != nil {
			return err
		}
		if len(projects) == 1 {
			next, err = s.start(r.Context(), &projects[0])
			if err != nil {
				return err
			}
		}
	}
	return s.Redirect(w, r, next)
}

// start is where the owner of one project begins: at their first check until it is pinged,
// else at the list.
func (s *Site) start(ctx context.Context, p *store.ProjectRow) (string, error) {
	if p.Role != monitor.RoleOwner || p.Checks != 1 {
		return ListURL(p.ID), nil
	}
	checks, err := s.Store.CheckList(ctx, p.ID)
	if err != nil {
		return "", err
	}
	if len(checks) != 1 || checks[0].Status != monitor.StatusNew || checks[0].Started() {
		return ListURL(p.ID), nil
	}
	return CheckURL(&checks[0], ""), nil
}

// FirstKept is the oldest ping of a check that is shown: older ones are hidden
// before they are pruned.
func (s *Site) FirstKept(ctx context.Context, c *monitor.Check, project *monitor.Project) (n int64, limit int, err error) {
	owner, err := s.Store.UserByID(ctx, project.OwnerID)
	if err != nil {
		return 0, 0, err
	}
	return c.NPings - int64(owner.PingLogLimit) + 1, owner.PingLogLimit, nil
}

// Look is all a page says of who looks at it, and who that is, for pages that must
// be had whatever becomes of the session: it is read, not touched.
func (s *Site) Look(r *http.Request) (BasePage, *Visitor, error) {
	var b BasePage
	session, err := s.Sessions.Get(r, sessionCookie)
	if err != nil {
		return b, nil, err
	}
	v, err := s.visit(r.Context(), session)
	if err != nil {
		return b, nil, fmt.Errorf("find the visitor: %w", err)
	}
	if err := s.FillBase(WithVisitor(r, v), &b); err != nil {
		return b, nil, err
	}
	return b, v, nil
}

// WithVisitor is the request as one of the visitor.
func WithVisitor(r *http.Request, v *Visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}
