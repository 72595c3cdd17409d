package web

import (
	"net/http"
	"net/url"
	"strings"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/badge"
)

// projectsPage lists the projects of the user.
type projectsPage struct {
	BasePage
	Form *Form // of a new project
	Rows []projectCard

	Invitations []store.Invitation // that wait for the user's answer
}

// projectCard is a project with its checks in numbers.
type projectCard struct {
	store.ProjectRow
	Title string
}

// State is the class of the card's dot: the worst that is true of its checks.
func (c projectCard) State() string {
	switch {
	case c.DownChecks > 0:
		return "s-down"
	case c.LateChecks > 0:
		return "s-grace"
	case c.Checks == 0 || c.Checks == c.PausedChecks:
		return "s-paused"
	default:
		return "s-up"
	}
}

// Shared tells whether somebody else owns the project.
func (c projectCard) Shared() bool { return c.Role != monitor.RoleOwner }

// Well is how many checks there is nothing to say about.
func (c projectCard) Well() int { return c.Checks - c.DownChecks - c.LateChecks - c.PausedChecks }

// projectSettingsPage is where a project is named, gets its keys and its team,
// and is removed.
type projectSettingsPage struct {
	BasePage
	Form     *Form // name, show_slugs
	Keys     []keyView
	Team     teamView
	CanWrite bool
	Owns     bool
	Badges   bool // there is a page of them
}

// settingsForms are the forms of the page as they were sent, and a key to be
// shown this once.
type settingsForms struct {
	Name   *Form
	Invite *Form
	Made   keyView
}

// nameForm has the forms of the page as they are shown first.
func nameForm(p *monitor.Project) settingsForms {
	form := newForm(url.Values{"name": {p.Name}})
	if p.ShowSlugs {
		form.Values.Set("show_slugs", "1")
	}
	return settingsForms{Name: form, Invite: newForm(url.Values{"role": {string(monitor.RoleMember)}})}
}

// removeProjectPage asks for the name of the project before it is removed.
type removeProjectPage struct {
	BasePage
	Form    *Form
	Name    string // to be typed
	Content *store.ProjectContent
}

// keyView is one of the three keys of a project.
type keyView struct {
	Name  string // of the form's field value
	Title string
	Text  string // what it opens
	Hint  string // its first characters, "" = there is none
	Full  string // the whole key: one just made, or one stored in clear
	Fresh bool   // just made, shown this once
}

// index lists the projects of a user who is logged in.
func (s *projectPages) index(w http.ResponseWriter, r *http.Request) error {
	return s.showProjects(w, r, http.StatusOK, newForm(nil))
}

func (s *projectPages) showProjects(w http.ResponseWriter, r *http.Request, status int, form *Form) error {
	m, err := s.projectsOf(r, form)
	if err != nil {
		return err
	}
	if v := visitorOf(r); v.admin == nil {
		m.Invitations, err = s.Store.InvitationsTo(r.Context(), v.User.Email)
		if err != nil {
			return err
		}
	}
	return s.render(w, r, status, "projects", m)
}

func (s *projectPages) projectsOf(r *http.Request, form *Form) (*projectsPage, error) {
	rows, err := s.Store.ProjectsOf(r.Context(), visitorOf(r).User.ID)
	if err != nil {
		return nil, err
	}
	m := &projectsPage{BasePage: BasePage{Title: "Projects", Nav: "projects", own: rows}, Form: form}
	for _, failing := range []bool{true, false} { // failing first, else by name (features §10)
		for i := range rows {
			if (rows[i].DownChecks > 0) == failing {
				m.Rows = append(m.Rows, projectCard{ProjectRow: rows[i], Title: navOf(&rows[i]).Name})
			}
		}
	}
	return m, nil
}

