package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// History loads what a simulation of a check needs: its starts, successes and
// failures with n >= minN, at most the newest limit of them, its flips since then,
// the intervals in which pings may have been lost, and
// the runs these have hidden. Of a ping it has n, time, kind and run id.
func (s *Store) History(ctx context.Context, check, minN int64, limit int) (h monitor.History, err error) {
	rows, err := s.db.Query(ctx, `SELECT g.n, g.created_at, g.kind, g.rid FROM pings g
		WHERE g.check_id = $1 AND g.n >= $2 AND g.kind IN ('start', 'success', 'fail') ORDER BY g.n DESC LIMIT $3`, check, minN, limit)
	h.Pings, err = db.Collect(rows, err, func(r *sql.Rows, p *monitor.Ping) error {
		return r.Scan(&p.N, db.Time(&p.CreatedAt), &p.Kind, &p.RID)
	})
	if err != nil {
		return h, fmt.Errorf("load pings to replay: %w", err)
	}
	if len(h.Pings) == 0 {
		return h, nil
	}
	slices.Reverse(h.Pings)
	h.Flips, err = s.Flips(ctx, check, FlipFilter{From: h.Pings[0].CreatedAt})
	if err != nil {
		return h, fmt.Errorf("load flips to replay: %w", err)
	}
	slices.Reverse(h.Flips)
	now := s.Now()
	blinds, err := blindsBetween(ctx, s.askOutside, s.db.Engine, []int64{check}, h.Pings[0].CreatedAt, now)
	if err != nil {
		return h, err
	}
	ways, err := waysOf(ctx, s.askOutside, s.db.Engine, []int64{check}, now)
	if err != nil {
		return h, err
	}
	h.Blinds = meeting(blinds, ways[check])
	h.Unknown, err = s.UnknownRuns(ctx, check, h.Pings[0].CreatedAt, time.Time{}, 0)
	slices.Reverse(h.Unknown)
	return h, err
}
