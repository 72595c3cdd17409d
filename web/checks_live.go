package web

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// checksLive is checksStatus as a stream.
func (s *checksPages) checksLive(w http.ResponseWriter, r *http.Request) error {
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
		loaded, err := s.streams.shared(r.Context(), project.ID, first, func(ctx context.Context) (any, error) { return s.loadList(ctx, project.ID) })
		if err != nil {
			return news{}, err
		}
		data := loaded.(*listData)
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
		return news{Data: u, ID: u.Version + "." + strconv.FormatInt(u.Now, 10)}, nil
	})
}

// microsTime reads microseconds since 1970; what is no number is 1970.
func microsTime(text string) time.Time {
	micros, _ := strconv.ParseInt(text, 10, 64)
	return time.UnixMicro(micros)
}
