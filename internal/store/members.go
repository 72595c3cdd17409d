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

// Member is somebody who works in a project that another user owns.
type Member struct {
	UserID uuid.UUID
	Email  string
	Role   monitor.Role
	Since  time.Time
	// zero: never
	LastLoginAt time.Time
	// since when the owner asks them to take the project over; zero: not
	Offered time.Time
}

const memberColumns = `m.user_id, u.email, m.role, m.created_at, u.last_login_at, m.transfer_requested_at`

func scanMember(r rowScanner, m *Member, more ...any) error {
	return r.Scan(append([]any{db.UUID(&m.UserID), &m.Email, &m.Role, db.Time(&m.Since), db.Time(&m.LastLoginAt), db.Time(&m.Offered)},
		more...)...)
}

// MembersOf lists the members of a project by address; the owner is none.
func (s *Store) MembersOf(ctx context.Context, project uuid.UUID) ([]Member, error) {
	rows, err := s.db.Query(ctx, `SELECT `+memberColumns+
		` FROM members m JOIN users u ON u.id = m.user_id WHERE m.project_id = $1 ORDER BY u.email`, project)
	return db.Collect(rows, err, func(r *sql.Rows, m *Member) error { return scanMember(r, m) })
}

// MemberOf returns one of those that MembersOf lists.
func (s *Store) MemberOf(ctx context.Context, project, user uuid.UUID) (*Member, error) {
	var m Member
	err := scanMember(s.db.QueryRow(ctx, `SELECT `+memberColumns+
		` FROM members m JOIN users u ON u.id = m.user_id WHERE m.project_id = $1 AND m.user_id = $2`, project, user), &m)
	return &m, notFound(err, "member")
}

// PeopleKnownTo lists the addresses of those who are members of other projects
// that the user owns, but do not work in this one.
func (s *Store) PeopleKnownTo(ctx context.Context, user, project uuid.UUID) ([]string, error) {
	rows, err := s.db.Query(ctx,
		`SELECT DISTINCT u.email FROM members m JOIN users u ON u.id = m.user_id JOIN projects p ON p.id = m.project_id
		WHERE p.owner_id = $1 AND NOT EXISTS (SELECT 1 FROM members x WHERE x.project_id = $2 AND x.user_id = u.id)
		AND NOT EXISTS (SELECT 1 FROM projects y WHERE y.id = $2 AND y.owner_id = u.id) ORDER BY u.email`, user, project)
	return db.Collect(rows, err, func(r *sql.Rows, email *string) error { return r.Scan(email) })
}

// AddMember lets the user work in the project. It fails with errs.Conflict when
// they do already, be it as the owner, or, because of ErrCap, when the owner's
// projects may have no more members.
func (s *Store) AddMember(ctx context.Context, project, user uuid.UUID, role monitor.Role) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error { return s.addMember(ctx, tx, project, user, role) })
}

func (s *Store) addMember(ctx context.Context, tx *db.Tx, project, user uuid.UUID, role monitor.Role) error {
	p, err := lockProject(ctx, tx, project)
	if err != nil {
		return err
	}
	if p.OwnerID == user {
		return errs.Conflictf("They own the project.")
	}
	if err := s.makeRoom(ctx, tx, p.OwnerID, Caps{Members: 1}); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, $3, $4)`, user, project, role, tx.Now())
	if db.IsUnique(err) {
		return errs.Conflictf("They are a member already.")
	}
	if err != nil {
		return fmt.Errorf("add member: %w", err)
	}
	return nil
}

// SetMemberRole gives a member another role.
func (s *Store) SetMemberRole(ctx context.Context, project, user uuid.UUID, role monitor.Role) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if _, err := lockProject(ctx, tx, project); err != nil {
			return err
		}
		n, err := execAffects(ctx, tx, `UPDATE members SET role = $3 WHERE project_id = $1 AND user_id = $2`, project, user, role)
		err = someMember(n, err, "change member")
		if err != nil || role == monitor.RoleManager {
			return err
		}
		return withdrawOf(ctx, tx, project, user)
	})
}

// RemoveMember ends the membership of a user, and takes back the invitations of
// theirs that were not answered; what else they have made stays.
func (s *Store) RemoveMember(ctx context.Context, project, user uuid.UUID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if _, err := lockProject(ctx, tx, project); err != nil {
			return err
		}
		n, err := execAffects(ctx, tx, `DELETE FROM members WHERE project_id = $1 AND user_id = $2`, project, user)
		err = someMember(n, err, "remove member")
		if err != nil {
			return err
		}
		return withdrawOf(ctx, tx, project, user)
	})
}

// withdrawOf takes back the invitations to the project by somebody who may not
// invite any more.
func withdrawOf(ctx context.Context, tx *db.Tx, project, by uuid.UUID) error {
	_, err := tx.Exec(ctx, `DELETE FROM invitations WHERE project_id = $1 AND invited_by = $2`, project, by)
	if err != nil {
		return fmt.Errorf("withdraw the invitations of a member: %w", err)
	}
	return nil
}

// OfferTransfer asks a member to take the project over, and nobody else any more.
func (s *Store) OfferTransfer(ctx context.Context, project, user uuid.UUID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if _, err := lockProject(ctx, tx, project); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE members SET transfer_requested_at = NULL WHERE project_id = $1`, project); err != nil {
			return fmt.Errorf("offer project: %w", err)
		}
		n, err := execAffects(ctx, tx, `UPDATE members SET transfer_requested_at = $3 WHERE project_id = $1 AND user_id = $2`, project, user,
			tx.Now())
		return someMember(n, err, "offer project")
	})
}

