package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// insertCheckSQL stores a new check; updateCheckSQL what a change may change of
// the check $1.
var (
	insertCheckSQL = `INSERT INTO checks (` + newCheck.names() + `) VALUES (` + newCheck.numbered("$%[2]d", 1) + `) RETURNING id`
	updateCheckSQL = `UPDATE checks SET ` + changedCheck.numbered("%[1]s = $%[2]d", 2) + ` WHERE id = $1`
)

func collectCheck(r *sql.Rows, c *monitor.Check) error {
	return r.Scan(wholeCheck.dest(c)...)
}

func insertCheck(ctx context.Context, tx *db.Tx, c *monitor.Check) error {
	c.Recompute(tx.Now())
	if err := tx.QueryRow(ctx, insertCheckSQL, newCheck.values(nil, c)...).Scan(&c.ID); err != nil {
		return fmt.Errorf("insert check: %w", err)
	}
	return nil
}

// updateCheck stores the settings and the state of c.
func updateCheck(ctx context.Context, q db.Querier, c *monitor.Check) error {
	return execOne(ctx, q, "update check", "check", updateCheckSQL, changedCheck.values([]any{c.ID}, c)...)
}

// CheckByCode returns the check with the code.
func (s *Store) CheckByCode(ctx context.Context, code uuid.UUID) (*monitor.Check, error) {
	return checkWhere(ctx, s.db, `c.code = $1`, code)
}

// CheckByID returns the check with the internal id.
func (s *Store) CheckByID(ctx context.Context, id int64) (*monitor.Check, error) {
	return checkWhere(ctx, s.db, `c.id = $1`, id)
}

func checkWhere(ctx context.Context, q db.Querier, where string, args ...any) (*monitor.Check, error) {
	var c monitor.Check
	err := q.QueryRow(ctx, `SELECT `+wholeCheck.list+` FROM checks c WHERE `+where, args...).Scan(wholeCheck.dest(&c)...)
	return &c, notFound(err, "check")
}

