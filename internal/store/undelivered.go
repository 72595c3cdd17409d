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

// Bounce says that a delivery, once accepted, has not arrived.
type Bounce struct {
	// deliveries made longer ago are left alone
	MaxAge time.Duration
	// kept with the delivery and its channel
	Reason string
	// nothing more is to be sent through the channel
	Disable bool
}

// Undelivered is a delivery that has not arrived, with what its owner is told.
type Undelivered struct {
	// as it is now
	Channel monitor.Channel
	Project monitor.Project
	Owner   Owner
	// its name, "" for a test notification
	Check string
	// what was told of it, "" for a test notification
	Status monitor.Status
	// the channel was in use and is disabled from now on
	Disabled bool
}

// NoteUndelivered stores that the delivery with the code has not arrived: it
// counts as failed, and the channel shows why. A delivery that will be tried
// again keeps its next try, so that no alert gets lost this way. It fails with
// errs.NotFound when there is no such delivery, or it is too old.
func (s *Store) NoteUndelivered(ctx context.Context, code uuid.UUID, b Bounce) (*Undelivered, error) {
	var out *Undelivered
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		u, delivery, err := loadUndelivered(ctx, tx, code, tx.Now().Add(-b.MaxAge))
		if err != nil {
			return err
		}
		u.Disabled = b.Disable && !u.Channel.Disabled
		u.Channel.LastError = b.Reason
		u.Channel.Disabled = u.Channel.Disabled || b.Disable
		if _, err := tx.Exec(ctx,
			`UPDATE deliveries SET last_error = $2, status = CASE status WHEN 'sent' THEN 'failed' ELSE status END WHERE id = $1`, delivery,
			b.Reason); err != nil {
			return fmt.Errorf("note undelivered: %w", err)
		}
		if _, err := tx.Exec(ctx, `UPDATE channels SET last_error = $2, disabled = $3,
			disabled_at = CASE WHEN $3 THEN coalesce(disabled_at, $4) END WHERE id = $1`, u.Channel.ID, b.Reason, u.Channel.Disabled,
			tx.Now()); err != nil {
			return fmt.Errorf("note undelivered: %w", err)
		}
		out = u
		return nil
	})
	return out, err
}

// loadUndelivered locks the channel: of two bounces at once, one disables it.
func loadUndelivered(ctx context.Context, tx *db.Tx, code uuid.UUID, since time.Time) (*Undelivered, int64, error) {
	lock := ""
	if tx.Engine() == db.Postgres {
		lock = " FOR NO KEY UPDATE OF h"
	}
	var (
		u        Undelivered
		delivery int64
		check    sql.NullString
		p        = &u.Project
	)
	dest := append([]any{&delivery}, channelDest(&u.Channel)...)
	dest = append(dest, db.UUID(&p.ID), db.UUID(&p.OwnerID), &p.Name, &p.APIKey, &p.APIKeyReadonly, db.Text(&p.PingKey), &p.BadgeKey,
		&p.ShowSlugs, db.Time(&p.CreatedAt))
	err := tx.QueryRow(ctx, `SELECT d.id, `+channelColumns+`, `+projectColumns+
		`, u.id, u.email, u.tz, coalesce(nullif(c.name, ''), c.slug), coalesce(f.new_status, '')
		FROM deliveries d JOIN channels h ON h.id = d.channel_id JOIN projects p ON p.id = h.project_id JOIN users u ON u.id = p.owner_id
		LEFT JOIN checks c ON c.id = d.check_id LEFT JOIN flips f ON f.id = d.flip_id WHERE d.code = $1 AND d.created_at > $2`+lock, code, since).
		Scan(append(dest, db.UUID(&u.Owner.ID), &u.Owner.Email, &u.Owner.TZ, &check, &u.Status)...)
	u.Check = check.String
	return &u, delivery, notFound(err, "delivery")
}

// StopReports ends the periodic reports and nags of a user.
func (s *Store) StopReports(ctx context.Context, user uuid.UUID) error {
	return execOne(ctx, s.db, "stop reports", "user",
		`UPDATE users SET reports = 'off', nag_seconds = 0, next_report_at = NULL, next_nag_at = NULL WHERE id = $1`, user)
}
