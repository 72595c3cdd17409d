// Package errs has the few kinds of error that the edges of Punctual (web
// pages, API, commands) can tell apart, each with a message that is safe to
// show to a visitor. Every other error is internal: it is logged in full and
// shown as a general sentence only.
package errs

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure an error is.
type Kind int

// The kinds. The edges map them to status codes; Internal is the zero value
// so that an error nobody classified is never shown.
const (
	// anything else: a bug or a broken machine
	Internal Kind = iota
	// the input is wrong; Field may name which
	Invalid
	// there is no such thing, or it is not theirs to see
	NotFound
	// known who they are, and they may not
	Forbidden
	// not known who they are
	Unauthorized
	// true at another time: already exists, changed meanwhile, limit reached
	Conflict
	// rate limit; RetryAfter says when to come back
	TooMany
	// a part we need is down or full; RetryAfter may say when to come back
	Unavailable
)

// String is the kind's name for logs.
func (k Kind) String() string {
	names := [...]string{"internal", "invalid", "not found", "forbidden", "unauthorized", "conflict", "too many", "unavailable"}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return names[k]
}

// Error is an error of a known kind. Make one with the constructors; take it
// apart with KindOf, Message, FieldOf and RetryAfterOf, which look through
// wrapping.
type Error struct {
	Kind Kind
	// for the visitor: no internals, no secrets
	Message string
	// Invalid only: the form or JSON field, or ""
	Field string
	// TooMany and Unavailable: how long to wait, 0 = not known
	RetryAfter time.Duration

	cause error
}

// Error is the message, followed by the cause where the message does not
// hold it: a text for logs. Visitors get Message(err).
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.cause.Error()
}

// Unwrap is the cause given to Because, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Because returns a copy of e that wraps cause. The cause is for logs and for
// errors.Is; Message(err) never shows it.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Invalidf says what is wrong with the named input field ("" for the input
// as a whole). The arguments become part of what the visitor reads.
func Invalidf(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// NotFoundf says what was looked for.
func NotFoundf(format string, args ...any) *Error { return newf(NotFound, format, args) }

// Forbiddenf says what may not be done.
func Forbiddenf(format string, args ...any) *Error { return newf(Forbidden, format, args) }

// Unauthorizedf says what a caller must prove to be let in.
func Unauthorizedf(format string, args ...any) *Error { return newf(Unauthorized, format, args) }

// Conflictf says what the request collides with.
func Conflictf(format string, args ...any) *Error { return newf(Conflict, format, args) }

// TooManyf says what there was too much of; retryAfter is how long to wait.
func TooManyf(retryAfter time.Duration, format string, args ...any) *Error {
	e := newf(TooMany, format, args)
	e.RetryAfter = retryAfter
	return e
}

// Unavailablef says what cannot be reached now; retryAfter is how long to
// wait, 0 when nobody can tell.
func Unavailablef(retryAfter time.Duration, format string, args ...any) *Error {
	e := newf(Unavailable, format, args)
	e.RetryAfter = retryAfter
	return e
}

func newf(kind Kind, format string, args []any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// KindOf is the kind of the outermost *Error in err's chain; Internal when
// there is none, also for nil.
func KindOf(err error) Kind {
	e, ok := errors.AsType[*Error](err)
	if ok {
		return e.Kind
	}
	return Internal
}

// Message is what a visitor may read about err. For internal errors it is a
// general sentence; for nil it is "".
func Message(err error) string {
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*Error](err)
	if ok && e.Kind != Internal {
		return e.Message
	}
	return "Something went wrong on our side. Please try again in a moment."
}

// FieldOf names the input field that err is about, or "".
func FieldOf(err error) string {
	e, ok := errors.AsType[*Error](err)
	if ok {
		return e.Field
	}
	return ""
}

// RetryAfterOf is how long a caller should wait before trying again; 0 when
// err does not say.
func RetryAfterOf(err error) time.Duration {
	e, ok := errors.AsType[*Error](err)
	if ok {
		return e.RetryAfter
	}
	return 0
}
