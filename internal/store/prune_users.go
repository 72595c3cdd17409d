package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// StaleUser is an account that nobody uses.
type StaleUser struct {
	ID        uuid.UUID
	Email     string
	CreatedAt time.Time
	// zero = never
	LastLoginAt time.Time
	// that go with it
	Projects int
	Checks   int
	Warning  Warning
}

// Warning is what became of the newest mail that told somebody that their account
// would be removed. The zero value is that of an account that has had none since it
// was last used.
type Warning struct {
	MessageID string
	To        string
	CreatedAt time.Time
	// warnings mailed so far, this one included
	Count int

	// "" = its record is gone
	Status monitor.EmailStatus
	SentAt time.Time
	Error  string
	// Delivers tells of a warning that was not sent that mail to others has been since.
	Delivers bool
}

// staleUser is true of the accounts u that may be pruned; $1 is a month ago.
//
// Kept are: superusers and accounts that an operator made or has deactivated;
// owners of a check that was ever pinged; members of somebody's project and owners
// of a project with members; accounts whose owner or token was here within the
// month.
const staleUser = `u.is_active AND NOT u.is_superuser AND NOT u.by_operator
	AND (u.last_login_at IS NULL AND u.created_at < $1
		OR u.last_login_at < $1 AND NOT EXISTS (SELECT 1 FROM checks c JOIN projects p ON p.id = c.project_id WHERE p.owner_id = u.id))
	AND (u.last_active_at IS NULL OR u.last_active_at < $1)
	AND NOT EXISTS (SELECT 1 FROM account_tokens t WHERE t.user_id = u.id AND t.last_used_at >= $1)
	AND NOT EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id)
	AND NOT EXISTS (SELECT 1 FROM members m JOIN projects p ON p.id = m.project_id WHERE p.owner_id = u.id)
	AND NOT EXISTS (SELECT 1 FROM checks c JOIN projects p ON p.id = c.project_id
		WHERE p.owner_id = u.id AND (c.n_pings > 0 OR c.last_ping_at IS NOT NULL OR c.last_start_at IS NOT NULL))`

// StaleUsers lists up to limit accounts with an id above after, in order of ids,
// that were made before the given moment and never logged in, or last logged in
// before it and own no checks. Whether they have been warned is said beside them.
func (s *Store) StaleUsers(ctx context.Context, before time.Time, after uuid.UUID, limit int) ([]StaleUser, error) {
	rows, err := s.db.Query(ctx, `SELECT u.id, u.email, u.created_at, u.last_login_at,
			(SELECT count(*) FROM projects p WHERE p.owner_id = u.id),
			(SELECT count(*) FROM checks c JOIN projects p ON p.id = c.project_id WHERE p.owner_id = u.id),
			coalesce(n.message_id, ''), coalesce(n.recipient, ''), n.created_at, coalesce(n.warnings, 0),
			coalesce(m.status, ''), m.sent_at, coalesce(m.last_error, ''),
			CASE WHEN m.status IN ('failed', 'kept')
				THEN EXISTS (SELECT 1 FROM emails x WHERE x.sent_at > m.created_at AND x.recipient <> m.recipient AND x.status = 'sent') ELSE false END
		FROM users u LEFT JOIN removal_notices n ON n.user_id = u.id
			AND n.created_at >= coalesce(u.last_login_at, u.created_at) AND n.created_at >= coalesce(u.last_active_at, u.created_at)
		LEFT JOIN emails m ON m.message_id = n.message_id
		WHERE u.id > $2 AND `+staleUser+` ORDER BY u.id LIMIT $3`, before, after, limit)
	users, err := db.Collect(rows, err, func(r *sql.Rows, u *StaleUser) error {
		w := &u.Warning
		return r.Scan(&u.ID, &u.Email, db.Time(&u.CreatedAt), db.Time(&u.LastLoginAt), &u.Projects, &u.Checks,
			&w.MessageID, &w.To, db.Time(&w.CreatedAt), &w.Count, &w.Status, db.Time(&w.SentAt), &w.Error, &w.Delivers)
	})
	if err != nil {
		return nil, fmt.Errorf("look for stale users: %w", err)
	}
	return users, nil
}

// WarnStaleUser queues the mail that warns an account of StaleUsers, and notes it
// in the place of an earlier warning. It does nothing and returns false when the
// account is no longer stale, or somebody else has warned it meanwhile.
func (s *Store) WarnStaleUser(ctx context.Context, before time.Time, u *StaleUser, mail *monitor.Email) (bool, error) {
	var warned bool
	err := s.withAllOf(ctx, u.ID, func(tx *db.Tx) error {
		warned = false
		stale, err := stillStale(ctx, tx, before, u)
		if err != nil || !stale {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO removal_notices (user_id, message_id, recipient, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (user_id) DO UPDATE SET message_id = excluded.message_id, recipient = excluded.recipient, created_at = excluded.created_at,
				warnings = CASE WHEN removal_notices.recipient = excluded.recipient THEN removal_notices.warnings + 1 ELSE 1 END`,
			u.ID, mail.MessageID, mail.To, tx.Now())
		if err != nil {
			return err
		}
		warned = true
		return enqueueEmail(ctx, tx, mail)
	})
	if err != nil {
		return false, fmt.Errorf("warn stale user: %w", err)
	}
	return warned, nil
}

// DeleteStaleUser removes an account of StaleUsers with everything it owns. It
// returns false when the account is no longer stale, as its owner or a first ping
// came, or when it has had another warning since.
func (s *Store) DeleteStaleUser(ctx context.Context, before time.Time, u *StaleUser) (bool, error) {
	var gone bool
	err := s.withAllOf(ctx, u.ID, func(tx *db.Tx) error {
		gone = false
		stale, err := stillStale(ctx, tx, before, u)
		if err != nil || !stale {
			return err
		}
		gone = true
		return deleteUser(ctx, tx, u.ID, u.Email)
	})
	if err != nil {
		return false, fmt.Errorf("delete stale user: %w", err)
	}
	return gone, nil
}

// stillStale tells whether the account, which is locked with all it owns, is still
// as u says. Logins and pings do not change that until the transaction ends.
func stillStale(ctx context.Context, tx *db.Tx, before time.Time, u *StaleUser) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM users u LEFT JOIN removal_notices n ON n.user_id = u.id
		WHERE u.id = $2 AND u.email = $3 AND coalesce(n.message_id, '') = $4 AND `+staleUser, before, u.ID, u.Email, u.Warning.MessageID).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look at a stale user: %w", err)
	}
	return n == 1, nil
}

// ForgetWarnings drops the warnings of accounts that are in use again, so that
// they are warned anew should they fall asleep again; before is as in StaleUsers.
func (s *Store) ForgetWarnings(ctx context.Context, before time.Time) error {
	_, err := s.db.Exec(ctx, `DELETE FROM removal_notices WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = removal_notices.user_id
		AND coalesce(u.last_active_at, u.created_at) <= removal_notices.created_at
		AND coalesce(u.last_login_at, u.created_at) <= removal_notices.created_at AND `+staleUser+`)`, before)
	if err != nil {
		return fmt.Errorf("forget warnings: %w", err)
	}
	return nil
}
