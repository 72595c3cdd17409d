package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/web/intake"
)

// keyLength is the length of every API key, old and new (docs/contract.md §2.2).
const keyLength = 32

// operation is what an address does: it answers, or returns the error that is
// answered (see fail).
type operation func(c *call) error

// unknownLimit is how many bytes of a body are read for those whose headers open
// nothing: the key may be in the body, and a check with all its texts is smaller.
const unknownLimit = 256 << 10

// read lets read-write and read-only keys in.
func (a *api) read(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.authenticated(w, r, a.open(r.Context(), apiKey(r, nil)), true, nil, op)
	}
}

// remove lets read-write keys in; the body is not read.
func (a *api) remove(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.authenticated(w, r, a.open(r.Context(), apiKey(r, nil)), false, nil, op)
	}
}

// write lets read-write keys in, which may be in the JSON body. What is wrong with
// the body is told before what is wrong with the key. But a key in the headers is
// looked up first: a long body is read only for whom one lets in.
func (a *api) write(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		found := a.open(r.Context(), apiKey(r, nil))
		limit := bodyLimit(r, found.err == nil && !found.readonly)
		b, err := readBody(w, r, limit)
		if err != nil {
			a.failBody(w, r, limit, err)
			return
		}
		key := apiKey(r, b)
		if key != found.key {
			found = a.open(r.Context(), key)
		}
		a.authenticated(w, r, found, false, b, op)
	}
}

// apiKey is the key of a request: the header X-Api-Key wins over the body of a
// POST, and `Authorization: Bearer` counts where neither is there
// (docs/contract.md §6).
func apiKey(r *http.Request, b body) string {
	sent, found := r.Header["X-Api-Key"]
	if found {
		return sent[0]
	}
	if _, found := b["api_key"]; found {
		return b.key()
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// opened is what a key opens.
type opened struct {
	key      string
	project  *monitor.Project
	readonly bool
	// of kind errs.NotFound where it opens nothing
	err error
}

// errNoKey is the error of what cannot be a key.
var errNoKey = errs.NotFoundf("this is not a key")

// open looks up what the key opens.
func (a *api) open(ctx context.Context, key string) opened {
	if len(key) != keyLength {
		return opened{key: key, err: errNoKey}
	}
	project, readonly, err := a.projectByKey(ctx, key)
	// a key of the time before they were hashed
	if errs.KindOf(err) == errs.NotFound {
		project, readonly, err = a.Store.ProjectByAPIKey(ctx, key)
	}
	return opened{key, project, readonly, err}
}

func (a *api) authenticated(w http.ResponseWriter, r *http.Request, found opened, readonlyOK bool, b body, op operation) {
	err := found.err
	switch {
	case errors.Is(err, errNoKey):
		a.error(w, http.StatusUnauthorized, "missing api key")
	case errs.KindOf(err) == errs.NotFound, err == nil && found.readonly && !readonlyOK:
		a.error(w, http.StatusUnauthorized, "wrong api key")
	case err != nil:
		a.fail(w, r, err)
	default:
		logs.EventOf(r.Context()).Project = found.project.ID
		c := &call{Request: r, w: w, project: found.project, readonly: found.readonly, version: chi.URLParam(r, "version"), body: b}
		if err := op(c); err != nil {
			a.fail(w, r, incident.From(op, err))
		}
	}
}

func (a *api) projectByKey(ctx context.Context, key string) (p *monitor.Project, readonly bool, err error) {
	stored, err := a.HashKey(ctx, key)
	if err != nil {
		return nil, false, err
	}
	return a.Store.ProjectByAPIKey(ctx, stored)
}

// body is the JSON object of a request, its values not yet looked at.
type body map[string]json.RawMessage

// bodyLimit is how many bytes of the body are read. What says that it is longer
// than anybody's is refused with that limit.
func bodyLimit(r *http.Request, mayWrite bool) int64 {
	if mayWrite || r.ContentLength > intake.DefaultLimit {
		return intake.DefaultLimit
	}
	return unknownLimit
}

// readBody reads the JSON object that was sent: a body of more than limit bytes,
// one that takes long, or one for which there is no room is refused.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (body, error) {
	raw, err := intake.Read(w, r, limit)
	switch {
	case errors.Is(err, intake.ErrTooLarge), errors.Is(err, intake.ErrTooSlow), errors.Is(err, intake.ErrFull):
		return nil, err
	case err != nil:
		return nil, errs.Invalidf("", "could not parse request body").Because(err)
	}
	return parseBody(raw)
}

// failBody answers a body that could not be read, of which limit bytes would have
// been.
func (a *api) failBody(w http.ResponseWriter, r *http.Request, limit int64, err error) {
	switch {
	case errors.Is(err, intake.ErrTooLarge):
		a.error(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request body is larger than %d bytes", limit))
	case errors.Is(err, intake.ErrTooSlow):
		a.error(w, http.StatusRequestTimeout, "the request body took too long to arrive")
	default:
		a.fail(w, r, err)
	}
}

// key is the field api_key; a number counts by its digits (docs/conformance.md §2).
func (b body) key() string {
	raw := b["api_key"]
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}
