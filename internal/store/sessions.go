package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// Session is a browser session. Its id lives in the cookie; only the hash is stored.
type Session struct {
	// SHA-256 of the cookie's id
	IDHash []byte
	UserID uuid.UUID
	// SuperuserID is the superuser who acts in the user's name; zero = the user.
	SuperuserID uuid.UUID
	Data        []byte
	UserAgent   string
	RemoteAddr  string
	CreatedAt   time.Time
	LastUsedAt  time.Time
	ExpiresAt   time.Time
}

const sessionColumns = `s.id_hash, s.user_id, s.superuser_id, s.data, s.user_agent, s.remote_addr, s.created_at, s.last_used_at, s.expires_at`

func sessionDest(s *Session) []any {
	return []any{
		&s.IDHash, db.UUID(&s.UserID), db.UUID(&s.SuperuserID), &s.Data, &s.UserAgent, &s.RemoteAddr,
		db.Time(&s.CreatedAt), db.Time(&s.LastUsedAt), db.Time(&s.ExpiresAt),
	}
}

// SessionByHash returns the session unless it has expired.
func (s *Store) SessionByHash(ctx context.Context, idHash []byte) (*Session, error) {
	var out Session
	err := s.db.QueryRow(ctx, `SELECT `+sessionColumns+` FROM sessions s WHERE s.id_hash = $1 AND s.expires_at > $2`, idHash,
		s.Now()).Scan(sessionDest(&out)...)
	return &out, notFound(err, "session")
}

// SaveSession stores a session, new or changed.
func (s *Store) SaveSession(ctx context.Context, v *Session) error {
	_, err := s.db.Exec(ctx,
		`INSERT INTO sessions (id_hash, user_id, superuser_id, data, user_agent, remote_addr, created_at, last_used_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id_hash) DO UPDATE SET user_id = excluded.user_id, superuser_id = excluded.superuser_id, data = excluded.data,
			user_agent = excluded.user_agent, remote_addr = excluded.remote_addr, last_used_at = excluded.last_used_at, expires_at = excluded.expires_at`,
		v.IDHash, db.NullUUID(v.UserID), db.NullUUID(v.SuperuserID), v.Data, v.UserAgent, v.RemoteAddr, v.CreatedAt, v.LastUsedAt, v.ExpiresAt)
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	return nil
}

// UpdateSession stores a changed session and tells whether it still was there:
// one that was ended meanwhile stays ended.
func (s *Store) UpdateSession(ctx context.Context, v *Session) (bool, error) {
	n, err := execAffects(ctx, s.db,
		`UPDATE sessions SET user_id = $2, superuser_id = $8, data = $3, user_agent = $4, remote_addr = $5, last_used_at = $6, expires_at = $7
		WHERE id_hash = $1`, v.IDHash, db.NullUUID(v.UserID), v.Data, v.UserAgent, v.RemoteAddr, v.LastUsedAt, v.ExpiresAt,
		db.NullUUID(v.SuperuserID))
	if err != nil {
		return false, fmt.Errorf("update session: %w", err)
	}
	return n > 0, nil
}

// DeleteSession removes one session; none is no error.
func (s *Store) DeleteSession(ctx context.Context, idHash []byte) error {
	_, err := s.db.Exec(ctx, `DELETE FROM sessions WHERE id_hash = $1`, idHash)
	if err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}

// deleteSessionsOf removes all sessions of the user, and those in which they act
// as a superuser in somebody's name, except the one with the hash keep, which may
// be nil. It returns how many.
func deleteSessionsOf(ctx context.Context, q db.Querier, user uuid.UUID, keep []byte) (int64, error) {
	if keep == nil {
		keep = []byte{}
	}
	n, err := execAffects(ctx, q, `DELETE FROM sessions WHERE (user_id = $1 OR superuser_id = $1) AND id_hash <> $2`, user, keep)
	if err != nil {
		return 0, fmt.Errorf("delete sessions: %w", err)
	}
	return n, nil
}

// Access names what lets somebody in as a user and is to go on doing so when the
// rest ends.
type Access struct {
	// hash of the session that stays; nil = none
	Session []byte
	// account tokens stay
	Tokens bool
}

// Ended is how much of the access to an account has ended.
type Ended struct {
	Sessions int64
	// account tokens
	Tokens int64
}

// EndAccess ends what lets somebody in as the user, all or nothing: sessions,
// login links that are under way, and account tokens, except what keep names.
func (s *Store) EndAccess(ctx context.Context, user uuid.UUID, keep Access) (ended Ended, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		ended, err = endAccess(ctx, tx, user, keep)
		return err
	})
	return ended, err
}

