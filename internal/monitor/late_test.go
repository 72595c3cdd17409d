package monitor_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// A punctual job that took longer than half of the grace time was shown as late
// every time, since its success was compared with the moment its start was expected.
func TestARunIsLateWhenItStartsLate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		// after a success at 02:50 of a job at each full hour with 20 minutes of grace
		name, pings string
		want        string
	}{
		{"start in time, success after half of the grace time", "start 0m, success 12m", "uu"},
		{"start early", "start -1m, success 12m", "uu"},
		{"start within half of the grace time", "start 10m, success 19m", "uu"},
		{"start after half of the grace time", "start 11m, success 12m", "ul"},
		{"start in time, of the same run", "start 0m a, success 12m a", "uu"},
		{"start late, of the same run", "start 11m a, success 12m a", "ul"},
		{"start in time, of another run", "start 0m a, success 12m b", "ul"},
		{"start in time, success without a run id", "start 0m a, success 12m", "ul"},
		{"the latest start counts", "start 0m, start 11m, success 12m", "ul"},
		{"no start, success in time", "success 10m", "uu"},
		{"no start, success after half of the grace time", "success 11m", "ul"},
		{"the run took longer than the grace time", "start 0m, success 20m", "ul"},
		{"ended after the deadline", "start 10m, success 25m", "ul"},
		{"started after the deadline", "start 21m, success 22m", "ul"},
		{"a failure is one whenever it started", "start 0m, fail 12m", "ud"},
		{"each hour anew", "start 0m, success 12m, start 60m, success 72m, start 131m, success 132m", "uuul"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			midnight := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			c := monitor.NewCheck(uuid.New(), midnight)
			c.Kind = schedule.Cron
			c.Schedule = "0 * * * *"
			c.Grace = 20 * time.Minute
			monitor.Apply(&c, &monitor.Ping{Kind: monitor.PingSuccess, CreatedAt: midnight.Add(-10 * time.Minute)})
			for _, p := range pingsFrom(t, tc.pings) {
				monitor.Apply(&c, p)
			}
			if c.RecentRuns != tc.want {
				t.Errorf("recent runs %q, want %q", c.RecentRuns, tc.want)
			}
		})
	}
}
