// Package api is the Management API, versions 1 to 3 (docs/contract.md §2). Its
// answers are fixed to the letter by docs/contract.md and docs/conformance.md;
// clients of the field depend on them.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/channel"
	"punctual/internal/checkjson"
	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/project"
	"punctual/internal/store"
)

// Deps is what the API stands on.
type Deps struct {
	Store *store.Store
	// HashKey is the stored form of an API key (docs/contract.md §2.2).
	HashKey func(ctx context.Context, key string) (string, error)
	// SITE_ROOT, without a slash at the end
	SiteURL string
	// ends with a slash
	PingEndpoint string
	// opens metrics/; "" = nothing does
	MetricsKey string
	// reads the addresses that bounces come back to
	ReturnPaths *mail.ReturnPaths
	// knows account tokens
	Auth *auth.Service
	// makes projects and keys
	Projects *project.Service
	// what the site does with channels, too
	Channels *channel.Service
	// the kinds of channels to be had
	Notifiers *notify.Registry

	// SendTest sends a test notification through a channel and waits.
	SendTest func(ctx context.Context, ch *monitor.Channel) (notify.Result, error)

	// BadgeURL is the address of the badge of a tag, or of "*" for the project,
	// with 2 or 3 states, as svg, json or shields.
	BadgeURL func(badgeKey, tag string, states int, format string) string

	// ChannelBroken tells the owner of a channel that has just been disabled
	// because of what came back later; nil = nobody is told.
	ChannelBroken func(context.Context, store.Undelivered) error

	Log *slog.Logger
}

// api answers below /api.
type api struct{ Deps }

// The parts of the addresses.
const (
	uuidPattern = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	versionPath = `/{version:v[123]}`
	checkPath   = versionPath + `/checks/{code:` + uuidPattern + `}`
	uniquePath  = versionPath + `/checks/{unique:[0-9A-Za-z]{40}}`

	// Our extensions are in version 3 only: the others stay as they always were.
	extendedPath = `/{version:v3}`
	channelPath  = extendedPath + `/channels/{channel:` + uuidPattern + `}`
	projectPath  = extendedPath + `/projects/{project:` + uuidPattern + `}`
)

// New returns the handler to mount at /api: it sees paths like /v3/checks/.
func New(d Deps) http.Handler {
	a := &api{d}
	r := chi.NewRouter()
	r.Use(a.recoverPanics)

	// Checks.
	a.route(r, versionPath+`/checks/`, endpoint{"GET": a.read(a.list), "POST": a.write(a.create)})
	r.Handle(checkPath, endpoint{"GET": a.read(a.get), "POST": a.write(a.update), "DELETE": a.remove(a.delete)})
	r.Handle(uniquePath, endpoint{"GET": a.read(a.getByUniqueKey)})
	r.Handle(checkPath+`/pause`, endpoint{"POST": a.write(a.pause)})
	r.Handle(checkPath+`/resume`, endpoint{"POST": a.write(a.resume)})

	// What happened to them.
	a.route(r, checkPath+`/pings/`, endpoint{"GET": a.remove(a.pings)})
	r.Handle(checkPath+`/pings/{n:[0-9]+}/body`, endpoint{"GET": a.remove(a.pingBody)})
	a.route(r, checkPath+`/flips/`, endpoint{"GET": a.read(a.flips)})
	a.route(r, uniquePath+`/flips/`, endpoint{"GET": a.read(a.flipsByUniqueKey)})

	a.route(r, versionPath+`/badges/`, endpoint{"GET": a.read(a.badges)})

	// Channels.
	a.route(r, `/{version:v[12]}/channels/`, endpoint{"GET": a.remove(a.channels)})
	a.route(r, extendedPath+`/channels/`, endpoint{"GET": a.remove(a.channels), "POST": a.write(a.extension(a.createChannel))})
	r.Handle(channelPath, endpoint{
		"GET": a.read(a.extension(a.channel)), "POST": a.write(a.extension(a.updateChannel)), "DELETE": a.remove(a.extension(a.deleteChannel)),
	})
	r.Handle(channelPath+`/test`, endpoint{"POST": a.write(a.extension(a.testChannel))})
	assign := a.write(a.extension(a.assignChannel))
	r.Handle(channelPath+`/checks`, endpoint{"POST": assign, "PUT": assign})

	// Projects, with a token of an account.
	a.route(r, extendedPath+`/projects/`, endpoint{"GET": a.account(a.projects), "POST": a.account(a.createProject)})
	r.Handle(projectPath, endpoint{"GET": a.account(a.project), "POST": a.account(a.updateProject), "DELETE": a.account(a.deleteProject)})
	r.Handle(projectPath+`/keys`, endpoint{"POST": a.account(a.projectKeys)})

	// Without a key of a project: any method for those who watch, POST for the
	// callbacks of providers and mail servers (docs/contract.md §5).
	a.route(r, versionPath+`/status/`, a.keyless(a.status))
	a.route(r, versionPath+`/metrics/`, a.keyless(a.metrics))
	r.Handle(versionPath+`/notifications/{code:`+uuidPattern+`}/status`, postOnly(a.keyless(a.deliveryStatus)))
	a.route(r, versionPath+`/bounces/`, postOnly(a.keyless(a.bounce)))

	r.Get(`/openapi.yaml`, a.openapi())

	r.NotFound(notFoundPage)
	return r
}

