// Package api is the Management API, versions 1 to 3 (contract §2). Its answers
// are fixed to the letter by contract.md and conformance_cases.md; clients of
// the field depend on them.
package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// Deps is what the API stands on.
type Deps struct {
	Store        *store.Store
	HashKey      func(key string) string // the stored form of an API key (contract §2.2)
	SiteURL      string                  // SITE_ROOT, without a slash at the end
	PingEndpoint string                  // ends with a slash
	Log          *slog.Logger
}

// API answers below /api.
type API struct{ Deps }

// New returns the handler to mount at /api: it sees paths like /v3/checks/.
func New(d Deps) http.Handler {
	a := &API{d}
	r := chi.NewRouter()
	const check = `/{version:v[123]}/checks/{code:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}}`
	r.Handle(`/{version:v[123]}/checks/`, endpoint{"GET": a.read(a.list), "POST": a.write(a.create)})
	r.Handle(`/{version:v[123]}/checks/{unique:[0-9A-Za-z]{40}}`, endpoint{"GET": a.read(a.getByUniqueKey)})
	r.Handle(check, endpoint{"GET": a.read(a.get), "POST": a.write(a.update), "DELETE": a.remove(a.delete)})
	r.Handle(check+`/pause`, endpoint{"POST": a.write(a.pause)})
	r.Handle(check+`/resume`, endpoint{"POST": a.write(a.resume)})
	r.Handle(`/{version:v[123]}/channels/`, endpoint{"GET": a.remove(a.channels)})
	r.Get(`/{version:v[123]}/status/`, a.status)
	for _, collection := range []string{"checks", "channels", "status"} {
		r.HandleFunc(`/{version:v[123]}/`+collection, addSlash)
	}
	r.NotFound(notFoundPage)
	return r
}

// endpoint is one address: its handlers by method. It answers what is the same
// everywhere: CORS, pre-flight requests and methods that are not there
// (conformance §1).
type endpoint map[string]http.HandlerFunc

func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods := make([]string, 0, 4)
	for _, m := range []string{"GET", "POST", "DELETE"} {
		if e[m] != nil {
			methods = append(methods, m)
		}
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", "X-Api-Key")
	h.Set("Access-Control-Allow-Methods", strings.Join(append(methods, "OPTIONS"), ", "))
	h.Set("Access-Control-Max-Age", "600")
	switch handle := e[r.Method]; {
	case r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case handle == nil:
		empty(w, http.StatusMethodNotAllowed)
	default:
		handle(w, r)
	}
}

// addSlash sends clients that leave the final slash away to the right address,
// whatever their method: several stand on it.
func addSlash(w http.ResponseWriter, r *http.Request) {
	target := r.RequestURI
	path, query, more := strings.Cut(target, "?")
	path += "/"
	if more {
		path += "?" + query
	}
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusMovedPermanently)
}

// notFoundPage is the answer to an unknown address or check: a page, without
// the CORS headers.
func notFoundPage(w http.ResponseWriter, _ *http.Request) {
	for name := range w.Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			w.Header().Del(name)
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	w.Write([]byte("<!doctype html><html lang=\"en\"><title>not found</title><p>There is nothing here.</p></html>\n"))
}

func empty(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
}

func (a *API) json(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		a.Log.Error("encode an API answer", "error", err)
		empty(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

func (a *API) error(w http.ResponseWriter, status int, text string) {
	a.json(w, status, map[string]string{"error": text})
}

// fail answers an error of the store.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch errs.KindOf(err) {
	case errs.NotFound:
		notFoundPage(w, r)
	case errs.Forbidden, errs.Conflict: // another project's check; one check too many
		empty(w, http.StatusForbidden)
	case errs.Invalid:
		a.error(w, http.StatusBadRequest, errs.Message(err))
	default:
		a.Log.Error("API request failed", "error", err, "path", r.URL.Path)
		empty(w, http.StatusInternalServerError)
	}
}

// status tells load balancers whether the database answers (contract §5).
func (a *API) status(w http.ResponseWriter, r *http.Request) {
	if err := a.Store.DB().Ping(r.Context()); err != nil {
		a.Log.Warn("the database does not answer", "error", err)
		empty(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte("OK"))
}

// call is one authenticated request.
type call struct {
	*http.Request
	w        http.ResponseWriter
	project  *monitor.Project
	readonly bool
	version  string // v1, v2, v3
	body     body   // of a POST
}

// code is the check the address names.
func (c *call) code() uuid.UUID { return uuid.MustParse(chi.URLParam(c.Request, "code")) }

// ownCheck loads the check the address names: errs.NotFound when there is none,
// errs.Forbidden when it belongs to another project.
func (a *API) ownCheck(c *call) (*monitor.Check, error) {
	check, err := a.Store.CheckByCode(c.Context(), c.code())
	if err != nil {
		return nil, err
	}
	if check.ProjectID != c.project.ID {
		return nil, errs.Forbiddenf("the check belongs to another project")
	}
	return check, nil
}

// channelIDs are the ids of a check's channels.
func (a *API) channelIDs(ctx context.Context, check int64) ([]uuid.UUID, error) {
	channels, err := a.Store.ChannelsOfCheck(ctx, check)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, 0, len(channels))
	for _, ch := range channels {
		ids = append(ids, ch.ID)
	}
	return ids, nil
}
