package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// ChannelLatency is how long it took from deadlines, and from failure signals, until the
// other side had accepted the alerts.
type ChannelLatency struct {
	// of so many alerts
	N int
	// half of them took no longer, 99 of 100, and all
	Median, P99, Max time.Duration
}

// latencyOf is how many alerts of a channel ChannelsLatency looks at, the newest.
const latencyOf = 1000

// ChannelsLatency measures the alerts made since then, and accepted, of each channel of a
// project. What waited for a flapping check to settle is not among them. A channel without
// alerts is not in the map.
func (s *Store) ChannelsLatency(ctx context.Context, project uuid.UUID, since time.Time) (map[uuid.UUID]ChannelLatency, error) {
	rows, err := s.db.Query(ctx, `WITH c AS MATERIALIZED (
			SELECT h.id, coalesce((SELECT x.created_at FROM deliveries x WHERE x.channel_id = h.id
				ORDER BY x.created_at DESC LIMIT 1 OFFSET $3), $2) AS since
			FROM channels h WHERE h.project_id = $1),
		l AS (
			SELECT d.channel_id, `+microsBetween(s.db.Engine, "f.created_at", "d.finished_at")+` AS us
			FROM c JOIN deliveries d ON d.channel_id = c.id AND d.created_at >= c.since AND d.created_at >= $2
			JOIN flips f ON f.id = d.flip_id
			WHERE d.status = 'sent' AND d.waits_for = ''),
		r AS (
			SELECT l.channel_id, l.us, row_number() OVER (PARTITION BY l.channel_id ORDER BY l.us) AS place,
				count(*) OVER (PARTITION BY l.channel_id) AS n
			FROM l)
		SELECT r.channel_id, max(r.n), min(CASE WHEN r.place * 2 >= r.n THEN r.us END), min(CASE WHEN r.place * 100 >= r.n * 99 THEN r.us END),
			max(r.us)
		FROM r GROUP BY r.channel_id`, project, since, latencyOf-1)
	type row struct {
		channel uuid.UUID
		ChannelLatency
	}
	list, err := db.Collect(rows, err, func(r *sql.Rows, out *row) error {
		return r.Scan(db.UUID(&out.channel), &out.N, db.Micros(&out.Median), db.Micros(&out.P99), db.Micros(&out.Max))
	})
	if err != nil {
		return nil, fmt.Errorf("measure the deliveries of channels: %w", err)
	}
	latency := make(map[uuid.UUID]ChannelLatency, len(list))
	for _, r := range list {
		latency[r.channel] = r.ChannelLatency
	}
	return latency, nil
}

// microsBetween is an expression for the microseconds from one column of times to another.
func microsBetween(e db.Engine, from, until string) string {
	if e == db.Postgres {
		return `CAST(extract(epoch FROM ` + until + ` - ` + from + `) * 1000000 AS bigint)`
	}
	return until + ` - ` + from
}
