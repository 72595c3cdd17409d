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

// NodeTimeout is how long after its last sign of life a node counts as alive.
const NodeTimeout = 30 * time.Second

// Heartbeat stores that the process n is alive now.
func (s *Store) Heartbeat(ctx context.Context, n *monitor.Node) error {
	n.SeenAt = s.Now()
	_, err := s.db.Exec(ctx, `INSERT INTO nodes (id, role, host, pid, version, started_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`, n.ID, n.Role, n.Host, n.PID, n.Version, n.StartedAt, n.SeenAt)
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return nil
}

// Depart removes the process from the list, at its orderly end.
func (s *Store) Depart(ctx context.Context, id uuid.UUID) error {
	_, err := s.db.Exec(ctx, `DELETE FROM nodes WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("depart: %w", err)
	}
	return nil
}

// Nodes lists the processes seen since the given moment, last seen first.
func (s *Store) Nodes(ctx context.Context, since time.Time) ([]monitor.Node, error) {
	rows, err := s.db.Query(ctx,
		`SELECT n.id, n.role, n.host, n.pid, n.version, n.started_at, n.seen_at FROM nodes n WHERE n.seen_at >= $1 ORDER BY n.seen_at DESC`,
		since)
	return db.Collect(rows, err, func(r *sql.Rows, n *monitor.Node) error {
		return r.Scan(db.UUID(&n.ID), &n.Role, &n.Host, &n.PID, &n.Version, db.Time(&n.StartedAt), db.Time(&n.SeenAt))
	})
}

// LastSeen is the last sign of life of any process of the one or two roles, zero
// when there is none.
func (s *Store) LastSeen(ctx context.Context, roles ...string) (seen time.Time, err error) {
	err = s.db.QueryRow(ctx, `SELECT max(n.seen_at) FROM nodes n WHERE n.role IN ($1, $2)`, roles[0], roles[len(roles)-1]).Scan(db.Time(&seen))
	if err != nil {
		return seen, fmt.Errorf("look for %v: %w", roles, err)
	}
	return seen, nil
}

// absenceKey is where it is noted that people were told of a missing process. It
// is among the rate limits: the note goes by itself after a day.
const absenceKey = "absence "

// ClaimAbsence notes that people are told that a process is missing, by its name.
// It returns false where somebody has told them already.
func (s *Store) ClaimAbsence(ctx context.Context, name string) (bool, error) {
	res, err := s.db.Exec(ctx, `INSERT INTO rate_limits (key, tokens, updated_at) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING`, absenceKey+name,
		s.Now())
	if err != nil {
		return false, fmt.Errorf("claim absence: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// EndAbsence takes the note back. It returns when it was made, and false where
// there is none, or somebody else has taken it back.
func (s *Store) EndAbsence(ctx context.Context, name string) (since time.Time, ok bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `DELETE FROM rate_limits WHERE key = $1 RETURNING updated_at`, absenceKey+name).Scan(db.Time(&since))
	})
	if db.IsNoRows(err) {
		return since, false, nil
	}
	if err != nil {
		return since, false, fmt.Errorf("end absence: %w", err)
	}
	return since, true, nil
}

// AlertsAlive tells whether a process that sends alerts is alive.
func (s *Store) AlertsAlive(ctx context.Context) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT count(*) FROM nodes WHERE role IN ('sendalerts', 'up') AND seen_at >= $1`,
		s.Now().Add(-NodeTimeout)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for sendalerts: %w", err)
	}
	return n > 0, nil
}
