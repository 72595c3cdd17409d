package check

import (
	"net/http"
	"reflect"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/web/ui"
	"punctual/web/ui/checkstate"
	"punctual/web/ui/live"
)

// Live is Status as a stream.
func (s *Pages) Live(w http.ResponseWriter, r *http.Request) error {
	_, project, role, err := s.CheckFor(r)
	if err != nil {
		return err
	}
	r = ui.WithoutTimeout(r)
	var last *monitor.Check
	var state checkstate.State
	may := s.Access(r, project.ID, role)
	return s.Stream(w, r, []uuid.UUID{project.ID}, ui.Field(r, "v"), may, func(known string, first bool) (live.News, error) {
		c, project, role, err := s.CheckFor(r)
		if err != nil {
			return live.News{}, err
		}
		now := checkstate.At(c, s.Store.Now())
		if !first && now == state && reflect.DeepEqual(c, last) {
			// it was another check of the project
			return live.News{}, nil
		}
		last = c
		state = now
		u, err := s.detailsNews(r, c, project, role, known)
		if err != nil {
			return live.News{}, err
		}
		return live.News{Data: u, ID: u.Version}, nil
	})
}
