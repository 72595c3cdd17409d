package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// Marks returns, for each of the projects that has checks, a text that changes
// with what its lists show of pings, flips, and the passing of time until now:
// one statement, however many projects. Settings are not in it: who changes one
// calls those who watch db.TopicChecks.
func (s *Store) Marks(ctx context.Context, projects []uuid.UUID, now time.Time) (map[uuid.UUID]string, error) {
	rows, err := s.db.Query(ctx, `SELECT c.project_id, count(*), max(c.id), sum(c.n_pings),
			sum(CASE WHEN c.status = 'up' THEN c.id ELSE 0 END), sum(CASE WHEN c.status = 'down' THEN c.id ELSE 0 END),
			sum(CASE WHEN c.status = 'paused' THEN c.id ELSE 0 END), sum(CASE WHEN c.last_start_at IS NULL THEN 0 ELSE c.id END),
			sum(CASE WHEN c.due_at <= $1 THEN c.id ELSE 0 END), sum(CASE WHEN c.alert_at <= $1 THEN c.id ELSE 0 END)
		FROM checks c WHERE `+inSet(s.db.Engine, "c.project_id", 2, uuidSet)+` GROUP BY c.project_id`, now, setOfUUIDs(s.db.Engine, projects))
	if err != nil {
		return nil, fmt.Errorf("look for changes: %w", err)
	}
	defer rows.Close()
	out := make(map[uuid.UUID]string, len(projects))
	for rows.Next() {
		var project uuid.UUID
		var sums [9]sql.NullInt64
		dest := []any{db.UUID(&project)}
		for i := range sums {
			dest = append(dest, &sums[i])
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("look for changes: %w", err)
		}
		out[project] = fmt.Sprint(sums)
	}
	return out, rows.Err()
}
