package logs

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/google/uuid"
)

// Event is what the log says of a request, beside what can be seen from
// outside; those who handle it fill it in. It belongs to one request and is not
// for concurrent use.
type Event struct {
	// ID names the request: in each line about it, in the X-Request-Id header of
	// the answer, and as the reference number on the page and in the mail about
	// an error.
	ID string
	// zero: nobody is logged in
	User uuid.UUID
	// Superuser is the address of the superuser who acts in the user's name, "" =
	// nobody does. It stands in each line of the request.
	Superuser string
	// zero: it is about none
	Project uuid.UUID
	// why it was answered with a status of 500 or more; nil = it was not, or nobody told
	Err error
}

type eventKey struct{}

// WithEvent makes e the event of what is done in the context.
func WithEvent(ctx context.Context, e *Event) context.Context {
	return context.WithValue(ctx, eventKey{}, e)
}

// EventOf is the event of the request, never nil. One that is not logged has
// one too, with an id.
func EventOf(ctx context.Context) *Event {
	e, ok := fromContext(ctx)
	if ok {
		return e
	}
	return &Event{ID: NewID()}
}

func fromContext(ctx context.Context) (*Event, bool) {
	if ctx == nil {
		return nil, false
	}
	e, ok := ctx.Value(eventKey{}).(*Event)
	return e, ok
}

// NewID names a request or an error for people: eight letters and digits, short
// enough to be read out, without 0 and 1, which look like letters.
func NewID() string { return strings.ToLower(rand.Text()[:8]) }

// maxID bounds the ids of others.
const maxID = 128

// IsID tells whether a text that came with a request can be its id: 1 to 128
// letters, digits and “-_.”, so that it can stand in a header, a page and a log.
func IsID(text string) bool {
	if text == "" || len(text) > maxID {
		return false
	}
	return strings.Trim(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.") == ""
}
