package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
)

// DeliveryRow is a delivery with what lists show beside it.
type DeliveryRow struct {
	monitor.Delivery
	ChannelName string
	ChannelKind string
	// the status that was told: up or down; "" for a test
	Notified monitor.Status
	// of the flip, see monitor.Flip: the deadline, or when the signal came; of DeliveriesOf only
	Due    time.Time
	Reason monitor.Reason
	// it is being made now, and NextTryAt is the end of its lease; of DeliveriesOf only
	UnderWay bool
}

// DeliveryFilter chooses deliveries of a check; zero fields do not restrict.
type DeliveryFilter struct {
	// inclusive
	Since time.Time
	// exclusive
	Until time.Time
	// 0 = all
	Limit int
}

// DeliveriesOf lists the deliveries of a check for its event log, newest first.
func (s *Store) DeliveriesOf(ctx context.Context, check int64, f DeliveryFilter) ([]DeliveryRow, error) {
	query, args := newest(`SELECT `+deliveryColumns+`, h.name, h.kind, f.new_status, f.created_at, f.reason,
			d.leased_by IS NOT NULL
		FROM deliveries d JOIN channels h ON h.id = d.channel_id
		JOIN flips f ON f.id = d.flip_id WHERE d.check_id = $1`, "d", []any{check}, f.Since, f.Until, f.Limit)
	rows, err := s.db.Query(ctx, query, args...)
	return db.Collect(rows, err, func(r *sql.Rows, d *DeliveryRow) error {
		return r.Scan(append(deliveryDest(&d.Delivery), &d.ChannelName, &d.ChannelKind, &d.Notified, db.Time(&d.Due), &d.Reason,
			&d.UnderWay)...)
	})
}

// markedDeliveries is how many of a check DeliveryMark looks at.
const markedDeliveries = 100

// DeliveryMark returns a text that changes with what becomes of the newest
// deliveries of a check, and when the next attempt at one of them is due: in the
// past while one is being made, zero when none waits.
func (s *Store) DeliveryMark(ctx context.Context, check int64) (mark string, next time.Time, err error) {
	var counts [5]int64
	err = s.db.QueryRow(ctx, `SELECT count(*), coalesce(max(n.id), 0), coalesce(sum(n.attempts), 0), count(n.finished_at),
			count(CASE WHEN n.waits_for <> '' THEN 1 END), min(n.next) FROM (
			SELECT d.id, d.attempts, d.finished_at, d.waits_for,
				CASE WHEN d.status = 'pending' THEN CASE WHEN d.leased_by IS NULL THEN d.next_try_at ELSE d.created_at END END AS next
			FROM deliveries d WHERE d.check_id = $1 ORDER BY d.created_at DESC, d.id DESC LIMIT $2) n`, check, markedDeliveries).
		Scan(&counts[0], &counts[1], &counts[2], &counts[3], &counts[4], db.Time(&next))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("look at the deliveries of a check: %w", err)
	}
	return fmt.Sprintf("%d-%d-%d-%d-%d", counts[0], counts[1], counts[2], counts[3], counts[4]), next, nil
}

// FailedDelivery is a delivery that was given up, for the admin pages. The check
// is empty for a test notification.
type FailedDelivery struct {
	DeliveryRow
	CheckCode  uuid.UUID
	CheckName  string
	OwnerEmail string
}

// FailedDeliveries lists deliveries that were given up whose check, channel,
// owner or error contains search, newest first.
func (s *Store) FailedDeliveries(ctx context.Context, search string, limit, offset int) ([]FailedDelivery, error) {
	rows, err := s.db.Query(ctx, `SELECT `+deliveryColumns+`, h.name, h.kind, coalesce(f.new_status, ''), c.code, coalesce(c.name, ''), u.email
		FROM deliveries d JOIN channels h ON h.id = d.channel_id JOIN projects p ON p.id = h.project_id JOIN users u ON u.id = p.owner_id
		LEFT JOIN flips f ON f.id = d.flip_id LEFT JOIN checks c ON c.id = d.check_id
		WHERE d.status = 'failed' AND ($1 = '%%' OR lower(c.name) LIKE $1 ESCAPE '!' OR lower(h.name) LIKE $1 ESCAPE '!' OR h.kind LIKE $1 ESCAPE '!'
			OR u.email LIKE $1 ESCAPE '!' OR lower(d.last_error) LIKE $1 ESCAPE '!')
		ORDER BY d.created_at DESC, d.id DESC LIMIT $2 OFFSET $3`, "%"+escapeLike(strings.ToLower(search))+"%", limit, offset)
	return db.Collect(rows, err, func(r *sql.Rows, d *FailedDelivery) error {
		return r.Scan(append(deliveryDest(&d.Delivery), &d.ChannelName, &d.ChannelKind, &d.Notified, db.UUID(&d.CheckCode), &d.CheckName,
			&d.OwnerEmail)...)
	})
}

// RetryDelivery makes a delivery that was given up due again. It fails with
// errs.NotFound when there is none such, or when it was a test.
func (s *Store) RetryDelivery(ctx context.Context, id int64) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := execAffects(ctx, tx,
			`UPDATE deliveries SET status = 'pending', attempts = 0, next_try_at = $2, leased_by = NULL, finished_at = NULL, answer = ''
			WHERE id = $1 AND status = 'failed' AND flip_id IS NOT NULL`, id, tx.Now())
		if err != nil {
			return fmt.Errorf("retry delivery: %w", err)
		}
		if n == 0 {
			return errs.NotFoundf("there is no such failed delivery")
		}
		tx.Wake(db.TopicDeliveries)
		return nil
	})
}

// RecordTest stores how a test notification through the channel went, on the
// channel and as a delivery of no check; older ones of the channel are removed.
func (s *Store) RecordTest(ctx context.Context, channel uuid.UUID, code uuid.UUID, o ChannelOutcome) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM deliveries WHERE channel_id = $1 AND flip_id IS NULL`, channel); err != nil {
			return fmt.Errorf("record test: %w", err)
		}
		status := monitor.DeliverySent
		if o.Error != "" {
			status = monitor.DeliveryFailed
		}
		_, err := tx.Exec(ctx,
			`INSERT INTO deliveries (code, channel_id, status, attempts, created_at, next_try_at, finished_at, latency_us, last_error, answer)
			VALUES ($1, $2, $3, 1, $4, $4, $5, $6, $7, $8)`, code, channel, string(status), o.At.Add(-o.Latency), o.At, o.Latency.Microseconds(),
			o.Error, o.Answer)
		if err != nil {
			return fmt.Errorf("record test: %w", err)
		}
		return noteChannelOutcome(ctx, tx, channel, o)
	})
}
