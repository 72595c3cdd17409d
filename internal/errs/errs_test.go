package errs_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"punctual/internal/errs"
)

func TestKindAndMessageSurviveWrapping(t *testing.T) {
	tests := []struct {
		err     error
		kind    errs.Kind
		name    string
		message string
	}{
		{errs.Invalidf("name", "%q is too long", "x"), errs.Invalid, "invalid", `"x" is too long`},
		{errs.NotFoundf("no check %d", 7), errs.NotFound, "not found", "no check 7"},
		{errs.Forbiddenf("read only"), errs.Forbidden, "forbidden", "read only"},
		{errs.Unauthorizedf("log in first"), errs.Unauthorized, "unauthorized", "log in first"},
		{errs.Conflictf("slug is taken"), errs.Conflict, "conflict", "slug is taken"},
		{errs.TooManyf(time.Minute, "slow down"), errs.TooMany, "too many", "slow down"},
		{errs.Unavailablef(time.Second, "queue is full"), errs.Unavailable, "unavailable", "queue is full"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wrapped := fmt.Errorf("saving: %w", fmt.Errorf("store: %w", tt.err))
			got := errs.KindOf(wrapped)
			if got != tt.kind {
				t.Errorf("KindOf = %v, want %v", got, tt.kind)
			}
			if got := tt.kind.String(); got != tt.name {
				t.Errorf("String = %q, want %q", got, tt.name)
			}
			if got := errs.Message(wrapped); got != tt.message {
				t.Errorf("Message = %q, want %q", got, tt.message)
			}
		})
	}
}

func TestOtherErrorsStayInternalAndHidden(t *testing.T) {
	for _, err := range []error{io.EOF, errors.New("dsn postgres://u:secret@h"), &errs.Error{Message: "secret"}} {
		got := errs.KindOf(err)
		if got != errs.Internal {
			t.Errorf("KindOf(%v) = %v, want internal", err, got)
		}
		if got := errs.Message(err); got == "" || strings.Contains(got, err.Error()) {
			t.Errorf("Message(%v) = %q, want a general sentence", err, got)
		}
	}
}

func TestNilIsNothing(t *testing.T) {
	if errs.Message(nil) != "" || errs.KindOf(nil) != errs.Internal || errs.FieldOf(nil) != "" || errs.RetryAfterOf(nil) != 0 {
		t.Error("nil must have no message, field or wait")
	}
}

func TestCauseIsForLogsOnly(t *testing.T) {
	plain := errs.NotFoundf("no such check")
	err := fmt.Errorf("loading: %w", plain.Because(io.EOF))
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
	got := errs.Message(err)
	if got != "no such check" {
		t.Errorf("Message = %q shows more than the message", got)
	}
	if got := err.Error(); got != "loading: no such check: EOF" {
		t.Errorf("Error = %q", got)
	}
	if plain.Unwrap() != nil {
		t.Error("Because changed the error it was called on")
	}
}

func TestFieldAndRetryAfter(t *testing.T) {
	got := errs.FieldOf(fmt.Errorf("form: %w", errs.Invalidf("grace", "too short")))
	if got != "grace" {
		t.Errorf("FieldOf = %q", got)
	}
	if got := errs.RetryAfterOf(fmt.Errorf("login: %w", errs.TooManyf(90*time.Second, "wait"))); got != 90*time.Second {
		t.Errorf("RetryAfterOf = %v", got)
	}
	if got := errs.Kind(42).String(); got != "kind 42" {
		t.Errorf("unknown kind prints as %q", got)
	}
}
