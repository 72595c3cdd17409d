package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Presence tells when pings could reach Punctual.
type Presence struct {
	// a process takes pings, or none ever has
	Now bool
	// the last ones, oldest first
	Outages []monitor.Outage
}

const (
	spansKept = 90 * 24 * time.Hour
	// of an instance that keeps crashing the newest outages must do
	spansRead = 16
)

// TakesPings stores that pings can be recorded now: a process that takes them
// has reached the database. It is to be called far more often than NodeTimeout.
func (s *Store) TakesPings(ctx context.Context) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		now := tx.Now()
		res, err := tx.Exec(ctx, `UPDATE presence SET seen_at = $1 WHERE id = (SELECT max(id) FROM presence) AND seen_at >= $2`, now,
			now.Add(-NodeTimeout))
		if err != nil {
			return fmt.Errorf("store presence: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO presence (began_at, seen_at) VALUES ($1, $1)`, now); err != nil {
			return fmt.Errorf("store presence: %w", err)
		}
		_, err = tx.Exec(ctx, `DELETE FROM presence WHERE seen_at < $1`, now.Add(-spansKept))
		return err
	})
}

// PingPresence returns when pings could reach Punctual, and when not.
func (s *Store) PingPresence(ctx context.Context) (Presence, error) {
	type span struct{ began, seen time.Time }
	rows, err := s.db.Query(ctx, `SELECT p.began_at, p.seen_at FROM presence p ORDER BY p.id DESC LIMIT $1`, spansRead)
	spans, err := db.Collect(rows, err, func(r *sql.Rows, out *span) error {
		return r.Scan(db.Time(&out.began), db.Time(&out.seen))
	})
	if err != nil {
		return Presence{}, fmt.Errorf("load presence: %w", err)
	}
	slices.Reverse(spans)
	p := Presence{Now: true}
	// by the spans so far
	var seen time.Time
	for i, sp := range spans {
		if i > 0 && sp.began.Sub(seen) > NodeTimeout {
			p.Outages = append(p.Outages, monitor.Outage{Began: seen, Ended: sp.began})
		}
		if sp.seen.After(seen) {
			seen = sp.seen
		}
	}
	if len(spans) > 0 {
		p.Now = s.Now().Sub(seen) <= NodeTimeout
	}
	return p, nil
}