// route registers an address that ends in a slash, and the redirect for those
// who leave it away.
func (a *api) route(r chi.Router, path string, h http.Handler) {
	e, ok := h.(endpoint)
	if ok && e["GET"] != nil {
		e["GET"] = a.tagged(e["GET"])
	}
	r.Handle(path, h)
	r.HandleFunc(strings.TrimSuffix(path, "/"), addSlash)
}

// keyless answers the errors of an address that no key opens (see fail).
func (a *api) keyless(h func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err != nil {
			a.fail(w, r, incident.From(h, err))
		}
	}
}

// postOnly is an address for machines that only post; browsers have no business
// there.
func postOnly(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			empty(w, http.StatusMethodNotAllowed)
			return
		}
		h(w, r)
	}
}

// endpoint is one address: its handlers by method. It answers what is the same
// everywhere: CORS, pre-flight requests and methods that are not there
// (docs/conformance.md §1).
type endpoint map[string]http.HandlerFunc

func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods := make([]string, 0, 4)
	for _, m := range []string{"GET", "POST", "PUT", "DELETE"} {
		if e[m] != nil {
			methods = append(methods, m)
		}
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", allowedHeaders(r))
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

// allowedHeaders are the headers that a script on another site may send: the key,
// as ever, and of our extensions what its browser asks for.
func allowedHeaders(r *http.Request) string {
	allowed := "X-Api-Key"
	if r.Method != http.MethodOptions {
		return allowed
	}
	asked := strings.ToLower(strings.Join(r.Header.Values("Access-Control-Request-Headers"), ","))
	for _, extension := range []string{"Authorization", "If-None-Match"} {
		for name := range strings.SplitSeq(asked, ",") {
			if strings.EqualFold(strings.TrimSpace(name), extension) {
				allowed += ", " + extension
				break
			}
		}
	}
	return allowed
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

func (a *api) json(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		a.Log.Error("encode an API answer", "error", err)
		empty(w, http.StatusInternalServerError)
		return
	}
	sendJSON(w, status, body)
}

func sendJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// nobody else has the bytes
	k, held := w.(*keptAnswer)
	if held {
		k.body = body
		return
	}
	w.Write(body)
}

// error answers with the one text that says what is wrong. The blank after the
// colon is as Healthchecks has it: there are scripts that look for the whole.
func (a *api) error(w http.ResponseWriter, status int, text string) {
	quoted, err := json.Marshal(text)
	// not reached: any text can be encoded
	if err != nil {
		quoted = []byte(`""`)
	}
	sendJSON(w, status, fmt.Appendf(nil, `{"error": %s}`, quoted))
}

// fail answers an error of the store.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch errs.KindOf(err) {
	case errs.NotFound:
		notFoundPage(w, r)
	case errs.Forbidden, errs.Conflict:
		// another project's check; one check too many
		empty(w, http.StatusForbidden)
	case errs.Invalid:
		a.error(w, http.StatusBadRequest, errs.Message(err))
	default:
		a.broken(w, r, err)
	}
}

// broken answers an error nobody expected, and one of the database being away,
// after which clients are to come back.
func (a *api) broken(w http.ResponseWriter, r *http.Request, err error) {
	// whoever asked has gone
	if errors.Is(r.Context().Err(), context.Canceled) {
		w.WriteHeader(499)
		return
	}
	// the line of the request tells it
	event := logs.EventOf(r.Context())
	// where it is not known whose it is: who called fail or refuse
	event.Err = incident.Here(2, err)
	status := http.StatusInternalServerError
	text := "internal error"
	err = db.Calm(err)
	if errs.KindOf(err) == errs.Unavailable {
		status = http.StatusServiceUnavailable
		text = "temporarily unavailable, try again"
		retryAfter(w, err)
	}
	a.error(w, status, text+" (reference "+event.ID+")")
}

// retryAfter says when to come back, in whole seconds, where err does.
func retryAfter(w http.ResponseWriter, err error) {
	wait := errs.RetryAfterOf(err)
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
}

// recoverPanics answers a panic like any other error nobody expected.
func (a *api) recoverPanics(next http.Handler) http.Handler { return incident.Recover(a.broken, next) }

// call is one authenticated request.
type call struct {
	*http.Request
	w        http.ResponseWriter
	project  *monitor.Project
	readonly bool
	// v1, v2, v3
	version string
	// of a POST
	body body
}

// code is the check the address names.
func (c *call) code() uuid.UUID { return uuid.MustParse(chi.URLParam(c.Request, "code")) }

// ownCheck loads the check the address names: errs.NotFound when there is none,
// errs.Forbidden when it belongs to another project.
func (a *api) ownCheck(c *call) (*monitor.Check, error) {
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
func (a *api) channelIDs(ctx context.Context, check int64) ([]uuid.UUID, error) {
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

// stamp is a time as the API writes it, nil for none.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return ptr(t.UTC().Format(checkjson.TimeLayout))
}

func ptr[T any](v T) *T { return &v }
