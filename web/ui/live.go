package ui

import (
	"net/http"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/web/ui/live"
)

// A live page is one request that lasts for minutes: whoever opened it may have
// logged out since, or may not see the project any more.

// Present fails with ErrLogin where the visitor of a request is not logged in any
// more: the session was ended or is over, it is somebody else's by now, or the
// account, or that of the superuser who looks through its eyes, is closed.
func (s *Site) Present(r *http.Request) error {
	v := VisitorOf(r)
	hash := s.Sessions.Hash(v.Session)
	if v.User == nil || hash == nil {
		return ErrLogin
	}
	row, err := s.Store.SessionByHash(r.Context(), hash)
	switch {
	case errs.KindOf(err) == errs.NotFound:
		return ErrLogin
	case err != nil:
		return err
	case row.UserID != v.User.ID:
		return ErrLogin
	}
	now, err := s.visit(r.Context(), v.Session)
	switch {
	case err != nil:
		return err
	case now.User == nil, (now.Admin == nil) != (v.Admin == nil):
		return ErrLogin
	}
	v.User.IsSuperuser = now.User.IsSuperuser
	return nil
}

// Access returns what fails once the visitor is not Present any more, or their
// role in the project is not the one they had.
func (s *Site) Access(r *http.Request, project uuid.UUID, had monitor.Role) func() error {
	return func() error {
		if err := s.Present(r); err != nil {
			return err
		}
		_, role, err := s.ProjectByID(r, project.String())
		if err == nil && role != had {
			err = errs.Forbiddenf("What you may do in this project has changed.")
		}
		return err
	}
}

// Stream keeps a page of the projects up to date, see live.Hub.Serve. known is what
// the page has seen already, may whether the reader may still see it, see Access.
func (s *Site) Stream(w http.ResponseWriter, r *http.Request, projects []uuid.UUID, known string, may func() error, look live.Look) error {
	return s.Streams.Serve(w, r, live.Page{
		User: VisitorOf(r).User.ID, Projects: projects, Known: known, Route: routeOf(r), May: may, Look: look,
	})
}

// EndStreams ends all live pages, at once and for ever: they would keep the
// server from stopping. Browsers come back to whoever serves then.
func (s *Site) EndStreams() { s.Streams.End() }
