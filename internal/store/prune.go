package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Stale is a set of rows that have had their time. The same text finds them to
// be counted and to be removed, so a dry run tells the truth.
type Stale struct {
	Name  string // what people call the rows: "pings", "sessions"
	table string
	key   []string // the columns that identify a row
	alias string   // of the table in from
	from  string   // what follows FROM
	guard string   // must still hold of the row itself when its turn comes: it may have changed meanwhile
	args  []any
}

// staleRows are the rows of one table under a condition on its own columns.
func staleRows(name, table, key, condition string, args ...any) Stale {
	return Stale{Name: name, table: table, alias: "stale", key: []string{key}, from: table + ` stale WHERE ` + condition, guard: ` AND ` + condition, args: args}
}

// keys is the statement that finds the rows.
func (v Stale) keys() string {
	qualified := make([]string, len(v.key))
	for i, column := range v.key {
		qualified[i] = v.alias + "." + column
	}
	return `SELECT ` + strings.Join(qualified, ", ") + ` FROM ` + v.from
}

// CountStale counts the rows.
func (s *Store) CountStale(ctx context.Context, v Stale) (n int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT count(*) FROM (`+v.keys()+`) stale`, v.args...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count stale %s: %w", v.Name, err)
	}
	return n, nil
}

// DeleteStale removes at most limit of the rows in one transaction and returns
// how many; fewer than limit means that none are left.
func (s *Store) DeleteStale(ctx context.Context, v Stale, limit int) (n int64, err error) {
	args := append(append([]any(nil), v.args...), limit)
	query := fmt.Sprintf(`DELETE FROM %s WHERE (%s) IN (%s LIMIT $%d)%s`, v.table, strings.Join(v.key, ", "), v.keys(), len(args), v.guard)
	err = s.db.InTx(ctx, func(tx *db.Tx) error { // runs again when two processes prune into each other
		n, err = execAffects(ctx, tx, query, args...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete stale %s: %w", v.Name, err)
	}
	return n, nil
}

const (
	// limited is each check c with the user u whose limit of pings holds for it.
	limited   = `checks c LEFT JOIN projects p ON p.id = c.project_id LEFT JOIN users u ON u.id = p.owner_id`
	pingLimit = `coalesce(u.ping_log_limit, 100)`
	// oldestKept is when the oldest ping that is kept of check c came, NULL when it has none.
	oldestKept = `(SELECT g.created_at FROM pings g WHERE g.check_id = c.id AND g.n > c.n_pings - ` + pingLimit + ` ORDER BY g.n LIMIT 1)`
)

// StaleHistory is what is not kept of the checks with after < id <= until: pings
// beyond the newest ping_log_limit, deliveries from before the oldest ping that is
// kept, and flips from before that which are also older than 93 days (features
// §12). Deliveries that are still pending stay.
func (s *Store) StaleHistory(after, until int64) []Stale {
	// The range is said of both sides of a join: else the planner reads all pings there are.
	scope := func(alias string) string {
		return fmt.Sprintf(` WHERE c.id > $1 AND c.id <= $2 AND %[1]s.check_id > $1 AND %[1]s.check_id <= $2`, alias)
	}
	return []Stale{
		{Name: "pings", table: "pings", alias: "g", key: []string{"check_id", "n"},
			from: limited + ` JOIN pings g ON g.check_id = c.id AND g.n <= c.n_pings - ` + pingLimit + scope(`g`), args: []any{after, until}},
		{Name: "deliveries", table: "deliveries", alias: "d", key: []string{"id"},
			from:  limited + ` JOIN deliveries d ON d.check_id = c.id` + scope(`d`) + ` AND d.status <> 'pending' AND d.created_at < ` + oldestKept,
			guard: ` AND status <> 'pending'`, args: []any{after, until}},
		{Name: "flips", table: "flips", alias: "f", key: []string{"id"},
			from: limited + ` JOIN flips f ON f.check_id = c.id` + scope(`f`) + ` AND f.created_at < $3 AND f.created_at < coalesce(` + oldestKept + `, $3)
				AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.flip_id = f.id AND d.status = 'pending')`,
			args: []any{after, until, s.Now().Add(-monitor.FlipsKept)}},
	}
}

// ChecksAfter returns the highest id among the next limit checks with id > after,
// 0 when there are none: StaleHistory goes through all checks in such steps.
func (s *Store) ChecksAfter(ctx context.Context, after int64, limit int) (until int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT coalesce(max(id), 0) FROM (SELECT c.id FROM checks c WHERE c.id > $1 ORDER BY c.id LIMIT $2) step`, after, limit).Scan(&until)
	if err != nil {
		return 0, fmt.Errorf("step through checks: %w", err)
	}
	return until, nil
}

