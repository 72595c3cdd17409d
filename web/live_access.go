package web

import (
	"net/http"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// A live page is one request that lasts for minutes: whoever opened it may have
// logged out since, or may not see the project any more.

// present fails with errLogin where the visitor of a request is not logged in any
// more: the session was ended or is over, it is somebody else's by now, or the
// account, or that of the superuser who looks through its eyes, is closed.
func (s *Site) present(r *http.Request) error {
	v := visitorOf(r)
	hash := s.Sessions.Hash(v.session)
	if v.User == nil || hash == nil {
		return errLogin
	}
	row, err := s.Store.SessionByHash(r.Context(), hash)
	switch {
	case errs.KindOf(err) == errs.NotFound:
		return errLogin
	case err != nil:
		return err
	case row.UserID != v.User.ID:
		return errLogin
	}
	now, err := s.visit(r.Context(), v.session)
	switch {
	case err != nil:
		return err
	case now.User == nil, (now.admin == nil) != (v.admin == nil):
		return errLogin
	}
	v.User.IsSuperuser = now.User.IsSuperuser
	return nil
}

// access returns what fails once the visitor is not present any more, or their
// role in the project is not the one they had.
func (s *Site) access(r *http.Request, project uuid.UUID, had monitor.Role) func() error {
	return func() error {
		if err := s.present(r); err != nil {
			return err
		}
		_, role, err := s.projectByID(r, project.String())
		if err == nil && role != had {
			err = errs.Forbiddenf("What you may do in this project has changed.")
		}
		return err
	}
}

// stream keeps a page of the projects up to date, see live.serve. known is what
// the page has seen already, may whether the reader may still see it, see access.
func (s *Site) stream(w http.ResponseWriter, r *http.Request, projects []uuid.UUID, known string, may func() error, look look) error {
	return s.streams.serve(w, r, livePage{User: visitorOf(r).User.ID, Projects: projects, Known: known, Route: routeOf(r), May: may, Look: look})
}

// EndStreams ends all live pages, at once and for ever: they would keep the
// server from stopping. Browsers come back to whoever serves then.
func (s *Site) EndStreams() { s.streams.end() }
