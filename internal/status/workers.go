package status

import (
	"context"
	"fmt"
	"slices"
	"time"

	"punctual/internal/store"
)

// The lag of the watcher: it looks every second, and catches up after an outage.
const (
	lagWarning = 10 * time.Second
	lagError   = time.Minute
)

// SendAlerts looks for a live process that sends alerts, and for how long the
// check that should be looked at first has been waiting for one.
func SendAlerts(open Open) Check {
	return Check{Name: "sendalerts", Title: "Alerts", Labels: []string{labelWorker}, Run: reading(open, func(ctx context.Context, s *store.Store) Finding {
		alive, err := live(ctx, s, "sendalerts", "up")
		if err != nil {
			return unread(ctx, err)
		}
		next, err := s.NextDeadline(ctx)
		if err != nil {
			return unread(ctx, err)
		}
		lag := since(next, s.Now())
		f := Well("watching", Field{"processes", alive}, Field{"lag_seconds", seconds(lag)})
		switch {
		case alive == 0:
			f.Severity, f.Fact = Error, fmt.Sprintf("no process that sends alerts has been seen for %s: start `punctual sendalerts`", store.NodeTimeout)
		case lag > lagWarning:
			f.Severity, f.Fact = Warning, fmt.Sprintf("late: a deadline passed %s ago and nobody has looked at it", brief(lag))
			if lag > lagError {
				f.Severity = Error
			}
		}
		return f
	})}
}

// live counts the processes of the roles that have given a sign of life lately.
func live(ctx context.Context, s *store.Store, roles ...string) (n int, err error) {
	nodes, err := s.Nodes(ctx, s.Now().Add(-store.NodeTimeout))
	for _, node := range nodes {
		if slices.Contains(roles, node.Role) {
			n++
		}
	}
	return n, err
}

// since is the time from t to now, 0 when t is none or still to come.
func since(t, now time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(0, now.Sub(t))
}