func (s *projectPages) addProject(w http.ResponseWriter, r *http.Request) error {
	user := visitorOf(r).User
	if user == nil {
		return errLogin
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	p, err := s.Auth.AddProject(r.Context(), user, form.Value("name"))
	if err != nil {
		if err := form.Note(err); err != nil {
			return err
		}
		return s.showProjects(w, r, http.StatusBadRequest, form)
	}
	return s.redirect(w, r, "/projects/"+p.ID.String()+"/checks/")
}

func (s *projectPages) projectSettings(w http.ResponseWriter, r *http.Request) error {
	p, role, err := s.projectFor(r)
	if err != nil {
		return err
	}
	return s.showProjectSettings(w, r, http.StatusOK, p, role, nameForm(p))
}

func (s *projectPages) showProjectSettings(w http.ResponseWriter, r *http.Request, status int, p *monitor.Project, role monitor.Role, forms settingsForms) error {
	team, err := s.team(r, p, role, forms.Invite)
	if err != nil {
		return err
	}
	m := &projectSettingsPage{
		BasePage: BasePage{Title: "Settings", Nav: "settings", Project: &ProjectNav{ID: p.ID, Name: p.Title()}},
		Form:     forms.Name, Team: team, CanWrite: role.CanWrite(), Owns: role == monitor.RoleOwner, Badges: s.Badges,
	}
	if m.CanWrite {
		m.Keys = keysOf(p)
	}
	for i := range m.Keys {
		if k := &m.Keys[i]; k.Name == forms.Made.Name {
			k.Full, k.Fresh = forms.Made.Full, true
		}
	}
	return s.render(w, r, status, "project_settings", m)
}

func keysOf(p *monitor.Project) []keyView {
	ping := keyView{Name: "ping_key", Title: "Ping key", Text: "For ping URLs made of this key and the slug of a check.", Full: p.PingKey}
	if p.PingKey != "" {
		ping.Hint = p.PingKey[:min(4, len(p.PingKey))]
	}
	return []keyView{
		{Name: "api_key", Title: "API key", Text: "Programs with it may read, make, change and remove checks.", Hint: auth.KeyHint(p.APIKey, false)},
		{Name: "api_key_readonly", Title: "API key, read-only", Text: "Programs with it may look at checks, without their ping URLs.", Hint: auth.KeyHint(p.APIKeyReadonly, true)},
		ping,
	}
}

// saveProjectSettings does what the button says that sent the form:
// create_key and revoke_key name a key, else the project gets a new name. With
// back=checks a new ping key is shown where it was missed, in the list of checks.
func (s *projectPages) saveProjectSettings(w http.ResponseWriter, r *http.Request) error {
	p, role, err := s.writableProject(r)
	if err != nil {
		return err
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	switch {
	case form.Value("create_key") == auth.KeyPing && form.Value("back") == "checks":
		return s.createPingKey(w, r, p)
	case form.Value("create_key") != "":
		if asked, err := s.AskRecentAuth(w, r, settingsPath(p)); asked || err != nil {
			return err
		}
		return s.createKey(w, r, p, role, form.Value("create_key"))
	case form.Value("revoke_key") != "":
		if asked, err := s.AskRecentAuth(w, r, settingsPath(p)); asked || err != nil {
			return err
		}
		return s.revokeKey(w, r, p, form.Value("revoke_key"))
	default:
		return s.renameProject(w, r, p, role, form)
	}
}

func (s *projectPages) renameProject(w http.ResponseWriter, r *http.Request, p *monitor.Project, role monitor.Role, form *Form) error {
	name, err := auth.ProjectRename(p.Name, form.Value("name"))
	if err != nil {
		if err := form.Note(err); err != nil {
			return err
		}
		forms := nameForm(p)
		forms.Name = form
		return s.showProjectSettings(w, r, http.StatusBadRequest, p, role, forms)
	}
	said := "The project is called " + name + " now."
	p, err = s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) error {
		if p.Name == name {
			said = "Saved."
		}
		p.Name, p.ShowSlugs = name, form.On("show_slugs")
		return nil
	})
	if err != nil {
		return err
	}
	visitorOf(r).flash("ok", said)
	return s.redirect(w, r, settingsPath(p))
}

// createKey makes a key and shows it on the answer itself: it is kept nowhere,
// not in the session either.
func (s *projectPages) createKey(w http.ResponseWriter, r *http.Request, p *monitor.Project, role monitor.Role, name string) error {
	made := keyView{Name: name}
	p, err := s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) (err error) {
		made.Full, err = s.Auth.MakeKey(p, name)
		return err
	})
	if err != nil {
		return err
	}
	s.Log.InfoContext(r.Context(), "key made", "project", p.ID, "key", name, "by", visitorOf(r).User.ID)
	forms := nameForm(p)
	forms.Made = made
	return s.showProjectSettings(w, r, http.StatusOK, p, role, forms)
}

