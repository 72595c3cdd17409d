package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"punctual/internal/incident"
	"punctual/web/status"
)

// statusPage shows how Punctual itself is. Superusers reach it as a page of the
// admin's, others by its address.
type statusPage struct {
	BasePage
	Tab string
	*status.Dashboard
}

// statusVisitor finds out who asks for the status. Where the database does not
// tell in time, it is nobody, and the page is what a visitor sees.
func (s *Server) statusVisitor(r *http.Request) status.Visitor {
	var base BasePage
	var superuser bool
	err := incident.Catch("request", func() (err error) { base, superuser, err = s.statusBase(r); return err })
	if err != nil {
		level := slog.LevelWarn
		if _, bug := errors.AsType[*incident.Panic](err); bug {
			level = slog.LevelError
		}
		s.Log.Log(r.Context(), level, "who asks for the status is not known", "error", err)
		base, superuser = BasePage{Site: &s.Site, Path: r.URL.RequestURI(), Now: s.Store.Now()}, false
	}
	base.Nav = "admin"
	return status.Visitor{Superuser: superuser, Render: func(w http.ResponseWriter, code int, d *status.Dashboard) error {
		base.Now = d.At // "just now" is when it was looked
		base.Title = "Status"
		if d.Severity != "ok" {
			base.Title += ": " + d.Severity
		}
		return s.execute(w, code, "status", "layout", &statusPage{BasePage: base, Tab: "status", Dashboard: d})
	}}
}

// statusBase is all a page says of who looks at it, which other pages learn from
// their session (withSession). The session is read, not touched.
func (s *Server) statusBase(r *http.Request) (b BasePage, superuser bool, err error) {
	session, err := s.Sessions.Get(r, sessionCookie)
	if err != nil {
		return b, false, err
	}
	v, err := s.visit(r.Context(), session)
	if err != nil {
		return b, false, fmt.Errorf("find the visitor: %w", err)
	}
	if err := s.fillBase(r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)), &b); err != nil {
		return b, false, err
	}
	return b, v.User != nil && v.User.IsSuperuser, nil
}
