package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
)

func inSetSQLite(column string, n int) string {
	return fmt.Sprintf("%s IN (SELECT value FROM json_each($%d))", column, n)
}

// claimSQLite leases the deliveries; there is one writer, so nobody is in the way.
func (s *Store) claimSQLite(ctx context.Context, query string, args []any) (ids []int64, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, query, args...)
		ids, err = db.Collect(rows, err, func(r *sql.Rows, id *int64) error { return r.Scan(id) })
		return err
	})
	return ids, err
}

const (
	sqliteFinishDelivery = `UPDATE deliveries SET status = $4, attempts = $5, next_try_at = $6, leased_by = NULL, finished_at = $7, latency_us = $8, last_error = $9, waits_for = $10,
			answer = $11
		WHERE id = $2 AND leased_by = $1 AND attempts = $3 AND status = 'pending'`

	sqliteDropDelivery = `DELETE FROM deliveries WHERE id = $2 AND leased_by = $1 AND attempts = $3 AND status = 'pending'`

	// What is dropped leaves why nobody was told.
	sqliteKeepUntold = `INSERT INTO untold (flip_id, channel_id, why) SELECT flip_id, channel_id, $4 FROM deliveries
		WHERE id = $2 AND leased_by = $1 AND attempts = $3 AND status = 'pending' ON CONFLICT DO NOTHING`
)

// finishSQLite records a batch of outcomes in one transaction.
func (s *Store) finishSQLite(ctx context.Context, worker uuid.UUID, rows []outcomeRow, channels []channelRow) (counted int64,
	nextInLine bool, err error) {
	// as in recordSQLite
	ctx = context.WithoutCancel(ctx)
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		counted = 0
		finish := tx.Prepared(sqliteFinishDelivery)
		for _, r := range rows {
			n, err := finishOneSQLite(ctx, tx, finish, worker, r)
			if err != nil {
				return err
			}
			counted += n
		}
		for _, c := range channels {
			if err := noteChannelOutcome(ctx, tx, c.id, c.ChannelOutcome); err != nil {
				return err
			}
		}
		ids := make([]int64, len(rows))
		for i, r := range rows {
			ids[i] = r.id
		}
		return tx.QueryRow(ctx, nextInLineSQL(db.SQLite), setOfIDs(db.SQLite, ids)).Scan(&nextInLine)
	})
	return counted, nextInLine, err
}

func finishOneSQLite(ctx context.Context, tx *db.Tx, finish *db.Prepared, worker uuid.UUID, r outcomeRow) (int64, error) {
	if r.drop && r.untold != "" {
		_, err := tx.Exec(ctx, sqliteKeepUntold, worker, r.id, r.attempts, string(r.untold))
		if err != nil {
			return 0, fmt.Errorf("keep why nobody is told: %w", err)
		}
	}
	if r.drop {
		return execAffects(ctx, tx, sqliteDropDelivery, worker, r.id, r.attempts)
	}
	return finish.Exec(ctx, worker, r.id, r.attempts, string(r.status), r.attemptsAfter, r.nextTry, r.finished, r.latency.Microseconds(),
		r.lastError, r.waitsFor, r.answer)
}
