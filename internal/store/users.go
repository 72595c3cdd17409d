package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

const userColumns = `u.id, u.email, u.password_hash, u.is_active, u.is_superuser, u.tz, u.theme, u.date_format, u.sort,
	u.check_limit, u.ping_log_limit, u.created_at, u.last_login_at, u.last_active_at, u.reports, u.next_report_at, u.nag_seconds, u.next_nag_at, u.by_operator`

func scanUser(row rowScanner, u *monitor.User, more ...any) error {
	return row.Scan(append([]any{db.UUID(&u.ID), &u.Email, &u.PasswordHash, &u.IsActive, &u.IsSuperuser, &u.TZ, &u.Theme, &u.DateFormat,
		&u.Sort,
		&u.CheckLimit, &u.PingLogLimit, db.Time(&u.CreatedAt), db.Time(&u.LastLoginAt), db.Time(&u.LastActiveAt),
		&u.Reports, db.Time(&u.NextReportAt), db.Seconds(&u.NagEvery), db.Time(&u.NextNagAt), &u.ByOperator}, more...)...)
}

// Account is what signing up makes, stored together or not at all. Check and
// Channel may be nil.
type Account struct {
	User    *monitor.User
	Project *monitor.Project
	Check   *monitor.Check
	Channel *monitor.Channel
}

// CreateAccount stores a new user with a first project, check and channel; the
// check is watched through the channel. It fails with errs.Conflict when the
// address has an account already.
//
// The check may exist already, made by the welcome page and still nobody's: it
// keeps its history and joins the project.
func (s *Store) CreateAccount(ctx context.Context, a Account) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := insertUser(ctx, tx, a.User); err != nil {
			return err
		}
		if a.Project == nil {
			return nil
		}
		a.Project.OwnerID = a.User.ID
		if err := insertProject(ctx, tx, a.Project); err != nil {
			return err
		}
		if a.Channel != nil {
			a.Channel.ProjectID = a.Project.ID
			if err := s.insertChannel(ctx, tx, a.Channel); err != nil {
				return err
			}
		}
		if a.Check == nil {
			return nil
		}
		a.Check.ProjectID = a.Project.ID
		if a.Check.ID != 0 {
			return adoptCheck(ctx, tx, a.Check)
		}
		if err := insertCheck(ctx, tx, a.Check); err != nil {
			return err
		}
		return assignAllChannels(ctx, tx, a.Check)
	})
}

