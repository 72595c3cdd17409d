// Package status looks whether Punctual itself is well: named checks, run side
// by side, each with a time limit (DESIGN §7). A check that does not report in
// time counts as failed.
package status

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"punctual/internal/errs"
	"punctual/internal/store"
)

// Check is one named look at a part of Punctual. Run returns a short fact when
// the part is well ("12 ms"), else an error; both are for the operator.
type Check struct {
	Name string
	Run  func(ctx context.Context) (fact string, err error)
}

// Result is how one check went.
type Result struct {
	Name string
	Fact string
	Err  error // nil = well
	Took time.Duration
}

// Timeout bounds each check.
const Timeout = 5 * time.Second

// errNoReport is the result of a check that does not come back.
var errNoReport = errors.New("did not report in time")

// Run runs the checks side by side and returns their results in order.
func Run(ctx context.Context, checks []Check) []Result {
	results := make([]Result, len(checks))
	done := make(chan struct{}, len(checks))
	for i, c := range checks {
		go func() {
			results[i] = runOne(ctx, c)
			done <- struct{}{}
		}()
	}
	for range checks {
		<-done
	}
	return results
}

func runOne(ctx context.Context, c Check) Result {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	start := time.Now()
	out := make(chan Result, 1) // a check that never returns is left behind
	go func() {
		fact, err := c.Run(ctx)
		out <- Result{Name: c.Name, Fact: fact, Err: err}
	}()
	var r Result
	select {
	case r = <-out:
	case <-ctx.Done():
		r = Result{Name: c.Name, Err: errNoReport}
	}
	r.Took = time.Since(start)
	return r
}

// Select returns the checks named in only (all when it is empty) without those
// in skip. An unknown name, or nothing left, is an error that lists the names
// there are.
func Select(checks []Check, only, skip []string) ([]Check, error) {
	var names []string
	for _, c := range checks {
		names = append(names, c.Name)
	}
	for _, name := range slices.Concat(only, skip) {
		if !slices.Contains(names, name) {
			return nil, errs.Invalidf("", "there is no check %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	chosen := slices.DeleteFunc(slices.Clone(checks), func(c Check) bool {
		return len(only) > 0 && !slices.Contains(only, c.Name) || slices.Contains(skip, c.Name)
	})
	if len(chosen) == 0 {
		return nil, errs.Invalidf("", "no check is left to run; there are %s", strings.Join(names, ", "))
	}
	return chosen, nil
}

// Checks are the checks of Punctual. open returns the database; it is called
// by each check that needs it, so that the others report when it is away.
func Checks(open func(context.Context) (*store.Store, error), migrations fs.FS) []Check {
	with := func(f func(context.Context, *store.Store) (string, error)) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			s, err := open(ctx)
			if err != nil {
				return "", err
			}
			return f(ctx, s)
		}
	}
	return []Check{
		{"database", with(database)},
		{"migrations", with(func(ctx context.Context, s *store.Store) (string, error) { return schema(ctx, s, migrations) })},
		{"sendalerts", with(sendalerts)},
	}
}

func database(ctx context.Context, s *store.Store) (string, error) {
	start := time.Now()
	if err := s.DB().Ping(ctx); err != nil {
		return "", fmt.Errorf("does not answer: %w", err)
	}
	return fmt.Sprintf("%s answers in %s", s.DB().Engine, time.Since(start).Round(time.Microsecond)), nil
}

func schema(ctx context.Context, s *store.Store, migrations fs.FS) (string, error) {
	status, err := s.DB().SchemaStatus(ctx, migrations)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("version %d", status.Current), status.Check()
}

func sendalerts(ctx context.Context, s *store.Store) (string, error) {
	alive, err := s.AlertsAlive(ctx)
	if err != nil {
		return "", err
	}
	if !alive {
		return "", fmt.Errorf("no process that sends alerts has been seen for %s: start `punctual sendalerts`", store.NodeTimeout)
	}
	return "alive", nil
}
