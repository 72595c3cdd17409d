package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
)

// Factors are what a user has set up as the second step of logging in.
type Factors struct {
	// of the authenticator app, sealed; "" = none
	TOTPSecret string
	TOTPSince  time.Time
	// zero = never
	TOTPUsed time.Time
	Keys     []SecurityKey

	// left; they are no factor, but stand in for one that is lost
	RecoveryCodes int
	// zero = there are none
	RecoverySince time.Time
}

// Count is how many factors there are.
func (f *Factors) Count() int {
	if f.TOTPSecret != "" {
		return len(f.Keys) + 1
	}
	return len(f.Keys)
}

// On tells whether a second step is asked for.
func (f *Factors) On() bool { return f.Count() > 0 }

// SecurityKey is a security key or passkey of a user.
type SecurityKey struct {
	ID     uuid.UUID
	UserID uuid.UUID
	// what the user calls it
	Name string
	// what WebAuthn calls it
	KeyID []byte
	// the credential record as JSON; see auth
	Data      []byte
	CreatedAt time.Time
	// zero = never
	LastUsedAt time.Time
}

// MaxSecurityKeys is how many keys one user may have.
const MaxSecurityKeys = 20

const securityKeyColumns = `k.id, k.user_id, k.name, k.key_id, k.data, k.created_at, k.last_used_at`

func securityKeyDest(k *SecurityKey) []any {
	return []any{db.UUID(&k.ID), db.UUID(&k.UserID), &k.Name, &k.KeyID, &k.Data, db.Time(&k.CreatedAt), db.Time(&k.LastUsedAt)}
}

// FactorsOf returns the factors of a user, keys in the order they were added.
func (s *Store) FactorsOf(ctx context.Context, user uuid.UUID) (*Factors, error) {
	return factorsOf(ctx, s.db, user)
}

func factorsOf(ctx context.Context, q db.Querier, user uuid.UUID) (*Factors, error) {
	var f Factors
	err := q.QueryRow(ctx, `SELECT u.totp_secret, u.totp_created_at, u.totp_used_at,
		(SELECT count(*) FROM recovery_codes r WHERE r.user_id = u.id), (SELECT max(r.created_at) FROM recovery_codes r WHERE r.user_id = u.id)
		FROM users u WHERE u.id = $1`, user).
		Scan(&f.TOTPSecret, db.Time(&f.TOTPSince), db.Time(&f.TOTPUsed), &f.RecoveryCodes, db.Time(&f.RecoverySince))
	if err != nil {
		return nil, notFound(err, "user")
	}
	rows, err := q.Query(ctx, `SELECT `+securityKeyColumns+` FROM credentials k WHERE k.user_id = $1 ORDER BY k.created_at, k.id`, user)
	f.Keys, err = db.Collect(rows, err, func(r *sql.Rows, k *SecurityKey) error { return r.Scan(securityKeyDest(k)...) })
	return &f, err
}

// changeFactors lets change work on a user whom nobody else changes meanwhile,
// and takes the recovery codes away where no factor is left.
func (s *Store) changeFactors(ctx context.Context, user uuid.UUID, change func(tx *db.Tx, f *Factors) error) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		var id uuid.UUID
		if err := tx.QueryRow(ctx, `SELECT u.id FROM users u WHERE u.id = $1`+forUpdate(tx), user).Scan(db.UUID(&id)); err != nil {
			return notFound(err, "user")
		}
		before, err := factorsOf(ctx, tx, user)
		if err != nil {
			return err
		}
		if err := change(tx, before); err != nil {
			return err
		}
		after, err := factorsOf(ctx, tx, user)
		if err == nil && !after.On() {
			_, err = tx.Exec(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, user)
		}
		return err
	})
}

