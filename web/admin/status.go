package admin

import (
	"errors"
	"log/slog"
	"net/http"

	"punctual/internal/incident"
	"punctual/web/status"
	"punctual/web/ui"
)

// statusPage shows how Punctual itself is. Superusers reach it as a page of the
// admin's, others by its address.
type statusPage struct {
	ui.BasePage
	Tab string
	*status.Dashboard
}

// StatusVisitor finds out who asks for the status. Where the database does not
// tell in time, it is nobody, and the page is what a visitor sees.
func (s *Pages) StatusVisitor(r *http.Request) status.Visitor {
	var base ui.BasePage
	var superuser bool
	err := incident.Catch("request", func() error {
		page, v, err := s.Look(r)
		if err == nil {
			base = page
			superuser = v.User != nil && v.User.IsSuperuser
		}
		return err
	})
	if err != nil {
		level := slog.LevelWarn
		_, bug := errors.AsType[*incident.Panic](err)
		if bug {
			level = slog.LevelError
		}
		s.Log.Log(r.Context(), level, "who asks for the status is not known", "error", err)
		base = ui.BasePage{Site: &s.Instance, Path: r.URL.RequestURI(), Now: s.Store.Now()}
		superuser = false
	}
	base.Nav = "admin"
	return status.Visitor{Superuser: superuser, Render: func(w http.ResponseWriter, code int, d *status.Dashboard) error {
		// "just now" is when it was looked
		base.Now = d.At
		base.Title = "Status"
		if d.Severity != "ok" {
			base.Title += ": " + d.Severity
		}
		return s.Execute(w, code, "admin/status", "layout", &statusPage{BasePage: base, Tab: "status", Dashboard: d})
	}}
}
