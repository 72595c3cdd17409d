package incident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/logs"
)

// requestLine is the text of the one line about each request.
const requestLine = "request"

// The attributes of a line of the log that mean something here.
const (
	errorKey = "error"
	refKey   = "ref"
	routeKey = "route"
	stackKey = "stack"
)

// Handler is next with reports: each line at the level of an error gets the
// reference number of its request, or one of its own, as "ref", that of a panic
// its "stack"; and the Reporter is told. Lines about work that was cancelled are
// passed on as they are.
func (r *Reporter) Handler(next slog.Handler) slog.Handler {
	return &handler{Handler: next, reporter: r}
}

type handler struct {
	slog.Handler
	reporter *Reporter
	// given to With
	attrs []slog.Attr
}

// WithAttrs keeps the attributes for reports.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{Handler: h.Handler.WithAttrs(attrs), reporter: h.reporter, attrs: append(slices.Clip(h.attrs), attrs...)}
}

// WithGroup is of no use for reports: what stands in a group is not in them.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{Handler: h.Handler.WithGroup(name), reporter: h.reporter, attrs: h.attrs}
}

// Handle passes the line on and reports it.
func (h *handler) Handle(ctx context.Context, line slog.Record) error {
	if line.Level < slog.LevelError {
		return h.Handler.Handle(ctx, line)
	}
	e := h.read(line)
	away := e.err != nil && h.reporter.cfg.Away != nil && h.reporter.cfg.Away(e.err)
	switch {
	case errors.Is(e.err, context.Canceled),
		// whoever wanted it has gone
		// full, not broken
		errs.KindOf(e.err) == errs.Unavailable && !away,
		// an answer that was meant to say so: /status/
		e.err == nil && visitOf(ctx) != nil:
		return h.Handler.Handle(ctx, line)
	}
	line = line.Clone()
	switch {
	case visitOf(ctx) != nil:
		// the line has it as the id of the request
		e.ref = logs.EventOf(ctx).ID
	default:
		e.ref = logs.NewID()
		line.AddAttrs(slog.String(refKey, e.ref))
	}
	var p *Panic
	if errors.As(e.err, &p) {
		line.AddAttrs(slog.String(stackKey, stackText(p.frames)))
		if h.reporter.cfg.Panicked != nil {
			h.reporter.cfg.Panicked(p.Where)
		}
	}
	h.reporter.note(e.key(p, away), h.report(ctx, e, p, away))
	return h.Handler.Handle(ctx, line)
}

// entry is a line of the log, taken apart.
type entry struct {
	slog.Record
	err        error
	ref, route string
	facts      []Fact
}

func (h *handler) read(line slog.Record) *entry {
	e := &entry{Record: line}
	take := func(a slog.Attr) bool {
		value := a.Value.Resolve()
		switch a.Key {
		case errorKey:
			e.err, _ = value.Any().(error)
			if e.err == nil {
				e.facts = append(e.facts, Fact{a.Key, value.String()})
			}
		case routeKey:
			e.route = value.String()
		default:
			e.facts = append(e.facts, Fact{a.Key, value.String()})
		}
		return true
	}
	for _, a := range h.attrs {
		take(a)
	}
	line.Attrs(take)
	return e
}

// key is the same for the same kind of error at the same place.
func (e *entry) key(p *Panic, away bool) string {
	switch {
	case away:
		return "away"
	case p != nil:
		return "panic " + place(p.frames)
	}
	f, _ := runtime.CallersFrames([]uintptr{e.PC}).Next()
	l, ok := errors.AsType[*located](e.err)
	if ok {
		f = l.frames[0]
	}
	return fmt.Sprint(f.File, ":", f.Line, " ", e.route, " ", kind(e.err))
}

// kind names the sort of an error: the type of its innermost cause, and the code
// of the database where it has one.
func kind(err error) string {
	if err == nil {
		return "none"
	}
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		return "SQLSTATE " + coded.SQLState()
	}
	for {
		var inner error
		switch wrapped := err.(type) { //nolint:errorlint // each link of the chain is looked at
		case interface{ Unwrap() error }:
			inner = wrapped.Unwrap()
		case interface{ Unwrap() []error }:
			all := wrapped.Unwrap()
			if len(all) > 0 {
				inner = all[0]
			}
		}
		if inner == nil {
			return fmt.Sprintf("%T", err)
		}
		err = inner
	}
}

// report is the report of a line, without secrets.
func (h *handler) report(ctx context.Context, e *entry, p *Panic, away bool) *Report {
	c := &h.reporter.cfg
	secrets := c.Secrets
	r := &Report{Process: c.Process, At: c.Now(), Ref: e.ref}
	v := visitOf(ctx)
	if v != nil {
		r.Request = newRequest(v, e.route)
		user := logs.EventOf(ctx).User
		if user != uuid.Nil {
			r.Request.User = user.String()
		}
		secrets = append(slices.Clip(secrets), secretsOf(v.request)...)
	}
	clean := newScrubber(secrets)
	r.Title = clean.text(e.Message)
	if e.err != nil {
		r.Error = clean.text(e.err.Error())
	}
	if e.Message == requestLine {
		r.Title = "A request failed"
	}
	var stack []runtime.Frame
	switch l, ok := errors.AsType[*located](e.err); {
	case p != nil:
		stack = p.frames
		r.Title = "Panic: " + r.Title
	case ok:
		stack = l.frames
	default:
		stack = outside()
	}
	if away {
		r.Title = "The database does not answer: " + r.Title
	}
	r.Place = place(stack)
	r.Stack = clean.known.Replace(stackText(stack))
	if r.Request != nil {
		r.Title += " (" + r.Request.Method + " " + clean.known.Replace(r.Request.path()) + ")"
		r.Request.URL = clean.known.Replace(r.Request.URL)
		for i, header := range r.Request.Headers {
			r.Request.Headers[i] = clean.known.Replace(header)
		}
	}
	for _, f := range e.facts {
		switch {
		case r.Request != nil && (f.Name == "method" || f.Name == "user"):
			// is there already
		case slices.Contains(harmless, f.Name):
			r.Facts = append(r.Facts, f)
		default:
			r.Facts = append(r.Facts, Fact{f.Name, clean.text(f.Value)})
		}
	}
	return r
}

// harmless are facts whose values open nothing: the ids among them are to be
// looked up.
var harmless = []string{"channel", "delivery", "kind", "project", "user"}

// outside is the stack of whoever wrote the line.
func outside() []runtime.Frame {
	list := frames(3)
	for len(list) > 1 && (strings.HasPrefix(list[0].Function, "log/slog.") ||
		strings.HasPrefix(list[0].Function, "punctual/internal/incident.(*handler)") ||
		strings.HasPrefix(list[0].Function, "punctual/internal/logs.(*Outage)")) {
		list = list[1:]
	}
	return list
}
