package api

import (
	"encoding/json"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
)

const (
	// maxPings bounds a list of pings, however many the owner keeps (docs/contract.md
	// §2.9).
	maxPings = 1000

	// maxOpenRuns is of how many runs in a list the start may lie beyond it; with
	// more, none of the list is measured (docs/conformance.md §8).
	maxOpenRuns = 10
)

// pingJSON is a ping of docs/contract.md §2.9.
type pingJSON struct {
	Type monitor.PingKind `json:"type"`
	// UTC, to the microsecond
	Date       string  `json:"date"`
	N          int64   `json:"n"`
	Scheme     string  `json:"scheme"`
	RemoteAddr *string `json:"remote_addr"`
	// "" for e-mail
	Method    string  `json:"method"`
	UserAgent string  `json:"ua"`
	RID       *string `json:"rid"`
	// null: it has no body
	BodyURL *string `json:"body_url"`
	// seconds; absent where no run ended
	Duration json.Number `json:"duration,omitempty"`

	// ExitStatus is there when the request wants it: null for a ping without one.
	ExitStatus **int `json:"exit_status,omitempty"`
}

// pings is GET checks/<uuid>/pings/: the newest first. With ?extra=exit_status,
// an extension of ours, each has its exit status.
func (a *api) pings(c *call) error {
	check, limit, err := a.loggedCheck(c)
	if err != nil {
		return err
	}
	rows, took, err := a.timedPings(c, check, limit)
	if err != nil {
		return err
	}
	bodies := a.SiteURL + "/api/" + c.version + "/checks/" + check.Code.String() + "/pings/"
	pings := make([]pingJSON, len(rows))
	exits := c.asksFor("exit_status")
	for i := range rows {
		pings[i] = newPingJSON(&rows[i], bodies)
		if exits {
			pings[i].ExitStatus = &rows[i].ExitStatus
		}
		d, timed := took[rows[i].N]
		if timed {
			pings[i].Duration = inSeconds(d)
		}
	}
	a.json(c.w, http.StatusOK, struct {
		Pings []pingJSON `json:"pings"`
	}{pings})
	return nil
}

// timedPings are the pings of the list and how long the runs took that end with
// one, by its number. It is a long read, see store.Turn.
func (a *api) timedPings(c *call, check *monitor.Check, limit int) ([]store.PingRow, map[int64]time.Duration, error) {
	leave, err := a.Store.Turn(c.Context(), c.project.ID)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	rows, err := a.Store.Pings(c.Context(), check.ID, store.PingFilter{MinN: firstKept(check, limit), Limit: min(limit, maxPings)})
	if err != nil {
		return nil, nil, err
	}
	took, err := a.durations(c, check, rows)
	return rows, took, err
}

// loggedCheck is ownCheck, with how many of its pings are kept.
func (a *api) loggedCheck(c *call) (*monitor.Check, int, error) {
	check, err := a.ownCheck(c)
	if err != nil {
		return nil, 0, err
	}
	limit, err := a.Store.PingLogLimit(c.Context(), c.project.ID)
	return check, limit, err
}

// firstKept is the number of the oldest ping that is shown: older ones are
// hidden before they are pruned.
func firstKept(check *monitor.Check, limit int) int64 { return check.NPings - int64(limit) + 1 }

func newPingJSON(p *store.PingRow, bodies string) pingJSON {
	out := pingJSON{
		Type: p.Kind, Date: exactStamp(p.CreatedAt), N: p.N, Scheme: p.Scheme, Method: p.Method, UserAgent: p.UserAgent,
	}
	if p.RemoteAddr != "" {
		out.RemoteAddr = &p.RemoteAddr
	}
	if p.RID.Valid {
		out.RID = ptr(p.RID.UUID.String())
	}
	if p.BodySize > 0 {
		out.BodyURL = ptr(bodies + strconv.FormatInt(p.N, 10) + "/body")
	}
	return out
}

// durations measures the runs that end among rows, which are the newest pings
// of the check. Where a run may have begun before them, it looks there.
func (a *api) durations(c *call, check *monitor.Check, rows []store.PingRow) (map[int64]time.Duration, error) {
	open := openRuns(rows)
	if len(open) > maxOpenRuns {
		return nil, nil
	}
	var older []monitor.Ping
	oldest := len(rows) - 1
	if len(open) > 0 && rows[oldest].N > 1 {
		var err error
		since := rows[oldest].CreatedAt.Add(-monitor.MaxRunDuration)
		older, err = a.Store.RunEventsBefore(c.Context(), check.ID, rows[oldest].N, since, open)
		if err != nil {
			return nil, err
		}
	}
	return monitor.RunDurations(both(rows, older)), nil
}

// openRuns are the run ids whose oldest event among rows, the newest first, is
// an end: their starts, if they have any, lie further back.
func openRuns(rows []store.PingRow) []uuid.NullUUID {
	var open []uuid.NullUUID
	seen := make(map[uuid.NullUUID]bool)
	for i := range slices.Backward(rows) {
		p := &rows[i]
		ends := p.Kind == monitor.PingSuccess || p.Kind == monitor.PingFail
		if !ends && p.Kind != monitor.PingStart || seen[p.RID] {
			continue
		}
		seen[p.RID] = true
		if ends {
			open = append(open, p.RID)
		}
	}
	return open
}

func both(rows []store.PingRow, older []monitor.Ping) iter.Seq[*monitor.Ping] {
	return func(yield func(*monitor.Ping) bool) {
		for i := range rows {
			if !yield(&rows[i].Ping) {
				return
			}
		}
		for i := range older {
			if !yield(&older[i]) {
				return
			}
		}
	}
}

// exactStamp is a time with its microseconds, which are left away where there
// are none (docs/contract.md §0).
func exactStamp(t time.Time) string {
	layout := "2006-01-02T15:04:05.000000+00:00"
	if t.Nanosecond() < int(time.Microsecond) {
		layout = "2006-01-02T15:04:05+00:00"
	}
	return t.UTC().Format(layout)
}

// inSeconds is d with at most two decimals and at least one.
func inSeconds(d time.Duration) json.Number {
	return json.Number(strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 2, 64), "0"))
}

// pingBody is GET checks/<uuid>/pings/<n>/body: the bytes as they came.
func (a *api) pingBody(c *call) error {
	check, limit, err := a.loggedCheck(c)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(chi.URLParam(c.Request, "n"), 10, 64)
	// more digits than there are pings
	if err != nil || n < firstKept(check, limit) {
		notFoundPage(c.w, c.Request)
		return nil
	}
	p, err := a.Store.Ping(c.Context(), check.ID, n)
	if err != nil {
		return err
	}
	if len(p.Body) == 0 {
		notFoundPage(c.w, c.Request)
		return nil
	}
	c.w.Header().Set("Content-Type", "text/plain")
	c.w.Write(p.Body)
	return nil
}