func endAccess(ctx context.Context, tx *db.Tx, user uuid.UUID, keep Access) (ended Ended, err error) {
	ended.Sessions, err = deleteSessionsOf(ctx, tx, user, keep.Session)
	if err != nil {
		return Ended{}, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM login_tokens WHERE user_id = $1`, user)
	if err != nil {
		return Ended{}, fmt.Errorf("delete login tokens: %w", err)
	}
	if keep.Tokens {
		return ended, nil
	}
	ended.Tokens, err = execAffects(ctx, tx, `DELETE FROM account_tokens WHERE user_id = $1`, user)
	if err != nil {
		return Ended{}, fmt.Errorf("delete account tokens: %w", err)
	}
	return ended, nil
}

// SessionsOf lists the live sessions of the user, last used first.
func (s *Store) SessionsOf(ctx context.Context, user uuid.UUID) ([]Session, error) {
	rows, err := s.db.Query(ctx, `SELECT `+sessionColumns+
		` FROM sessions s WHERE s.user_id = $1 AND s.expires_at > $2 ORDER BY s.last_used_at DESC`, user, s.Now())
	return db.Collect(rows, err, func(r *sql.Rows, v *Session) error {
		return r.Scan(sessionDest(v)...)
	})
}

// CreateLoginToken stores the hash of a mailed login token.
func (s *Store) CreateLoginToken(ctx context.Context, hash []byte, user uuid.UUID, expires time.Time) error {
	_, err := s.db.Exec(ctx, `INSERT INTO login_tokens (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)`, hash, user,
		s.Now(), expires)
	if err != nil {
		return fmt.Errorf("store login token: %w", err)
	}
	return nil
}

// LoginTokenValid tells whether the token could be used now, without using it.
func (s *Store) LoginTokenValid(ctx context.Context, hash []byte, user uuid.UUID) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT count(*) FROM login_tokens WHERE token_hash = $1 AND user_id = $2 AND expires_at > $3`, hash, user,
		s.Now()).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up login token: %w", err)
	}
	return n > 0, nil
}

// UseLoginToken uses a token up, together with all other tokens of the user,
// and tells whether it was valid. Of two calls at once only one gets true.
func (s *Store) UseLoginToken(ctx context.Context, hash []byte, user uuid.UUID) (bool, error) {
	ok := false
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx, `DELETE FROM login_tokens WHERE token_hash = $1 AND user_id = $2 AND expires_at > $3`, hash, user,
			tx.Now())
		if err != nil || n == 0 {
			ok = false
			return err
		}
		ok = true
		_, err = tx.Exec(ctx, `DELETE FROM login_tokens WHERE user_id = $1`, user)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("use login token: %w", err)
	}
	return ok, nil
}

// ForgetTokens removes the buckets with the names, see TakeToken; none is no error.
func (s *Store) ForgetTokens(ctx context.Context, keys []string) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		for _, key := range keys {
			_, err := tx.Exec(ctx, `DELETE FROM rate_limits WHERE key = $1`, key)
			if err != nil {
				return fmt.Errorf("forget a rate limit: %w", err)
			}
		}
		return nil
	})
}

// TakeToken takes one token from the bucket named key, which holds capacity
// tokens and refills over window. Where none is left it returns
// false and how long until one is.
func (s *Store) TakeToken(ctx context.Context, key string, capacity int, window time.Duration) (ok bool, wait time.Duration, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		now := tx.Now()
		if _, err := tx.Exec(ctx, `INSERT INTO rate_limits (key, tokens, updated_at) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING`, key,
			now); err != nil {
			return err
		}
		// 0 … 1: the part of the bucket that is full
		var tokens float64
		var updated time.Time
		if err := tx.QueryRow(ctx, `SELECT tokens, updated_at FROM rate_limits WHERE key = $1`+forUpdate(tx), key).Scan(&tokens,
			db.Time(&updated)); err != nil {
			return err
		}
		tokens = min(1, tokens+max(0, now.Sub(updated).Seconds())/window.Seconds())
		cost := 1 / float64(capacity)
		const rounding = 1e-9
		ok = tokens+rounding >= cost
		if ok {
			tokens = max(0, tokens-cost)
		} else {
			wait = time.Duration((cost - tokens) * float64(window))
		}
		_, err := tx.Exec(ctx, `UPDATE rate_limits SET tokens = $2, updated_at = $3 WHERE key = $1`, key, tokens, now)
		return err
	})
	if err != nil {
		return false, 0, fmt.Errorf("rate limit: %w", err)
	}
	return ok, wait, nil
}