// SetTOTP gives the user an authenticator app: its sealed secret, and the step
// whose code has confirmed it. recovery are the hashes of recovery codes, stored
// where the user has no factor yet; first tells whether they were. With a first
// factor all sessions of the user end but the one with the hash keep, which may be
// nil. It fails with errs.Conflict when there is an app already.
func (s *Store) SetTOTP(ctx context.Context, user uuid.UUID, sealed string, step int64, recovery [][]byte, keep []byte) (first bool,
	err error) {
	err = s.changeFactors(ctx, user, func(tx *db.Tx, f *Factors) error {
		if f.TOTPSecret != "" {
			return errs.Conflictf("There is an authenticator app already. Remove it first.")
		}
		_, err := tx.Exec(ctx, `UPDATE users SET totp_secret = $2, totp_step = $3, totp_created_at = $4, totp_used_at = NULL WHERE id = $1`, user,
			sealed, step, tx.Now())
		if err != nil {
			return fmt.Errorf("store authenticator app: %w", err)
		}
		first = !f.On()
		if first {
			return beginTwoFactor(ctx, tx, user, recovery, keep)
		}
		return nil
	})
	return first, err
}

// beginTwoFactor is what a first factor brings with it: recovery codes, and the
// end of the sessions that have proved less.
func beginTwoFactor(ctx context.Context, tx *db.Tx, user uuid.UUID, recovery [][]byte, keep []byte) error {
	_, err := endAccess(ctx, tx, user, Access{Session: keep, Tokens: true})
	if err != nil {
		return err
	}
	return setRecoveryCodes(ctx, tx, user, recovery)
}

// UseTOTPStep accepts the step for the app with the sealed secret, and tells
// whether it may be: each step is accepted once, and none before it any more. Of
// two calls at once only one gets true.
func (s *Store) UseTOTPStep(ctx context.Context, user uuid.UUID, sealed string, step int64) (bool, error) {
	n, err := execAffects(ctx, s.db,
		`UPDATE users SET totp_step = $3, totp_used_at = $4 WHERE id = $1 AND totp_secret = $2 AND totp_secret <> '' AND totp_step < $3`,
		user, sealed, step, s.Now())
	if err != nil {
		return false, fmt.Errorf("use step of authenticator app: %w", err)
	}
	return n > 0, nil
}

// RemoveTOTP takes the authenticator app away; none is errs.NotFound.
func (s *Store) RemoveTOTP(ctx context.Context, user uuid.UUID) error {
	return s.changeFactors(ctx, user, func(tx *db.Tx, f *Factors) error {
		if f.TOTPSecret == "" {
			return errs.NotFoundf("authenticator app not found")
		}
		return clearTOTP(ctx, tx, user)
	})
}

func clearTOTP(ctx context.Context, tx *db.Tx, user uuid.UUID) error {
	_, err := tx.Exec(ctx, `UPDATE users SET totp_secret = '', totp_step = 0, totp_created_at = NULL, totp_used_at = NULL WHERE id = $1`, user)
	if err != nil {
		return fmt.Errorf("remove authenticator app: %w", err)
	}
	return nil
}

