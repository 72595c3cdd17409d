package project

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"punctual/web/ui"
	"punctual/web/ui/live"
)

// projectsUpdate is what the script of the projects page asks for.
type projectsUpdate struct {
	Down int `json:"down"`
	// HTML
	Cards string `json:"cards"`
}

// Status answers what the list of projects shows now.
func (s *Pages) Status(w http.ResponseWriter, r *http.Request) error {
	_, u, err := s.projectsNews(r)
	if err != nil {
		return err
	}
	return ui.WriteJSON(w, u)
}

// Live is Status as a stream.
func (s *Pages) Live(w http.ResponseWriter, r *http.Request) error {
	projects, _, err := s.projectsNews(r)
	if err != nil {
		return err
	}
	r = ui.WithoutTimeout(r)
	var last projectsUpdate
	// Which projects they may see, each look finds out.
	return s.Stream(w, r, projects, "", func() error { return s.Present(r) }, func(string, bool) (live.News, error) {
		_, u, err := s.projectsNews(r)
		if err != nil || *u == last {
			return live.News{}, err
		}
		last = *u
		return live.News{Data: u}, nil
	})
}

func (s *Pages) projectsNews(r *http.Request) ([]uuid.UUID, *projectsUpdate, error) {
	if ui.VisitorOf(r).User == nil {
		return nil, nil, ui.ErrLogin
	}
	page, err := s.projectsOf(r, ui.NewForm(nil))
	if err != nil {
		return nil, nil, err
	}
	if err := s.FillBase(r, &page.BasePage); err != nil {
		return nil, nil, err
	}
	u := &projectsUpdate{}
	ids := make([]uuid.UUID, len(page.Rows))
	for i := range page.Rows {
		ids[i] = page.Rows[i].ID
		u.Down += page.Rows[i].DownChecks
	}
	u.Cards, err = s.Part("project/list", "cards", page)
	if err != nil {
		return nil, nil, fmt.Errorf("projects: %w", err)
	}
	return ids, u, nil
}
