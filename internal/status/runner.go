package status

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"punctual/internal/errs"
	"punctual/internal/text"
)

// The limits of time. A report comes in less than two seconds, whatever hangs;
// one with a costly check in it may take as long as that.
const (
	// of a check
	Timeout = 1500 * time.Millisecond
	// of a report
	Total = 1800 * time.Millisecond
	// how long a result is good for
	Keep = time.Second
)

// grace is how long a check has to say that its context ended, before it counts
// as one that did not report.
const grace = 150 * time.Millisecond

// didNotReport is the fact about a check that does not come back.
const didNotReport = "did not report in time"

// errSilent is what is wrong with a finding that says nothing.
var errSilent = errors.New("did not report: the check returned neither a fact nor an error")

// Runner runs checks and remembers their results. It is safe for concurrent use.
type Runner struct {
	entries []*entry
	now     func() time.Time
}

// NewRunner takes the checks a process has. Their names must differ: a second
// one of the same name is a mistake in the program, and panics. now is the clock
// of the results, time.Now when nil.
func NewRunner(checks []Check, now func() time.Time) *Runner {
	if now == nil {
		now = time.Now
	}
	r := &Runner{now: now}
	for _, c := range checks {
		if slices.ContainsFunc(r.entries, func(e *entry) bool { return e.check.Name == c.Name }) {
			panic("status: two checks are named " + c.Name)
		}
		if c.Title == "" {
			c.Title = c.Name
		}
		if c.Timeout <= 0 || c.Timeout > Timeout && !c.Costly {
			c.Timeout = Timeout
		}
		if c.Keep <= 0 {
			c.Keep = Keep
		}
		r.entries = append(r.entries, &entry{check: c, now: now})
	}
	return r
}

// Names lists the names of all checks, in the order they were registered.
func (r *Runner) Names() []string {
	var names []string
	for _, e := range r.entries {
		names = append(names, e.check.Name)
	}
	return names
}

