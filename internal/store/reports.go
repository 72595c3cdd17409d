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

// DueReport is a user who is to be mailed, or whose next date is to be set.
type DueReport struct {
	User uuid.UUID
	// a nag; else a report
	Nag bool
}

// downOf is true of user u when a check of a project they own or work in is down.
const downOf = `(EXISTS (SELECT 1 FROM projects p JOIN checks c ON c.project_id = p.id WHERE p.owner_id = u.id AND c.status = 'down')
	OR EXISTS (SELECT 1 FROM members m JOIN checks c ON c.project_id = m.project_id WHERE m.user_id = u.id AND c.status = 'down'))`

// DueReports lists up to limit users by the kind of mail: those whose date has
// come, those who want reports and have no date yet, and those of whose checks
// one is down, or none any more, since their next nag was last set. It is one
// statement that reads the indexes of those who want mail.
func (s *Store) DueReports(ctx context.Context, limit int) ([]DueReport, error) {
	rows, err := s.db.Query(ctx, `SELECT u.id, false FROM users u WHERE u.reports <> 'off' AND u.is_active AND u.next_report_at <= $1
		UNION ALL SELECT u.id, false FROM users u WHERE u.reports <> 'off' AND u.is_active AND u.next_report_at IS NULL
		UNION ALL SELECT u.id, true FROM users u WHERE u.nag_seconds > 0 AND u.is_active AND (u.next_nag_at <= $1 OR (u.next_nag_at IS NULL) = `+
		downOf+`)
		LIMIT $2`, s.Now(), limit)
	due, err := db.Collect(rows, err, func(r *sql.Rows, d *DueReport) error { return r.Scan(db.UUID(&d.User), &d.Nag) })
	if err != nil {
		return nil, fmt.Errorf("look for reports to send: %w", err)
	}
	return due, nil
}

// ReportsDue returns the earliest date of a report or a nag that is to come or to
// be sent, zero when nobody has one. It reads the indexes of those who want mail.
func (s *Store) ReportsDue(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := s.db.QueryRow(ctx,
		`SELECT min(d.due) FROM (SELECT min(u.next_report_at) AS due FROM users u WHERE u.reports <> 'off' AND u.is_active
		UNION ALL SELECT min(u.next_nag_at) FROM users u WHERE u.nag_seconds > 0 AND u.is_active) d`).Scan(db.Time(&t))
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the next report: %w", err)
	}
	return t, nil
}

// PlanReport moves the date of the next report from the one that u has to next
// and, in the same transaction, queues the mail; nil = none. It does nothing and
// returns false where the user has another date or other wishes by now: somebody
// else was quicker, or they have changed them.
func (s *Store) PlanReport(ctx context.Context, u *monitor.User, next time.Time, mail *monitor.Email) (bool, error) {
	return s.plan(ctx, mail,
		`UPDATE users SET next_report_at = $3 WHERE id = $1 AND next_report_at IS NOT DISTINCT FROM $2 AND reports = $4 AND tz = $5 AND is_active`,
		u.ID, u.NextReportAt, next, u.Reports, u.TZ)
}

// PlanNag is PlanReport for the next nag; a zero next means that nothing is down.
func (s *Store) PlanNag(ctx context.Context, u *monitor.User, next time.Time, mail *monitor.Email) (bool, error) {
	return s.plan(ctx, mail,
		`UPDATE users SET next_nag_at = $3 WHERE id = $1 AND next_nag_at IS NOT DISTINCT FROM $2 AND nag_seconds = $4 AND is_active`,
		u.ID, u.NextNagAt, next, int64(u.NagEvery.Seconds()))
}

func (s *Store) plan(ctx context.Context, mail *monitor.Email, update string, args ...any) (mine bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx, update, args...)
		mine = n == 1
		if err != nil || !mine || mail == nil {
			return err
		}
		return enqueueEmail(ctx, tx, mail)
	})
	if err != nil {
		return false, fmt.Errorf("plan a report: %w", err)
	}
	return mine, nil
}

// ReportCheck is a check of somebody's projects: ID, ProjectID, Code, Name, Slug,
// CreatedAt, and what StatusAt needs.
type ReportCheck struct {
	monitor.Check
	// its name, "" = none
	Project string
	// of DownChecks
	DownSince time.Time
}

// ofUser is true of the projects p that user $1 owns or works in.
const ofUser = `p.id IN (SELECT o.id FROM projects o WHERE o.owner_id = $1 UNION SELECT m.project_id FROM members m WHERE m.user_id = $1)`

// ReportChecks lists all checks of the projects that the user owns or works in.
func (s *Store) ReportChecks(ctx context.Context, user uuid.UUID) ([]ReportCheck, error) {
	rows, err := s.db.Query(ctx, `SELECT `+reportCheck.list+`, p.name FROM projects p JOIN checks c ON c.project_id = p.id WHERE `+ofUser+
		` ORDER BY c.id`, user)
	checks, err := db.Collect(rows, err, func(r *sql.Rows, c *ReportCheck) error {
		return r.Scan(append(reportCheck.dest(&c.Check), &c.Project)...)
	})
	if err != nil {
		return nil, fmt.Errorf("list checks of a user: %w", err)
	}
	return checks, nil
}

// DownChecks lists those of ReportChecks that are down by their stored status.
func (s *Store) DownChecks(ctx context.Context, user uuid.UUID) ([]ReportCheck, error) {
	rows, err := s.db.Query(ctx, `SELECT `+reportCheck.list+`, p.name, (SELECT max(f.created_at) FROM flips f WHERE f.check_id = c.id)
		FROM projects p JOIN checks c ON c.project_id = p.id WHERE c.status = 'down' AND `+ofUser+` ORDER BY c.id`, user)
	now := s.Now()
	checks, err := db.Collect(rows, err, func(r *sql.Rows, c *ReportCheck) error {
		var flip time.Time
		if err := r.Scan(append(reportCheck.dest(&c.Check), &c.Project, db.Time(&flip))...); err != nil {
			return err
		}
		c.DownSince = stateSince(&c.Check, flip, now)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list down checks of a user: %w", err)
	}
	return checks, nil
}

// EachFlips calls each with the flips since from of every check of ReportChecks
// that has any: one statement, checks in the order of their id, the newest flip
// first, the newest limit of each check. The slice is used again.
func (s *Store) EachFlips(ctx context.Context, user uuid.UUID, from time.Time, limit int,
	each func(check int64, flips []monitor.Flip)) error {
	rows, err := s.db.Query(ctx, `SELECT `+flipColumns+`
		FROM projects p JOIN checks c ON c.project_id = p.id JOIN flips f ON f.check_id = c.id
		WHERE f.created_at >= $2 AND `+ofUser+` ORDER BY f.check_id, f.created_at DESC, f.id DESC`, user, from)
	if err != nil {
		return fmt.Errorf("list flips of a user: %w", err)
	}
	defer rows.Close()
	var flips []monitor.Flip
	for rows.Next() {
		var f monitor.Flip
		if err := rows.Scan(flipDest(&f)...); err != nil {
			return fmt.Errorf("list flips of a user: %w", err)
		}
		if len(flips) > 0 && flips[0].CheckID != f.CheckID {
			each(flips[0].CheckID, flips)
			flips = flips[:0]
		}
		if len(flips) < limit {
			flips = append(flips, f)
		}
	}
	if len(flips) > 0 && rows.Err() == nil {
		each(flips[0].CheckID, flips)
	}
	return rows.Err()
}
