package ping

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/clientip"
	"punctual/internal/errs"
	"punctual/internal/incident"
	"punctual/internal/limit"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

// Handler answers ping URLs (docs/contract.md §1.1–1.6).
type Handler struct {
	store    HandlerStore
	recorder *Recorder
	prefix   string
	proxies  *clientip.Proxies
	// bytes kept of a body; negative = all
	bodyLimit int64
	// larger bodies are refused
	maxBody int64
	// for bodies, nil = no bound
	room    *limit.Bytes
	headers http.Header
	log     *slog.Logger
}

// HandlerStore is the part of the store a Handler needs.
type HandlerStore interface {
	Now() time.Time
	EnsureSlug(ctx context.Context, pingKey, slug string, configure func(*monitor.Check) error) (code uuid.UUID, created bool, err error)
}

// NewHandler serves pings below prefix ("/ping/", or "/" on a host of their
// own). Of a request body the first bodyLimit bytes are kept, 0 = all of it. What
// proxies say of the sender is kept with the ping where they are trusted.
func NewHandler(s HandlerStore, r *Recorder, prefix string, bodyLimit int, proxies *clientip.Proxies, log *slog.Logger) *Handler {
	h := &Handler{store: s, recorder: r, prefix: prefix, proxies: proxies, bodyLimit: int64(bodyLimit), log: log}
	h.maxBody = max(minMaxBody, h.bodyLimit)
	// A body that does not fit into the room is never taken, so that an operator who
	// wants very long ones has no bound.
	if bodyLimit > 0 && h.bodyLimit <= r.limits.Room/roomBodies {
		h.room = r.room
	}
	h.headers = http.Header{
		// as the field's clients know it
		"Content-Type":                {"text/html; charset=utf-8"},
		"Access-Control-Allow-Origin": {"*"},
		"Cache-Control":               {"max-age=0, no-cache, no-store, must-revalidate, private"},
		"Expires":                     {time.Unix(0, 0).UTC().Format(http.TimeFormat)},
	}
	if bodyLimit > 0 {
		h.headers["Ping-Body-Limit"] = []string{strconv.Itoa(bodyLimit)}
	} else {
		h.bodyLimit = -1
	}
	return h
}

// roomBodies is how many bodies of the largest size there is at least room for.
const roomBodies = 16

// minMaxBody is the size up to which a body is taken even where less is kept
// (docs/conformance.md §9).
const minMaxBody = 2621440

// ServeHTTP records the ping and answers when it is on disk.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer incident.Answer("ping", w, r, h.broken)
	path, ok := strings.CutPrefix(r.URL.Path, h.prefix)
	t, valid := parseTarget(path)
	if !ok || !valid {
		page(w, http.StatusNotFound, "not found", "This address is not a ping URL.")
		return
	}
	if !t.validFormat() {
		respond(w, http.StatusBadRequest, "invalid url format")
		return
	}
	created, err := h.handle(&t, r)
	switch {
	case err == nil && created:
		h.accepted(w, http.StatusCreated, "Created")
	case err == nil:
		h.accepted(w, http.StatusOK, "OK")
	default:
		h.refused(w, r, err)
	}
}

// Refusals with their answers (docs/contract.md §1.3).
var (
	errFormat  = errors.New("invalid url format")
	errRunID   = errors.New("invalid uuid format")
	errTooLong = errors.New("body too large")
)

// handle records the ping. The Recorder finds its check, which is looked up here
// only for a request that will be refused, to tell an unknown check from a bad
// request (the order of docs/contract.md §1.5), and to be made when create=1 asks
// for it.
func (h *Handler) handle(t *target, r *http.Request) (created bool, err error) {
	query := parseQuery(r.URL.RawQuery)
	held := h.hold(r)
	defer held.Release()
	rid, body, refusal := h.read(t, query, r, held)
	// It arrives with its last byte: a request may take two minutes, and until it is here
	// nobody waits for it.
	now := h.store.Now()
	if errors.Is(refusal, limit.ErrBusy) {
		h.recorder.Lost(&store.Arrival{Code: t.code, PingKey: t.pingKey, Slug: t.slug, Ping: monitor.Ping{CreatedAt: now}})
	}
	if refusal != nil {
		if err := h.find(t, query, r, now); err != nil {
			return false, err
		}
		return false, refusal
	}
	method := text.Clip(r.Method, monitor.MaxMethod)
	arrival := &store.Arrival{
		Code: t.code, PingKey: t.pingKey, Slug: t.slug,
		Ping: monitor.Ping{
			CreatedAt:  now,
			Scheme:     h.proxies.Scheme(r),
			Method:     method,
			UserAgent:  text.Clip(r.UserAgent(), monitor.MaxUserAgent),
			RemoteAddr: textOf(h.proxies.First(r)),
			RID:        rid,
			ExitStatus: t.exit,
			Body:       body,
			Kind:       t.kind,
		},
		Classify: func(f *monitor.Filter) monitor.PingKind { return monitor.ClassifyHTTP(f, t.kind, method, body) },
	}
	err = h.recorder.Record(arrival)
	if t.creates(query) && errs.KindOf(err) == errs.NotFound {
		created, err = h.create(t, r, arrival)
		if err == nil {
			err = h.recorder.Record(arrival)
		}
	}
	return created, err
}

