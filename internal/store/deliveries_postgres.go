package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"punctual/internal/db"
)

func inSetPostgres(column string, n int, t setType) string {
	return fmt.Sprintf("%s = ANY($%d::%s)", column, n, t)
}

// pgClaimLock makes claims of several processes take turns. Without it they all
// look at the same oldest deliveries, and those who find them taken go away
// empty although others wait. The whole transaction is one message to the
// server, so a process that stops in the middle cannot hold the lock.
const pgClaimLock = `SELECT pg_advisory_xact_lock(7163402981)`

// pgOnlyIndexes keeps PostgreSQL from reading all deliveries that wait to find
// the few that are meant. What it believes of the table is always out of date: ten
// thousand may have come since it looked, and it would plan for a dozen. A plan
// that was made while nothing waited is worse still, so none is kept
// (docs/performance.md).
const pgOnlyIndexes = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
	set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)`

// claimPostgres leases the deliveries in one round trip.
func (s *Store) claimPostgres(ctx context.Context, query string, args []any) (ids []int64, err error) {
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(pgOnlyIndexes)
	b.Queue(pgClaimLock)
	b.Queue(query, args...).Query(func(rows pgx.Rows) error {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	b.Queue("COMMIT")
	return ids, s.db.Pool().SendBatch(ctx, b).Close()
}

// In these coalesce leaves the primary key as the only way to a delivery, see claimSQL.
const (
	pgFinishDeliveries = `UPDATE deliveries d SET status = v.status, attempts = v.attempts_after, next_try_at = v.next_try_at, leased_by = NULL,
			finished_at = v.finished_at, latency_us = v.latency_us, last_error = v.last_error,
			waits_for = v.waits_for, answer = v.answer
		FROM unnest($2::bigint[], $3::integer[], $4::text[], $5::integer[], $6::timestamptz[], $7::timestamptz[], $8::bigint[], $9::text[], $10::text[],
			$11::text[])
			AS v(id, attempts, status, attempts_after, next_try_at, finished_at, latency_us, last_error, waits_for, answer)
		WHERE d.id = v.id AND d.leased_by = $1 AND d.attempts = v.attempts AND coalesce(d.status, '') = 'pending'`

	// What is dropped leaves why nobody was told, where there is a reason.
	pgDropDeliveries = `WITH v AS (SELECT * FROM unnest($2::bigint[], $3::integer[], $4::text[]) AS v(id, attempts, why)),
		n AS (
			INSERT INTO untold (flip_id, channel_id, why)
			SELECT d.flip_id, d.channel_id, v.why FROM v JOIN deliveries d ON d.id = v.id
			WHERE v.why <> '' AND d.leased_by = $1 AND d.attempts = v.attempts AND coalesce(d.status, '') = 'pending'
			ON CONFLICT DO NOTHING)
		DELETE FROM deliveries d USING v
		WHERE d.id = v.id AND d.leased_by = $1 AND d.attempts = v.attempts AND coalesce(d.status, '') = 'pending'`

	// The rows are locked in id order, so that two dispatchers cannot deadlock.
	pgNoteChannels = `WITH v AS (
			SELECT v.* FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::text[], $5::boolean[]) AS v(id, at, latency_us, error, disable)
			JOIN channels h ON h.id = v.id ORDER BY h.id FOR NO KEY UPDATE OF h)
		UPDATE channels h SET last_notify_at = v.at, last_latency_us = v.latency_us, last_error = v.error, disabled = (h.disabled OR v.disable),
			disabled_at = CASE WHEN h.disabled OR v.disable THEN coalesce(h.disabled_at, v.at) END
		FROM v WHERE h.id = v.id`
)

// finishPostgres records a batch of outcomes in one round trip.
func (s *Store) finishPostgres(ctx context.Context, worker uuid.UUID, rows []outcomeRow, channels []channelRow) (counted int64,
	nextInLine bool, err error) {
	var (
		id, latency, droppedID, channelLatency []int64
		attempts, after, droppedAttempts       []int32
		status, text, waitsFor, channelText    []string
		answer, droppedWhy                     []string
		next, finished, at                     []pgtype.Timestamptz
		channel                                []pgtype.UUID
		disable                                []bool
	)
	for _, r := range rows {
		if r.drop {
			droppedID = append(droppedID, r.id)
			droppedAttempts = append(droppedAttempts, int32(r.attempts)) //nolint:gosec // a few
			droppedWhy = append(droppedWhy, string(r.untold))
			continue
		}
		id = append(id, r.id)
		latency = append(latency, r.latency.Microseconds())
		attempts = append(attempts, int32(r.attempts))
		after = append(after, int32(r.attemptsAfter)) //nolint:gosec // a few
		status = append(status, string(r.status))
		text = append(text, r.lastError)
		next = append(next, pgTime(r.nextTry))
		finished = append(finished, pgTime(r.finished))
		waitsFor = append(waitsFor, r.waitsFor)
		answer = append(answer, r.answer)
	}
	for _, c := range channels {
		channel = append(channel, pgUUID(c.id))
		at = append(at, pgTime(c.At))
		channelLatency = append(channelLatency, c.Latency.Microseconds())
		channelText = append(channelText, c.Error)
		disable = append(disable, c.Disable)
	}
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(pgOnlyIndexes)
	b.Queue(pgFinishDeliveries, pgUUID(worker), id, attempts, status, after, next, finished, latency, text, waitsFor, answer)
	b.Queue(pgDropDeliveries, pgUUID(worker), droppedID, droppedAttempts, droppedWhy)
	b.Queue(pgNoteChannels, channel, at, channelLatency, channelText, disable)
	b.Queue("COMMIT")
	// After the commit: what comes later than this look announces itself.
	b.Queue("BEGIN")
	b.Queue(pgOnlyIndexes)
	b.Queue(nextInLineSQL(db.Postgres), setOfIDs(db.Postgres, id))
	b.Queue("COMMIT")
	res := s.db.Pool().SendBatch(ctx, b)
	defer res.Close()
	for i := range 8 {
		tag, err := res.Exec()
		if err != nil {
			return 0, false, err
		}
		// finished and dropped
		if i == 2 || i == 3 {
			counted += tag.RowsAffected()
		}
	}
	if err := res.QueryRow().Scan(&nextInLine); err != nil {
		return 0, false, err
	}
	return counted, nextInLine, res.Close()
}

func pgUUID(u uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: u, Valid: true} }
