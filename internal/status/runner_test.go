package status_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"punctual/internal/errs"
	"punctual/internal/status"
)

func check(name string, run func(context.Context) status.Finding) status.Check {
	return status.Check{Name: name, Run: run}
}

func finds(f status.Finding) func(context.Context) status.Finding {
	return func(context.Context) status.Finding { return f }
}

// run is a report that must come.
func run(t *testing.T, r *status.Runner, only ...string) status.Report {
	t.Helper()
	report, err := r.Run(t.Context(), only, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestWhatFindingsCount(t *testing.T) {
	cause := errors.New("cause")
	cases := map[string]struct {
		run     func(context.Context) status.Finding
		want    status.Severity
		message string
	}{
		"well":                  {finds(status.Healthy("fine")), status.OK, "fine"},
		"a warning":             {finds(status.Warn("slow")), status.Warning, "slow"},
		"a failure":             {finds(status.Failed("gone", cause)), status.Error, "gone: cause"},
		"several causes":        {finds(status.Failed("gone", errors.Join(cause, cause))), status.Error, "gone: cause; cause"},
		"a cause alone":         {finds(status.Finding{Err: cause}), status.Error, "cause"},
		"a warning and a cause": {finds(status.Finding{Severity: status.Warning, Fact: "odd", Err: cause}), status.Warning, "odd: cause"},
		"nothing":               {finds(status.Finding{}), status.Error, "did not report"},
		"figures alone":         {finds(status.Finding{Fields: []status.Field{{Name: "n", Value: 1}}}), status.Error, "did not report"},
		"no such severity":      {finds(status.Finding{Severity: 7, Fact: "?"}), status.Error, "?"},
		"a panic":               {func(context.Context) status.Finding { panic("oops") }, status.Error, "panic: oops at "},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			report := run(t, status.NewRunner([]status.Check{check("x", c.run)}, nil))
			r := report.Results[0]
			if strings.Contains(r.Message(), " at ") && !strings.Contains(r.Message(), "runner_test.go:") {
				t.Errorf("%q does not name the line", r.Message())
			}
			if r.Severity != c.want || !strings.Contains(r.Message(), c.message) {
				t.Errorf("%s, %q", r.Severity, r.Message())
			}
			if report.Severity() != c.want || report.Healthy() != (c.want != status.Error) {
				t.Errorf("the report: %s, healthy %v", report.Severity(), report.Healthy())
			}
		})
	}
}

func TestAHangingCheckFailsAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var began atomic.Int32
		r := status.NewRunner([]status.Check{
			check("hanging", func(context.Context) status.Finding { began.Add(1); <-release; return status.Healthy("late") }),
			check("obedient", func(ctx context.Context) status.Finding { <-ctx.Done(); return status.Failed("cut off", ctx.Err()) }),
			check("well", finds(status.Healthy("fine"))),
		}, nil)
		first := run(t, r)
		if first.Took > status.Total {
			t.Errorf("the report took %s", first.Took)
		}
		if r := first.Results[0]; r.Severity != status.Error || r.Fact != "did not report in time" || r.Took < status.Timeout {
			t.Errorf("hanging: %+v", r)
		}
		if r := first.Results[1]; r.Fact != "cut off" || r.Took != status.Timeout {
			t.Errorf("obedient: %+v, want it to speak for itself", r)
		}
		if r := first.Results[2]; r.Severity != status.OK || r.Took != 0 {
			t.Errorf("well: %+v", r)
		}

		time.Sleep(time.Minute) //nolint:forbidigo // of the bubble's clock: it takes no time
		again := run(t, r, "hanging")
		res := again.Results[0]
		if began.Load() != 1 || again.Took != 0 || !strings.Contains(res.Message(), "after 1 minute, 1 second") ||
			!res.Since.Equal(first.Results[0].At) {
			t.Errorf("asked again: begun %d times, took %s: %+v; want the old run to be known, since %s", began.Load(), again.Took, res,
				first.Results[0].At)
		}

		close(release)
		synctest.Wait()
		time.Sleep(status.Keep) //nolint:forbidigo // of the bubble's clock: it takes no time
		if r := run(t, r, "hanging").Results[0]; began.Load() != 2 || r.Severity != status.OK {
			t.Errorf("when the old run has ended: begun %d times, %+v", began.Load(), r)
		}
	})
}

func TestACallerWhoLeavesDoesNotSpoilTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := status.NewRunner([]status.Check{check("slow", func(ctx context.Context) status.Finding {
			select {
			case <-ctx.Done():
				return status.Failed("cut off", ctx.Err())
			case <-time.After(time.Second):
				return status.Healthy("fine")
			}
		})}, nil)
		hurry, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		report, err := r.Run(hurry, nil, nil)
		if err != nil || report.Healthy() || report.Took != 100*time.Millisecond {
			t.Errorf("in a hurry: %+v, %v", report, err)
		}
		if report := run(t, r); !report.Healthy() || report.Took != 900*time.Millisecond {
			t.Errorf("with patience: %+v, want the run under way to end well", report)
		}
	})
}

func TestManyCallersAreOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		r := status.NewRunner([]status.Check{check("x", func(context.Context) status.Finding {
			runs.Add(1)
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // of the bubble's clock: it takes no time
			return status.Healthy("fine")
		})}, nil)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { run(t, r) })
		}
		all.Wait()
		run(t, r)
		n := runs.Load()
		if n != 1 {
			t.Errorf("%d runs, want one for all who ask within a second", n)
		}
		time.Sleep(status.Keep) //nolint:forbidigo // of the bubble's clock: it takes no time
		if run(t, r); runs.Load() != 2 {
			t.Errorf("%d runs after a second, want a second one", runs.Load())
		}
	})
}

func TestSinceIsHowLongItHasBeenSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := status.Healthy("fine")
		c := check("x", func(context.Context) status.Finding { return next })
		c.Keep = time.Minute
		r := status.NewRunner([]status.Check{c}, nil)
		start := time.Now()
		for _, step := range []struct {
			f status.Finding
			// from the start
			at, since time.Duration
		}{
			{status.Healthy("fine"), 0, 0},
			{status.Failed("not looked at yet", nil), 0, 0},
			{status.Healthy("fine too"), 2 * time.Minute, 0},
			{status.Failed("gone", nil), 3 * time.Minute, 3 * time.Minute},
			{status.Failed("still gone", nil), 5 * time.Minute, 3 * time.Minute},
			{status.Warn("slow"), 6 * time.Minute, 6 * time.Minute},
		} {
			next = step.f
			time.Sleep(time.Until(start.Add(step.at))) //nolint:forbidigo // of the bubble's clock: it takes no time
			got := run(t, r).Results[0]
			if got.At.Sub(start) != step.at || got.Since.Sub(start) != step.since {
				t.Errorf("%s: at %s, since %s; want %s, %s", got.Fact, got.At.Sub(start), got.Since.Sub(start), step.at, step.since)
			}
		}
		last := r.Last()
		if len(last) != 1 || last[0].Fact != "slow" {
			t.Errorf("what is known without looking: %+v", last)
		}
	})
}

func TestCostlyChecksMayTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := check("long", func(ctx context.Context) status.Finding { <-ctx.Done(); return status.Healthy("done") })
		long.Timeout = 10 * time.Second
		costly := long
		costly.Name = "costly"
		costly.Costly = true
		r := status.NewRunner([]status.Check{long, costly}, nil)
		report := run(t, r)
		if len(report.Results) != 1 || report.Took != status.Timeout {
			t.Errorf("%+v, want the long one alone, cut short", report)
		}
		if report := run(t, r, "costly"); report.Took != 10*time.Second || !report.Healthy() {
			t.Errorf("%+v, want it to have its time", report)
		}
	})
}

func TestChoosing(t *testing.T) {
	fine := finds(status.Healthy("fine"))
	r := status.NewRunner([]status.Check{
		{Name: "a", Labels: []string{"vowel", "first"}, Run: fine},
		{Name: "b", Run: fine},
		{Name: "c", Run: fine},
		{Name: "e", Labels: []string{"vowel"}, Costly: true, Run: fine},
	}, nil)
	cases := []struct {
		only, skip []string
		// "" = an error
		want string
	}{
		{nil, nil, "a b c"},
		{[]string{"c", "a"}, nil, "a c"},
		{nil, []string{"b"}, "a c"},
		{nil, []string{"vowel"}, "b c"},
		{[]string{"vowel"}, nil, "a"},
		{[]string{"vowel", "b"}, []string{"first"}, "b"},
		{[]string{"e"}, nil, "e"},
		{[]string{"e"}, []string{"vowel"}, ""},
		{[]string{"a"}, []string{"a"}, ""},
		{[]string{"x"}, nil, ""},
		{nil, []string{"x"}, ""},
	}
	for _, c := range cases {
		report, err := r.Run(t.Context(), c.only, c.skip)
		var names []string
		for _, res := range report.Results {
			names = append(names, res.Name)
		}
		if strings.Join(names, " ") != c.want || (err == nil) != (c.want != "") {
			t.Errorf("only %v, skip %v: %v, %v", c.only, c.skip, names, err)
		}
		if err != nil && (errs.KindOf(err) != errs.NotFound || !strings.Contains(err.Error(), "a, b, c, e; and the labels first, vowel")) {
			t.Errorf("only %v, skip %v: %v does not list what there is", c.only, c.skip, err)
		}
	}
	if !slices.Equal(r.Names(), []string{"a", "b", "c", "e"}) {
		t.Errorf("names: %v", r.Names())
	}
}

func TestFieldsAreNumbersOrTexts(t *testing.T) {
	for _, c := range []struct {
		value any
		text  string
		n     float64
		ok    bool
	}{
		{7, "7", 7, true}, {int64(-1), "-1", -1, true}, {0.25, "0.25", 0.25, true}, {1e7, "10000000", 1e7, true},
		{true, "true", 1, true}, {false, "false", 0, true}, {"up", "up", 0, false},
	} {
		f := status.Field{Name: "x", Value: c.value}
		n, ok := f.Number()
		if f.Text() != c.text || n != c.n || ok != c.ok {
			t.Errorf("%v: %q, %v, %v", c.value, f.Text(), n, ok)
		}
	}
}
