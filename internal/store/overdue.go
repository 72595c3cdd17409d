package store

import (
	"context"
	"fmt"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Overdue is what one call of FlipOverdue has done.
type Overdue struct {
	// checks looked at; when it is the limit, there may be more
	Claimed int
	// checks that went down, each stamped with its deadline
	Flips []*monitor.Flip
	// checks whose schedule cannot be computed, put aside for an hour
	Broken []*monitor.Check
}

// FlipOverdue claims up to limit checks whose deadline may have passed, the
// oldest first, looks again at the truth, and stores the new status, the flips
// and their deliveries in one transaction. Several processes may call it at once:
// none takes what another holds. The outages are those of PingPresence.
func (s *Store) FlipOverdue(ctx context.Context, limit int, outages []monitor.Outage) (Overdue, error) {
	claim := s.flipOverdueSQLite
	if s.db.Engine == db.Postgres {
		claim = s.flipOverduePostgres
	}
	flips, checks, err := claim(ctx, limit, outages)
	if err != nil {
		return Overdue{}, err
	}
	out := Overdue{Claimed: len(checks), Flips: flips}
	for _, c := range checks {
		if c.ScheduleError != "" {
			out.Broken = append(out.Broken, c)
		}
	}
	return out, nil
}

// overdueFlips applies the passing of time to checks and returns their flips.
func overdueFlips(checks []*monitor.Check, now time.Time, outages []monitor.Outage) []*monitor.Flip {
	var flips []*monitor.Flip
	for _, c := range checks {
		f := c.Overdue(now, outages)
		if f != nil {
			flips = append(flips, f)
		}
	}
	return flips
}

// NextDeadline returns the earliest moment at which a check may have gone down,
// zero when none can. Many a check will turn out to have been pinged since.
func (s *Store) NextDeadline(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := s.db.QueryRow(ctx, `SELECT min(watch_at) FROM checks WHERE watch_at IS NOT NULL`).Scan(db.Time(&t))
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the next deadline: %w", err)
	}
	return t, nil
}
