package ui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"punctual/internal/clientip"
	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/web/ui/live"
)

// LogRequests gives each request an id, which goes back with the answer, and
// writes one line about it when it has been answered (docs/logs.md).
func (s *Site) LogRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &logs.Event{ID: s.requestID(r)}
		tally := &db.Tally{}
		r = r.WithContext(db.WithTally(logs.WithEvent(r.Context(), e), tally))
		w.Header().Set("X-Request-Id", e.ID)
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		begin := time.Now()
		defer func() {
			took := time.Since(begin)
			status := ww.Status()
			// nothing was written: net/http answers so
			if status == 0 {
				status = http.StatusOK
			}
			stream := ww.Header().Get("Content-Type") == live.ContentType
			s.Observe.request(r, status, ww.BytesWritten(), took, stream)
			level := levelOf(r, status, stream)
			if !s.Log.Enabled(r.Context(), level) {
				return
			}
			attrs := []slog.Attr{
				slog.String("method", r.Method), slog.String("route", routeOf(r)), slog.String("path", safePath(r)), slog.Int("status", status),
				slog.Int("bytes", ww.BytesWritten()), logs.Took(took), slog.String("remote", clientip.Of(r)),
			}
			n := tally.Statements()
			if n > 0 {
				attrs = append(attrs, slog.Int("statements", n), slog.Float64("db_ms", float64(tally.Took().Microseconds())/1000))
			}
			attrs = append(attrs, identities(e)...)
			if e.Err != nil {
				attrs = append(attrs, slog.Any("error", e.Err))
			}
			s.Log.LogAttrs(r.Context(), level, "request", attrs...)
		}()
		next.ServeHTTP(ww, r)
	})
}

// requestID is the id that a trusted proxy has given the request, else a new one.
func (s *Site) requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if logs.IsID(id) && s.Proxies.Trusts(r) {
		return id
	}
	return logs.NewID()
}

// identities are who and what the request was about.
func identities(e *logs.Event) (attrs []slog.Attr) {
	if e.User != uuid.Nil {
		attrs = append(attrs, slog.String("user", e.User.String()))
	}
	if e.Project != uuid.Nil {
		attrs = append(attrs, slog.String("project", e.Project.String()))
	}
	return attrs
}

// levelOf is how much the line about a request matters. What browsers and
// probes ask for by themselves, again and again, is for debugging.
func levelOf(r *http.Request, status int, stream bool) slog.Level {
	switch {
	case status >= http.StatusInternalServerError && !errors.Is(r.Context().Err(), context.Canceled):
		// whoever asked is still there
		return slog.LevelError
	case stream, isRoutine(routeOf(r)) && status < http.StatusBadRequest:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func isRoutine(route string) bool {
	switch route {
	case "/static/*", "/favicon.ico", "/welcome/check", "/livez", "/readyz":
		return true
	}
	return strings.HasSuffix(route, "/status") || strings.HasPrefix(route, "/status/")
}

// routeOf is the pattern of the route table that the request met.
func routeOf(r *http.Request) string {
	c := chi.RouteContext(r.Context())
	if c != nil {
		return c.RoutePattern()
	}
	return ""
}

// RecoverPanics turns a panic into an error page.
func (s *Site) RecoverPanics(next http.Handler) http.Handler { return incident.Recover(s.fail, next) }

// The time a request may take, and the time in it that its session may take at
// the end: pages that cannot be had say so before their reader gives up.
const (
	answerTime = 7 * time.Second
	saveTime   = 2 * time.Second
)

// WithinTime ends what takes too long, see incident.Within.
func WithinTime(next http.Handler) http.Handler { return incident.Within(answerTime, next) }

// WithoutTimeout is the request without the bound of WithinTime.
func WithoutTimeout(r *http.Request) *http.Request {
	return r.WithContext(incident.WithoutTimeout(r.Context()))
}

// SecurityHeaders tells browsers to run nothing but our own files and, where the
// site has https and the request came by it, to come by nothing else from now on.
// Subdomains are not included: pings may have a host of their own, without https.
func (s *Site) SecurityHeaders(next http.Handler) http.Handler {
	policy := contentPolicy(s.FormTargets...)
	hsts := ""
	if s.Root.Scheme == "https" && s.HSTS > 0 {
		hsts = "max-age=" + strconv.Itoa(int(s.HSTS.Seconds()))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// addresses are secrets
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if hsts != "" && s.Proxies.Scheme(r) == "https" {
			h.Set("Strict-Transport-Security", hsts)
		}
		next.ServeHTTP(w, r)
	})
}

// contentPolicy allows forms to lead to the pages they are meant to end at,
// given by their addresses, beside our own.
func contentPolicy(formTargets ...string) string {
	forms := "'self'"
	for _, target := range formTargets {
		u, err := url.Parse(target)
		if err == nil && u.Host != "" {
			forms += " " + u.Scheme + "://" + u.Host
		}
	}
	return strings.Join([]string{
		"default-src 'self'", "img-src 'self' data:", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action " + forms,
	}, "; ")
}

// WithSession finds out who is asking, and stores what has changed in their
// session before the answer leaves. Where it is known already, it does nothing.
func (s *Site) WithSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, known := r.Context().Value(visitorKey{}).(*Visitor)
		if known {
			next.ServeHTTP(w, r)
			return
		}
		session, err := s.Sessions.Get(r, sessionCookie)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		v, err := s.visit(r.Context(), session)
		if err != nil {
			s.fail(w, r, fmt.Errorf("find the visitor: %w", err))
			return
		}
		if v.User != nil {
			logs.EventOf(r.Context()).User = v.User.ID
			logs.EventOf(r.Context()).Superuser = v.superuser()
			incident.SetEmail(r.Context(), v.User.Email)
		}
		r = WithVisitor(r, v)
		sw := &sessionWriter{ResponseWriter: w}
		sw.save = func() {
			ctx, cancel := context.WithTimeout(incident.WithoutTimeout(r.Context()), saveTime)
			defer cancel()
			if err := session.Save(r.WithContext(ctx), w); err != nil {
				s.Log.ErrorContext(ctx, "save session", "error", err, "route", routeOf(r))
			}
		}
		next.ServeHTTP(sw, r)
		sw.saveOnce()
	})
}

// sessionWriter saves the session before the first byte of the answer: later
// there is no place for its cookie.
type sessionWriter struct {
	http.ResponseWriter
	save  func()
	saved bool
}

func (w *sessionWriter) saveOnce() {
	if !w.saved {
		w.saved = true
		w.save()
	}
}

// WriteHeader saves the session first.
func (w *sessionWriter) WriteHeader(status int) {
	w.saveOnce()
	w.ResponseWriter.WriteHeader(status)
}

// Write saves the session first.
func (w *sessionWriter) Write(b []byte) (int, error) {
	w.saveOnce()
	return w.ResponseWriter.Write(b)
}

// Flush is for answers that never end.
func (w *sessionWriter) Flush() {
	w.saveOnce()
	// below us everything can
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *sessionWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// CrossOrigin refuses posts that other sites make browsers send.
func (s *Site) CrossOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	origin := hosts.Origin(s.Root)
	// a proxy may have changed the Host header
	if err := protection.AddTrustedOrigin(origin); err != nil {
		s.Log.Warn("the address of the site is no origin", "origin", origin, "error", err)
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, errs.Forbiddenf("This request came from another site. Please go back and try again."))
	}))
	return protection.Handler(next)
}