// AddSecurityKey stores a new key; its id and time are made. recovery, keep and
// first are as of SetTOTP. It fails with errs.Conflict when the key is known already,
// and when the user has MaxSecurityKeys.
func (s *Store) AddSecurityKey(ctx context.Context, k *SecurityKey, recovery [][]byte, keep []byte) (first bool, err error) {
	err = s.changeFactors(ctx, k.UserID, func(tx *db.Tx, f *Factors) error {
		if len(f.Keys) >= MaxSecurityKeys {
			return errs.Conflictf("There are %d keys already. Remove one that is not used any more.", MaxSecurityKeys)
		}
		k.ID = uuid.New()
		k.CreatedAt = tx.Now()
		_, err := tx.Exec(ctx, `INSERT INTO credentials (id, user_id, name, key_id, data, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			k.ID, k.UserID, k.Name, k.KeyID, k.Data, k.CreatedAt)
		switch {
		case db.IsUnique(err):
			return errs.Conflictf("This key is registered already.")
		case err != nil:
			return fmt.Errorf("insert security key: %w", err)
		}
		first = !f.On()
		if first {
			return beginTwoFactor(ctx, tx, k.UserID, recovery, keep)
		}
		return nil
	})
	return first, err
}

// UseSecurityKey notes that the key was used: its record was before and is after.
// It tells whether it still was before: of two uses at once only one gets true.
func (s *Store) UseSecurityKey(ctx context.Context, k *SecurityKey, after []byte) (bool, error) {
	n, err := execAffects(ctx, s.db, `UPDATE credentials SET data = $4, last_used_at = $5 WHERE id = $1 AND user_id = $2 AND data = $3`,
		k.ID, k.UserID, k.Data, after, s.Now())
	if err != nil {
		return false, fmt.Errorf("note use of security key: %w", err)
	}
	return n > 0, nil
}

// RenameSecurityKey gives the user's key another name; one that is not theirs
// is errs.NotFound.
func (s *Store) RenameSecurityKey(ctx context.Context, user, id uuid.UUID, name string) error {
	n, err := execAffects(ctx, s.db, `UPDATE credentials SET name = $3 WHERE id = $1 AND user_id = $2`, id, user, name)
	return oneKey(n, err, "rename security key")
}

// DeleteSecurityKey removes the user's key; one that is not theirs is
// errs.NotFound.
func (s *Store) DeleteSecurityKey(ctx context.Context, user, id uuid.UUID) error {
	return s.changeFactors(ctx, user, func(tx *db.Tx, _ *Factors) error {
		n, err := execAffects(ctx, tx, `DELETE FROM credentials WHERE id = $1 AND user_id = $2`, id, user)
		return oneKey(n, err, "delete security key")
	})
}

func oneKey(n int64, err error, doing string) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", doing, err)
	case n == 0:
		return errs.NotFoundf("security key not found")
	}
	return nil
}

// SetRecoveryCodes puts the codes with the hashes in the place of the user's
// earlier ones. It fails with errs.Conflict when the user has no factor.
func (s *Store) SetRecoveryCodes(ctx context.Context, user uuid.UUID, hashes [][]byte) error {
	return s.changeFactors(ctx, user, func(tx *db.Tx, f *Factors) error {
		if !f.On() {
			return errs.Conflictf("Recovery codes are for those who log in with two factors.")
		}
		return setRecoveryCodes(ctx, tx, user, hashes)
	})
}

func setRecoveryCodes(ctx context.Context, tx *db.Tx, user uuid.UUID, hashes [][]byte) error {
	_, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE user_id = $1`, user)
	if err != nil {
		return fmt.Errorf("remove recovery codes: %w", err)
	}
	for _, hash := range hashes {
		_, err := tx.Exec(ctx, `INSERT INTO recovery_codes (user_id, code_hash, created_at) VALUES ($1, $2, $3)`, user, hash, tx.Now())
		if err != nil {
			return fmt.Errorf("insert recovery code: %w", err)
		}
	}
	return nil
}

// UseRecoveryCode uses a code up, and tells whether it was one. Of two calls at
// once only one gets true.
func (s *Store) UseRecoveryCode(ctx context.Context, user uuid.UUID, hash []byte) (bool, error) {
	n, err := execAffects(ctx, s.db, `DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2`, user, hash)
	if err != nil {
		return false, fmt.Errorf("use recovery code: %w", err)
	}
	return n > 0, nil
}

// RemoveFactors takes all factors and recovery codes of the user away, and
// returns how many factors there were.
func (s *Store) RemoveFactors(ctx context.Context, user uuid.UUID) (removed int, err error) {
	err = s.changeFactors(ctx, user, func(tx *db.Tx, f *Factors) error {
		removed = f.Count()
		if err := clearTOTP(ctx, tx, user); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM credentials WHERE user_id = $1`, user)
		if err != nil {
			return fmt.Errorf("delete security keys: %w", err)
		}
		return nil
	})
	return removed, err
}
