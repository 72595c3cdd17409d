package store

import (
	"context"
	"database/sql"
	"fmt"
)

// ServiceMetrics are the numbers by which Punctual itself is watched
// (docs/contract.md §5).
type ServiceMetrics struct {
	// received by all checks there are
	Pings int64
	// the newest id, 0 = none
	LastDelivery int64
	// changes of status that it is time to notice or to tell, and nobody is at it
	OverdueFlips int64
}

// ServiceMetrics takes the numbers. A flip counts as untold while one of its
// deliveries is due and not leased: with a dispatcher alive that takes moments,
// and an attempt that failed counts only when its next try is due. Without a
// watcher the flips of checks past their deadline are not even made, so those
// checks count too.
//
// The first of each check and channel is found by grouping, not by asking each
// delivery for one before it: PostgreSQL joins all with all for that, and where
// many wait in one line it takes minutes.
func (s *Store) ServiceMetrics(ctx context.Context) (m ServiceMetrics, err error) {
	var newest sql.NullInt64
	err = s.db.QueryRow(ctx, `SELECT (SELECT coalesce(sum(n_pings), 0) FROM checks WHERE id > 0), (SELECT max(id) FROM deliveries),
		(SELECT count(DISTINCT d.flip_id) FROM (SELECT min(id) AS id FROM deliveries WHERE status = 'pending' GROUP BY check_id, channel_id) first
			JOIN deliveries d ON d.id = first.id WHERE d.next_try_at <= $1)
		+ (SELECT count(*) FROM checks WHERE watch_at <= $1 AND alert_at <= $1 AND status <> 'down' AND schedule_error = '')`, s.Now()).
		Scan(&m.Pings, &newest, &m.OverdueFlips)
	if err != nil {
		return m, fmt.Errorf("take service metrics: %w", err)
	}
	m.LastDelivery = newest.Int64
	return m, nil
}
