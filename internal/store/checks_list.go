package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// CheckList lists the checks of a project, oldest first, as lists show them:
// what a row has no place for (codes of badges, description, filters, when the
// watcher looks) is zero. Half the columns are half the time, and a project may
// have ten thousand checks.
func (s *Store) CheckList(ctx context.Context, project uuid.UUID) ([]monitor.Check, error) {
	rows, err := s.db.Query(ctx, `SELECT c.id, c.code, c.name, c.slug, c.tags, c.kind, c.timeout_seconds, c.grace_seconds, c.schedule,
		c.status, c.last_ping_at, c.last_start_at, c.last_duration_us, c.has_confirmation, c.recent_runs, c.due_at, c.alert_at
		FROM checks c WHERE c.project_id = $1 ORDER BY c.created_at, c.id`, project)
	return db.Collect(rows, err, func(r *sql.Rows, c *monitor.Check) error {
		c.ProjectID = project
		return r.Scan(&c.ID, db.UUID(&c.Code), &c.Name, &c.Slug, &c.Tags, &c.Kind, db.Seconds(&c.Timeout), db.Seconds(&c.Grace), &c.Schedule,
			&c.Status, db.Time(&c.LastPing), db.Time(&c.LastStart), db.Micros(&c.LastDuration), &c.HasConfirmation, &c.RecentRuns, db.Time(&c.DueAt), db.Time(&c.AlertAt))
	})
}
