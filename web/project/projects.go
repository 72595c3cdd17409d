package project

import (
	"net/http"
	"strings"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/ui"
)

// projectsPage lists the projects of the user.
type projectsPage struct {
	ui.BasePage
	// of a new project
	Form *ui.Form
	Rows []projectCard

	// that wait for the user's answer
	Invitations []store.Invitation
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
	case c.Up() == 0:
		return "s-paused"
	default:
		return "s-up"
	}
}

// Shared tells whether somebody else owns the project.
func (c projectCard) Shared() bool { return c.Role != monitor.RoleOwner }

// Up is how many checks are up, or running.
func (c projectCard) Up() int {
	return c.Checks - c.DownChecks - c.LateChecks - c.PausedChecks - c.NewChecks
}

// removeProjectPage asks for the name of the project before it is removed.
type removeProjectPage struct {
	ui.BasePage
	Form *ui.Form
	// to be typed
	Name    string
	Content *store.ProjectContent
}

// List lists the projects of a user who is logged in.
func (s *Pages) List(w http.ResponseWriter, r *http.Request) error {
	return s.showProjects(w, r, http.StatusOK, ui.NewForm(nil))
}

func (s *Pages) showProjects(w http.ResponseWriter, r *http.Request, status int, form *ui.Form) error {
	m, err := s.projectsOf(r, form)
	if err != nil {
		return err
	}
	v := ui.VisitorOf(r)
	if v.Admin == nil {
		m.Invitations, err = s.Store.InvitationsTo(r.Context(), v.User.Email)
		if err != nil {
			return err
		}
	}
	return s.Render(w, r, status, "project/list", m)
}

func (s *Pages) projectsOf(r *http.Request, form *ui.Form) (*projectsPage, error) {
	rows, err := s.Store.ProjectsOf(r.Context(), ui.VisitorOf(r).User.ID)
	if err != nil {
		return nil, err
	}
	m := &projectsPage{BasePage: ui.BasePage{Title: "Projects", Nav: "projects", Own: rows}, Form: form}
	// failing first, else by name
	for _, failing := range []bool{true, false} {
		for i := range rows {
			if (rows[i].DownChecks > 0) == failing {
				m.Rows = append(m.Rows, projectCard{ProjectRow: rows[i], Title: ui.NavOf(&rows[i]).Name})
			}
		}
	}
	return m, nil
}

// Add answers POST /projects/add/.
func (s *Pages) Add(w http.ResponseWriter, r *http.Request) error {
	user := ui.VisitorOf(r).User
	if user == nil {
		return ui.ErrLogin
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	p, err := s.Projects.AddWithPingKey(r.Context(), user, form.Value("name"))
	if err != nil {
		if err := form.Note(err); err != nil {
			return err
		}
		return s.showProjects(w, r, http.StatusBadRequest, form)
	}
	return s.Redirect(w, r, "/projects/"+p.ID.String()+"/checks/")
}

// ownProject is ProjectFor for what only the owner may do: members can leave,
// not destroy.
func (s *Pages) ownProject(r *http.Request) (*monitor.Project, error) {
	p, role, err := s.ProjectFor(r)
	if err == nil && role != monitor.RoleOwner {
		err = errs.Forbiddenf("Only the owner may remove a project.")
	}
	return p, err
}

// RemoveForm answers GET /projects/{project}/remove/.
func (s *Pages) RemoveForm(w http.ResponseWriter, r *http.Request) error {
	p, err := s.ownProject(r)
	if err != nil {
		return err
	}
	return s.showRemoveProject(w, r, http.StatusOK, p, ui.NewForm(nil))
}

func (s *Pages) showRemoveProject(w http.ResponseWriter, r *http.Request, status int, p *monitor.Project, form *ui.Form) error {
	content, err := s.Store.ContentOf(r.Context(), p.ID)
	if err != nil {
		return ui.Hide(err, "There is no such project.")
	}
	return s.Render(w, r, status, "project/remove", &removeProjectPage{
		BasePage: ui.BasePage{Title: "Remove the project", Nav: "settings", Project: &ui.ProjectNav{ID: p.ID, Name: p.Title()}},
		Form:     form, Name: p.Title(), Content: content,
	})
}

// Remove removes the project once its name has been typed.
func (s *Pages) Remove(w http.ResponseWriter, r *http.Request) error {
	p, err := s.ownProject(r)
	if err != nil {
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	if strings.Join(strings.Fields(form.Value("confirmation")), " ") != strings.Join(strings.Fields(p.Title()), " ") {
		form.Fail("confirmation", "This is not the name of the project.")
		return s.showRemoveProject(w, r, http.StatusBadRequest, p, form)
	}
	v := ui.VisitorOf(r)
	if err := s.Projects.Remove(r.Context(), p, v.User); err != nil {
		return ui.Hide(err, "There is no such project.")
	}
	v.Flash("ok", "The project "+p.Title()+" is removed.")
	return s.Redirect(w, r, "/")
}
