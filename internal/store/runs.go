package store

import (
	"context"
	"database/sql"
	"fmt"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// RunEvents lists the newest starts, successes and failures of a check from ping
// minN on, at most limit, newest first and without bodies: what monitor.Runs asks
// for.
func (s *Store) RunEvents(ctx context.Context, check, minN int64, limit int) ([]monitor.Ping, error) {
	rows, err := s.db.Query(ctx, `SELECT `+pingWithoutBody.list+
		` FROM pings g WHERE g.check_id = $1 AND g.n >= $2 AND g.kind IN ('start', 'success', 'fail')
		ORDER BY g.n DESC LIMIT $3`, check, minN, limit)
	return db.Collect(rows, err, func(r *sql.Rows, p *monitor.Ping) error {
		return r.Scan(pingWithoutBody.dest(p)...)
	})
}

// PingNeighbours returns the pings of the check just before and just after ping
// n, among those from minN on; 0 where there is none.
func (s *Store) PingNeighbours(ctx context.Context, check, minN, n int64) (before, after int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT coalesce((SELECT max(g.n) FROM pings g WHERE g.check_id = $1 AND g.n >= $2 AND g.n < $3), 0),
		coalesce((SELECT min(g.n) FROM pings g WHERE g.check_id = $1 AND g.n >= $2 AND g.n > $3), 0)`, check, minN, n).Scan(&before, &after)
	if err != nil {
		return 0, 0, fmt.Errorf("load the neighbours of a ping: %w", err)
	}
	return before, after, nil
}

// PingBody is the beginning of the body of a ping.
type PingBody struct {
	N      int64
	Scheme string
	Body   []byte
}

// ReadBodies hands the beginnings of the bodies of a check's pings to see, one
// after the other, newest first, until it says false: of at most limit pings from
// minN on that have a body, at most cut bytes of each. Only one is in memory at a
// time; see must not keep it, nor ask the store for anything.
func (s *Store) ReadBodies(ctx context.Context, check, minN int64, limit, cut int, see func(*PingBody) (more bool)) error {
	rows, err := s.db.Query(ctx,
		`SELECT g.n, g.scheme, substr(g.body, 1, $4) FROM pings g WHERE g.check_id = $1 AND g.n >= $2 AND g.body IS NOT NULL
		ORDER BY g.n DESC LIMIT $3`, check, minN, limit, cut)
	if err != nil {
		return fmt.Errorf("read bodies: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var b PingBody
		if err := rows.Scan(&b.N, &b.Scheme, &b.Body); err != nil {
			return fmt.Errorf("read bodies: %w", err)
		}
		if !see(&b) {
			return nil
		}
	}
	return rows.Err()
}