// StaleChecks are the checks of visitors that were made before the given moment
// and never became anybody's.
func (s *Store) StaleChecks(before time.Time) Stale {
	return staleRows("checks", "checks", "id", `project_id IS NULL AND created_at < $1`, before)
}

// OldestStaleCheck returns when the oldest of StaleChecks was made, zero when
// there is none.
func (s *Store) OldestStaleCheck(ctx context.Context, before time.Time) (t time.Time, err error) {
	err = s.db.QueryRow(ctx, `SELECT min(created_at) FROM checks WHERE project_id IS NULL AND created_at < $1`, before).Scan(db.Time(&t))
	if err != nil {
		return time.Time{}, fmt.Errorf("look for stale checks: %w", err)
	}
	return t, nil
}

// StaleEmails are the records of mail made before the given moment that does not
// wait to be sent any more.
func (s *Store) StaleEmails(before time.Time) Stale {
	return staleRows("emails", "emails", "id", `created_at < $1 AND status <> 'queued'`, before)
}

// StaleVisits are what logins and visits leave behind: sessions and login tokens
// that have expired, rate limits untouched and nodes not seen for a day.
func (s *Store) StaleVisits() []Stale {
	now := s.Now()
	dayAgo := now.Add(-24 * time.Hour)
	return []Stale{
		staleRows("sessions", "sessions", "id_hash", `expires_at <= $1`, now),
		staleRows("login tokens", "login_tokens", "token_hash", `expires_at <= $1`, now),
		staleRows("rate limits", "rate_limits", "key", `updated_at < $1`, dayAgo),
		staleRows("nodes", "nodes", "id", `seen_at < $1`, dayAgo),
	}
}

// StaleUser is an account that nobody uses.
type StaleUser struct {
	ID          uuid.UUID
	Email       string
	CreatedAt   time.Time
	LastLoginAt time.Time // zero = never
}

// staleUser is true of the accounts that pruneusers removes; $1 is a month ago.
//
// Kept are superusers, members of somebody's project, owners of a project with
// members, and owners of a check that has been pinged within the month: an
// account made by `project create` may never log in and still be in daily use.
const staleUser = `NOT u.is_superuser
	AND (u.last_login_at IS NULL AND u.created_at < $1
		OR u.last_login_at < $1 AND NOT EXISTS (SELECT 1 FROM checks c JOIN projects p ON p.id = c.project_id WHERE p.owner_id = u.id))
	AND (u.last_active_at IS NULL OR u.last_active_at < $1)
	AND NOT EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id)
	AND NOT EXISTS (SELECT 1 FROM members m JOIN projects p ON p.id = m.project_id WHERE p.owner_id = u.id)
	AND NOT EXISTS (SELECT 1 FROM checks c JOIN projects p ON p.id = c.project_id
		WHERE p.owner_id = u.id AND (c.last_ping_at >= $1 OR c.last_start_at >= $1))`

// StaleUsers lists up to limit accounts that were made before the given moment
// and never logged in, or last logged in before it and own no checks (DESIGN
// §6), with an id above after, in order of ids.
func (s *Store) StaleUsers(ctx context.Context, before time.Time, after uuid.UUID, limit int) ([]StaleUser, error) {
	rows, err := s.db.Query(ctx, `SELECT u.id, u.email, u.created_at, u.last_login_at FROM users u WHERE u.id > $2 AND `+staleUser+` ORDER BY u.id LIMIT $3`, before, after, limit)
	users, err := db.Collect(rows, err, func(r *sql.Rows, u *StaleUser) error {
		return r.Scan(&u.ID, &u.Email, db.Time(&u.CreatedAt), db.Time(&u.LastLoginAt))
	})
	if err != nil {
		return nil, fmt.Errorf("look for stale users: %w", err)
	}
	return users, nil
}

// DeleteStaleUser removes an account of StaleUsers with everything it owns. It
// returns false when the account is no longer stale: its owner came back.
func (s *Store) DeleteStaleUser(ctx context.Context, before time.Time, id uuid.UUID) (bool, error) {
	n, err := execAffects(ctx, s.db, `DELETE FROM users AS u WHERE u.id = $2 AND `+staleUser, before, id)
	if err != nil {
		return false, fmt.Errorf("delete stale user: %w", err)
	}
	return n > 0, nil
}
