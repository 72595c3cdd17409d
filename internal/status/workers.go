package status

import (
	"context"
	"fmt"
	"slices"
	"time"

	"punctual/internal/store"
	"punctual/internal/text"
)

// The lag of the watcher: it looks every second, and catches up after an outage.
const (
	lagWarning = 10 * time.Second
	lagError   = time.Minute
)

// SendAlerts looks for a live process that sends alerts, and for how long the
// check that should be looked at first has been waiting for one.
func SendAlerts(open Open) Check {
	return Check{Name: "sendalerts", Title: "Alerts", Labels: []string{labelWorker},
		Run: reading(open, func(ctx context.Context, s *store.Store) Finding {
			alive, err := live(ctx, s, "sendalerts", "up")
			if err != nil {
				return unread(ctx, err)
			}
			next, err := s.NextWatch(ctx)
			if err != nil {
				return unread(ctx, err)
			}
			lag := since(next, s.Now())
			f := Healthy("watching", Field{"processes", alive}, Field{"lag_seconds", seconds(lag)})
			switch {
			case alive == 0:
				f.Severity = Error
				f.Fact = fmt.Sprintf("no process that sends alerts has been seen for %s: start `punctual sendalerts`", text.Duration(store.NodeTimeout))
			case lag > lagWarning:
				f.Severity = graded(lag, lagWarning, lagError)
				f.Fact = fmt.Sprintf("late: a deadline passed %s ago and nobody has looked at it", text.Duration(lag))
			}
			return f
		})}
}

// How late a report may be. Nothing is lost with it, and an instance may have
// nobody who wants one: that no process sends them is a warning at first.
const (
	reportsWarning = 10 * time.Minute
	reportsError   = time.Hour
)

// SendReports looks for a live process that sends reports and nags, and for how
// long the one that should go first has been waiting for it.
func SendReports(open Open) Check {
	return Check{Name: "sendreports", Title: "Reports", Labels: []string{labelWorker},
		Run: reading(open, func(ctx context.Context, s *store.Store) Finding {
			alive, err := live(ctx, s, "sendreports", "up")
			if err != nil {
				return unread(ctx, err)
			}
			next, err := s.ReportsDue(ctx)
			if err != nil {
				return unread(ctx, err)
			}
			lag := since(next, s.Now())
			f := Healthy("sending", Field{"processes", alive}, Field{"lag_seconds", seconds(lag)})
			f.Severity = graded(lag, reportsWarning, reportsError)
			if f.Severity != OK {
				f.Fact = fmt.Sprintf("late: a report has been due for %s", text.Duration(lag))
			}
			if alive == 0 {
				f.Severity = max(f.Severity, Warning)
				f.Fact = fmt.Sprintf("no process that sends reports has been seen for %s: start `punctual sendreports`",
					text.Duration(store.NodeTimeout))
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
