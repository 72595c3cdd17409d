// Package notice tells people of runs that Punctual could not hear: one mail says from
// when to when, and why, and which jobs to look at. It is no alarm, and never goes to
// those who are woken by alarms.
package notice

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"punctual/internal/logs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/store"
)

const (
	// between looks; a look that finds nothing is one small query
	every = 20 * time.Second
	// how long after the first of them was decided runs are gathered: most jobs have
	// pinged again by then
	gather = 5 * time.Minute
	// to one address at most one in that time
	pause = time.Hour
	// runs loaded at once
	batch = 5000
	// runs that are named in one mail
	named = 50
	// for one mail
	patience = time.Minute
)

// Config is what a worker needs.
type Config struct {
	Store    *store.Store
	Composer *mail.Composer
	// without a slash at the end
	SiteRoot string
	// Verdict is the path, below SiteRoot, at which who has an address says what became of
	// a run: auth.Signer.VerdictPath.
	Verdict func(run int64, verdict, address string, made time.Time) string
	Log     *slog.Logger
}

// Worker sends notices. Any number may run beside each other.
type Worker struct{ Config }

// NewWorker makes a worker.
func NewWorker(c Config) *Worker { return &Worker{c} }

// Run looks again and again until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	trouble := logs.Outage{Log: w.Log, Doing: "telling people of unknown runs", Level: slog.LevelError}
	for {
		sent, err := w.RunOnce(ctx)
		if ctx.Err() == nil {
			trouble.Note(err, time.Now())
		}
		if sent > 0 {
			w.Log.Info("people are told of runs that could not be heard", "mails", sent)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// RunOnce queues the notices that are due, and returns how many. Trouble with one of them
// does not keep the others waiting; it returns the first.
func (w *Worker) RunOnce(ctx context.Context) (sent int, err error) {
	byAddress := make(map[string][]*store.UnreportedRun)
	var done []int64
	for after, more := (*store.UnreportedRun)(nil), true; more; {
		runs, err := w.load(ctx, after)
		if err != nil {
			return 0, err
		}
		for i := range runs {
			r := &runs[i]
			after = r
			for _, to := range r.Addresses {
				byAddress[to] = append(byAddress[to], r)
			}
			if len(r.Addresses) == 0 {
				done = append(done, r.ID)
			}
		}
		more = len(runs) == batch
	}
	now := w.Store.Now()
	var failed []error
	for to, mine := range byAddress {
		// the oldest comes first
		if now.Sub(mine[0].DecidedAt) < gather {
			continue
		}
		ok, err := w.send(ctx, to, mine, now)
		if err != nil {
			failed = append(failed, err)
		}
		if ok {
			sent++
		}
	}
	if len(done) > 0 {
		failed = append(failed, w.Store.AllNotified(ctx, done))
	}
	return sent, errors.Join(failed...)
}

func (w *Worker) load(ctx context.Context, after *store.UnreportedRun) ([]store.UnreportedRun, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.Store.UnreportedRuns(ctx, after, batch)
}

// send tells one address of the runs, unless it was told of others a short time ago.
func (w *Worker) send(ctx context.Context, to string, runs []*store.UnreportedRun, now time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last, err := w.Store.LastNotice(ctx, to)
	if err != nil || now.Sub(last) < pause {
		return false, err
	}
	m, err := w.Composer.Blind(w.content(to, runs))
	if err != nil {
		return false, err
	}
	ids := make([]int64, len(runs))
	for i, r := range runs {
		ids[i] = r.ID
	}
	return w.Store.SendNotice(ctx, &m.Email, to, ids)
}

// content is what the notice says.
func (w *Worker) content(to string, runs []*store.UnreportedRun) mail.Blind {
	zone := zoneOf(to, runs)
	b := mail.Blind{Owned: mail.Owned{Account: runs[0].Owner.ID}, To: to, Runs: len(runs), Link: w.SiteRoot + "/"}
	from := runs[0].BlindFrom
	until := runs[0].BlindUntil
	var causes []string
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b *store.UnreportedRun) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	for _, r := range sorted {
		if r.BlindFrom.Before(from) {
			from = r.BlindFrom
		}
		if r.BlindUntil.After(until) {
			until = r.BlindUntil
		}
		cause := causeText(r.Cause)
		if !slices.Contains(causes, cause) {
			causes = append(causes, cause)
		}
		switch {
		case r.Check.Status == monitor.StatusDown:
			b.Down++
		case r.Check.LastPing.After(r.BlindUntil) || r.Verdict != monitor.VerdictNone:
			b.PingedSince++
		case len(b.Unknown) < named:
			b.Unknown = append(b.Unknown, w.named(to, r, zone))
		default:
			b.More++
		}
	}
	b.From = moment(from, zone)
	b.Until = moment(until, zone)
	b.Cause = strings.Join(causes, ", ")
	return b
}

// named is a run that its reader is asked about.
func (w *Worker) named(to string, r *store.UnreportedRun, zone *time.Location) mail.BlindRun {
	now := w.Store.Now()
	return mail.BlindRun{
		Name: r.Check.Title(), Project: r.Project, Due: moment(r.Due, zone),
		Link:   notify.CloakedURL(w.SiteRoot, &r.Check),
		Ran:    w.SiteRoot + w.Verdict(r.ID, string(monitor.VerdictSuccess), to, now),
		Failed: w.SiteRoot + w.Verdict(r.ID, string(monitor.VerdictFail), to, now),
	}
}

// zoneOf is that of the owner who is told, else UTC.
func zoneOf(to string, runs []*store.UnreportedRun) *time.Location {
	owner := &runs[0].Owner
	if !strings.EqualFold(owner.Email, to) {
		return time.UTC
	}
	zone, err := time.LoadLocation(owner.TZ)
	if err != nil {
		return time.UTC
	}
	return zone
}

func moment(t time.Time, zone *time.Location) string { return t.In(zone).Format("2 Jan 15:04 MST") }

// causeText says for people why pings could not be heard.
func causeText(c monitor.Cause) string {
	switch c {
	case monitor.CauseStopped, monitor.CauseKilled:
		return "Punctual was stopped or restarted"
	case monitor.CauseSuspended:
		return "the machine that Punctual runs on stood still"
	case monitor.CauseClock:
		return "the clock of the machine that Punctual runs on was set forward"
	case monitor.CauseNotAccepting:
		return "Punctual could not take connections"
	case monitor.CauseUnreachable:
		return "the public address of Punctual did not answer"
	case monitor.CauseRefused:
		return "a ping was answered with an error"
	default:
		return "nothing was heard of a process that takes pings"
	}
}
