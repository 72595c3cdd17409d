package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// flipJSON is a change of status (docs/contract.md §2.10).
type flipJSON struct {
	Timestamp string `json:"timestamp"`
	// 1: the check is up from now on, 0: it is down, paused or new
	Up int `json:"up"`
}

// flips is GET checks/<uuid>/flips/.
func (a *api) flips(c *call) error {
	check, err := a.ownCheck(c)
	if err != nil {
		return err
	}
	return a.flipsOf(c, check)
}

// flipsByUniqueKey is GET checks/<unique_key>/flips/.
func (a *api) flipsByUniqueKey(c *call) error {
	check, err := a.Store.CheckByUniqueKey(c.Context(), chi.URLParam(c.Request, "unique"), c.project.ID)
	if errs.KindOf(err) == errs.NotFound {
		empty(c.w, http.StatusNotFound)
		return nil
	}
	if err != nil {
		return err
	}
	return a.flipsOf(c, check)
}

func (a *api) flipsOf(c *call, check *monitor.Check) error {
	filter, ok := flipFilter(c.URL.Query(), a.Store.Now())
	if !ok {
		empty(c.w, http.StatusBadRequest)
		return nil
	}
	leave, err := a.Store.Turn(c.Context(), c.project.ID)
	if err != nil {
		return err
	}
	flips, err := a.Store.Flips(c.Context(), check.ID, filter)
	leave()
	if err != nil {
		return err
	}
	list := make([]flipJSON, len(flips))
	for i, f := range flips {
		list[i].Timestamp = *stamp(f.CreatedAt)
		if f.New == monitor.StatusUp {
			list[i].Up = 1
		}
	}
	a.json(c.w, http.StatusOK, struct {
		Flips []flipJSON `json:"flips"`
	}{list})
	return nil
}

// The bounds of the filters, in seconds (docs/contract.md §2.10).
const (
	maxFlipSeconds = 31536000
	maxFlipTime    = 10000000000
)

// flipFilter reads seconds, start and end; it is false when one of them is
// wrong. An empty seconds is as good as none, an empty start or end is wrong.
func flipFilter(query url.Values, now time.Time) (f store.FlipFilter, ok bool) {
	text := last(query["seconds"])
	if text != "" {
		seconds, ok := wholeNumber(text, maxFlipSeconds)
		if !ok {
			return f, false
		}
		if seconds > 0 {
			f.From = now.Add(-time.Duration(seconds) * time.Second)
		}
	}
	if query.Has("start") {
		start, ok := wholeNumber(last(query["start"]), maxFlipTime)
		if !ok {
			return f, false
		}
		from := time.Unix(start, 0)
		if from.After(f.From) {
			f.From = from
		}
	}
	if query.Has("end") {
		end, ok := wholeNumber(last(query["end"]), maxFlipTime)
		if !ok {
			return f, false
		}
		f.Until = time.Unix(end, 0)
	}
	return f, true
}

// wholeNumber reads a number from 0 to limit; blanks around it do not matter.
func wholeNumber(text string, limit int64) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return n, err == nil && n >= 0 && n <= limit
}

// last is the value that counts of a parameter given more than once.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}