// CancelTransfer takes the offer back, or declines it; none is no error.
func (s *Store) CancelTransfer(ctx context.Context, project uuid.UUID) error {
	_, err := s.db.Exec(ctx, `UPDATE members SET transfer_requested_at = NULL WHERE project_id = $1`, project)
	if err != nil {
		return fmt.Errorf("cancel transfer: %w", err)
	}
	return nil
}

// AcceptTransfer makes the member the owner whom the project was offered; the
// owner so far becomes a member. It fails with errs.Conflict when it is not
// offered to them (any more), or their account has no room for its checks.
func (s *Store) AcceptTransfer(ctx context.Context, project, user uuid.UUID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		p, err := lockProject(ctx, tx, project)
		if err != nil {
			return err
		}
		// The owner's row is locked by whoever makes checks of theirs too.
		var limit, has, comes int
		if err := tx.QueryRow(ctx, `SELECT u.check_limit FROM users u WHERE u.id = $1`+forUpdate(tx), user).Scan(&limit); err != nil {
			return notFound(err, "user")
		}
		n, err := execAffects(ctx, tx, `DELETE FROM members WHERE project_id = $1 AND user_id = $2 AND transfer_requested_at IS NOT NULL`,
			project, user)
		if err != nil {
			return fmt.Errorf("accept project: %w", err)
		}
		if n == 0 {
			return errs.Conflictf("The project is not offered to you any more.")
		}
		err = tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM checks c JOIN projects p ON p.id = c.project_id WHERE p.owner_id = $1),
			(SELECT count(*) FROM checks c WHERE c.project_id = $2)`, user, project).Scan(&has, &comes)
		if err != nil {
			return fmt.Errorf("count checks: %w", err)
		}
		if has+comes > limit {
			return errs.Conflictf("Your account has room for %d checks. You have %d, and the project has %d.", limit, has, comes)
		}
		if err := s.makeRoomFor(ctx, tx, project, user); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE projects SET owner_id = $2 WHERE id = $1`, project, user); err != nil {
			return fmt.Errorf("change owner: %w", err)
		}
		_, err = tx.Exec(ctx, `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, $3, $4)`, p.OwnerID, project,
			monitor.RoleMember, tx.Now())
		if err != nil {
			return fmt.Errorf("keep the owner as a member: %w", err)
		}
		return withdrawOf(ctx, tx, project, p.OwnerID)
	})
}

// makeRoomFor is makeRoom for a project that changes hands; the owner so far takes
// the place of the new one among its members.
func (s *Store) makeRoomFor(ctx context.Context, tx *db.Tx, project, user uuid.UUID) error {
	comes := Caps{Projects: 1}
	err := tx.QueryRow(ctx,
		`SELECT (SELECT count(*) FROM channels h WHERE h.project_id = $1), (SELECT count(*) + 1 FROM members m WHERE m.project_id = $1)`,
		project).
		Scan(&comes.Channels, &comes.Members)
	if err != nil {
		return fmt.Errorf("count what comes with the project: %w", err)
	}
	return s.makeRoom(ctx, tx, user, comes)
}

func someMember(n int64, err error, doing string) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", doing, err)
	case n == 0:
		return errs.NotFoundf("member not found")
	default:
		return nil
	}
}
