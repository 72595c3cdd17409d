package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
)

// ChannelHealth is what became of the alerts for one channel.
type ChannelHealth struct {
	// accepted by the other side
	Sent int
	// given up
	Failed int
	// failed at least once, to be tried again
	Waiting int
}

// ChannelsHealth counts the alerts made since then for each channel of a
// project; tests are no alerts. A channel without alerts is not in the map.
func (s *Store) ChannelsHealth(ctx context.Context, project uuid.UUID, since time.Time) (map[uuid.UUID]ChannelHealth, error) {
	rows, err := s.db.Query(ctx,
		`SELECT d.channel_id, count(CASE WHEN d.status = 'sent' THEN 1 END), count(CASE WHEN d.status = 'failed' THEN 1 END),
			count(CASE WHEN d.status = 'pending' AND d.last_error <> '' THEN 1 END)
		FROM channels h JOIN deliveries d ON d.channel_id = h.id WHERE h.project_id = $1 AND d.created_at >= $2 AND d.flip_id IS NOT NULL
		GROUP BY d.channel_id`, project, since)
	type row struct {
		channel uuid.UUID
		ChannelHealth
	}
	list, err := db.Collect(rows, err, func(r *sql.Rows, out *row) error {
		return r.Scan(db.UUID(&out.channel), &out.Sent, &out.Failed, &out.Waiting)
	})
	if err != nil {
		return nil, fmt.Errorf("count deliveries of channels: %w", err)
	}
	health := make(map[uuid.UUID]ChannelHealth, len(list))
	for _, r := range list {
		health[r.channel] = r.ChannelHealth
	}
	return health, nil
}
