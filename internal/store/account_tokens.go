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

// AccountToken lets a program act for a user: what it may do is what the user
// may, or only the looking part of that.
type AccountToken struct {
	ID     uuid.UUID
	UserID uuid.UUID
	// what the user calls it
	Name string
	// the stored form, as of API keys (docs/contract.md §2.2)
	Hash      string
	Readonly  bool
	CreatedAt time.Time
	// to the minute; zero = never
	LastUsedAt time.Time
}

// MaxAccountTokens is how many tokens one user may have.
const MaxAccountTokens = 50

const tokenColumns = `t.id, t.user_id, t.name, t.token_hash, t.readonly, t.created_at, t.last_used_at`

func tokenDest(t *AccountToken) []any {
	return []any{db.UUID(&t.ID), db.UUID(&t.UserID), &t.Name, &t.Hash, &t.Readonly, db.Time(&t.CreatedAt), db.Time(&t.LastUsedAt)}
}

// CreateAccountToken stores a new token; its id and time are made where
// missing. It fails with errs.Conflict when the user has MaxAccountTokens.
func (s *Store) CreateAccountToken(ctx context.Context, t *AccountToken) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := roomForOne(ctx, tx, t.UserID, "account_tokens", "tokens", MaxAccountTokens); err != nil {
			return err
		}
		newRow(tx, &t.ID, &t.CreatedAt)
		_, err := tx.Exec(ctx, `INSERT INTO account_tokens (id, user_id, name, token_hash, readonly, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			t.ID, t.UserID, t.Name, t.Hash, t.Readonly, t.CreatedAt)
		if err != nil {
			return fmt.Errorf("insert account token: %w", err)
		}
		return nil
	})
}

// AccountTokens lists the tokens of a user, oldest first.
func (s *Store) AccountTokens(ctx context.Context, user uuid.UUID) ([]AccountToken, error) {
	rows, err := s.db.Query(ctx, `SELECT `+tokenColumns+` FROM account_tokens t WHERE t.user_id = $1 ORDER BY t.created_at, t.id`, user)
	return db.Collect(rows, err, func(r *sql.Rows, t *AccountToken) error { return r.Scan(tokenDest(t)...) })
}

// UserByToken returns the token of the stored form hash and whose it is. A
// token of an account that is not active opens nothing: errs.NotFound, as for
// none. That it was used is noted, at most once a minute.
func (s *Store) UserByToken(ctx context.Context, hash string) (*AccountToken, *monitor.User, error) {
	var t AccountToken
	var u monitor.User
	if hash == "" {
		return nil, nil, errs.NotFoundf("token not found")
	}
	err := scanUser(s.db.QueryRow(ctx, `SELECT `+userColumns+`, `+tokenColumns+` FROM account_tokens t JOIN users u ON u.id = t.user_id
		WHERE t.token_hash = $1 AND u.is_active`, hash), &u, tokenDest(&t)...)
	if err != nil {
		return nil, nil, notFound(err, "token")
	}
	minute := s.Now().Truncate(time.Minute)
	if t.LastUsedAt.Before(minute) {
		_, err := s.db.Exec(ctx, `UPDATE account_tokens SET last_used_at = $2 WHERE id = $1`, t.ID, minute)
		if err != nil {
			return nil, nil, fmt.Errorf("note use of account token: %w", err)
		}
		t.LastUsedAt = minute
	}
	return &t, &u, nil
}

// DeleteAccountToken removes the token with the id if it is the user's, and
// returns it; otherwise it fails with errs.NotFound.
func (s *Store) DeleteAccountToken(ctx context.Context, user, id uuid.UUID) (*AccountToken, error) {
	var t AccountToken
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(ctx, `SELECT `+tokenColumns+` FROM account_tokens t WHERE t.id = $1 AND t.user_id = $2`, id,
			user).Scan(tokenDest(&t)...)
		if err != nil {
			return notFound(err, "token")
		}
		return execOne(ctx, tx, "delete account token", "token", `DELETE FROM account_tokens WHERE id = $1 AND user_id = $2`, id, user)
	})
	return &t, err
}
