package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Stale is a set of rows that have had their time. The same text finds them to
// be counted and to be removed, so a dry run tells the truth.
type Stale struct {
	// what people call the rows: "pings", "sessions"
	Name  string
	table string
	// the columns that identify a row
	key []string
	// of the table in from
	alias string
	// what follows FROM
	from string
	// must still hold of the row itself when its turn comes: it may have changed meanwhile
	guard string
	args  []any
}

// staleRows are the rows of one table under a condition on its own columns.
func staleRows(name, table, key, condition string, args ...any) Stale {
	return Stale{Name: name, table: table, alias: "stale", key: []string{key}, from: table + ` stale WHERE ` + condition,
		guard: ` AND ` + condition, args: args}
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
	// runs again when two processes prune into each other
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err = execAffects(ctx, tx, query, args...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete stale %s: %w", v.Name, err)
	}
	return n, nil
}

// DeliveriesKept is how long deliveries are kept at least: as long as a mail may
// come back to one (mail.ReturnPathTime).
const DeliveriesKept = 48 * time.Hour

const (
	// limited is each check c with the user u whose limit of pings holds for it.
	limited = `checks c LEFT JOIN projects p ON p.id = c.project_id LEFT JOIN users u ON u.id = p.owner_id`
	// what is yet to be folded is kept: see monitor.Check.Fold
	pingLimit = `(coalesce(u.ping_log_limit, 100) + CASE WHEN c.unjudged = '' THEN 0 ELSE 10000 END)`
	// oldestKept is when the oldest ping that is kept of check c came, NULL when it has none.
	// lastDelivered is the flip that people were last told of, of check c; 0 when there is
	// none. toldDownSQL asks for it once the check is up again, however late that is.
	lastDelivered = `coalesce((SELECT k.flip_id FROM deliveries k WHERE k.check_id = c.id AND k.flip_id IS NOT NULL AND k.status <> 'failed'
		ORDER BY k.created_at DESC, k.id DESC LIMIT 1), 0)`
	oldestKept = `(SELECT g.created_at FROM pings g WHERE g.check_id = c.id AND g.n > c.n_pings - ` + pingLimit + ` ORDER BY g.n LIMIT 1)`
)

// StaleHistory is what is not kept of the checks with after < id <= until: pings
// beyond the newest ping_log_limit, deliveries from before the oldest ping that is
// kept which are also older than DeliveriesKept, and flips and unknown runs from before
// that ping which are also older than 93 days.
//
// Deliveries that are still pending stay, and of a check that is not up those that
// were the last to tell of it, with their flip. So do those of the last days: a mail
// comes back to its delivery that late, and an operator may send again what was
// given up, also of a check that is pinged every minute.
func (s *Store) StaleHistory(after, until int64) []Stale {
	// The range is said of both sides of a join: else the planner reads all pings there are.
	scope := func(alias string) string {
		return fmt.Sprintf(` WHERE c.id > $1 AND c.id <= $2 AND %[1]s.check_id > $1 AND %[1]s.check_id <= $2`, alias)
	}
	return []Stale{
		{Name: "pings", table: "pings", alias: "g", key: []string{"check_id", "n"},
			from: limited + ` JOIN pings g ON g.check_id = c.id AND g.n <= c.n_pings - ` + pingLimit + scope(`g`), args: []any{after, until}},
		{Name: "deliveries", table: "deliveries", alias: "d", key: []string{"id"},
			from: limited + ` JOIN deliveries d ON d.check_id = c.id` + scope(`d`) +
				` AND d.status <> 'pending' AND d.created_at < $3 AND d.created_at < ` + oldestKept +
				` AND (c.status = 'up' OR d.flip_id <> ` + lastDelivered + `)`,
			guard: ` AND status <> 'pending'`, args: []any{after, until, s.Now().Add(-DeliveriesKept)}},
		{Name: "flips", table: "flips", alias: "f", key: []string{"id"},
			from: limited + ` JOIN flips f ON f.check_id = c.id` + scope(`f`) + ` AND f.created_at < $3 AND f.created_at < coalesce(` + oldestKept +
				`, $3)
				AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.flip_id = f.id AND d.status = 'pending')
				AND (c.status = 'up' OR f.id <> ` + lastDelivered + `)`,
			args: []any{after, until, s.Now().Add(-monitor.FlipsKept)}},
		{Name: "unknown runs", table: "unknown_runs", alias: "r", key: []string{"id"},
			from: limited + ` JOIN unknown_runs r ON r.check_id = c.id` + scope(`r`) + ` AND r.deadline_at < $3 AND r.deadline_at < coalesce(` +
				oldestKept + `, $3)`,
			args: []any{after, until, s.Now().Add(-monitor.FlipsKept)}},
	}
}

// ChecksAfter returns the highest id among the next limit checks with id > after,
// 0 when there are none: StaleHistory goes through all checks in such steps.
func (s *Store) ChecksAfter(ctx context.Context, after int64, limit int) (until int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT coalesce(max(id), 0) FROM (SELECT c.id FROM checks c WHERE c.id > $1 ORDER BY c.id LIMIT $2) step`, after,
		limit).Scan(&until)
	if err != nil {
		return 0, fmt.Errorf("step through checks: %w", err)
	}
	return until, nil
}

// StaleChecks are the checks of visitors that were made before the given moment
// and never became anybody's.
func (s *Store) StaleChecks(before time.Time) Stale {
	return staleRows("checks", "checks", "id", `project_id IS NULL AND id > 0 AND created_at < $1`, before)
}

// OldestStaleCheck returns when the oldest of StaleChecks was made, zero when
// there is none.
func (s *Store) OldestStaleCheck(ctx context.Context, before time.Time) (t time.Time, err error) {
	err = s.db.QueryRow(ctx, `SELECT min(created_at) FROM checks WHERE project_id IS NULL AND id > 0 AND created_at < $1`, before).Scan(db.Time(&t))
	if err != nil {
		return time.Time{}, fmt.Errorf("look for stale checks: %w", err)
	}
	return t, nil
}

// StaleEmails are the records of mail that was made before the given moment and
// does not wait to be sent any more. What became of it must be older than that,
// too: a mail may have waited long for a server that was away. The warning of an
// account that is to be removed stays while the account does.
func (s *Store) StaleEmails(before time.Time) Stale {
	return staleRows("emails", "emails", "id",
		`created_at < $1 AND status <> 'queued' AND next_try_at < $1 AND (sent_at IS NULL OR sent_at < $1)
		AND message_id NOT IN (SELECT message_id FROM removal_notices)`, before)
}

// StaleVisits are what logins and visits leave behind: sessions, login tokens,
// changes of address and invitations that have expired, rate limits untouched and
// nodes not seen for a day.
func (s *Store) StaleVisits() []Stale {
	now := s.Now()
	dayAgo := now.Add(-24 * time.Hour)
	return []Stale{
		staleRows("sessions", "sessions", "id_hash", `expires_at <= $1`, now),
		staleRows("login tokens", "login_tokens", "token_hash", `expires_at <= $1`, now),
		staleRows("changes of address", "email_changes", "user_id", `expires_at <= $1`, now),
		staleRows("invitations", "invitations", "id", `expires_at <= $1`, now),
		staleRows("rate limits", "rate_limits", "key", `updated_at < $1`, dayAgo),
		staleRows("nodes", "nodes", "id", `seen_at < $1`, dayAgo),
	}
}
