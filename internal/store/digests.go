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

// Rest asks for what else waits for a channel, to be told in one message with what
// has been claimed.
type Rest struct {
	Worker  uuid.UUID
	Channel uuid.UUID
	// the claimed deliveries
	Claimed []int64
	// how long nobody else takes the others
	Lease time.Duration
	// how long nobody else sends such a message through the channel
	Window time.Duration
}

const (
	// maxRest is how many deliveries one message tells of beside those that were claimed.
	maxRest = 1000
	// restAge is how old they are at most: what is older has long been given up.
	restAge = 24 * time.Hour
)

// ClaimRest leases all deliveries that wait for the channel, due or not, in their
// order. Left alone are those that somebody is just making, what waits for a check to
// settle, and what comes after one of these. It is not ok, and nothing is leased,
// where another worker has asked for the same within the window.
func (s *Store) ClaimRest(ctx context.Context, r Rest) (rest []*Claimed, ok bool, err error) {
	var ids []int64
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		ids = nil
		now := tx.Now()
		n, err := execAffects(ctx, tx, `UPDATE channels SET digest_until = $2 WHERE id = $1 AND (digest_until IS NULL OR digest_until <= $3)`,
			r.Channel, now.Add(r.Window), now)
		ok = n > 0
		if err != nil || !ok {
			return err
		}
		claimed := setOfIDs(tx.Engine(), r.Claimed)
		rows, err := tx.Query(ctx, claimRestSQL(tx.Engine()), r.Channel, now, claimed, now.Add(-restAge), maxRest, r.Worker, now.Add(r.Lease))
		ids, err = db.Collect(rows, err, func(r *sql.Rows, id *int64) error { return r.Scan(id) })
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("claim what else waits for a channel: %w", err)
	}
	if len(ids) == 0 {
		return nil, ok, nil
	}
	rest, err = s.loadClaimed(ctx, r.Worker, ids)
	if err != nil {
		s.giveBack(ctx, r.Worker, ids)
		return nil, ok, fmt.Errorf("load what else waits for a channel: %w", err)
	}
	return rest, ok, nil
}

// claimRestSQL takes $1 channel, $2 now, $3 deliveries that are claimed already, $4
// since when, $5 at most, $6 worker, $7 end of the lease.
func claimRestSQL(e db.Engine) string {
	lock := ""
	if e == db.Postgres {
		lock = " FOR UPDATE OF d SKIP LOCKED"
	}
	return `WITH rest AS (
			SELECT d.id FROM deliveries d
			WHERE d.channel_id = $1 AND NOT ` + heldSQL(2) + ` AND d.created_at > $4 AND d.status = 'pending' AND d.waits_for <> '` + monitor.WaitsToSettle + `'
			AND (d.leased_by IS NULL OR d.next_try_at <= $2)
			AND NOT EXISTS (SELECT 1 FROM deliveries b
				WHERE b.status = 'pending' AND b.check_id = d.check_id AND b.channel_id = d.channel_id AND b.id < d.id
				AND NOT (` + inSet(e, "b.id", 3, idSet) + `)
				AND (b.waits_for = '` + monitor.WaitsToSettle + `' OR b.leased_by IS NOT NULL AND b.next_try_at > $2))
			ORDER BY d.id LIMIT $5` + lock + `)
		UPDATE deliveries SET leased_by = $6, next_try_at = $7, attempts = attempts + 1 WHERE id IN (SELECT id FROM rest) RETURNING id`
}

// Flaps are the changes of a check between up and down within some time.
type Flaps struct {
	// how often it changed, and how often of these it went down
	Changes, Downs int
	// when it changed first and last
	First, Last time.Time
}

// FlapsOf counts the changes between up and down since then, of the checks by their
// ids. One that has not changed is not in the map.
func (s *Store) FlapsOf(ctx context.Context, checks []int64, since time.Time) (map[int64]Flaps, error) {
	type row struct {
		check int64
		Flaps
	}
	rows, err := s.db.Query(ctx, `SELECT f.check_id, count(*), count(CASE WHEN f.new_status = 'down' THEN 1 END), min(f.created_at), max(f.created_at)
		FROM flips f WHERE `+inSet(s.db.Engine, "f.check_id", 1, idSet)+` AND f.created_at >= $2
		AND f.old_status IN ('up', 'down') AND f.new_status IN ('up', 'down') GROUP BY f.check_id`, setOfIDs(s.db.Engine, checks), since)
	list, err := db.Collect(rows, err, func(r *sql.Rows, out *row) error {
		return r.Scan(&out.check, &out.Changes, &out.Downs, db.Time(&out.First), db.Time(&out.Last))
	})
	if err != nil {
		return nil, fmt.Errorf("count changes of checks: %w", err)
	}
	flaps := make(map[int64]Flaps, len(list))
	for _, r := range list {
		flaps[r.check] = r.Flaps
	}
	return flaps, nil
}
