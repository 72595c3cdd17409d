package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// ChannelCounts tells how many checks a project has, and how many of them each
// of its channels is assigned to; a channel without checks is not in the map.
func (s *Store) ChannelCounts(ctx context.Context, project uuid.UUID) (assigned map[uuid.UUID]int, checks int, err error) {
	if err := s.db.QueryRow(ctx, `SELECT count(*) FROM checks WHERE project_id = $1`, project).Scan(&checks); err != nil {
		return nil, 0, fmt.Errorf("count checks: %w", err)
	}
	rows, err := s.db.Query(ctx, `SELECT cc.channel_id, count(*) FROM check_channels cc JOIN channels h ON h.id = cc.channel_id
		WHERE h.project_id = $1 GROUP BY cc.channel_id`, project)
	type count struct {
		channel uuid.UUID
		n       int
	}
	counts, err := db.Collect(rows, err, func(r *sql.Rows, c *count) error {
		return r.Scan(db.UUID(&c.channel), &c.n)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count assignments: %w", err)
	}
	assigned = make(map[uuid.UUID]int, len(counts))
	for _, c := range counts {
		assigned[c.channel] = c.n
	}
	return assigned, checks, nil
}
