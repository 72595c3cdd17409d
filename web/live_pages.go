package web

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// checksLive is checksStatus as a stream.
func (s *Server) checksLive(w http.ResponseWriter, r *http.Request) error {
	project, role, err := s.projectFor(r)
	if err != nil {
		return err
	}
	base := checksBase(project, "Checks")
	if err := s.fillBase(r, &base); err != nil {
		return err
	}
	r = unhurried(r)
	var last listUpdate // without what changes each time
	known := formValue(r, "v") + "." + formValue(r, "since")
	return s.stream(w, r, []uuid.UUID{project.ID}, known, s.access(r, project.ID, role), func(known string, first bool) (news, error) {
		data, err := s.live.list(r.Context(), project.ID, first)
		if err != nil {
			return news{}, err
		}
		page := s.listPage(r, project, role, parseListFilter(r.URL.Query()), data)
		page.BasePage = base
		page.Now = s.Store.Now()
		version, since, _ := strings.Cut(known, ".")
		u, err := s.updateOf(page, version, microsTime(since))
		if err != nil {
			return news{}, err
		}
		same := *u
		same.Now, same.Rows, same.After = 0, nil, nil
		if len(u.Rows) == 0 && reflect.DeepEqual(same, last) {
			return news{}, nil
		}
		last = same
		return news{u, u.Version + "." + strconv.FormatInt(u.Now, 10)}, nil
	})
}

// microsTime reads microseconds since 1970; what is no number is 1970.
func microsTime(text string) time.Time {
	micros, _ := strconv.ParseInt(text, 10, 64)
	return time.UnixMicro(micros)
}

// detailsLive is detailsStatus as a stream.
func (s *Server) detailsLive(w http.ResponseWriter, r *http.Request) error {
	_, project, role, err := s.checkFor(r)
	if err != nil {
		return err
	}
	r = unhurried(r)
	var last *monitor.Check
	var state shown
	return s.stream(w, r, []uuid.UUID{project.ID}, formValue(r, "v"), s.access(r, project.ID, role), func(known string, first bool) (news, error) {
		c, project, role, err := s.checkFor(r)
		if err != nil {
			return news{}, err
		}
		now := shownAt(c, s.Store.Now())
		if !first && now == state && reflect.DeepEqual(c, last) {
			return news{}, nil // it was another check of the project
		}
		last, state = c, now
		u, err := s.detailsNews(r, c, project, role, known)
		if err != nil {
			return news{}, err
		}
		return news{u, u.Version}, nil
	})
}

// projectsUpdate is what the script of the projects page asks for.
type projectsUpdate struct {
	Down  int    `json:"down"`
	Cards string `json:"cards"` // HTML
}

// projectsStatus answers what the list of projects shows now.
func (s *Server) projectsStatus(w http.ResponseWriter, r *http.Request) error {
	_, u, err := s.projectsNews(r)
	if err != nil {
		return err
	}
	return writeJSON(w, u)
}

// projectsLive is projectsStatus as a stream.
func (s *Server) projectsLive(w http.ResponseWriter, r *http.Request) error {
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
		return news{data: u}, nil
	})
}

func (s *Server) projectsNews(r *http.Request) ([]uuid.UUID, *projectsUpdate, error) {
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
