// Package prune removes what has had its time: pings beyond the newest of each
// check, visitors' checks, records of mail, accounts nobody uses.
// The same code serves the four commands and the schedule inside `punctual up`.
//
// Everything goes in small batches, each a transaction of its own, so that
// nobody waits for a prune, and a prune that is interrupted has lost nothing.
// Several processes may prune at once.
package prune

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"punctual/internal/store"
)

// Options tune a prune. The zero value is fine.
type Options struct {
	// only look and count
	DryRun bool
	// rows per transaction; 1000
	Batch int
	// gets told of what is worth a line of its own, nil: nobody does
	Report func(line string)
	// for Users; nil: nobody is warned, and nobody removed who was not warned
	Warn *Warnings
	// for Users; nil: none
	Log *slog.Logger
}

func (o Options) batch() int {
	if o.Batch > 0 {
		return o.Batch
	}
	return 1000
}

func (o Options) report(format string, args ...any) {
	if o.Report != nil {
		o.Report(fmt.Sprintf(format, args...))
	}
}

// Removed is how many rows of a name went, or in a dry run would go.
type Removed struct {
	// "pings", "sessions"
	Name  string
	Count int64
}

// Result is what a prune has removed, also what it got done before an error.
type Result []Removed

// Total is the number of all rows.
func (r Result) Total() (n int64) {
	for _, one := range r {
		n += one.Count
	}
	return n
}

// String lists the counts: "120 pings, 3 deliveries, 0 flips, 0 unknown runs".
func (r Result) String() string {
	parts := make([]string, len(r))
	for i, one := range r {
		parts[i] = fmt.Sprintf("%d %s", one.Count, one.Name)
	}
	return strings.Join(parts, ", ")
}

func (r *Result) add(name string, n int64) {
	for i := range *r {
		if (*r)[i].Name == name {
			(*r)[i].Count += n
			return
		}
	}
	*r = append(*r, Removed{name, n})
}

// checksPerStep is how many checks Pings looks at with one statement.
const checksPerStep = 500

// Pings keeps the newest pings of each check, as many as its owner's
// ping_log_limit, and removes deliveries, flips and unknown runs from before them.
func Pings(ctx context.Context, s *store.Store, o Options) (Result, error) {
	var r Result
	for _, v := range s.StaleHistory(0, 0) {
		r.add(v.Name, 0)
	}
	for after := int64(0); ; {
		until, err := s.ChecksAfter(ctx, after, checksPerStep)
		if err != nil || until == 0 {
			return r, err
		}
		if err := removeAll(ctx, s, o, &r, s.StaleHistory(after, until)...); err != nil {
			return r, err
		}
		after = until
	}
}

// checksAge is how long a visitor's check of the welcome page lives.
const checksAge = 2 * time.Hour

// Checks removes checks older than two hours that belong to no project: the
// welcome page makes one for each visitor who wants to try one.
func Checks(ctx context.Context, s *store.Store, o Options) (Result, error) {
	var r Result
	before := s.Now().Add(-checksAge)
	oldest, err := s.OldestStaleCheck(ctx, before)
	if err != nil {
		return r, err
	}
	err = removeAll(ctx, s, o, &r, s.StaleChecks(before))
	if !oldest.IsZero() && err == nil {
		o.report("%d checks without a project, the oldest made at %s", r.Total(), oldest.Format(time.RFC3339))
	}
	return r, err
}

// emailsAge is how long records of mail are kept for support.
const emailsAge = 7 * 24 * time.Hour

// Emails removes records of mail older than seven days, and what visits leave
// behind: sessions and login tokens that have expired, old rate limits and nodes.
func Emails(ctx context.Context, s *store.Store, o Options) (Result, error) {
	var r Result
	stale := []store.Stale{s.StaleEmails(s.Now().Add(-emailsAge))}
	stale = slices.Concat(stale, s.StaleVisits(), s.StaleBlinds(), []store.Stale{s.StaleAddressChanges()})
	err := removeAll(ctx, s, o, &r, stale...)
	return r, err
}

// removeAll removes the rows in batches, or counts them, and adds to r.
func removeAll(ctx context.Context, s *store.Store, o Options, r *Result, sets ...store.Stale) error {
	for _, v := range sets {
		r.add(v.Name, 0)
		for full := true; full; {
			n, err := removeBatch(ctx, s, o, v)
			if err != nil {
				return err
			}
			r.add(v.Name, n)
			full = !o.DryRun && n == int64(o.batch())
		}
	}
	return nil
}

func removeBatch(ctx context.Context, s *store.Store, o Options, v store.Stale) (int64, error) {
	if o.DryRun {
		return s.CountStale(ctx, v)
	}
	return s.DeleteStale(ctx, v, o.batch())
}
