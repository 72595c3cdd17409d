package check

import (
	"net/http"
	"reflect"
	"time"

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
	// when the next attempt at an alert is due, see events
	var attempt time.Time
	may := s.Access(r, project.ID, role)
	return s.Stream(w, r, []uuid.UUID{project.ID}, ui.Field(r, "v"), may, func(known string, first bool) (live.News, error) {
		c, project, role, err := s.CheckFor(r)
		if err != nil {
			return live.News{}, err
		}
		now := checkstate.At(c, s.Store.Reading())
		same := !first && now == state && reflect.DeepEqual(c, last)
		if same && attempt.IsZero() {
			// it was another check of the project
			return live.News{}, nil
		}
		v, err := s.versionOf(r.Context(), c)
		if err != nil {
			return live.News{}, err
		}
		last = c
		state = now
		attempt = v.attempt
		again := s.lookAgain(attempt)
		if same && v.text == known {
			return live.News{Again: again}, nil
		}
		u, err := s.detailsNews(r, c, project, role, known)
		if err != nil {
			return live.News{}, err
		}
		return live.News{Data: u, ID: u.Version, Again: again}, nil
	})
}

// lookAgain is how long to wait for what becomes of an attempt at an alert; 0 =
// there is none. Nobody calls a page when one has been made.
func (s *Pages) lookAgain(attempt time.Time) time.Duration {
	if attempt.IsZero() {
		return 0
	}
	return min(max(attempt.Sub(s.Store.Now()), time.Second), 30*time.Second)
}