// countChecks counts the checks of all projects the user owns.
func countChecks(ctx context.Context, q db.Querier, owner uuid.UUID) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT count(*) FROM checks c JOIN projects p ON p.id = c.project_id WHERE p.owner_id = $1`, owner).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count checks: %w", err)
	}
	return n, nil
}

// Channels chooses the channels of a check: all of its project, or those named.
type Channels struct {
	All bool
	IDs []uuid.UUID
}

// CreateCheck stores a new check, sets its ID, and assigns the channels, which
// must belong to its project. It fails with errs.Conflict when the owner of the
// project has reached the limit of checks.
func (s *Store) CreateCheck(ctx context.Context, c *monitor.Check, channels Channels) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if c.ProjectID != uuid.Nil {
			if err := roomForCheck(ctx, tx, c.ProjectID, 1); err != nil {
				return err
			}
		}
		if err := insertCheck(ctx, tx, c); err != nil {
			return err
		}
		return assignChannels(ctx, tx, c, channels)
	})
}

// roomForCheck locks the project and its owner, so that two creations at once
// cannot both take the last place, and compares with factor times the limit.
func roomForCheck(ctx context.Context, tx *db.Tx, project uuid.UUID, factor int) error {
	p, err := lockProject(ctx, tx, project)
	if err != nil {
		return err
	}
	owner, err := lockUser(ctx, tx, p.OwnerID)
	if err != nil {
		return err
	}
	n, err := countChecks(ctx, tx, owner.ID)
	if err != nil {
		return err
	}
	if n >= owner.CheckLimit*factor {
		return errs.Conflictf("The limit of %d checks is reached.", owner.CheckLimit)
	}
	return nil
}

// UpdateCheck locks the check with the code, lets change work on it, and stores
// the result with the deadline recomputed. change may set Channels to replace
// the assigned channels, and Flip to store a change of status; an error from
// change leaves everything as it was and is returned.
func (s *Store) UpdateCheck(ctx context.Context, code uuid.UUID, change func(*CheckChange) error) (*monitor.Check, error) {
	var out *monitor.Check
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := checkWhere(ctx, tx, `c.code = $1`+forUpdate(tx), code)
		if err != nil {
			return err
		}
		edit := newChange(c, tx.Now())
		if err := change(edit); err != nil {
			return err
		}
		if err := storeChange(ctx, tx, edit); err != nil {
			return err
		}
		out = c
		return nil
	})
	return out, err
}

// storeChange stores what a change has made of a check.
func storeChange(ctx context.Context, tx *db.Tx, edit *CheckChange) error {
	if edit.Flip != nil && edit.Silent {
		edit.Flip.Silent = true
	}
	edit.Recompute(tx.Now())
	edit.Flip = edit.Acted(&edit.before, edit.Flip, edit.Now)
	if err := updateCheck(ctx, tx, edit.Check); err != nil {
		return err
	}
	if edit.Flip != nil {
		if err := insertFlip(ctx, tx, edit.Flip); err != nil {
			return err
		}
	}
	if edit.Channels != nil {
		if err := assignChannels(ctx, tx, edit.Check, *edit.Channels); err != nil {
			return err
		}
	}
	tx.Wake(db.TopicChecks)
	return nil
}

// CheckChange is what a change of a check may touch.
type CheckChange struct {
	*monitor.Check
	// the moment of the change
	Now time.Time
	// set by the change: stored, and told to people where it Notifies
	Flip *monitor.Flip
	// set by the change: nobody is told of the flip
	Silent bool
	// set by the change: the channels from now on
	Channels *Channels

	// the check as it was
	before monitor.Check
}

func newChange(c *monitor.Check, now time.Time) *CheckChange {
	return &CheckChange{Check: c, Now: now, before: *c}
}

// DeleteCheck removes a check with its pings, flips and deliveries, and returns
// it as it was.
func (s *Store) DeleteCheck(ctx context.Context, code uuid.UUID) (*monitor.Check, error) {
	var out *monitor.Check
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := lockCheck(ctx, tx, code)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM checks WHERE id = $1`, c.ID); err != nil {
			return fmt.Errorf("delete check: %w", err)
		}
		tx.Wake(db.TopicChecks)
		out = c
		return nil
	})
	return out, err
}

// ClearEvents removes the pings, flips, deliveries and unknown runs of a check and makes it
// new again; its pings keep counting where they were.
func (s *Store) ClearEvents(ctx context.Context, code uuid.UUID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		c, err := checkWhere(ctx, tx, `c.code = $1`+forUpdate(tx), code)
		if err != nil {
			return err
		}
		for _, q := range []string{`DELETE FROM pings WHERE check_id = $1`, `DELETE FROM deliveries WHERE check_id = $1`,
			`DELETE FROM flips WHERE check_id = $1`, `DELETE FROM unknown_runs WHERE check_id = $1`} {
			_, err := tx.Exec(ctx, q, c.ID)
			if err != nil {
				return fmt.Errorf("clear events: %w", err)
			}
		}
		monitor.Reset(c, tx.Now())
		tx.Wake(db.TopicChecks)
		return updateCheck(ctx, tx, c)
	})
}

// adoptCheck gives a check of the welcome page to the project of c and watches
// it through the channels there. Somebody else's check stays where it is: then
// a fresh one is made.
func adoptCheck(ctx context.Context, tx *db.Tx, c *monitor.Check) error {
	n, err := execAffects(ctx, tx, `UPDATE checks SET project_id = $2, name = $3, slug = $4 WHERE id = $1 AND project_id IS NULL`, c.ID,
		c.ProjectID, c.Name, c.Slug)
	if err != nil {
		return fmt.Errorf("adopt check: %w", err)
	}
	if n == 0 {
		fresh := monitor.NewCheck(c.ProjectID, tx.Now())
		fresh.Name = c.Name
		fresh.Slug = c.Slug
		*c = fresh
		if err := insertCheck(ctx, tx, c); err != nil {
			return err
		}
	}
	return assignAllChannels(ctx, tx, c)
}

