package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Untold is a channel of a check through which nobody was told of a flip to down.
type Untold struct {
	FlipID      int64
	ChannelID   uuid.UUID
	ChannelName string
	ChannelKind string
	Why         monitor.WhyUntold
}

// UntoldOf lists who was not told of the flips of a check that f chooses, the newest flip
// first. Channels that have been removed are not among them. A limit is one of channels.
func (s *Store) UntoldOf(ctx context.Context, check int64, f FlipFilter) ([]Untold, error) {
	query, args := newest(`SELECT n.flip_id, n.channel_id, h.name, h.kind, n.why
		FROM flips f JOIN untold n ON n.flip_id = f.id JOIN channels h ON h.id = n.channel_id
		WHERE f.check_id = $1`, "f", []any{check}, f.From, f.Until, f.Limit)
	rows, err := s.db.Query(ctx, query, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows, u *Untold) error {
		return r.Scan(&u.FlipID, db.UUID(&u.ChannelID), &u.ChannelName, &u.ChannelKind, &u.Why)
	})
	if err != nil {
		return nil, fmt.Errorf("list who was not told: %w", err)
	}
	return list, nil
}
