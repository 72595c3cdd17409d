package check

import (
	"cmp"
	"context"
	"slices"
	"time"

	"punctual/internal/monitor"
)

// maxCharted bounds the runs of the chart and of its table.
const maxCharted = 300

// runTimes is how long the stored runs took; nil when none is known.
type runTimes struct {
	// the newest first
	Rows []runRow
	// the 50th, 95th and 100th percentile
	Median, P95, Longest time.Duration
}

// runRow is a run that has ended.
type runRow struct {
	// of the ping that ended it
	N      int64
	At     time.Time
	Took   time.Duration
	Failed bool
}

// Seconds is how long it took, for the chart.
func (r *runRow) Seconds() float64 { return r.Took.Seconds() }

// loadRuns measures the runs among the newest limit pings of the check from
// minN on.
func (s *Pages) loadRuns(ctx context.Context, c *monitor.Check, minN int64, limit int) (*runTimes, error) {
	pings, err := s.runEvents(ctx, c, minN, limit)
	if err != nil {
		return nil, err
	}
	return runTimesOf(monitor.Runs(pointers(pings))), nil
}

func (s *Pages) runEvents(ctx context.Context, c *monitor.Check, minN int64, limit int) ([]monitor.Ping, error) {
	return s.Store.RunEvents(ctx, c.ID, minN, min(limit, maxLogPings))
}

func runTimesOf(runs []monitor.Run) *runTimes {
	if len(runs) == 0 {
		return nil
	}
	rows := make([]runRow, 0, len(runs))
	for _, run := range runs {
		rows = append(rows, runRow{N: run.End.N, At: run.End.CreatedAt, Took: run.Took(), Failed: run.End.Kind == monitor.PingFail})
	}
	slices.SortFunc(rows, func(a, b runRow) int { return cmp.Compare(b.N, a.N) })
	rows = rows[:min(len(rows), maxCharted)]
	lengths := make([]time.Duration, len(rows))
	for i := range rows {
		lengths[i] = rows[i].Took
	}
	return &runTimes{
		Rows: rows, Median: monitor.Percentile(lengths, 50), P95: monitor.Percentile(lengths, 95), Longest: monitor.Percentile(lengths, 100),
	}
}

// pointers walks over values.
func pointers[T any](values []T) func(yield func(*T) bool) {
	return func(yield func(*T) bool) {
		for i := range values {
			if !yield(&values[i]) {
				return
			}
		}
	}
}
