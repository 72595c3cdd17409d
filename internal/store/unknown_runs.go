package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

const unknownColumns = `r.id, r.check_id, r.due_at, r.deadline_at, r.blind_from, r.blind_until, r.cause, r.verdict, r.verdict_by, r.verdict_at`

func unknownDest(u *monitor.UnknownRun) []any {
	return []any{&u.ID, &u.CheckID, db.Time(&u.Due), db.Time(&u.Deadline), db.Time(&u.BlindFrom), db.Time(&u.BlindUntil), &u.Cause,
		&u.Verdict, &u.VerdictBy, db.Time(&u.VerdictAt)}
}

// UnknownRuns lists the runs of a check of which nobody could tell whether they happened,
// by their deadline, the newest first: from inclusive, until exclusive, at most limit of
// them. Zero does not restrict.
func (s *Store) UnknownRuns(ctx context.Context, check int64, from, until time.Time, limit int) ([]monitor.UnknownRun, error) {
	query := `SELECT ` + unknownColumns + ` FROM unknown_runs r WHERE r.check_id = $1`
	args := []any{check}
	add := func(clause string, v any) {
		args = append(args, v)
		query += fmt.Sprintf(clause, len(args))
	}
	if !from.IsZero() {
		add(` AND r.deadline_at >= $%d`, from)
	}
	if !until.IsZero() {
		add(` AND r.deadline_at < $%d`, until)
	}
	query += ` ORDER BY r.deadline_at DESC`
	if limit > 0 {
		add(` LIMIT $%d`, limit)
	}
	rows, err := s.db.Query(ctx, query, args...)
	return db.Collect(rows, err, func(r *sql.Rows, u *monitor.UnknownRun) error { return r.Scan(unknownDest(u)...) })
}

// UnknownRun returns one, with its check.
func (s *Store) UnknownRun(ctx context.Context, id int64) (*monitor.UnknownRun, *monitor.Check, error) {
	u, err := unknownRun(ctx, s.db, id)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.CheckByID(ctx, u.CheckID)
	return u, c, err
}

func unknownRun(ctx context.Context, q db.Querier, id int64) (*monitor.UnknownRun, error) {
	u := &monitor.UnknownRun{}
	err := q.QueryRow(ctx, `SELECT `+unknownColumns+` FROM unknown_runs r WHERE r.id = $1`, id).Scan(unknownDest(u)...)
	if err != nil {
		return nil, notFound(err, "unknown run")
	}
	return u, nil
}

// SetVerdict stores what by says of an unknown run, unless somebody has said something
// before: then it is a conflict, and the run is returned as it is. No status changes, and
// nobody is told.
func (s *Store) SetVerdict(ctx context.Context, id int64, v monitor.Verdict, by string) (*monitor.UnknownRun, error) {
	var out *monitor.UnknownRun
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		u, err := unknownRun(ctx, tx, id)
		if err != nil {
			return err
		}
		c, err := checkWhere(ctx, tx, `c.id = $1`+forUpdate(tx), u.CheckID)
		if err != nil {
			return err
		}
		n, err := execAffects(ctx, tx, `UPDATE unknown_runs SET verdict = $2, verdict_by = $3, verdict_at = $4 WHERE id = $1 AND verdict = ''`,
			id, v, by, tx.Now())
		if err != nil {
			return fmt.Errorf("store a verdict: %w", err)
		}
		out, err = unknownRun(ctx, tx, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.Conflictf("Somebody has said already what became of this run.")
		}
		var later int
		err = tx.QueryRow(ctx, `SELECT count(*) FROM unknown_runs WHERE check_id = $1 AND deadline_at > $2 AND verdict = ''`, u.CheckID,
			u.Deadline).Scan(&later)
		if err != nil {
			return fmt.Errorf("count unknown runs: %w", err)
		}
		c.Settle(later, v)
		tx.Wake(db.TopicChecks)
		_, err = tx.Exec(ctx, `UPDATE checks SET recent_runs = $2, unjudged = $3 WHERE id = $1`, c.ID, c.RecentRuns, c.Unjudged)
		if err != nil {
			return fmt.Errorf("settle an unknown run: %w", err)
		}
		return nil
	})
	return out, err
}
