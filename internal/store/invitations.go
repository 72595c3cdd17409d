package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/monitor"
)

// Invitation is that somebody may become a member of a project. Whether the address
// has an account nobody knows until it is accepted.
type Invitation struct {
	ID        uuid.UUID
	ProjectID uuid.UUID
	// its name, kept by the project
	Project string
	// lower-case
	Email string
	Role  monitor.Role
	By    uuid.UUID
	// address of By, kept by the user
	ByEmail   string
	CreatedAt time.Time
	ExpiresAt time.Time
}

const invitationColumns = `i.id, i.project_id, p.name, i.email, i.role, i.invited_by, u.email, i.created_at, i.expires_at`

const invitationTables = ` FROM invitations i JOIN projects p ON p.id = i.project_id JOIN users u ON u.id = i.invited_by `

func invitationDest(i *Invitation) []any {
	return []any{db.UUID(&i.ID), db.UUID(&i.ProjectID), &i.Project, &i.Email, &i.Role, db.UUID(&i.By), &i.ByEmail, db.Time(&i.CreatedAt),
		db.Time(&i.ExpiresAt)}
}

// Invite stores an invitation in the place of an earlier one of the same address to
// the project; its id and time are made. token is the hash of what the mailed link
// ends with. It fails with errs.Conflict when the address is that of a member, or of
// the owner, which those who may invite can see, and when there is no room for one
// more member.
func (s *Store) Invite(ctx context.Context, i *Invitation, token []byte) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		p, err := lockProject(ctx, tx, i.ProjectID)
		if err != nil {
			return err
		}
		var owner, member bool
		err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM users u WHERE u.id = $1 AND u.email = $3),
			EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id WHERE m.project_id = $2 AND u.email = $3)`, p.OwnerID, i.ProjectID,
			i.Email).Scan(&owner, &member)
		switch {
		case err != nil:
			return fmt.Errorf("invite: %w", err)
		case owner:
			return errs.Conflictf("They own the project.")
		case member:
			return errs.Conflictf("They are a member already.")
		}
		err = s.makeRoom(ctx, tx, p.OwnerID, Caps{Members: 1})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM invitations WHERE project_id = $1 AND email = $2`, i.ProjectID, i.Email); err != nil {
			return fmt.Errorf("end an earlier invitation: %w", err)
		}
		i.ID = uuid.New()
		i.CreatedAt = tx.Now()
		_, err = tx.Exec(ctx,
			`INSERT INTO invitations (id, project_id, email, role, invited_by, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			i.ID, i.ProjectID, i.Email, i.Role, i.By, token, i.CreatedAt, i.ExpiresAt)
		if err != nil {
			return fmt.Errorf("invite: %w", err)
		}
		return nil
	})
}

// InvitationsOf lists the invitations to a project that wait for an answer, by
// address.
func (s *Store) InvitationsOf(ctx context.Context, project uuid.UUID) ([]Invitation, error) {
	return s.invitations(ctx, `i.project_id = $1 AND i.expires_at > $2 ORDER BY i.email`, project, s.Now())
}

// InvitationsTo lists the invitations of an address, given in lower case, that wait
// for an answer, the oldest first.
func (s *Store) InvitationsTo(ctx context.Context, email string) ([]Invitation, error) {
	return s.invitations(ctx, `i.email = $1 AND i.expires_at > $2 ORDER BY i.created_at, i.id`, email, s.Now())
}

func (s *Store) invitations(ctx context.Context, where string, args ...any) ([]Invitation, error) {
	rows, err := s.db.Query(ctx, `SELECT `+invitationColumns+invitationTables+`WHERE `+where, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows, i *Invitation) error { return r.Scan(invitationDest(i)...) })
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return list, nil
}

// InvitationByToken returns the invitation whose mailed link ends with what has the
// hash, unless it is over.
func (s *Store) InvitationByToken(ctx context.Context, id uuid.UUID, token []byte) (*Invitation, error) {
	var i Invitation
	err := s.db.QueryRow(ctx, `SELECT `+invitationColumns+invitationTables+`WHERE i.id = $1 AND i.token_hash = $2 AND i.expires_at > $3`, id,
		token, s.Now()).
		Scan(invitationDest(&i)...)
	return &i, notFound(err, "invitation")
}

// WithdrawInvitation ends an invitation to the project. It fails with errs.NotFound
// when there is none, or it was answered.
func (s *Store) WithdrawInvitation(ctx context.Context, project, id uuid.UUID) error {
	return execOne(ctx, s.db, "withdraw invitation", "invitation", `DELETE FROM invitations WHERE id = $1 AND project_id = $2`, id, project)
}

// AnswerInvitation makes the user a member of the project, or, unless they accept,
// ends the invitation only, and returns it. It fails with errs.NotFound when it is
// over, with errs.Forbidden when it is to another address than the user's, and like
// AddMember.
func (s *Store) AnswerInvitation(ctx context.Context, id, user uuid.UUID, accept bool) (*Invitation, error) {
	var i Invitation
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		i = Invitation{}
		err := tx.QueryRow(ctx, `SELECT `+invitationColumns+invitationTables+`WHERE i.id = $1 AND i.expires_at > $2`, id,
			tx.Now()).Scan(invitationDest(&i)...)
		if err != nil {
			return notFound(err, "invitation")
		}
		who := []uuid.UUID{user}
		if accept {
			p, err := lockProject(ctx, tx, i.ProjectID)
			if err != nil {
				return err
			}
			who = append(who, p.OwnerID)
		}
		users, err := lockUsers(ctx, tx, who...)
		if err != nil {
			return err
		}
		if hosts.MailAddress(users[user].Email) != hosts.MailAddress(i.Email) {
			return errs.Forbiddenf("This invitation is to %s.", i.Email)
		}
		// Of two answers at once, and of an answer and a withdrawal, one counts.
		if err := execOne(ctx, tx, "answer invitation", "invitation", `DELETE FROM invitations WHERE id = $1`, id); err != nil {
			return err
		}
		if !accept {
			return nil
		}
		return s.addMember(ctx, tx, i.ProjectID, user, i.Role)
	})
	return &i, err
}

// RoomForMember fails with errs.Conflict when the owner of the project may have no
// more members: before an account is made for one who could not become it.
func (s *Store) RoomForMember(ctx context.Context, project uuid.UUID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		p, err := lockProject(ctx, tx, project)
		if err != nil {
			return err
		}
		return s.makeRoom(ctx, tx, p.OwnerID, Caps{Members: 1})
	})
}

// DeclineInvitation ends the invitation whose mailed link ends with what has the
// hash. It fails with errs.NotFound when it is over.
func (s *Store) DeclineInvitation(ctx context.Context, id uuid.UUID, token []byte) error {
	return execOne(ctx, s.db, "decline invitation", "invitation",
		`DELETE FROM invitations WHERE id = $1 AND token_hash = $2 AND expires_at > $3`, id, token, s.Now())
}
