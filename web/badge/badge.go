// Package badge serves the status of checks as small pictures for READMEs and
// wikis, and as JSON (docs/contract.md §3): of one check, of all checks with a
// tag, of a whole project. Their addresses are their own permission. What a
// status is, monitor says.
package badge

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

// Deps is what badges stand on.
type Deps struct {
	Store *store.Store
	Links Links
	// of the badge over a whole project
	Label string
	Log   *slog.Logger
}

type server struct {
	Deps
	reader *reader
}

// New returns the handler of /badge/… and /b/…, which sees these paths in whole.
func New(d Deps) http.Handler {
	return &server{d, &reader{store: d.Store, reads: make(map[string]*read)}}
}

// ServeHTTP answers what is the same for all badges: who may read them from
// where, that nobody keeps them, and methods that are not there (docs/conformance.md
// §12). GitHub's image proxy keeps pictures that do not forbid it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "max-age=0, no-cache, no-store, must-revalidate, private")
	h.Set("Expires", time.Unix(0, 0).UTC().Format(http.TimeFormat))
	if r.Method == http.MethodPost {
		page(w, http.StatusForbidden, "A badge can only be read.")
		return
	}
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", "X-Api-Key")
	h.Set("Access-Control-Allow-Methods", "GET, OPTIONS")
	h.Set("Access-Control-Max-Age", "600")
	switch r.Method {
	case http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case http.MethodGet:
		s.get(w, r)
	default:
		empty(w, http.StatusMethodNotAllowed)
	}
}

func (s *server) get(w http.ResponseWriter, r *http.Request) {
	path, format, ok := text.CutLast(r.URL.Path, ".")
	if !ok || !slices.Contains(Formats(), format) {
		empty(w, http.StatusNotFound)
		return
	}
	find := s.ofProject
	if rest, ok := strings.CutPrefix(path, "/b/"); ok {
		find = s.ofCheck
		path = rest
	} else {
		path = strings.TrimPrefix(path, "/badge/")
	}
	b, err := find(r, path)
	h := w.Header()
	switch {
	case err == errNoSuchCheck: //nolint:errorlint // our own value, returned as it is
		for _, name := range []string{"Origin", "Headers", "Methods"} {
			w.Header().Del("Access-Control-Allow-" + name)
		}
		w.Header().Del("Access-Control-Max-Age")
		page(w, http.StatusNotFound, "There is no such badge.")
	case errs.KindOf(err) == errs.NotFound:
		empty(w, http.StatusNotFound)
	case err != nil:
		logs.EventOf(r.Context()).Err = incident.Here(0, err)
		status := http.StatusInternalServerError
		err = db.Calm(err)
		if errs.KindOf(err) == errs.Unavailable {
			status = http.StatusServiceUnavailable
			h.Set("Retry-After", strconv.Itoa(int(errs.RetryAfterOf(err).Seconds())))
		}
		empty(w, status)
	default:
		s.write(w, b, format)
	}
}

var (
	errNoSuchBadge = errs.NotFoundf("there is no such badge")
	errNoSuchCheck = errs.NotFoundf("there is no such check")
)

// badge is what a badge tells.
type badge struct {
	label string
	// TwoStates or ThreeStates
	states int
	// numbers of checks
	total, grace, down int
}

func (b *badge) add(status monitor.Status, n int) {
	b.total += n
	switch status {
	case monitor.StatusGrace:
		b.grace += n
	case monitor.StatusDown:
		b.down += n
	}
}

// status is the worst of the checks: down, late where the badge knows it, or
// up, which new and paused count as.
func (b *badge) status() string {
	switch {
	case b.down > 0:
		return "down"
	case b.grace > 0 && b.states == ThreeStates:
		return "late"
	default:
		return "up"
	}
}

// ofProject finds the badge of KEY/SIGNATURE or KEY/SIGNATURE/TAG. Nobody can
// tell a project that has never been from one that is empty.
func (s *server) ofProject(r *http.Request, path string) (*badge, error) {
	key, rest, _ := strings.Cut(path, "/")
	signature, escaped, tagged := strings.Cut(rest, "/")
	tag := Project
	if tagged {
		tag = escaped
		// The server has decoded the path once. Whoever has encoded the tag only
		// once is done: then the tag may hold slashes, and what looks like %XX.
		twice, err := url.PathUnescape(escaped)
		if err == nil && s.Links.signed(signature, key, twice) {
			tag = twice
		}
	}
	if !s.Links.signed(signature, key, tag) {
		return nil, errNoSuchBadge
	}
	counts, err := s.reader.counts(r.Context(), key)
	if err != nil {
		return nil, err
	}
	b := &badge{label: tag, states: statesOf(signature)}
	if tag == Project {
		b.label = s.Label
	}
	for _, c := range counts {
		if tag == Project || slices.Contains(strings.Fields(c.Tags), tag) {
			b.add(c.Status, c.N)
		}
	}
	return b, nil
}

// ofCheck finds the badge of STATES/KEY: of one check. Any number of states that
// is not three means two.
func (s *server) ofCheck(r *http.Request, path string) (*badge, error) {
	number, code, _ := strings.Cut(path, "/")
	states, err := strconv.ParseUint(number, 10, 64)
	key, keyErr := uuid.Parse(code)
	if err != nil || keyErr != nil || len(code) != len(uuid.Nil.String()) {
		return nil, errNoSuchCheck
	}
	check, err := s.Store.CheckByBadgeKey(r.Context(), key)
	if errs.KindOf(err) == errs.NotFound {
		return nil, errNoSuchCheck
	}
	if err != nil {
		return nil, err
	}
	b := &badge{label: check.Title(), states: TwoStates}
	if states == ThreeStates {
		b.states = ThreeStates
	}
	b.add(check.StatusAt(s.Store.Reading()), 1)
	return b, nil
}

// write sends a badge in one of Formats (docs/contract.md §3.3).
func (s *server) write(w http.ResponseWriter, b *badge, format string) {
	var body []byte
	var err error
	contentType := "application/json"
	status := b.status()
	switch format {
	case "svg":
		contentType = "image/svg+xml"
		body, err = picture{Label: b.label, Message: status, Color: colors[status].svg}.svg()
	case "json":
		body, err = json.Marshal(struct {
			Status string `json:"status"`
			Total  int    `json:"total"`
			Grace  int    `json:"grace"`
			Down   int    `json:"down"`
		}{status, b.total, b.grace, b.down})
	default:
		// https://shields.io/badges/endpoint-badge
		body, err = json.Marshal(struct {
			Schema  int    `json:"schemaVersion"`
			Label   string `json:"label"`
			Message string `json:"message"`
			Color   string `json:"color"`
		}{1, b.label, status, colors[status].shields})
	}
	if err != nil {
		s.Log.Error("badge", "error", err)
		empty(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Write(body)
}

// colors are those of the statuses (docs/contract.md §3.3).
var colors = map[string]struct{ svg, shields string }{
	"up":   {"#4c1", "success"},
	"late": {"#fe7d37", "important"},
	"down": {"#e05d44", "critical"},
}

func empty(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
}

// page is an answer for people.
func page(w http.ResponseWriter, status int, text string) {
	empty(w, status)
	w.Write([]byte(`<!doctype html><html lang="en"><title>` + strings.ToLower(http.StatusText(status)) + `</title><p>` + text +
		"</p></html>\n"))
}