// Labels lists the labels of all checks, in order of the alphabet.
func (r *Runner) Labels() []string {
	var labels []string
	for _, e := range r.entries {
		labels = append(labels, e.check.Labels...)
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

// Last is what is known without looking: the last result of each check that has
// run, however old.
func (r *Runner) Last() []Result {
	var results []Result
	for _, e := range r.entries {
		e.mu.Lock()
		if !e.last.At.IsZero() {
			results = append(results, e.last)
		}
		e.mu.Unlock()
	}
	return results
}

// Run runs the checks with a name or a label in only (all but the costly ones
// when it is empty) without those with one in skip. The report comes before
// Total has passed; what is missing by then, or when ctx ends, is an error. A
// name that is none, and a choice that leaves nothing, are errors of the kind
// errs.NotFound that list what there is.
func (r *Runner) Run(ctx context.Context, only, skip []string) (Report, error) {
	chosen, err := r.choose(only, skip)
	if err != nil {
		return Report{}, err
	}
	total := Total
	for _, e := range chosen {
		if e.check.Costly {
			total = max(total, e.check.Timeout+2*grace)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, total)
	defer cancel()
	start := time.Now()
	results := make([]Result, len(chosen))
	var wait sync.WaitGroup
	for i, e := range chosen {
		wait.Go(func() { results[i] = e.result(ctx) })
	}
	wait.Wait()
	return Report{Results: results, At: r.now(), Took: time.Since(start)}, nil
}

func (r *Runner) choose(only, skip []string) ([]*entry, error) {
	for _, word := range slices.Concat(only, skip) {
		if !slices.ContainsFunc(r.entries, func(e *entry) bool { return e.is(word) }) {
			return nil, errs.NotFoundf("there is no check %q; there are %s", word, r.list())
		}
	}
	var chosen []*entry
	for _, e := range r.entries {
		wanted := len(only) == 0 || slices.ContainsFunc(only, e.is)
		if e.check.Costly {
			wanted = slices.Contains(only, e.check.Name)
		}
		if wanted && !slices.ContainsFunc(skip, e.is) {
			chosen = append(chosen, e)
		}
	}
	if len(chosen) == 0 {
		return nil, errs.NotFoundf("no check is left to run; there are %s", r.list())
	}
	return chosen, nil
}

// list names what may be chosen, for people.
func (r *Runner) list() string {
	text := strings.Join(r.Names(), ", ")
	labels := r.Labels()
	if len(labels) > 0 {
		text += "; and the labels " + strings.Join(labels, ", ")
	}
	return text
}

// entry is a check with what is known of it.
type entry struct {
	check Check
	now   func() time.Time

	mu   sync.Mutex
	last Result
	// the run that is out, also when nobody waits for it any more; nil: none is
	flight *flight
}

// flight is one run of a check.
type flight struct {
	began time.Time
	// closed when there is a result, be it that there was no report
	landed chan struct{}
}

// is tells whether word is the name or a label of the check.
func (e *entry) is(word string) bool {
	return e.check.Name == word || slices.Contains(e.check.Labels, word)
}

// result is a fresh result of the check: one that is known, that of the run under
// way, or that of a new one. It waits no longer than ctx.
func (e *entry) result(ctx context.Context) Result {
	e.mu.Lock()
	age := e.now().Sub(e.last.At)
	if e.flight == nil && !e.last.At.IsZero() && age >= 0 && age < e.check.Keep {
		defer e.mu.Unlock()
		return e.last
	}
	if e.flight == nil {
		e.flight = &flight{began: time.Now(), landed: make(chan struct{})}
		go e.run(context.WithoutCancel(ctx), e.flight)
	}
	f := e.flight
	e.mu.Unlock()

	select {
	case <-f.landed:
	case <-ctx.Done():
		// nobody waits any more, or everything is slow
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.stamp(Failed(didNotReport, nil), time.Since(f.began))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	// still out: what is known of it goes on being true
	if e.flight == f {
		return e.note(silent(f), time.Since(f.began))
	}
	return e.last
}

// run is one run of the check. Its result is noted when it comes; when it does
// not come in time, that is noted, and f stays out until it ends.
func (e *entry) run(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, e.check.Timeout)
	defer cancel()
	reported := make(chan Finding, 1)
	go func() { reported <- look(ctx, e.check) }()
	late := time.NewTimer(e.check.Timeout + grace)
	defer late.Stop()
	select {
	case finding := <-reported:
		e.mu.Lock()
		e.flight = nil
		e.note(finding, time.Since(f.began))
		e.mu.Unlock()
		close(f.landed)
	case <-late.C:
		e.mu.Lock()
		e.note(silent(f), time.Since(f.began))
		e.mu.Unlock()
		close(f.landed)
		// too late to be believed
		<-reported
		e.mu.Lock()
		e.flight = nil
		e.mu.Unlock()
	}
}

// silent is the finding about a run that is still out.
func silent(f *flight) Finding {
	return Failed(didNotReport, fmt.Errorf("still waiting for it after %s", text.Duration(time.Since(f.began))))
}

// note keeps a finding as the last result. mu is held.
func (e *entry) note(finding Finding, took time.Duration) Result {
	e.last = e.stamp(finding, took)
	return e.last
}

// stamp makes a finding a result. mu is held.
func (e *entry) stamp(finding Finding, took time.Duration) Result {
	r := Result{Name: e.check.Name, Title: e.check.Title, Labels: e.check.Labels, Finding: finding, Took: took, At: e.now()}
	r.Since = r.At
	if !e.last.At.IsZero() && e.last.Severity == r.Severity {
		r.Since = e.last.Since
	}
	return r
}

// look runs a check and makes its finding whole.
func look(ctx context.Context, c Check) (f Finding) {
	defer func() {
		p := recover()
		if p != nil {
			f = Failed("the check itself is broken", fmt.Errorf("panic: %v%s", p, whereItPanicked()))
		}
	}()
	f = c.Run(ctx)
	if f.Fact == "" && f.Err == nil {
		return Finding{Severity: Error, Fields: f.Fields, Err: errSilent}
	}
	if f.Err != nil && f.Severity == OK || f.Severity > Error || f.Severity < OK {
		f.Severity = Error
	}
	return f
}

// whereItPanicked is " at FILE:LINE", asked in the deferred function that recovers.
func whereItPanicked() string {
	stack := make([]uintptr, 32)
	frames := runtime.CallersFrames(stack[:runtime.Callers(1, stack)])
	for panicked := false; ; {
		frame, more := frames.Next()
		if panicked && !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf(" at %s:%d", frame.File, frame.Line)
		}
		panicked = panicked || frame.Function == "runtime.gopanic"
		if !more {
			return ""
		}
	}
}
