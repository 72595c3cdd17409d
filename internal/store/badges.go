package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// StatusCount is how many checks with the same tags show the same status.
type StatusCount struct {
	// as on the checks: blank-separated
	Tags   string
	Status monitor.Status
	N      int
}

// StatusCounts counts the checks of the project with the badge key by their tags
// and the status they show now, in no order and not each pair only once; there
// are none where there is no such project.
//
// A stored status holds until time or a run under way can have changed it. Where
// neither can, the database counts; at the others monitor looks, one by one. It
// is two statements however many checks there are, which take a turn together as
// other long reads do, see Turn.
func (s *Store) StatusCounts(ctx context.Context, badgeKey string) ([]StatusCount, error) {
	leave, err := enter(ctx, s.turns.reads, "badge "+badgeKey)
	if err != nil {
		return nil, err
	}
	defer leave()
	const (
		from   = ` FROM checks c JOIN projects p ON p.id = c.project_id WHERE p.badge_key = $1 AND `
		unsure = `(c.last_start_at IS NOT NULL OR c.status = 'up' AND (c.due_at <= $2 OR c.schedule_error <> ''))`
	)
	at := s.Reading()
	rows, err := s.db.Query(ctx, `SELECT c.tags, c.status, count(*)`+from+`NOT coalesce(`+unsure+`, false) GROUP BY c.tags, c.status`,
		badgeKey, at.Now)
	counts, err := db.Collect(rows, err, func(r *sql.Rows, c *StatusCount) error { return r.Scan(&c.Tags, &c.Status, &c.N) })
	if err != nil {
		return nil, fmt.Errorf("count statuses: %w", err)
	}
	rows, err = s.db.Query(ctx, `SELECT `+statusCheck.list+from+unsure, badgeKey, at.Now)
	checks, err := db.Collect(rows, err, func(r *sql.Rows, c *monitor.Check) error { return r.Scan(statusCheck.dest(c)...) })
	if err != nil {
		return nil, fmt.Errorf("count statuses: %w", err)
	}
	for i := range checks {
		counts = append(counts, StatusCount{Tags: checks[i].Tags, Status: checks[i].StatusAt(at), N: 1})
	}
	return counts, nil
}

// CheckByBadgeKey returns the check whose badge has the key.
func (s *Store) CheckByBadgeKey(ctx context.Context, key uuid.UUID) (*monitor.Check, error) {
	return checkWhere(ctx, s.db, `c.badge_key = $1`, key)
}

// TagsOf lists the tags in use in a project, each once, sorted: the first
// monitor.MaxProjectTags of them. It takes a turn, see Turn.
func (s *Store) TagsOf(ctx context.Context, project uuid.UUID) ([]string, error) {
	leave, err := s.Turn(ctx, project)
	if err != nil {
		return nil, err
	}
	defer leave()
	var tags string
	var first monitor.FirstTags
	err = s.db.Each(ctx, []any{&tags}, func() { first.Add(tags) }, `SELECT c.tags FROM checks c WHERE c.project_id = $1`, project)
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	return first.List(), nil
}

// CheckMetrics is a check as a scrape sees it: ID, Code, Name, CreatedAt,
// LastDuration, Tags, and what StatusAt needs.
type CheckMetrics struct {
	monitor.Check
	// of the last success or failure; nil = it came without, or is pruned
	ExitStatus *int
	// since when Status, the stored one, is what it is; see stateSince
	StateSince time.Time
}

// MetricsOf lists the checks of a project by their id. It is one statement that
// looks at a few rows of each check: its newest pings up to the end of a run,
// and its newest flip. It takes a turn, see Turn.
func (s *Store) MetricsOf(ctx context.Context, project uuid.UUID) ([]CheckMetrics, error) {
	leave, err := s.Turn(ctx, project)
	if err != nil {
		return nil, err
	}
	defer leave()
	rows, err := s.db.Query(ctx, `SELECT `+scrapeCheck.list+`,
		(SELECT g.exit_status FROM pings g WHERE g.check_id = c.id AND g.kind IN ('success', 'fail') ORDER BY g.n DESC LIMIT 1),
		(SELECT max(f.created_at) FROM flips f WHERE f.check_id = c.id)
		FROM checks c WHERE c.project_id = $1 ORDER BY c.id`, project)
	now := s.Now()
	return db.Collect(rows, err, func(r *sql.Rows, m *CheckMetrics) error {
		var flip time.Time
		dest := append(scrapeCheck.dest(&m.Check), &m.ExitStatus, db.Time(&flip))
		if err := r.Scan(dest...); err != nil {
			return err
		}
		m.StateSince = stateSince(&m.Check, flip, now)
		return nil
	})
}

// stateSince is when the stored status of c began: at its newest flip. A check
// without one is as it was made; but old flips are pruned while pings go on
// arriving, so of one that is no longer new it is only known that it changed
// before that.
func stateSince(c *monitor.Check, flip, now time.Time) time.Time {
	oldest := now.Add(-monitor.FlipsKept)
	switch {
	case !flip.IsZero():
		return flip
	case c.Status != monitor.StatusNew && c.CreatedAt.Before(oldest):
		return oldest
	default:
		return c.CreatedAt
	}
}
