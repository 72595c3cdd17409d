package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
)

// EmailChange is a change of a user's address that both addresses must agree to.
type EmailChange struct {
	ID     uuid.UUID
	UserID uuid.UUID
	// the new address
	Email     string
	OldAgreed bool
	NewAgreed bool
	CreatedAt time.Time
	ExpiresAt time.Time
}

const emailChangeColumns = `e.id, e.user_id, e.email, e.old_agreed, e.new_agreed, e.created_at, e.expires_at`

func scanEmailChange(r rowScanner, e *EmailChange) error {
	return r.Scan(db.UUID(&e.ID), db.UUID(&e.UserID), &e.Email, &e.OldAgreed, &e.NewAgreed, db.Time(&e.CreatedAt), db.Time(&e.ExpiresAt))
}

// BeginEmailChange stores a change in the place of the user's earlier one. Its
// id and time are made.
func (s *Store) BeginEmailChange(ctx context.Context, e *EmailChange) error {
	e.ID = uuid.New()
	e.CreatedAt = s.Now()
	_, err := s.db.Exec(ctx,
		`INSERT INTO email_changes (user_id, id, email, old_agreed, new_agreed, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (user_id) DO UPDATE SET id = excluded.id, email = excluded.email, old_agreed = excluded.old_agreed, new_agreed = excluded.new_agreed,
			created_at = excluded.created_at, expires_at = excluded.expires_at`,
		e.UserID, e.ID, e.Email, e.OldAgreed, e.NewAgreed, e.CreatedAt, e.ExpiresAt)
	if err != nil {
		return fmt.Errorf("store change of address: %w", err)
	}
	return nil
}

// EmailChangeOf returns the change of the user's address that is under way.
func (s *Store) EmailChangeOf(ctx context.Context, user uuid.UUID) (*EmailChange, error) {
	var e EmailChange
	err := scanEmailChange(s.db.QueryRow(ctx, `SELECT `+emailChangeColumns+` FROM email_changes e WHERE e.user_id = $1 AND e.expires_at > $2`,
		user, s.Now()), &e)
	return &e, notFound(err, "change of address")
}

// CancelEmailChange ends the change under way; none is no error.
func (s *Store) CancelEmailChange(ctx context.Context, user uuid.UUID) error {
	_, err := s.db.Exec(ctx, `DELETE FROM email_changes WHERE user_id = $1`, user)
	if err != nil {
		return fmt.Errorf("cancel change of address: %w", err)
	}
	return nil
}

// AgreeToEmailChange notes that the old (or else the new) address has agreed to
// the change with the id. When both have, the user has the new address and no
// session but the one with the hash keep, which may be nil; done tells so. It fails with errs.NotFound when there is no such change any
// more,
// and with errs.Conflict when somebody else has the address by now.
func (s *Store) AgreeToEmailChange(ctx context.Context, user, id uuid.UUID, old bool, keep []byte) (done bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		done = false
		if _, err := lockUser(ctx, tx, user); err != nil {
			return err
		}
		var e EmailChange
		err := scanEmailChange(tx.QueryRow(ctx, `SELECT `+emailChangeColumns+
			` FROM email_changes e WHERE e.user_id = $1 AND e.id = $2 AND e.expires_at > $3`+forUpdate(tx),
			user, id, tx.Now()), &e)
		if err != nil {
			return notFound(err, "change of address")
		}
		e.OldAgreed = e.OldAgreed || old
		e.NewAgreed = e.NewAgreed || !old
		if !e.OldAgreed || !e.NewAgreed {
			_, err = tx.Exec(ctx, `UPDATE email_changes SET old_agreed = $2, new_agreed = $3 WHERE user_id = $1`, user, e.OldAgreed, e.NewAgreed)
			return err
		}
		if err := setEmail(ctx, tx, user, e.Email, keep); err != nil {
			return err
		}
		done = true
		_, err = tx.Exec(ctx, `DELETE FROM email_changes WHERE user_id = $1`, user)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("agree to change of address: %w", err)
	}
	return done, nil
}

// setEmail gives the user the address. Links mailed to the old one end, and so do
// sessions but for the one with the hash keep.
func setEmail(ctx context.Context, tx *db.Tx, user uuid.UUID, email string, keep []byte) error {
	u, err := lockUser(ctx, tx, user)
	if err != nil {
		return err
	}
	u.Email = email
	if err := updateUser(ctx, tx, u); err != nil {
		if errs.KindOf(err) == errs.Conflict {
			return errs.Conflictf("The address %s has an account of its own by now.", email)
		}
		return err
	}
	_, err = endAccess(ctx, tx, user, Access{Session: keep, Tokens: true})
	return err
}
