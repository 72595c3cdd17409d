package store

import (
	"context"
	"fmt"
	"time"

	"punctual/internal/db"
)

// AlertHold says that no alert of the instance is sent. Deliveries are made and kept.
type AlertHold struct {
	Began time.Time
	// zero: when somebody releases it
	Ends time.Time
	// who holds them, and what for; the note may be ""
	By, Note string
}

// MaxHoldNote is how many characters the note of an AlertHold has at most.
const MaxHoldNote = 200

// heldSQL tells whether alerts are held at the time that is the parameter with this number.
func heldSQL(now int) string {
	return fmt.Sprintf(`EXISTS (SELECT 1 FROM alert_hold a WHERE a.id = 1 AND (a.ends_at IS NULL OR a.ends_at > $%d))`, now)
}

// AlertHold returns what holds all alerts now; nil: nothing does.
func (s *Store) AlertHold(ctx context.Context) (*AlertHold, error) {
	var h AlertHold
	err := s.db.QueryRow(ctx, `SELECT a.began_at, a.ends_at, a.held_by, a.note FROM alert_hold a
		WHERE a.id = 1 AND (a.ends_at IS NULL OR a.ends_at > $1)`, s.Now()).Scan(db.Time(&h.Began), db.Time(&h.Ends), &h.By, &h.Note)
	if db.IsNoRows(err) {
		return nil, nil //nolint:nilnil // nothing holds them
	}
	if err != nil {
		return nil, fmt.Errorf("look whether alerts are held: %w", err)
	}
	return &h, nil
}

// HoldAlerts holds all alerts of the instance from now on, until ends; zero = until they
// are released. Where they are held already, the beginning stays and the rest is replaced.
func (s *Store) HoldAlerts(ctx context.Context, by, note string, ends time.Time) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO alert_hold (id, began_at, ends_at, held_by, note) VALUES (1, $1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET ends_at = $2, held_by = $3, note = $4,
				began_at = CASE WHEN alert_hold.ends_at <= $1 THEN $1 ELSE alert_hold.began_at END`, tx.Now(), ends, by, note)
		if err != nil {
			return fmt.Errorf("hold alerts: %w", err)
		}
		tx.Wake(db.TopicDeliveries)
		return nil
	})
}

// ReleaseAlerts ends the hold and tells whether there was one. The row stays, with its end:
// what was held has not been late by itself.
func (s *Store) ReleaseAlerts(ctx context.Context) (released bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx, `UPDATE alert_hold SET ends_at = $1 WHERE id = 1 AND (ends_at IS NULL OR ends_at > $1)`, tx.Now())
		if err != nil {
			return fmt.Errorf("release alerts: %w", err)
		}
		released = n > 0
		tx.Wake(db.TopicDeliveries)
		return nil
	})
	return released, err
}