// createPingKey makes the ping key, unless somebody just did, and goes on to the
// list of checks.
func (s *projectPages) createPingKey(w http.ResponseWriter, r *http.Request, p *monitor.Project) error {
	_, err := s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) error {
		_, err := s.Auth.MakeKey(p, auth.KeyPing)
		return err
	})
	switch {
	case err == nil:
		s.Log.InfoContext(r.Context(), "key made", "project", p.ID, "key", auth.KeyPing, "by", visitorOf(r).User.ID)
	case errs.KindOf(err) != errs.Conflict:
		return err
	}
	return s.redirect(w, r, listURL(p.ID))
}

func (s *projectPages) revokeKey(w http.ResponseWriter, r *http.Request, p *monitor.Project, name string) error {
	if _, err := s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) error { return auth.RevokeKey(p, name) }); err != nil {
		return err
	}
	v := visitorOf(r)
	s.Log.InfoContext(r.Context(), "key revoked", "project", p.ID, "key", name, "by", v.User.ID)
	v.flash("ok", "The key opens nothing any more.")
	return s.redirect(w, r, settingsPath(p))
}

// ownProject is projectFor for what only the owner may do: members can leave,
// not destroy.
func (s *projectPages) ownProject(r *http.Request) (*monitor.Project, error) {
	p, role, err := s.projectFor(r)
	if err == nil && role != monitor.RoleOwner {
		err = errs.Forbiddenf("Only the owner may remove a project.")
	}
	return p, err
}

func (s *projectPages) removeProjectForm(w http.ResponseWriter, r *http.Request) error {
	p, err := s.ownProject(r)
	if err != nil {
		return err
	}
	return s.showRemoveProject(w, r, http.StatusOK, p, newForm(nil))
}

func (s *projectPages) showRemoveProject(w http.ResponseWriter, r *http.Request, status int, p *monitor.Project, form *Form) error {
	content, err := s.Store.ContentOf(r.Context(), p.ID)
	if err != nil {
		return hide(err, "There is no such project.")
	}
	return s.render(w, r, status, "project_remove", &removeProjectPage{
		BasePage: BasePage{Title: "Remove the project", Nav: "settings", Project: &ProjectNav{ID: p.ID, Name: p.Title()}},
		Form:     form, Name: p.Title(), Content: content,
	})
}

// removeProject removes the project once its name has been typed.
func (s *projectPages) removeProject(w http.ResponseWriter, r *http.Request) error {
	p, err := s.ownProject(r)
	if err != nil {
		return err
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	if strings.Join(strings.Fields(form.Value("confirmation")), " ") != strings.Join(strings.Fields(p.Title()), " ") {
		form.Fail("confirmation", "This is not the name of the project.")
		return s.showRemoveProject(w, r, http.StatusBadRequest, p, form)
	}
	v := visitorOf(r)
	if err := s.Auth.RemoveProject(r.Context(), p, v.User); err != nil {
		return hide(err, "There is no such project.")
	}
	v.flash("ok", "The project "+p.Title()+" is removed.")
	return s.redirect(w, r, "/")
}

func settingsPath(p *monitor.Project) string { return "/projects/" + p.ID.String() + "/settings/" }

// projectPages are the pages about projects: the list of them, their settings and teams, their badges, and walls.
type projectPages struct {
	*Site
	projectDeps
}

// projectDeps is what they stand on beside the site.
type projectDeps struct {
	Auth *auth.Service
	// AskRecentAuth leads a visitor who has not logged in lately to where they can,
	// and from there to next; asked tells that it has answered.
	AskRecentAuth func(w http.ResponseWriter, r *http.Request, next string) (asked bool, err error)
	Badges        bool // there are some
	BadgeLinks    badge.Links
}

// newProject makes them.
func newProject(site *Site, d projectDeps) *projectPages { return &projectPages{site, d} }
