// Package projectmetrics lets a Prometheus server scrape the checks of a project
// (docs/contract.md §4). The metrics of Punctual itself are another thing.
package projectmetrics

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/store"
)

// Deps is what the metrics stand on.
type Deps struct {
	Store *store.Store
	// HashKey is the stored form of an API key (docs/contract.md §2.2).
	HashKey func(ctx context.Context, key string) (string, error)
}

type server struct{ Deps }

// keyLength is the length of every API key, old and new (docs/contract.md §2.2).
const keyLength = 32

// New returns the handler of the addresses under which a scrape may ask. The
// route names the project {project} and the key {key}, or has no key: then it is
// to be in the Authorization header.
func New(d Deps) http.Handler { return &server{d} }

// ServeHTTP answers 401 to a request without a key, 400 to what cannot be one,
// and 403 to a key that is not the read-only key of the project.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	project, err := uuid.Parse(chi.URLParam(r, "project"))
	if err != nil {
		refuse(w, http.StatusNotFound, "there is no such project")
		return
	}
	key := chi.URLParam(r, "key")
	if key == "" {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "the read-only API key of the project is missing: send it as bearer token")
			return
		}
		key = strings.TrimSpace(token)
	}
	if len(key) != keyLength {
		refuse(w, http.StatusBadRequest, "this is not an API key: those have 32 characters")
		return
	}
	switch opens, err := s.opens(r, project, key); {
	case err != nil:
		s.fail(w, r, err)
	case !opens:
		refuse(w, http.StatusForbidden, "this is not the read-only API key of the project")
	default:
		s.scrape(w, r, project)
	}
}

// opens tells whether key is the read-only key of the project.
func (s *server) opens(r *http.Request, project uuid.UUID, key string) (bool, error) {
	stored, err := s.HashKey(r.Context(), key)
	if err != nil {
		return false, err
	}
	p, readonly, err := s.Store.ProjectByAPIKey(r.Context(), stored)
	// a key of the time before they were hashed
	if errs.KindOf(err) == errs.NotFound {
		p, readonly, err = s.Store.ProjectByAPIKey(r.Context(), key)
	}
	if errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	return err == nil && readonly && p.ID == project, err
}

func (s *server) scrape(w http.ResponseWriter, r *http.Request, project uuid.UUID) {
	checks, err := s.Store.MetricsOf(r.Context(), project)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	err = write(incident.WithoutTimeout(r.Context()), w, checks, s.Store.Reading())
	// too late to say so: the client sees that the answer is cut
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	logs.EventOf(r.Context()).Err = incident.Here(1, err)
	status := http.StatusInternalServerError
	text := "the metrics could not be read"
	err = db.Calm(err)
	if errs.KindOf(err) == errs.Unavailable {
		status = http.StatusServiceUnavailable
		text = errs.Message(err)
		w.Header().Set("Retry-After", strconv.Itoa(int(errs.RetryAfterOf(err).Seconds())))
	}
	refuse(w, status, text)
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(text + "\n"))
}
