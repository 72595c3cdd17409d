package web

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"
)

// projectsUpdate is what the script of the projects page asks for.
type projectsUpdate struct {
	Down  int    `json:"down"`
	Cards string `json:"cards"` // HTML
}

// projectsStatus answers what the list of projects shows now.
func (s *projectPages) projectsStatus(w http.ResponseWriter, r *http.Request) error {
	_, u, err := s.projectsNews(r)
	if err != nil {
		return err
	}
	return writeJSON(w, u)
}

// projectsLive is projectsStatus as a stream.
func (s *projectPages) projectsLive(w http.ResponseWriter, r *http.Request) error {
	projects, _, err := s.projectsNews(r)
	if err != nil {
		return err
	}
	r = unhurried(r)
	var last projectsUpdate
	// Which projects they may see, each look finds out.
	return s.stream(w, r, projects, "", func() error { return s.present(r) }, func(string, bool) (news, error) {
		_, u, err := s.projectsNews(r)
		if err != nil || *u == last {
			return news{}, err
		}
		last = *u
		return news{Data: u}, nil
	})
}

func (s *projectPages) projectsNews(r *http.Request) ([]uuid.UUID, *projectsUpdate, error) {
	if visitorOf(r).User == nil {
		return nil, nil, errLogin
	}
	page, err := s.projectsOf(r, newForm(nil))
	if err != nil {
		return nil, nil, err
	}
	if err := s.fillBase(r, &page.BasePage); err != nil {
		return nil, nil, err
	}
	u := &projectsUpdate{}
	ids := make([]uuid.UUID, len(page.Rows))
	for i := range page.Rows {
		ids[i] = page.Rows[i].ID
		u.Down += page.Rows[i].DownChecks
	}
	if u.Cards, err = s.part("projects", "cards", page); err != nil {
		return nil, nil, fmt.Errorf("projects: %w", err)
	}
	return ids, u, nil
}
