package web

import (
	"net/http"
	"punctual/internal/monitor"
	"reflect"

	"github.com/google/uuid"
)

// detailsLive is detailsStatus as a stream.
func (s *checkPages) detailsLive(w http.ResponseWriter, r *http.Request) error {
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
		return news{Data: u, ID: u.Version}, nil
	})
}
