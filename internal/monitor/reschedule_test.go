package monitor_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

func TestAShorterScheduleTurnsALateCheckDown(t *testing.T) {
	ping := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := ping.Add(3 * time.Hour)
	for _, tc := range []struct {
		name           string
		timeout, grace time.Duration
		want           monitor.Status
	}{
		{"still in time", 4 * time.Hour, time.Hour, monitor.StatusUp},
		{"in its grace time", 2 * time.Hour, 2 * time.Hour, monitor.StatusUp},
		{"at the deadline", 2 * time.Hour, time.Hour, monitor.StatusDown},
		{"past it", time.Hour, time.Hour, monitor.StatusDown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := monitor.NewCheck(uuid.New(), ping)
			monitor.Apply(&c, &monitor.Ping{Kind: monitor.PingSuccess, CreatedAt: ping})
			c.Timeout = tc.timeout
			c.Grace = tc.grace
			flip := monitor.Rescheduled(&c, now)
			if c.Status != tc.want {
				t.Fatalf("status %s, want %s", c.Status, tc.want)
			}
			down := tc.want == monitor.StatusDown
			if (flip != nil) != down {
				t.Fatalf("flip %+v", flip)
			}
			if flip != nil && (!flip.CreatedAt.Equal(now) || flip.Old != monitor.StatusUp || !c.AlertAt.IsZero() || c.RecentRuns != "u") {
				t.Errorf("flip %+v, deadline %v, runs %q", flip, c.AlertAt, c.RecentRuns)
			}
		})
	}
}
