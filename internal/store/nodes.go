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
	if _, err := s.db.Exec(ctx, `DELETE FROM nodes WHERE id = $1`, id); err != nil {
		return fmt.Errorf("depart: %w", err)
	}
	return nil
}

// Nodes lists the processes seen since the given moment, last seen first.
func (s *Store) Nodes(ctx context.Context, since time.Time) ([]monitor.Node, error) {
	rows, err := s.db.Query(ctx, `SELECT n.id, n.role, n.host, n.pid, n.version, n.started_at, n.seen_at FROM nodes n WHERE n.seen_at >= $1 ORDER BY n.seen_at DESC`, since)
	return db.Collect(rows, err, func(r *sql.Rows, n *monitor.Node) error {
		return r.Scan(db.UUID(&n.ID), &n.Role, &n.Host, &n.PID, &n.Version, db.Time(&n.StartedAt), db.Time(&n.SeenAt))
	})
}

// AlertsAlive tells whether a process that sends alerts is alive.
func (s *Store) AlertsAlive(ctx context.Context) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT count(*) FROM nodes WHERE role IN ('sendalerts', 'up') AND seen_at >= $1`, s.Now().Add(-NodeTimeout)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for sendalerts: %w", err)
	}
	return n > 0, nil
}