// read returns what the request says but for the check, or why it is refused.
func (h *Handler) read(t *target, query url.Values, r *http.Request, held *limit.Held) (rid uuid.NullUUID, body []byte, refusal error) {
	if !t.validExit() {
		return rid, nil, errFormat
	}
	body, err := h.readBody(r, held)
	if err != nil {
		return rid, nil, err
	}
	rid, ok := parseRunID(query["rid"])
	if !ok {
		return rid, nil, errRunID
	}
	return rid, body, nil
}

// lookupTime bounds what is asked of the database beside the Recorder. It is as
// patient as that.
const lookupTime = 8 * time.Second

// find makes sure that there is a check.
func (h *Handler) find(t *target, query url.Values, r *http.Request, now time.Time) error {
	arrival := &store.Arrival{Code: t.code, PingKey: t.pingKey, Slug: t.slug, Ping: monitor.Ping{CreatedAt: now, Kind: t.kind}}
	err := h.recorder.Find(arrival)
	if t.creates(query) && errs.KindOf(err) == errs.NotFound {
		_, err = h.create(t, r, arrival)
	}
	return err
}

// creates tells whether a check that does not exist is to be made.
func (t *target) creates(query url.Values) bool { return !t.byCode && lastIs(query["create"], "1") }

// create makes the check of a ping that no check has been found for, and sets its
// Code. It goes on when the client goes away: a ping that has arrived counts.
func (h *Handler) create(t *target, r *http.Request, a *store.Arrival) (created bool, err error) {
	if err := h.recorder.AdmitNew(a); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), lookupTime)
	defer cancel()
	a.Code, created, err = h.store.EnsureSlug(ctx, t.pingKey, t.slug, parseSettings(r.URL.RawQuery).apply)
	return created, err
}

func lastIs(values []string, want string) bool {
	return len(values) > 0 && values[len(values)-1] == want
}

// hold is what the body will hold of the room, until its ping is recorded; nil, and
// nothing to do, where it says that it is short.
func (h *Handler) hold(r *http.Request) *limit.Held {
	if r.ContentLength >= 0 && r.ContentLength <= limit.FreeBytes {
		return nil
	}
	return h.room.Hold()
}

// readBody returns what is kept of the body, nil when it is empty. Where there is
// no room it fails with limit.ErrBusy.
func (h *Handler) readBody(r *http.Request, held *limit.Held) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > h.maxBody && h.bodyLimit >= 0 {
		return nil, errTooLong
	}
	keep := h.bodyLimit
	if keep < 0 {
		keep = 1<<63 - 1
	}
	body, err := io.ReadAll(held.Reader(r.Context(), io.LimitReader(r.Body, keep)))
	if errors.Is(err, limit.ErrBusy) {
		return nil, err
	}
	if err == nil && h.bodyLimit >= 0 {
		var rest int64
		rest, err = io.Copy(io.Discard, io.LimitReader(r.Body, h.maxBody+1-int64(len(body))))
		if int64(len(body))+rest > h.maxBody {
			return nil, errTooLong
		}
	}
	if err != nil {
		return nil, errs.Invalidf("", "the request body ended early").Because(err)
	}
	if len(body) == 0 {
		return nil, nil
	}
	return body, nil
}

func (h *Handler) accepted(w http.ResponseWriter, status int, body string) {
	header := w.Header()
	for k, v := range h.headers {
		header[k] = v
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (h *Handler) refused(w http.ResponseWriter, r *http.Request, err error) {
	switch kind := errs.KindOf(err); {
	case errors.Is(err, errFormat), errors.Is(err, errRunID):
		respond(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, store.ErrAmbiguousSlug):
		respond(w, http.StatusConflict, err.Error())
	case errors.Is(err, errTooLong):
		page(w, http.StatusBadRequest, "body too large",
			"The request body is larger than "+strconv.FormatInt(h.maxBody, 10)+
				" bytes. The ping was not recorded; send the end of the output only.")
	case kind == errs.NotFound:
		respond(w, http.StatusNotFound, "not found")
	case kind == errs.Invalid:
		respond(w, http.StatusBadRequest, errs.Message(err))
	case kind == errs.TooMany:
		w.Header().Set("Retry-After", strconv.Itoa(int(errs.RetryAfterOf(err).Seconds())))
		respond(w, http.StatusTooManyRequests, errs.Message(err))
	case kind == errs.Unavailable, errors.Is(err, limit.ErrBusy), isAway(err):
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		respond(w, http.StatusServiceUnavailable, "temporarily unavailable, send the ping again")
	case r.Context().Err() != nil:
		// the client has gone while its slug was looked up
		w.WriteHeader(499)
	default:
		h.broken(w, r, err)
	}
}

func (h *Handler) broken(w http.ResponseWriter, r *http.Request, err error) {
	id := logs.NewID()
	w.Header().Set("X-Request-Id", id)
	ctx := logs.WithEvent(incident.WithRequest(r.Context(), r), &logs.Event{ID: id})
	h.log.ErrorContext(ctx, "ping failed", append(pingAttrs(r, h.prefix, false), slog.Any("error", err))...)
	respond(w, http.StatusInternalServerError, "internal error, the ping may not have been recorded")
}

func respond(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func page(w http.ResponseWriter, status int, title, sentence string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<!doctype html><html lang="en"><meta charset="utf-8"><title>`+title+`</title><p>`+sentence+"</p></html>\n")
}

// parseQuery reads the query leniently: what cannot be read is left out. Almost
// every ping has none.
func parseQuery(raw string) url.Values {
	if raw == "" {
		return nil
	}
	// keeps what it could read
	values, _ := url.ParseQuery(raw)
	return values
}

// textOf is an address as it is kept, "" for none.
func textOf(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
