package web

import (
	"net/http"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// projectsPage lists the projects of the user.
type projectsPage struct {
	BasePage
	Form *Form // of a new project
	Rows []projectCard
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

// projectSettingsPage is where a project is named, gets its keys, and is removed.
type projectSettingsPage struct {
	BasePage
	Form     *Form // name
	Keys     []keyView
	CanWrite bool
	Owns     bool
	Checks   int
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

// index is the welcome page for visitors, and the projects of a user.
func (s *Server) index(w http.ResponseWriter, r *http.Request) error {
	if visitorOf(r).User == nil {
		return s.welcome(w, r)
	}
	return s.showProjects(w, r, http.StatusOK, newForm(nil))
}

func (s *Server) showProjects(w http.ResponseWriter, r *http.Request, status int, form *Form) error {
	m, err := s.projectsOf(r, form)
	if err != nil {
		return err
	}
	return s.render(w, r, status, "projects", m)
}

func (s *Server) projectsOf(r *http.Request, form *Form) (*projectsPage, error) {
	rows, err := s.Store.ProjectsOf(r.Context(), visitorOf(r).User.ID)
	if err != nil {
		return nil, err
	}
	m := &projectsPage{BasePage: BasePage{Title: "Projects", Nav: "projects"}, Form: form}
	for _, failing := range []bool{true, false} { // failing first, else by name (features §10)
		for i := range rows {
			if (rows[i].DownChecks > 0) == failing {
				m.Rows = append(m.Rows, projectCard{ProjectRow: rows[i], Title: navOf(&rows[i]).Name})
			}
		}
	}
	return m, nil
}

func (s *Server) addProject(w http.ResponseWriter, r *http.Request) error {
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

func (s *Server) projectSettings(w http.ResponseWriter, r *http.Request) error {
	p, role, err := s.projectFor(r)
	if err != nil {
		return err
	}
	form := newForm(nil)
	form.Values.Set("name", p.Name)
	return s.showProjectSettings(w, r, http.StatusOK, p, role, form, keyView{})
}

// showProjectSettings shows the page; made is a key to be shown this once.
func (s *Server) showProjectSettings(w http.ResponseWriter, r *http.Request, status int, p *monitor.Project, role monitor.Role, form *Form, made keyView) error {
	checks, err := s.Store.ChecksOf(r.Context(), p.ID)
	if err != nil {
		return err
	}
	m := &projectSettingsPage{
		BasePage: BasePage{Title: "Settings", Nav: "settings", Project: &ProjectNav{ID: p.ID, Name: p.Name}},
		Form:     form, CanWrite: role.CanWrite(), Owns: role == monitor.RoleOwner, Checks: len(checks),
	}
	if m.CanWrite {
		m.Keys = keysOf(p)
	}
	for i := range m.Keys {
		if k := &m.Keys[i]; k.Name == made.Name {
			k.Full, k.Fresh = made.Full, true
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
// create_key and revoke_key name a key, else the project gets a new name.
func (s *Server) saveProjectSettings(w http.ResponseWriter, r *http.Request) error {
	p, role, err := s.writableProject(r)
	if err != nil {
		return err
	}
	form, err := postedForm(r)
	if err != nil {
		return err
	}
	switch {
	case form.Value("create_key") != "":
		return s.createKey(w, r, p, role, form.Value("create_key"))
	case form.Value("revoke_key") != "":
		return s.revokeKey(w, r, p, form.Value("revoke_key"))
	default:
		return s.renameProject(w, r, p, role, form)
	}
}

func (s *Server) renameProject(w http.ResponseWriter, r *http.Request, p *monitor.Project, role monitor.Role, form *Form) error {
	name, err := auth.ProjectName(form.Value("name"))
	if err != nil {
		if err := form.Note(err); err != nil {
			return err
		}
		return s.showProjectSettings(w, r, http.StatusBadRequest, p, role, form, keyView{})
	}
	if p, err = s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) error { p.Name = name; return nil }); err != nil {
		return err
	}
	visitorOf(r).flash("ok", "The project is called "+name+" now.")
	return s.redirect(w, r, settingsPath(p))
}

// createKey makes a key and shows it on the answer itself: it is kept nowhere,
// not in the session either.
func (s *Server) createKey(w http.ResponseWriter, r *http.Request, p *monitor.Project, role monitor.Role, name string) error {
	made := keyView{Name: name}
	p, err := s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) (err error) {
		made.Full, err = s.Auth.MakeKey(p, name)
		return err
	})
	if err != nil {
		return err
	}
	s.Log.Info("key made", "project", p.ID, "key", name, "by", visitorOf(r).User.ID)
	form := newForm(nil)
	form.Values.Set("name", p.Name)
	return s.showProjectSettings(w, r, http.StatusOK, p, role, form, made)
}

func (s *Server) revokeKey(w http.ResponseWriter, r *http.Request, p *monitor.Project, name string) error {
	if _, err := s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) error { return auth.RevokeKey(p, name) }); err != nil {
		return err
	}
	v := visitorOf(r)
	s.Log.Info("key revoked", "project", p.ID, "key", name, "by", v.User.ID)
	v.flash("ok", "The key opens nothing any more.")
	return s.redirect(w, r, settingsPath(p))
}

// removeProject is for the owner only: members can leave, not destroy.
func (s *Server) removeProject(w http.ResponseWriter, r *http.Request) error {
	p, role, err := s.projectFor(r)
	switch {
	case err != nil:
		return err
	case role != monitor.RoleOwner:
		return errs.Forbiddenf("Only the owner may remove a project.")
	}
	if err := s.Store.DeleteProject(r.Context(), p.ID); err != nil {
		return err
	}
	v := visitorOf(r)
	s.Log.Info("project removed", "project", p.ID, "by", v.User.ID)
	v.flash("ok", "The project "+p.Name+" is removed.")
	return s.redirect(w, r, "/")
}

func settingsPath(p *monitor.Project) string { return "/projects/" + p.ID.String() + "/settings/" }