func insertUser(ctx context.Context, q db.Querier, u *monitor.User) error {
	newRow(q, &u.ID, &u.CreatedAt)
	if u.Reports == "" {
		u.Reports = monitor.ReportsMonthly
	}
	_, err := q.Exec(ctx,
		`INSERT INTO users (id, email, password_hash, is_active, is_superuser, tz, theme, date_format, sort, check_limit, ping_log_limit, created_at,
			reports, next_report_at, nag_seconds, next_nag_at, by_operator)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		u.ID, u.Email, u.PasswordHash, u.IsActive, u.IsSuperuser, u.TZ, u.Theme, u.DateFormat, u.Sort, u.CheckLimit, u.PingLogLimit, u.CreatedAt,
		u.Reports, u.NextReportAt, int64(u.NagEvery.Seconds()), u.NextNagAt, u.ByOperator)
	if db.IsUnique(err) {
		return errs.Conflictf("There is an account with the address %s already.", u.Email)
	}
	if err != nil {
		return fmt.Errorf("insert user: %w", err)
	}
	return nil
}

// UserByID returns the user with the id.
func (s *Store) UserByID(ctx context.Context, id uuid.UUID) (*monitor.User, error) {
	var u monitor.User
	err := scanUser(s.db.QueryRow(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id), &u)
	return &u, notFound(err, "user")
}

// UserByEmail returns the user with the address, given in lower case.
func (s *Store) UserByEmail(ctx context.Context, email string) (*monitor.User, error) {
	var u monitor.User
	err := scanUser(s.db.QueryRow(ctx, `SELECT `+userColumns+` FROM users u WHERE u.email = $1`, email), &u)
	return &u, notFound(err, "user")
}

// ChangeUser lets change work on the user as stored now, keeps others from
// changing it meanwhile, stores it and returns it. It fails with errs.Conflict
// when the new address has an account, and with the error of change. change may
// run more than once, and must not use the store.
func (s *Store) ChangeUser(ctx context.Context, id uuid.UUID, change func(*monitor.User) error) (*monitor.User, error) {
	var u *monitor.User
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		var err error
		u, err = lockUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := change(u); err != nil {
			return err
		}
		return updateUser(ctx, tx, u)
	})
	return u, err
}

// Deactivate keeps the user out and ends what lets somebody in as them: all or
// nothing. It fails with errs.NotFound when there is no such user.
func (s *Store) Deactivate(ctx context.Context, id uuid.UUID) (ended Ended, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		err := execOne(ctx, tx, "deactivate", "user", `UPDATE users SET is_active = $2 WHERE id = $1`, id, false)
		if err != nil {
			return err
		}
		ended, err = endAccess(ctx, tx, id, Access{})
		return err
	})
	return ended, err
}

// SetPasswordHash gives the user another password, "" for none, and ends what
// lets somebody in as them, except what keep names: all or nothing. It fails with
// errs.NotFound when there is no such user.
func (s *Store) SetPasswordHash(ctx context.Context, id uuid.UUID, hash string, keep Access) (ended Ended, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		err := execOne(ctx, tx, "set password", "user", `UPDATE users SET password_hash = $2 WHERE id = $1`, id, hash)
		if err != nil {
			return err
		}
		ended, err = endAccess(ctx, tx, id, keep)
		return err
	})
	return ended, err
}

// updateUser stores a user that lockUser has returned.
func updateUser(ctx context.Context, tx *db.Tx, u *monitor.User) error {
	n, err := execAffects(ctx, tx, `UPDATE users SET email = $2, password_hash = $3, is_active = $4, is_superuser = $5, tz = $6, theme = $7,
		date_format = $8, sort = $9, check_limit = $10, ping_log_limit = $11, reports = $12, next_report_at = $13, nag_seconds = $14, next_nag_at = $15 WHERE id = $1`,
		u.ID, u.Email, u.PasswordHash, u.IsActive, u.IsSuperuser, u.TZ, u.Theme, u.DateFormat, u.Sort, u.CheckLimit, u.PingLogLimit,
		u.Reports, u.NextReportAt, int64(u.NagEvery.Seconds()), u.NextNagAt)
	switch {
	case db.IsUnique(err):
		return errs.Conflictf("There is an account with the address %s already.", u.Email)
	case err != nil:
		return fmt.Errorf("update user: %w", err)
	case n == 0:
		return errs.NotFoundf("user not found")
	}
	return nil
}

// NoteLogin stores that the user has just logged in.
func (s *Store) NoteLogin(ctx context.Context, id uuid.UUID) error {
	_, err := s.db.Exec(ctx, `UPDATE users SET last_login_at = $2, last_active_at = $2 WHERE id = $1`, id, s.Now())
	if err != nil {
		return fmt.Errorf("note login: %w", err)
	}
	return nil
}

// NoteActive stores that the user is using the site now.
func (s *Store) NoteActive(ctx context.Context, id uuid.UUID) error {
	_, err := s.db.Exec(ctx, `UPDATE users SET last_active_at = $2 WHERE id = $1`, id, s.Now())
	if err != nil {
		return fmt.Errorf("note activity: %w", err)
	}
	return nil
}

// KeepUser notes that an operator made the account or a part of it: it is never
// pruned from then on.
func (s *Store) KeepUser(ctx context.Context, id uuid.UUID) error {
	return execOne(ctx, s.db, "keep user", "user", `UPDATE users SET by_operator = $2 WHERE id = $1`, id, true)
}

// UserRow is a user with counts, for the admin pages.
type UserRow struct {
	monitor.User
	Projects int
	Checks   int
	// they log in in two steps
	TwoFactor bool
}

// Users lists users whose address contains search in any letter case, newest first.
func (s *Store) Users(ctx context.Context, search string, limit, offset int) ([]UserRow, error) {
	rows, err := s.db.Query(ctx, `SELECT `+userColumns+`,
		(SELECT count(*) FROM projects p WHERE p.owner_id = u.id),
		(SELECT count(*) FROM checks c JOIN projects p ON p.id = c.project_id WHERE p.owner_id = u.id),
		u.totp_secret <> '' OR EXISTS (SELECT 1 FROM credentials k WHERE k.user_id = u.id)
		FROM users u WHERE u.email LIKE lower($1) ESCAPE '!' ORDER BY u.created_at DESC, u.id LIMIT $2 OFFSET $3`,
		"%"+escapeLike(search)+"%", limit, offset)
	return db.Collect(rows, err, func(r *sql.Rows, u *UserRow) error {
		return scanUser(r, &u.User, &u.Projects, &u.Checks, &u.TwoFactor)
	})
}

// roomForOne fails with errs.Conflict when the user has limit rows of the table,
// which holds what people call things, and with errs.NotFound when there is no
// such user. It locks the user, so that two at once do not both take the last
// place.
func roomForOne(ctx context.Context, tx *db.Tx, user uuid.UUID, table, things string, limit int) error {
	var id uuid.UUID
	if err := tx.QueryRow(ctx, `SELECT u.id FROM users u WHERE u.id = $1`+forUpdate(tx), user).Scan(db.UUID(&id)); err != nil {
		return notFound(err, "user")
	}
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM `+table+` WHERE user_id = $1`, user).Scan(&n); err != nil {
		return fmt.Errorf("count %s: %w", things, err)
	}
	if n >= limit {
		return errs.Conflictf("There are %d %s already. Revoke one that is not used any more.", limit, things)
	}
	return nil
}
