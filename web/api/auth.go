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
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/web/intake"
)

// keyLength is the length of every API key, old and new (contract §2.2).
const keyLength = 32

type operation func(c *call)

// read lets read-write and read-only keys in.
func (a *API) read(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.authenticated(w, r, apiKey(r, nil), true, nil, op)
	}
}

// remove lets read-write keys in; the body is not read.
func (a *API) remove(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.authenticated(w, r, apiKey(r, nil), false, nil, op)
	}
}

// write reads the JSON body, before anything else, and lets read-write keys
// in, which may be in the body.
func (a *API) write(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, err := readBody(w, r)
		if err != nil {
			a.failBody(w, r, err)
			return
		}
		a.authenticated(w, r, apiKey(r, b), false, b, op)
	}
}

// apiKey is the key of a request: the header X-Api-Key wins over the body of a
// POST, and `Authorization: Bearer` counts where neither is there (contract §6).
func apiKey(r *http.Request, b body) string {
	if sent, found := r.Header["X-Api-Key"]; found {
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

func (a *API) authenticated(w http.ResponseWriter, r *http.Request, key string, readonlyOK bool, b body, op operation) {
	if len(key) != keyLength {
		a.error(w, http.StatusUnauthorized, "missing api key")
		return
	}
	project, readonly, err := a.projectByKey(r.Context(), key)
	if errs.KindOf(err) == errs.NotFound { // a key of the time before they were hashed
		project, readonly, err = a.Store.ProjectByAPIKey(r.Context(), key)
	}
	switch {
	case errs.KindOf(err) == errs.NotFound, err == nil && readonly && !readonlyOK:
		a.error(w, http.StatusUnauthorized, "wrong api key")
	case err != nil:
		a.fail(w, r, err)
	default:
		logs.EventOf(r.Context()).Project = project.ID
		op(&call{Request: r, w: w, project: project, readonly: readonly, version: chi.URLParam(r, "version"), body: b})
	}
}

func (a *API) projectByKey(ctx context.Context, key string) (p *monitor.Project, readonly bool, err error) {
	stored, err := a.HashKey(ctx, key)
	if err != nil {
		return nil, false, err
	}
	return a.Store.ProjectByAPIKey(ctx, stored)
}

// body is the JSON object of a request, its values not yet looked at.
type body map[string]json.RawMessage

// readBody reads the JSON object that was sent, before it is known who asks: a
// body of more than intake.DefaultLimit bytes, or one that takes long, is refused.
func readBody(w http.ResponseWriter, r *http.Request) (body, error) {
	raw, err := intake.Read(w, r, intake.DefaultLimit)
	switch {
	case errors.Is(err, intake.ErrTooLarge), errors.Is(err, intake.ErrTooSlow):
		return nil, err
	case err != nil:
		return nil, errs.Invalidf("", "could not parse request body").Because(err)
	}
	return parseBody(raw)
}

// failBody answers a body that could not be read.
func (a *API) failBody(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, intake.ErrTooLarge):
		a.error(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request body is larger than %d bytes", intake.DefaultLimit))
	case errors.Is(err, intake.ErrTooSlow):
		a.error(w, http.StatusRequestTimeout, "the request body took too long to arrive")
	default:
		a.fail(w, r, err)
	}
}

// key is the field api_key; a number counts by its digits (conformance §2).
func (b body) key() string {
	raw := b["api_key"]
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}
