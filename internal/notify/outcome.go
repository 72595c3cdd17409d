package notify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"punctual/internal/text"
)

// Class says what a failed attempt means for the delivery and for the channel.
type Class int

// The classes of failures.
const (
	// Later: it may work another time, as after a timeout or with a status of 5xx.
	Later Class = iota
	// Reject: the other side does not want this message; the channel is fine.
	Reject
	// Dead: nothing will ever go through the channel as it is. It is to be disabled.
	Dead
	// Operator: something of this site is wrong, such as its application token. The
	// delivery is given up, and no channel is to be disabled for it.
	Operator
)

// Away says what an attempt has found not to work, whatever its message was about.
type Away int

// What may be away.
const (
	// NotAway: only this message is known not to have arrived.
	NotAway Away = iota
	// DestinationAway: nothing arrives at the destination of the channel at present.
	DestinationAway
	// KindAway: nothing of this kind leaves this site at present, as while its mail
	// server cannot be reached.
	KindAway
)

// Error is an attempt that failed, in words that may be shown to the channel's
// owner.
type Error struct {
	// at most 200 characters
	Message string
	Class   Class
	// Later: what waits with this delivery, and comes with it when it works again
	Away Away
	// Later: the other side asked for this pause; 0 = it did not
	RetryAfter time.Duration
	// the cause, for the log; may be nil
	Err error
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Permanent tells whether the channel is to be disabled.
func (e *Error) Permanent() bool { return e.Class == Dead }

// GivenUp tells whether this delivery is not to be tried again.
func (e *Error) GivenUp() bool { return e.Class != Later }

// MaxMessage is how many characters the message of an Error may have.
const MaxMessage = 200

// ErrConfig returns the error of a channel whose configuration makes no sense:
// nothing can ever be sent through it.
func ErrConfig() *Error {
	return &Error{Message: "The settings of this integration are damaged. Please edit it.", Class: Dead}
}

// Answer is what an HTTP server answered.
type Answer struct {
	Status int
	// of the server that answered, behind all redirects; with its port where the address has one
	Host   string
	Header http.Header
	// at most 64 KiB
	Body []byte
	At   time.Time
}

// JSON decodes the body into v and tells whether that worked.
func (a *Answer) JSON(v any) bool { return json.Unmarshal(a.Body, v) == nil }

// Accepted tells whether the status says that the message was taken: 200, 201, 202
// or 204.
func (a *Answer) Accepted() bool {
	switch a.Status {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
		return true
	}
	return false
}

// Result is the part of the answer worth showing.
func (a *Answer) Result() Result {
	shown := a.Body[:min(len(a.Body), maxShown)]
	said := Said(a.Host, fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status)))
	return Result{StatusCode: a.Status, Response: text.Valid(string(shown)), Said: said}
}

// Said is the Result.Said of an answer in words from a host.
func Said(host, words string) string {
	return text.Ellipsis(text.OneLine(text.Clean(host+" "+words)), MaxMessage)
}

// Refused is the error of an answer by its status alone, to be tried again after
// the pause the server asked for.
func (a *Answer) Refused() *Error {
	e := &Error{Message: fmt.Sprintf("The server answered with status %d.", a.Status)}
	if a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable {
		e.RetryAfter = retryAfter(a.Header.Get("Retry-After"), a.At)
	}
	if a.Status >= http.StatusInternalServerError && e.RetryAfter == 0 {
		e.Away = DestinationAway
	}
	return e
}

// Verdict is what an answer means where a kind knows no better: nil = accepted.
//
//	2xx                            accepted
//	400, 413, 415, 422             Reject: this message is unacceptable
//	408, 425, 429, 5xx, all others Later, after the pause the server asks for
//
// 401, 403, 404, 405 and 410 are among the others: one of them alone may come from
// a proxy in between, and has cost people their channels elsewhere. A kind that
// knows such an answer by its body says Dead.
func (a *Answer) Verdict() *Error {
	if a.Status >= 200 && a.Status < 300 {
		return nil
	}
	e := a.Refused()
	switch a.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		e.Class = Reject
	case http.StatusTooManyRequests:
		e.RetryAfter = a.pause()
	}
	return e
}

// pause is how long the server asks to wait: by its header, in seconds or as a
// date, or in a JSON body as seconds (retry_after) or milliseconds
// (retry_after_ms). It is 0 where it does not ask, and at most a day.
func (a *Answer) pause() time.Duration {
	value := a.Header.Get("Retry-After")
	if value != "" {
		return retryAfter(value, a.At)
	}
	seconds, err := strconv.ParseFloat(a.Header.Get("X-RateLimit-Reset-After"), 64)
	if err == nil {
		return seconded(seconds)
	}
	var answer struct {
		Seconds      float64 `json:"retry_after"`
		Milliseconds float64 `json:"retry_after_ms"`
		Parameters   struct {
			Seconds float64 `json:"retry_after"`
		} `json:"parameters"`
	}
	if !a.JSON(&answer) {
		return 0
	}
	return seconded(max(answer.Seconds, answer.Milliseconds/1000, answer.Parameters.Seconds))
}

// seconded is a pause of so many seconds, from none to maxRetryAfter.
func seconded(seconds float64) time.Duration {
	return time.Duration(min(max(seconds, 0), maxRetryAfter.Seconds()) * float64(time.Second))
}

// retryAfter reads the header of that name: seconds or a date. It is 0 when there is
// none, and at most a day.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), maxRetryAfter)
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}

// Named puts the words of the other side into an error's message, shortened:
// "Pushover said: over quota". No words leave the message as it is.
func (e *Error) Named(who, words string) *Error {
	if words != "" {
		e.Message = text.Ellipsis(who+" said: "+words, MaxMessage)
	}
	return e
}