// CheckRow is a check with what the admin pages show beside it.
type CheckRow struct {
	monitor.Check
	ProjectName string
	OwnerEmail  string
}

// Checks lists checks of all projects whose name, slug, code or owner contains
// search, newest first, for the admin pages.
func (s *Store) Checks(ctx context.Context, search string, limit, offset int) ([]CheckRow, error) {
	rows, err := s.db.Query(ctx, `SELECT `+wholeCheck.list+`, coalesce(p.name, ''), coalesce(u.email, '')
		FROM checks c LEFT JOIN projects p ON p.id = c.project_id LEFT JOIN users u ON u.id = p.owner_id
		WHERE c.id > 0 AND (lower(c.name) LIKE lower($1) ESCAPE '!' OR c.slug LIKE lower($1) ESCAPE '!' OR u.email LIKE lower($1) ESCAPE '!'
			OR CAST(c.code AS text) LIKE lower($1) ESCAPE '!')
		ORDER BY c.id DESC LIMIT $2 OFFSET $3`, "%"+escapeLike(search)+"%", limit, offset)
	return db.Collect(rows, err, func(r *sql.Rows, c *CheckRow) error {
		return r.Scan(append(wholeCheck.dest(&c.Check), &c.ProjectName, &c.OwnerEmail)...)
	})
}

// Unique names fields by which an upsert looks for an existing check; nil
// fields do not count (docs/contract.md §2.7).
type Unique struct {
	Name, Slug, Tags *string
	Timeout, Grace   *time.Duration
}

// UpsertCheck changes the oldest check of the project that equals unique in all
// its fields; where there is none, or unique is nil, it changes and stores
// fresh instead. Two calls at once do not both create. It fails with
// errs.Conflict when a new check is one too many for the owner.
func (s *Store) UpsertCheck(ctx context.Context, fresh *monitor.Check, unique *Unique, change func(*CheckChange) error) (c *monitor.Check,
	created bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := roomForCheck(ctx, tx, fresh.ProjectID, 1); err != nil && (unique == nil || errs.KindOf(err) != errs.Conflict) {
			return err
		} else if c, err = findUnique(ctx, tx, fresh.ProjectID, unique, err); err != nil {
			return err
		}
		created = c == nil
		if created {
			// fn may run again
			made := *fresh
			c = &made
		}
		edit := newChange(c, tx.Now())
		if err := change(edit); err != nil {
			return err
		}
		if created {
			if err := insertCheck(ctx, tx, c); err != nil {
				return err
			}
		}
		return storeChange(ctx, tx, edit)
	})
	return c, created, err
}

// findUnique returns the check an upsert means, nil when it is to be made, or
// noRoom when it cannot be.
func findUnique(ctx context.Context, tx *db.Tx, project uuid.UUID, u *Unique, noRoom error) (*monitor.Check, error) {
	if u == nil {
		return nil, nil
	}
	where := `c.project_id = $1`
	args := []any{project}
	add := func(column string, v any) {
		args = append(args, v)
		where += fmt.Sprintf(` AND c.%s = $%d`, column, len(args))
	}
	if u.Name != nil {
		add("name", *u.Name)
	}
	if u.Slug != nil {
		add("slug", *u.Slug)
	}
	if u.Tags != nil {
		add("tags", *u.Tags)
	}
	if u.Timeout != nil {
		add("timeout_seconds", int64(u.Timeout.Seconds()))
	}
	if u.Grace != nil {
		add("grace_seconds", int64(u.Grace.Seconds()))
	}
	c, err := checkWhere(ctx, tx, where+` ORDER BY c.created_at, c.id LIMIT 1`+forUpdate(tx), args...)
	if errs.KindOf(err) == errs.NotFound {
		return nil, noRoom
	}
	return c, err
}
