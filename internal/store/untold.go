package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Untold is a channel of a check through which nobody was told of a flip to down.
type Untold struct {
	ChannelID uuid.UUID
	Why       monitor.WhyUntold
}

// FlipsAndUntold is Flips; it also returns who was not told of them, by flip. Channels that
// have been removed are not among them.
func (s *Store) FlipsAndUntold(ctx context.Context, check int64, f FlipFilter) ([]monitor.Flip, map[int64][]Untold, error) {
	query, args := newest(`SELECT `+flipColumns+`, coalesce((SELECT string_agg(CAST(n.channel_id AS text) || ' ' || n.why, ',')
			FROM untold n WHERE n.flip_id = f.id), '')
		FROM flips f WHERE f.check_id = $1`, "f", []any{check}, f.From, f.Until, f.Limit)
	untold := map[int64][]Untold{}
	rows, err := s.db.Query(ctx, query, args...)
	flips, err := db.Collect(rows, err, func(r *sql.Rows, f *monitor.Flip) error {
		var texts string
		if err := r.Scan(append(flipDest(f), &texts)...); err != nil {
			return err
		}
		for text := range strings.FieldsFuncSeq(texts, func(c rune) bool { return c == ',' }) {
			id, why, _ := strings.Cut(text, " ")
			channel, err := uuid.Parse(id)
			if err != nil {
				return err
			}
			untold[f.ID] = append(untold[f.ID], Untold{channel, monitor.WhyUntold(why)})
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list flips and who was not told: %w", err)
	}
	return flips, untold, nil
}
