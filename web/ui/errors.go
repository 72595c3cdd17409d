package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/logs"
	"punctual/internal/text"
	"punctual/web/ui/human"
)

// errorPage tells a visitor what went wrong.
type errorPage struct {
	BasePage
	Status  int
	Heading string
	Message string
	// how long to wait before the next try, "" = not known
	Wait string
	// to find the error in the log, "" = it is not there
	Ref string
}

// What stands for the reference number and for the message in the pages made at
// the start.
const (
	refMark     = "0REFERENCE0"
	messageMark = "0MESSAGE0"
)

// prepareErrorPages renders the pages of errors of our own once, at the start:
// when they are needed, the database may be down, or rendering itself broken.
func (s *Site) prepareErrorPages() error {
	t, err := s.pages.page("error")
	if err != nil {
		return err
	}
	s.brokenPages = map[int][]byte{}
	for _, status := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable} {
		m := &errorPage{
			BasePage: BasePage{Title: headings[status], Site: &s.Instance}, Status: status, Heading: headings[status], Message: messageMark,
			Ref: refMark,
		}
		var buf bytes.Buffer
		if err := t.ExecuteTemplate(&buf, "layout", m); err != nil {
			return fmt.Errorf("render the error page: %w", err)
		}
		s.brokenPages[status] = buf.Bytes()
	}
	return nil
}

var headings = map[int]string{
	http.StatusBadRequest:            "That does not work",
	http.StatusUnauthorized:          "Please log in",
	http.StatusForbidden:             "Not allowed",
	http.StatusNotFound:              "Nothing here",
	http.StatusMethodNotAllowed:      "Not like that",
	http.StatusConflict:              "That does not fit",
	http.StatusRequestTimeout:        "That took too long",
	http.StatusRequestEntityTooLarge: "That is too much",
	http.StatusUnsupportedMediaType:  "Not like that",
	http.StatusTooManyRequests:       "A little slower, please",
	http.StatusInternalServerError:   "Something broke",
	http.StatusServiceUnavailable:    "Not available",
}

// statusGone is for the log: the visitor has left before there was an answer,
// which ends what was being done with an error of no interest.
const statusGone = 499

// fail answers with what went wrong. Errors of no known kind stand in full in
// the log line of the request, and are reported from there; the visitor sees its
// id only.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrLogin) {
		s.askLogin(w, r)
		return
	}
	status := statusOf(db.Calm(err))
	if status >= http.StatusInternalServerError && errors.Is(r.Context().Err(), context.Canceled) {
		w.WriteHeader(statusGone)
		return
	}
	if status >= http.StatusInternalServerError {
		s.failBroken(w, r, status, err)
		return
	}
	wait := errs.RetryAfterOf(err)
	setRetryAfter(w.Header(), wait)
	message := text.Sentence(errs.Message(err))
	if message == "" {
		message = "There is no such page."
	}
	m := &errorPage{BasePage: BasePage{Title: headings[status]}, Status: status, Heading: headings[status], Message: message,
		Wait: waitWords(message, wait)}
	if err := s.Render(w, r, status, "error", m); err != nil {
		s.failBroken(w, r, http.StatusInternalServerError, err)
	}
}

// setRetryAfter tells programs to come back after wait, in whole seconds; 0 tells
// nothing.
func setRetryAfter(h http.Header, wait time.Duration) {
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
	}
}

// waitWords is wait for people: never shorter, so that the next try succeeds. It
// is "" where the message says it already.
func waitWords(message string, wait time.Duration) string {
	switch {
	case wait <= 0, strings.Contains(message, "again in "):
		return ""
	case wait < time.Minute:
		return human.Duration(wait.Truncate(time.Second) + time.Second)
	default:
		return human.Duration(wait.Truncate(time.Minute) + time.Minute)
	}
}

// failBroken answers with the page made at the start for the status; the id of
// the request is its reference number. Of an error of a known kind (something is
// not available) it says what it is.
func (s *Site) failBroken(w http.ResponseWriter, r *http.Request, status int, err error) {
	event := logs.EventOf(r.Context())
	event.Err = err
	err = db.Calm(err)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	wait := errs.RetryAfterOf(err)
	setRetryAfter(h, wait)
	message := text.Sentence(errs.Message(err))
	words := waitWords(message, wait)
	if words != "" {
		message += " You can try again in " + words + "."
	}
	w.WriteHeader(status)
	page := strings.NewReplacer(refMark, event.ID, messageMark, template.HTMLEscapeString(message))
	// the reader may have gone
	_, _ = page.WriteString(w, string(s.brokenPages[status]))
}

// askLogin leads to the login form and, after it, back to the page wanted.
func (s *Site) askLogin(w http.ResponseWriter, r *http.Request) {
	target := s.Path("/accounts/login/")
	if r.Method == http.MethodGet {
		target += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// NotFound is for addresses that are not in the route table.
func (s *Site) NotFound(w http.ResponseWriter, r *http.Request) {
	s.WithSession(s.Wrap(func(http.ResponseWriter, *http.Request) error {
		return errs.NotFoundf("There is no such page.")
	})).ServeHTTP(w, r)
}

// MethodNotAllowed is for addresses that are in the route table for another method.
func (s *Site) MethodNotAllowed(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if chi.RouteContext(r.Context()).Routes.Match(chi.NewRouteContext(), method, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	s.WithSession(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusMethodNotAllowed
		message := "This address does not take such requests: " + r.Method + "."
		allowed := w.Header().Values("Allow")
		if len(allowed) > 0 {
			message = "This address takes only " + strings.Join(allowed, " and ") + ". If you came here by reloading a page, open it anew."
		}
		if err := s.showError(w, r, status, message); err != nil {
			s.failBroken(w, r, http.StatusInternalServerError, err)
		}
	})).ServeHTTP(w, r)
}
