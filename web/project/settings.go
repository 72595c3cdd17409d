package project

import (
	"net/http"
	"net/url"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/project"
	"punctual/web/ui"
)

// projectSettingsPage is where a project is named, gets its keys and its team,
// and is removed.
type projectSettingsPage struct {
	ui.BasePage
	// name, show_slugs
	Form     *ui.Form
	Keys     []keyView
	Team     teamView
	CanWrite bool
	Owns     bool
	// what the visitor may do, to follow "may"
	Rights string
	// there is a page of them
	Badges bool
}

// settingsForms are the forms of the page as they were sent, and a key to be
// shown this once.
type settingsForms struct {
	Name   *ui.Form
	Invite *ui.Form
	Made   keyView
}

// nameForm has the forms of the page as they are shown first.
func nameForm(p *monitor.Project) settingsForms {
	form := ui.NewForm(url.Values{"name": {p.Name}})
	if p.ShowSlugs {
		form.Values.Set("show_slugs", "1")
	}
	return settingsForms{Name: form, Invite: ui.NewForm(url.Values{"role": {string(monitor.RoleMember)}})}
}

// keyView is one of the three keys of a project.
type keyView struct {
	// of the form's field value
	Name  string
	Title string
	// what it opens
	Text string
	// its first characters, "" = there is none
	Hint string
	// the whole key: one just made, or one stored in clear
	Full string
	// just made, shown this once
	Fresh bool
}

// Settings answers GET /projects/{project}/settings/.
func (s *Pages) Settings(w http.ResponseWriter, r *http.Request) error {
	p, role, err := s.ProjectFor(r)
	if err != nil {
		return err
	}
	return s.showProjectSettings(w, r, http.StatusOK, p, role, nameForm(p))
}

func (s *Pages) showProjectSettings(w http.ResponseWriter, r *http.Request, status int, p *monitor.Project, role monitor.Role,
	forms settingsForms) error {
	team, err := s.team(r, p, role, forms.Invite)
	if err != nil {
		return err
	}
	m := &projectSettingsPage{
		BasePage: ui.BasePage{Title: "Settings", Nav: "settings", Project: &ui.ProjectNav{ID: p.ID, Name: p.Title()}},
		Form:     forms.Name, Team: team, CanWrite: role.CanWrite(), Owns: role == monitor.RoleOwner, Badges: s.HasBadges,
		Rights: project.Rights(role),
	}
	if m.CanWrite {
		m.Keys = keysOf(p)
	}
	for i := range m.Keys {
		k := &m.Keys[i]
		if k.Name == forms.Made.Name {
			k.Full = forms.Made.Full
			k.Fresh = true
		}
	}
	return s.Render(w, r, status, "project/settings", m)
}

func keysOf(p *monitor.Project) []keyView {
	ping := keyView{Name: "ping_key", Title: "Ping key", Text: "For ping URLs made of this key and the slug of a check.", Full: p.PingKey}
	if p.PingKey != "" {
		ping.Hint = p.PingKey[:min(4, len(p.PingKey))]
	}
	return []keyView{
		{Name: "api_key", Title: "API key", Text: "For programs that read, create, change and remove checks.",
			Hint: auth.KeyHint(p.APIKey, false)},
		{Name: "api_key_readonly", Title: "API key, read-only", Text: "For programs that read checks, without their ping URLs.",
			Hint: auth.KeyHint(p.APIKeyReadonly, true)},
		ping,
	}
}

// SaveSettings does what the button says that sent the form:
// create_key and revoke_key name a key, else the project gets a new name. With
// back=checks a new ping key is shown where it was missed, in the list of checks.
func (s *Pages) SaveSettings(w http.ResponseWriter, r *http.Request) error {
	p, role, err := s.WritableProject(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	switch {
	case form.Value("create_key") == project.KeyPing && form.Value("back") == "checks":
		return s.createPingKey(w, r, p)
	case form.Value("create_key") != "":
		asked, err := s.AskRecentAuth(w, r, settingsPath(p))
		if asked || err != nil {
			return err
		}
		return s.createKey(w, r, p, role, form.Value("create_key"))
	case form.Value("revoke_key") != "":
		asked, err := s.AskRecentAuth(w, r, settingsPath(p))
		if asked || err != nil {
			return err
		}
		return s.revokeKey(w, r, p, form.Value("revoke_key"))
	default:
		return s.renameProject(w, r, p, role, form)
	}
}

func (s *Pages) renameProject(w http.ResponseWriter, r *http.Request, p *monitor.Project, role monitor.Role, form *ui.Form) error {
	name, err := project.Rename(p.Name, form.Value("name"))
	if err != nil {
		if err := form.Note(err); err != nil {
			return err
		}
		forms := nameForm(p)
		forms.Name = form
		return s.showProjectSettings(w, r, http.StatusBadRequest, p, role, forms)
	}
	message := "The project is called " + name + " now."
	p, err = s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) error {
		if p.Name == name {
			message = "Saved."
		}
		p.Name = name
		p.ShowSlugs = form.On("show_slugs")
		return nil
	})
	if err != nil {
		return err
	}
	ui.VisitorOf(r).Flash("ok", message)
	return s.Redirect(w, r, settingsPath(p))
}

// createKey makes a key and shows it on the answer itself: it is kept nowhere,
// not in the session either.
func (s *Pages) createKey(w http.ResponseWriter, r *http.Request, p *monitor.Project, role monitor.Role, name string) error {
	made := keyView{Name: name}
	p, err := s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) (err error) {
		made.Full, err = s.Projects.MakeKey(p, name)
		return err
	})
	if err != nil {
		return err
	}
	s.Log.InfoContext(r.Context(), "key made", "project", p.ID, "key", name, "by", ui.VisitorOf(r).User.ID)
	forms := nameForm(p)
	forms.Made = made
	return s.showProjectSettings(w, r, http.StatusOK, p, role, forms)
}

// createPingKey makes the ping key, unless somebody just did, and goes on to the
// list of checks.
func (s *Pages) createPingKey(w http.ResponseWriter, r *http.Request, p *monitor.Project) error {
	_, err := s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) error {
		_, err := s.Projects.MakeKey(p, project.KeyPing)
		return err
	})
	switch {
	case err == nil:
		s.Log.InfoContext(r.Context(), "key made", "project", p.ID, "key", project.KeyPing, "by", ui.VisitorOf(r).User.ID)
	case errs.KindOf(err) != errs.Conflict:
		return err
	}
	return s.Redirect(w, r, ui.ListURL(p.ID))
}

func (s *Pages) revokeKey(w http.ResponseWriter, r *http.Request, p *monitor.Project, name string) error {
	_, err := s.Store.ChangeProject(r.Context(), p.ID, func(p *monitor.Project) error { return project.RevokeKey(p, name) })
	if err != nil {
		return err
	}
	v := ui.VisitorOf(r)
	s.Log.InfoContext(r.Context(), "key revoked", "project", p.ID, "key", name, "by", v.User.ID)
	v.Flash("ok", "The key is revoked.")
	return s.Redirect(w, r, settingsPath(p))
}

func settingsPath(p *monitor.Project) string { return "/projects/" + p.ID.String() + "/settings/" }
