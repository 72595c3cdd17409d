package project

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
	"punctual/web/ui"
	"punctual/web/ui/checkstate"
	"punctual/web/ui/human"
)

// PurposeWall is what the signature in the address of a wall is made for. The
// value is the wall's id: the address ends with the wall.
const PurposeWall = "wall"

// maxWallRows is how many checks that are not down or late a wall names in each project.
const maxWallRows = 40

// wallPage is a wall on a screen. It stands outside of the layout, since it must
// work in browsers that know little of it.
type wallPage struct {
	Site *ui.Instance
	Name string
	// dark, light
	Theme string
	// "12:03", in the zone of its maker
	Clock    string
	Down     int
	Projects []wallProject
}

// wallProject is a column of a wall.
type wallProject struct {
	Name string
	// the worst of its checks that are not paused
	State checkstate.State
	// "2 down, 1 late", "All up"
	Summary string
	Trouble []wallRow
	// neither down nor late
	Calm []wallRow
	// those beside the ones that are named
	More int
	// checks that were never pinged
	New int
}

// wallRow is a check.
type wallRow struct {
	Name  string
	State checkstate.State
	// "2 hr 14 min", "" where it does not matter
	Since string
}

// Wall answers GET /wall/<id>/<signature>/, with part=1 only what changes.
func (s *Pages) Wall(w http.ResponseWriter, r *http.Request) error {
	id, err := uuid.Parse(chi.URLParam(r, "wall"))
	if err != nil || !s.Signer.Verify(PurposeWall, id.String(), chi.URLParam(r, "signature")) {
		return errs.NotFoundf("There is no such wall.")
	}
	wall, checks, err := s.Store.ShowWall(r.Context(), id)
	if err != nil {
		return ui.Hide(err, "There is no such wall. Perhaps its address has been revoked.")
	}
	at := s.Store.Reading()
	m := &wallPage{Site: &s.Instance, Name: wall.Name, Theme: wallTheme(r), Clock: at.Now.UTC().Format("15:04") + " UTC"}
	for _, p := range wall.Projects {
		column := newWallProject(p.Name, checks[p.ID], at)
		for _, row := range column.Trouble {
			if row.State == checkstate.Down {
				m.Down++
			}
		}
		m.Projects = append(m.Projects, column)
	}
	part := "wall"
	if ui.Field(r, "part") != "" {
		part = "wall-body"
	}
	return s.Execute(w, http.StatusOK, "project/wall", part, m)
}

// TV answers GET /tv/#<read-only key>=<label>&…: its script asks the API
// (docs/contract.md §5).
func (s *Pages) TV(w http.ResponseWriter, _ *http.Request) error {
	return s.Execute(w, http.StatusOK, "project/wall", "wall-keys", &wallPage{Site: &s.Instance, Theme: "dark"})
}

func wallTheme(r *http.Request) string {
	if ui.Field(r, "theme") == "light" {
		return "light"
	}
	return "dark"
}

// newWallProject sorts the checks of a project: down first, the newest trouble
// before the older, then late, then the rest by name.
func newWallProject(name string, checks []store.WallCheck, at monitor.Reading) wallProject {
	p := wallProject{Name: monitor.ProjectTitle(name)}
	type troubled struct {
		wallRow
		since time.Time
	}
	var down, late []troubled
	paused := 0
	for i := range checks {
		c := &checks[i]
		row := wallRow{Name: c.Title(), State: checkstate.At(&c.Check, at)}
		switch row.State {
		case checkstate.Down:
			since := c.StateSince
			// its deadline is over, and nobody has noted it yet
			if c.Status != monitor.StatusDown {
				since = c.AlertAt
			}
			row.Since = human.Duration(human.Coarse(at.Now.Sub(since)))
			down = append(down, troubled{row, since})
		case checkstate.Late:
			row.Since = human.Duration(human.Coarse(at.Now.Sub(c.DueAt)))
			late = append(late, troubled{row, c.DueAt})
		default:
			switch row.State {
			case checkstate.Paused:
				paused++
			case checkstate.New:
				p.New++
			}
			p.Calm = append(p.Calm, row)
		}
	}
	for _, rows := range [][]troubled{down, late} {
		slices.SortStableFunc(rows, func(a, b troubled) int { return b.since.Compare(a.since) })
		for _, row := range rows {
			p.Trouble = append(p.Trouble, row.wallRow)
		}
	}
	p.State, p.Summary = summaryOf(wallCounts{all: len(checks), down: len(down), late: len(late), paused: paused, fresh: p.New})
	p.More = max(len(p.Calm)-maxWallRows, 0)
	if p.More > 0 {
		p.Calm = p.Calm[:maxWallRows]
	}
	return p
}

// wallCounts are the checks of a project by their states; fresh ones were never pinged.
type wallCounts struct{ all, down, late, paused, fresh int }

