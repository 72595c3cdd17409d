package incident

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Config is what a Reporter needs.
type Config struct {
	Process Process
	// Send are the ways to tell the operators; none: errors get a reference number
	// in the log, and that is all. They must give up by themselves when ctx ends.
	Send []Send
	// Secrets must not be in any report: keys, passwords, tokens.
	Secrets []string
	// Away tells whether an error means that the database does not answer. All of
	// those count as one error, wherever they come up.
	Away func(error) bool
	// Panicked is told of each panic that was caught, and where; nil = nobody is.
	Panicked func(where string)
	Now      func() time.Time
	// for trouble with sending: not one of Handler
	Log    *slog.Logger
	Limits Limits
}

// Send is a way to tell the operators.
type Send struct {
	// for the log
	Name string
	Do   func(context.Context, *Report) error
}

// Limits bound how much is told. Zero fields take the defaults.
type Limits struct {
	// the same error is told once in it, 10 min
	Window time.Duration
	// reports in any hour, all errors together, 20
	PerHour int
	// reports that wait, 50
	Queue int
	// different errors remembered, 200; the others count as one
	Errors int
	// pauses before a report that could not be sent is tried again: 5 s, 30 s
	Retry []time.Duration
	// for one try, 20 s
	Try time.Duration
	// for what waits when the process ends, 5 s
	Flush time.Duration
}

func (l Limits) withDefaults() Limits {
	l.Window = or(l.Window, 10*time.Minute)
	l.Try = or(l.Try, 20*time.Second)
	l.Flush = or(l.Flush, 5*time.Second)
	l.PerHour = or(l.PerHour, 20)
	l.Queue = or(l.Queue, 50)
	l.Errors = or(l.Errors, 200)
	if l.Retry == nil {
		l.Retry = []time.Duration{5 * time.Second, 30 * time.Second}
	}
	return l
}

func or[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Reporter tells the operators of errors. Its methods are safe for concurrent
// use and never wait for anything to be sent.
type Reporter struct {
	cfg   Config
	queue chan *Report
	ended chan struct{}
	stop  context.CancelFunc

	mu      sync.Mutex
	closed  bool
	windows map[string]*window
	// the reports of the last hour
	sent []time.Time
}

// window is the time in which an error is told once.
type window struct {
	end time.Time
	// what more there is to tell, as it was the last time
	last *Report
	more int
	// of the first of those
	from time.Time
	refs []string
}

// maxRefs is how many reference numbers a report of many errors names.
const maxRefs = 10

// otherErrors is the window of those beyond Limits.Errors.
const otherErrors = "others"

// NewReporter starts a Reporter. It must be closed.
func NewReporter(c Config) *Reporter {
	c.Limits = c.Limits.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	r := &Reporter{cfg: c, queue: make(chan *Report, c.Limits.Queue), ended: make(chan struct{}), stop: stop,
		windows: make(map[string]*window)}
	go r.run(ctx)
	return r
}

// Notify passes news on that are no error, whatever was told before.
func (r *Reporter) Notify(title, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enqueue(&Report{Process: r.cfg.Process, At: r.cfg.Now(), Title: title, Text: text})
}

// note takes an error, and tells it or counts it.
func (r *Reporter) note(key string, report *Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.cfg.Send) == 0 {
		return
	}
	w := r.windows[key]
	if w == nil && len(r.windows) >= r.cfg.Limits.Errors {
		key = otherErrors
		w = r.windows[key]
	}
	if w == nil {
		w = &window{}
		r.windows[key] = w
	}
	if report.At.Before(w.end) || !r.may(report.At) {
		w.count(report)
		return
	}
	r.report(w, report)
}

func (w *window) count(report *Report) {
	if w.more == 0 {
		w.from = report.At
	}
	w.more++
	w.last = report
	w.refs = append(w.refs, report.Ref)
	if len(w.refs) > maxRefs {
		w.refs = w.refs[1:]
	}
}

// may tells whether one more report is within the bound of an hour.
func (r *Reporter) may(now time.Time) bool {
	r.sent = slices.DeleteFunc(r.sent, func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	return len(r.sent) < r.cfg.Limits.PerHour
}

// report sends a report with what was counted before it, and begins a new window.
func (r *Reporter) report(w *window, report *Report) {
	report.More = w.more
	report.MoreFrom = w.from
	report.MoreRefs = w.refs
	if !r.enqueue(report) {
		report.More = 0
		report.MoreRefs = nil
		w.count(report)
		return
	}
	now := r.cfg.Now()
	*w = window{end: now.Add(r.cfg.Limits.Window)}
	r.sent = append(r.sent, now)
}

func (r *Reporter) enqueue(report *Report) bool {
	if r.closed || len(r.cfg.Send) == 0 {
		return false
	}
	select {
	case r.queue <- report:
		return true
	default:
		return false
	}
}

// sweep tells what was counted in windows that have ended, or in all of them at
// the end of the process, and forgets the rest.
func (r *Reporter) sweep(now time.Time, all bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, w := range r.windows {
		switch {
		case now.Before(w.end) && !all:
		case w.more == 0:
			delete(r.windows, key)
		case r.may(now):
			report := *w.last
			// the one that is shown
			w.more--
			w.refs = w.refs[:max(0, len(w.refs)-1)]
			r.report(w, &report)
		}
	}
}

// sweepEvery is how late a count may be told.
const sweepEvery = 15 * time.Second

func (r *Reporter) run(ctx context.Context) {
	defer close(r.ended)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			r.flush()
			return
		case <-tick.C:
			r.sweep(r.cfg.Now(), false)
		case report := <-r.queue:
			r.send(ctx, report)
		}
	}
}

// Close tells what waits, for a few seconds at most. What comes later is not told.
func (r *Reporter) Close() {
	r.stop()
	<-r.ended
}

func (r *Reporter) flush() {
	r.sweep(r.cfg.Now(), true)
	r.mu.Lock()
	r.closed = true
	close(r.queue)
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), r.cfg.Limits.Flush)
	defer cancel()
	for report := range r.queue {
		if ctx.Err() != nil {
			r.cfg.Log.Warn("error reports were not sent before the end", "count", len(r.queue)+1)
			return
		}
		r.sendOnce(ctx, report, r.cfg.Send)
	}
}

// send tells a report every way there is, again after a pause where it fails.
func (r *Reporter) send(ctx context.Context, report *Report) {
	left := r.sendOnce(context.WithoutCancel(ctx), report, r.cfg.Send)
	for _, pause := range r.cfg.Limits.Retry {
		if len(left) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			// the end: one more try
		case <-time.After(pause):
		}
		left = r.sendOnce(context.WithoutCancel(ctx), report, left)
		if ctx.Err() != nil {
			return
		}
	}
}

// sendOnce returns the ways that failed.
func (r *Reporter) sendOnce(ctx context.Context, report *Report, ways []Send) (failed []Send) {
	for _, way := range ways {
		ctx, cancel := context.WithTimeout(ctx, r.cfg.Limits.Try)
		err := Catch("error reports", func() error { return way.Do(ctx, report) })
		cancel()
		if err != nil {
			r.cfg.Log.Warn("an error report was not sent", "to", way.Name, "ref", report.Ref, "error", err)
			failed = append(failed, way)
		}
	}
	return failed
}
