package checks

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/web/ui"
	"punctual/web/ui/live"
)

// Live is Status as a stream.
func (s *Pages) Live(w http.ResponseWriter, r *http.Request) error {
	project, role, err := s.ProjectFor(r)
	if err != nil {
		return err
	}
	base := ui.ChecksBase(project, "Checks")
	if err := s.FillBase(r, &base); err != nil {
		return err
	}
	r = ui.WithoutTimeout(r)
	// without what changes each time
	var last listUpdate
	known := ui.Field(r, "v") + "." + ui.Field(r, "since")
	return s.Stream(w, r, []uuid.UUID{project.ID}, known, s.Access(r, project.ID, role), func(known string, first bool) (live.News, error) {
		loaded, err := s.Streams.Shared(r.Context(), project.ID, first, func(ctx context.Context) (any, error) {
			return s.loadList(ctx, project.ID)
		})
		if err != nil {
			return live.News{}, err
		}
		data := loaded.(*listData)
		page := s.listPage(r, project, role, parseListFilter(r.URL.Query()), data)
		page.BasePage = base
		page.Now = s.Store.Now()
		version, since, _ := strings.Cut(known, ".")
		u, err := s.updateOf(page, version, microsTime(since))
		if err != nil {
			return live.News{}, err
		}
		same := *u
		same.Now = 0
		same.Rows = nil
		same.Icons = ""
		same.IconMenu = ""
		same.After = nil
		if len(u.Rows) == 0 && reflect.DeepEqual(same, last) {
			return live.News{}, nil
		}
		last = same
		return live.News{Data: u, ID: u.Version + "." + strconv.FormatInt(u.Now, 10)}, nil
	})
}

// microsTime reads microseconds since 1970; what is no number is 1970.
func microsTime(text string) time.Time {
	micros, _ := strconv.ParseInt(text, 10, 64)
	return time.UnixMicro(micros)
}
