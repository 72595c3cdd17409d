package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
)

// event is what the log says of a request; those who handle it fill it in.
type event struct {
	user uuid.UUID
	ref  string // of the error page
}

type eventKey struct{}

// eventOf is the event of the request; one that is not logged has one too.
func eventOf(r *http.Request) *event {
	if e, ok := r.Context().Value(eventKey{}).(*event); ok {
		return e
	}
	return &event{}
}

// logRequests writes one line for each request. Addresses hold secrets (ping
// URLs, login links), so the line has the route in their place. Reading is
// logged for debugging only.
func (s *Server) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &event{}
		r = r.WithContext(context.WithValue(r.Context(), eventKey{}, e))
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		begin := time.Now()
		defer func() {
			s.Observe.request(r, ww.Status(), ww.BytesWritten(), time.Since(begin), ww.Header().Get("Content-Type") == eventStream)
			level := slog.LevelDebug
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				level = slog.LevelInfo
			}
			attrs := []slog.Attr{
				slog.String("method", r.Method), slog.String("route", routeOf(r)), slog.Int("status", ww.Status()),
				slog.Int("bytes", ww.BytesWritten()), slog.Duration("took", time.Since(begin)), slog.String("ip", auth.ClientIP(r)),
			}
			if e.user != uuid.Nil {
				attrs = append(attrs, slog.String("user", e.user.String()))
			}
			if e.ref != "" {
				attrs = append(attrs, slog.String("ref", e.ref))
			}
			s.Log.LogAttrs(r.Context(), level, "request", attrs...)
		}()
		next.ServeHTTP(ww, r)
	})
}

// routeOf is the pattern of the route table that the request met.
func routeOf(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil {
		return c.RoutePattern()
	}
	return ""
}

// recoverPanics turns a panic into an error page.
func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				s.Observe.panicked()
				s.fail(w, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// securityHeaders tells browsers to run nothing but our own files (DESIGN §8).
func (s *Server) securityHeaders(next http.Handler) http.Handler {
	policy := contentPolicy(s.PushoverSubscription)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin") // addresses are secrets
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// contentPolicy allows forms to lead to the pages they are meant to end at,
// given by their addresses, beside our own.
func contentPolicy(formTargets ...string) string {
	forms := "'self'"
	for _, target := range formTargets {
		if u, err := url.Parse(target); err == nil && u.Host != "" {
			forms += " " + u.Scheme + "://" + u.Host
		}
	}
	return strings.Join([]string{
		"default-src 'self'", "img-src 'self' data:", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action " + forms,
	}, "; ")
}

// withSession finds out who is asking, and stores what has changed in their
// session before the answer leaves.
func (s *Server) withSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
			eventOf(r).user = v.User.ID
		}
		r = r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
		sw := &sessionWriter{ResponseWriter: w}
		sw.save = func() {
			if err := session.Save(r, w); err != nil {
				s.Log.Error("save session", "error", err, "route", routeOf(r))
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

func (w *sessionWriter) WriteHeader(status int) {
	w.saveOnce()
	w.ResponseWriter.WriteHeader(status)
}

func (w *sessionWriter) Write(b []byte) (int, error) {
	w.saveOnce()
	return w.ResponseWriter.Write(b)
}

// Flush is for answers that never end.
func (w *sessionWriter) Flush() {
	w.saveOnce()
	_ = http.NewResponseController(w.ResponseWriter).Flush() // below us everything can
}

// Unwrap is for http.ResponseController.
func (w *sessionWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// crossOrigin refuses posts that other sites make browsers send (STYLE row 6).
func (s *Server) crossOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	origin := s.Site.Root.Scheme + "://" + s.Site.Root.Host
	if err := protection.AddTrustedOrigin(origin); err != nil { // a proxy may have changed the Host header
		s.Log.Warn("the address of the site is no origin", "origin", origin, "error", err)
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, errs.Forbiddenf("This request came from another site. Please go back and try again."))
	}))
	return protection.Handler(next)
}
