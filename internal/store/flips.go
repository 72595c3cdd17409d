package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// FlipFilter chooses flips of a check; zero fields do not restrict.
type FlipFilter struct {
	// inclusive
	From time.Time
	// exclusive
	Until time.Time
	// 0 = all
	Limit int
}

// Flips lists the flips of a check, newest first.
func (s *Store) Flips(ctx context.Context, check int64, f FlipFilter) ([]monitor.Flip, error) {
	query, args := newest(`SELECT `+flipColumns+` FROM flips f WHERE f.check_id = $1`,
		"f", []any{check}, f.From, f.Until, f.Limit)
	rows, err := s.db.Query(ctx, query, args...)
	return db.Collect(rows, err, func(r *sql.Rows, f *monitor.Flip) error {
		return r.Scan(flipDest(f)...)
	})
}

const flipColumns = `f.id, f.check_id, f.created_at, f.old_status, f.new_status, f.reason, f.silent, f.heard_at`

func flipDest(f *monitor.Flip) []any {
	return []any{&f.ID, &f.CheckID, db.Time(&f.CreatedAt), &f.Old, &f.New, &f.Reason, &f.Silent, db.Time(&f.Heard)}
}

// insertFlip stores a flip and, where it is news, one delivery for each channel
// of the check that can be used. It sets f.ID.
func insertFlip(ctx context.Context, tx *db.Tx, f *monitor.Flip) error {
	if err := insertSilentFlip(ctx, tx, f); err != nil {
		return err
	}
	deliver := deliveriesOfFlipSQL(tx.Engine(), f)
	if deliver == "" {
		return nil
	}
	_, err := tx.Exec(ctx, deliver, f.ID, f.CheckID, tx.Now())
	if err != nil {
		return fmt.Errorf("insert deliveries: %w", err)
	}
	if f.New == monitor.StatusDown {
		_, err := tx.Exec(ctx, insertUntoldSQL, f.ID, f.CheckID)
		if err != nil {
			return fmt.Errorf("insert who is not told: %w", err)
		}
	}
	tx.Wake(db.TopicDeliveries)
	return nil
}

// insertSilentFlip stores a flip that nobody is told of. It sets f.ID.
func insertSilentFlip(ctx context.Context, tx *db.Tx, f *monitor.Flip) error {
	err := tx.QueryRow(ctx, insertFlipSQL, f.CheckID, f.CreatedAt, f.Old, f.New, f.Reason, f.Silent, f.Heard).Scan(&f.ID)
	if err != nil {
		return fmt.Errorf("insert flip: %w", err)
	}
	return nil
}

const insertFlipSQL = `INSERT INTO flips (check_id, created_at, old_status, new_status, reason, silent, heard_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`

// deliveriesOfFlipSQL is the statement that makes the deliveries of a flip, if any:
// $1 flip, $2 check, $3 now. It is "" where nobody is told of the flip.
func deliveriesOfFlipSQL(e db.Engine, f *monitor.Flip) string {
	switch {
	case f.Notifies():
		return insertDeliveriesSQL(e)
	case f.MayNotify():
		return insertDeliveriesSQL(e) + ` AND ` + notifiedDownSQL("$2")
	default:
		return ""
	}
}

// notifiedDownSQL tells whether the last that people were told of a check, or are about
// to be, is that it is down; what was given up they were not told. check is an
// expression for its id. One look into an index answers it, also of a check that
// nobody was ever told of.
func notifiedDownSQL(check string) string {
	return `coalesce((SELECT tf.new_status FROM deliveries td JOIN flips tf ON tf.id = td.flip_id
			WHERE td.check_id = ` + check + ` AND td.status <> 'failed' ORDER BY td.created_at DESC, td.id DESC LIMIT 1), '') = 'down'`
}

// insertDeliveriesSQL makes the deliveries of one flip: $1 flip, $2 check, $3 now.
func insertDeliveriesSQL(e db.Engine) string {
	return `INSERT INTO deliveries (code, flip_id, check_id, channel_id, status, created_at, next_try_at)
		SELECT ` + randomUUID(e) + `, $1, cc.check_id, h.id, 'pending', $3, $3
		FROM check_channels cc JOIN channels h ON h.id = cc.channel_id
		WHERE cc.check_id = $2 AND h.verified AND NOT h.disabled`
}

// insertUntoldSQL keeps who is not told of a flip to down, though the channel belongs to
// the check: $1 flip, $2 check.
const insertUntoldSQL = `INSERT INTO untold (flip_id, channel_id, why)
	SELECT $1, h.id, ` + whyUntold + ` FROM check_channels cc JOIN channels h ON h.id = cc.channel_id
	WHERE cc.check_id = $2 AND (h.disabled OR NOT h.verified)`

// whyUntold is why nothing is sent through the channel h, as a WhyUntold.
const whyUntold = `CASE WHEN h.disabled THEN 'disabled' ELSE 'unverified' END`

// randomUUID is an expression that makes a version 4 uuid for each row.
func randomUUID(e db.Engine) string {
	if e == db.Postgres {
		return `gen_random_uuid()`
	}
	return `lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`
}
