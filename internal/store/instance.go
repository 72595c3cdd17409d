package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// factKey names the fingerprint of the secret key among what is known of the
// instance.
const factKey = "secret key"

// KeyFingerprint returns the fingerprint of the secret key that the database
// belongs to, "" when none is known yet.
func (s *Store) KeyFingerprint(ctx context.Context) (string, error) {
	var value string
	err := s.db.QueryRow(ctx, `SELECT value FROM instance WHERE name = $1`, factKey).Scan(&value)
	if db.IsNoRows(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("load fingerprint of the secret key: %w", err)
	}
	return value, nil
}

// AdoptKey stores the fingerprint of the secret key unless there is one, and
// returns the one that is stored by now.
func (s *Store) AdoptKey(ctx context.Context, fingerprint string) (string, error) {
	_, err := s.db.Exec(ctx, `INSERT INTO instance (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, factKey, fingerprint)
	if err != nil {
		return "", fmt.Errorf("store fingerprint of the secret key: %w", err)
	}
	return s.KeyFingerprint(ctx)
}

// Unused tells whether nobody has used the database yet: it has neither users nor
// checks.
func (s *Store) Unused(ctx context.Context) (bool, error) {
	var used bool
	err := s.db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM users) OR EXISTS (SELECT 1 FROM checks WHERE id > 0)`).Scan(&used)
	if err != nil {
		return false, fmt.Errorf("look whether the database is new: %w", err)
	}
	return !used, nil
}

// SealedSecret is the sealed secret of a user's authenticator app.
type SealedSecret struct {
	User   uuid.UUID
	Sealed string
}

// SealedSecrets lists the sealed secrets of all users.
func (s *Store) SealedSecrets(ctx context.Context) ([]SealedSecret, error) {
	return sealedSecrets(ctx, s.db, "")
}

func sealedSecrets(ctx context.Context, q db.Querier, lock string) ([]SealedSecret, error) {
	rows, err := q.Query(ctx, `SELECT u.id, u.totp_secret FROM users u WHERE u.totp_secret <> '' ORDER BY u.id`+lock)
	list, err := db.Collect(rows, err, func(r *sql.Rows, v *SealedSecret) error { return r.Scan(db.UUID(&v.User), &v.Sealed) })
	if err != nil {
		return nil, fmt.Errorf("list sealed secrets: %w", err)
	}
	return list, nil
}

// NewestLinks returns the texts of the newest mails of alerts that are kept, at
// most limit: their links are signed.
func (s *Store) NewestLinks(ctx context.Context, limit int) ([]string, error) {
	rows, err := s.db.Query(ctx,
		`SELECT e.body_text FROM emails e WHERE e.body_text LIKE '%/unsub/%' ORDER BY e.created_at DESC, e.id DESC LIMIT $1`, limit)
	list, err := db.Collect(rows, err, func(r *sql.Rows, text *string) error { return r.Scan(text) })
	if err != nil {
		return nil, fmt.Errorf("list mails with links: %w", err)
	}
	return list, nil
}

// KeyRotation is a change of the secret key.
type KeyRotation struct {
	// fingerprints
	From, To string
	// Reseal returns a user's sealed secret sealed with the new key; "" leaves it.
	Reseal func(SealedSecret) string
	// Mark is put behind the stored forms of API keys and tokens, which are hashes
	// under the former key: see RenewKey.
	Mark string
}

// RotateKey changes the secret key in one step and tells whether it did: not where
// somebody else has by now.
func (s *Store) RotateKey(ctx context.Context, r KeyRotation) (done bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx, `UPDATE instance SET value = $3 WHERE name = $1 AND value = $2`, factKey, r.From, r.To)
		done = n > 0
		if err != nil || !done {
			return err
		}
		var projects int
		err = tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT p.id FROM projects p ORDER BY p.id`+forUpdate(tx)+`) locked`).Scan(&projects)
		if err != nil {
			return err
		}
		sealed, err := sealedSecrets(ctx, tx, forUpdate(tx))
		if err != nil {
			return err
		}
		for _, v := range sealed {
			again := r.Reseal(v)
			if again == "" {
				continue
			}
			_, err := tx.Exec(ctx, `UPDATE users SET totp_secret = $2 WHERE id = $1`, v.User, again)
			if err != nil {
				return err
			}
		}
		// A hash has a dot; keys of old times, in clear, do not depend on the secret
		// key. What has a mark already is of a key before.
		for _, query := range []string{
			`UPDATE projects SET api_key = api_key || $1 WHERE api_key LIKE '%.%' AND api_key NOT LIKE '%~%'`,
			`UPDATE projects SET api_key_readonly = api_key_readonly || $1 WHERE api_key_readonly LIKE '%.%' AND api_key_readonly NOT LIKE '%~%'`,
			`UPDATE account_tokens SET token_hash = token_hash || $1 WHERE token_hash LIKE '%.%' AND token_hash NOT LIKE '%~%'`,
		} {
			_, err := tx.Exec(ctx, query, r.Mark)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("change the secret key: %w", err)
	}
	return done, nil
}

// KnowsKey tells whether the stored form is that of an API key or account token.
func (s *Store) KnowsKey(ctx context.Context, stored string) (bool, error) {
	var known bool
	err := s.db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM projects WHERE api_key = $1 OR api_key_readonly = $1)
		OR EXISTS (SELECT 1 FROM account_tokens WHERE token_hash = $1)`, stored).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("look for a key: %w", err)
	}
	return known, nil
}

// RenewKey puts the stored form of an API key or account token under the present
// secret key in the place of the one under a former key.
func (s *Store) RenewKey(ctx context.Context, former, stored string) error {
	for _, query := range []string{
		`UPDATE projects SET api_key = $2 WHERE api_key = $1`,
		`UPDATE projects SET api_key_readonly = $2 WHERE api_key_readonly = $1`,
		`UPDATE account_tokens SET token_hash = $2 WHERE token_hash = $1`,
	} {
		_, err := s.db.Exec(ctx, query, former, stored)
		if err != nil {
			return fmt.Errorf("renew a key: %w", err)
		}
	}
	return nil
}

// FormerKeys counts the API keys and account tokens that have not been used since
// the secret key was changed: they open something only while their former key is
// set.
func (s *Store) FormerKeys(ctx context.Context) (int, error) {
	var n int
	err := s.db.QueryRow(ctx,
		`SELECT (SELECT count(*) FROM projects WHERE api_key LIKE '%~%') + (SELECT count(*) FROM projects WHERE api_key_readonly LIKE '%~%')
		+ (SELECT count(*) FROM account_tokens WHERE token_hash LIKE '%~%')`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count keys of a former secret key: %w", err)
	}
	return n, nil
}