// summaryOf says how the checks of a project are as a whole. static/js/wall.js says the same.
func summaryOf(n wallCounts) (checkstate.State, string) {
	switch {
	case n.all == 0:
		return checkstate.New, "No checks"
	case n.down > 0 && n.late > 0:
		return checkstate.Down, fmt.Sprintf("%d down, %d late", n.down, n.late)
	case n.down > 0:
		return checkstate.Down, fmt.Sprintf("%d down", n.down)
	case n.late > 0:
		return checkstate.Late, fmt.Sprintf("%d late", n.late)
	case n.paused == n.all:
		return checkstate.Paused, "All paused"
	case n.fresh+n.paused == n.all:
		return checkstate.New, "No check has been pinged yet"
	case n.fresh > 0:
		have := "have"
		if n.fresh == 1 {
			have = "has"
		}
		return checkstate.Up, fmt.Sprintf("%d of %d checks %s never been pinged", n.fresh, n.all, have)
	default:
		return checkstate.Up, "All up"
	}
}

// wallsPage is where walls are made and revoked.
type wallsPage struct {
	ui.BasePage
	// name, project
	Form  *ui.Form
	Walls []wallView
}

// wallView is a wall in the list.
type wallView struct {
	store.Wall
	URL string
}

// Chosen tells whether the form has the project ticked.
func (p *wallsPage) Chosen(id uuid.UUID) bool {
	return slices.Contains(p.Form.Values["project"], id.String())
}

// Offered are the projects that may be put on a wall: those of which the visitor
// may change something. Its address shows them to anybody.
func (p *wallsPage) Offered() []ui.ProjectNav {
	return slices.DeleteFunc(slices.Clone(p.Projects), func(n ui.ProjectNav) bool { return !n.Role.CanWrite() })
}

// Walls answers GET /walls/.
func (s *Pages) Walls(w http.ResponseWriter, r *http.Request) error {
	return s.showWalls(w, r, http.StatusOK, ui.NewForm(nil))
}

func (s *Pages) showWalls(w http.ResponseWriter, r *http.Request, status int, form *ui.Form) error {
	user := ui.VisitorOf(r).User
	if user == nil {
		return ui.ErrLogin
	}
	walls, err := s.Store.WallsOf(r.Context(), user.ID)
	if err != nil {
		return err
	}
	m := &wallsPage{BasePage: ui.BasePage{Title: "Walls", Nav: "walls"}, Form: form}
	for _, wall := range walls {
		m.Walls = append(m.Walls, wallView{Wall: wall,
			URL: s.Site.URL("/wall/" + wall.ID.String() + "/" + s.Signer.Sign(PurposeWall, wall.ID.String()) + "/")})
	}
	return s.Render(w, r, status, "project/walls", m)
}

// MakeWall answers POST /walls/ with name and project, once or more.
func (s *Pages) MakeWall(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	if err := v.InPerson("make a wall of the account"); err != nil {
		// it would outlast the look through the user's eyes
		return err
	}
	form, err := ui.PostedForm(r)
	if err != nil {
		return err
	}
	wall := &store.Wall{UserID: v.User.ID, Name: strings.Join(strings.Fields(form.Value("name")), " ")}
	if wall.Name == "" {
		wall.Name = "Wall"
	}
	if text.Longer(wall.Name, monitor.MaxWallName) {
		form.Fail("name", fmt.Sprintf("A wall's name has at most %d characters.", monitor.MaxWallName))
	}
	mine, err := s.Store.ProjectsOf(r.Context(), v.User.ID)
	if err != nil {
		return err
	}
	for i := range mine {
		if mine[i].Role.CanWrite() && slices.Contains(form.Values["project"], mine[i].ID.String()) {
			wall.Projects = append(wall.Projects, store.WallProject{ID: mine[i].ID})
		}
	}
	if len(wall.Projects) == 0 {
		form.Fail("project", "Choose at least one project.")
	}
	if form.OK() {
		err = s.Store.CreateWall(r.Context(), wall)
		// too many
		if errs.KindOf(err) == errs.Conflict {
			form.Fail("", errs.Message(err))
		} else if err != nil {
			return err
		}
	}
	if !form.OK() {
		return s.showWalls(w, r, http.StatusBadRequest, form)
	}
	s.Log.InfoContext(r.Context(), "wall made", "user", v.User.ID, "wall", wall.ID, "projects", len(wall.Projects))
	v.Flash("ok", "The wall is created. Open its address on the screen.")
	return s.Redirect(w, r, "/walls/")
}

// RemoveWall answers POST /walls/<id>/remove/.
func (s *Pages) RemoveWall(w http.ResponseWriter, r *http.Request) error {
	v := ui.VisitorOf(r)
	if v.User == nil {
		return ui.ErrLogin
	}
	id, err := uuid.Parse(chi.URLParam(r, "wall"))
	if err != nil {
		return errs.NotFoundf("There is no such wall.")
	}
	if err := s.Store.DeleteWall(r.Context(), v.User.ID, id); err != nil {
		return ui.Hide(err, "There is no such wall. Perhaps it has been revoked already.")
	}
	s.Log.InfoContext(r.Context(), "wall revoked", "user", v.User.ID, "wall", id)
	v.Flash("ok", "The wall is revoked.")
	return s.Redirect(w, r, "/walls/")
}
