package ui

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"punctual/internal/errs"
	"punctual/internal/text"
	"punctual/web/intake"
)

// StorableInput replaces what no database can keep in the address and in the
// headers of a request: see text.Clean. In a path it leads nowhere, so that such
// an address is answered like any other that is not there.
func StorableInput(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !text.Storable(r.URL.Path) {
			r.URL.Path = text.Clean(strings.ReplaceAll(r.URL.Path, "\x00", "\xff"))
			r.URL.RawPath = ""
		}
		if strings.Contains(r.URL.RawQuery, "%") || !text.Storable(r.URL.RawQuery) {
			r.URL.RawQuery = storableQuery(r.URL.RawQuery)
		}
		for _, values := range r.Header {
			for i, value := range values {
				values[i] = text.Clean(value)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// storableQuery is the query as it came, unless something in it cannot be kept.
func storableQuery(raw string) string {
	// what cannot be read is left out by everybody
	query, _ := url.ParseQuery(raw)
	clean := url.Values{}
	dirty := false
	for name, values := range query {
		for _, value := range values {
			dirty = dirty || !text.Storable(name) || !text.Storable(value)
			clean.Add(text.Clean(name), text.Clean(value))
		}
	}
	if !dirty {
		return raw
	}
	return clean.Encode()
}

const (
	// bodiesRoom is for how many bytes of bodies there is room while they are read
	// and answered, of all requests to the site and the API together.
	bodiesRoom = 64 << 20

	// bodiesWait is how long a body waits for room.
	bodiesWait = 2 * time.Second
)

// ShareRoom bounds what bodies hold of the memory, see intake.Share.
func (s *Site) ShareRoom(next http.Handler) http.Handler { return intake.Share(s.bodies, next) }

// bodyRule is what a route takes that needs more than others.
type bodyRule struct {
	// bytes, 0 = intake.DefaultLimit
	limit int64
	// forms as multipart/form-data, whose files are dropped
	files bool
	// limit is for those who are logged in, others have intake.DefaultLimit
	users bool
}

// bodyRules are the routes, as routeOf names them, that take more than a form of intake.DefaultLimit bytes
// without files. All others refuse it.
var bodyRules = map[string]bodyRule{
	// Texts longer than the limit of today may have been stored or imported, and
	// can be saved as they are.
	"/checks/{check}/name": {limit: 16 << 20, users: true},
	// Mail programs send either sort of form (RFC 8058).
	"/integrations/{channel}/unsub/{signed}": {limit: 64 << 10, files: true},
	"/accounts/unsubscribe_reports/{signed}": {limit: 64 << 10, files: true},
}

// ReadForm reads the form of a request, within the bounds of its route, before
// anything else is done for it, but for finding out who sends it where that counts.
func (s *Site) ReadForm(next http.Handler) http.Handler {
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rule := bodyRules[routeOf(r)]
		if rule.limit == 0 || rule.users && VisitorOf(r).User == nil {
			rule.limit = intake.DefaultLimit
		}
		err := intake.Form(w, r, rule.limit, rule.files)
		if err == nil {
			next.ServeHTTP(w, r)
			return
		}
		if errors.Is(err, intake.ErrFull) {
			s.fail(w, r, err)
			return
		}
		status, message := formProblem(err)
		s.WithSession(s.Wrap(func(w http.ResponseWriter, r *http.Request) error {
			return s.showError(w, r, status, message)
		})).ServeHTTP(w, r)
	})
	known := s.WithSession(read)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if bodyRules[routeOf(r)].users {
			known.ServeHTTP(w, r)
			return
		}
		read.ServeHTTP(w, r)
	})
}

// formProblem is how a form is refused that could not be read.
func formProblem(err error) (status int, message string) {
	switch {
	case errors.Is(err, intake.ErrTooLarge):
		return http.StatusRequestEntityTooLarge, "This is more than this address takes at once. Please send less."
	case errors.Is(err, intake.ErrMultipart):
		return http.StatusUnsupportedMediaType, "This address takes forms without files only (application/x-www-form-urlencoded)."
	case errors.Is(err, intake.ErrTooSlow):
		return http.StatusRequestTimeout, "The form took too long to arrive. Please try again."
	case errors.Is(err, intake.ErrParts):
		return http.StatusBadRequest, "The form has more parts than this address takes. Please send fewer."
	default:
		return http.StatusBadRequest, "The form could not be read."
	}
}

// showError renders the page of an error that has no kind of its own.
func (s *Site) showError(w http.ResponseWriter, r *http.Request, status int, message string) error {
	m := &errorPage{BasePage: BasePage{Title: headings[status]}, Status: status, Heading: headings[status], Message: message}
	return s.Render(w, r, status, "error", m)
}

// Field is the first value of a field of the form or, where it is not there,
// of the query; "" = neither has it.
func Field(r *http.Request, name string) string { return r.Form.Get(name) }

// PostedField is the first value of a field of the form; "" = it is not there.
func PostedField(r *http.Request, name string) string { return r.PostForm.Get(name) }

// PostedForm is what was sent.
func PostedForm(r *http.Request) (*Form, error) {
	if r.PostForm == nil {
		return nil, errs.Invalidf("", "The form could not be read.")
	}
	return NewForm(r.PostForm), nil
}
