package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// History is a check with what has happened to it so far.
type History struct {
	// with its state; ID is set
	Check *monitor.Check
	// of its project
	Channels []uuid.UUID
	Pings    []*monitor.Ping
	// in their order
	Flips []PastFlip
}

// PastFlip is a flip with what became of telling it.
type PastFlip struct {
	monitor.Flip
	// their check and flip are set
	Deliveries []monitor.Delivery
}

// ImportHistory stores new checks with their past, all of them or none. It is
// taken as given: the caller has made sure that pings, flips and states agree,
// nobody is told of anything, and no limit of checks is looked at.
func (s *Store) ImportHistory(ctx context.Context, histories []History) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		var pings, deliveries [][]any
		for _, h := range histories {
			if err := insertCheck(ctx, tx, h.Check); err != nil {
				return err
			}
			if err := assignChannels(ctx, tx, h.Check, Channels{IDs: h.Channels}); err != nil {
				return err
			}
			for _, p := range h.Pings {
				p.CheckID = h.Check.ID
				pings = append(pings, wholePing.values(nil, p))
			}
			ofFlips, err := importFlips(ctx, tx, h)
			if err != nil {
				return err
			}
			deliveries = append(deliveries, ofFlips...)
		}
		tx.Wake(db.TopicChecks)
		if err := insertRows(ctx, tx, `pings (`+wholePing.names()+`)`, pings); err != nil {
			return err
		}
		return insertRows(ctx, tx,
			`deliveries (code, flip_id, check_id, channel_id, status, attempts, created_at, next_try_at, finished_at, latency_us, last_error)`,
			deliveries)
	})
}

// importFlips stores the flips of a check and returns the rows of their deliveries.
func importFlips(ctx context.Context, tx *db.Tx, h History) (deliveries [][]any, err error) {
	for i := range h.Flips {
		f := &h.Flips[i]
		f.CheckID = h.Check.ID
		if err := insertSilentFlip(ctx, tx, &f.Flip); err != nil {
			return nil, err
		}
		for j := range f.Deliveries {
			d := &f.Deliveries[j]
			d.CheckID = f.CheckID
			d.FlipID = f.ID
			deliveries = append(deliveries, []any{d.Code, d.FlipID, d.CheckID, d.ChannelID, d.Status, d.Attempts, d.CreatedAt, d.NextTryAt,
				d.FinishedAt, d.Latency.Microseconds(), d.LastError})
		}
	}
	return deliveries, nil
}

// rowsPerInsert is small because SQLite looks each argument up by its name: twice
// as many in one statement cost it four times the time.
const rowsPerInsert = 20

// insertRows stores many rows with few statements. table names the columns too.
func insertRows(ctx context.Context, tx *db.Tx, table string, rows [][]any) error {
	for len(rows) > 0 {
		some := rows[:min(len(rows), rowsPerInsert)]
		rows = rows[len(some):]
		var query strings.Builder
		query.WriteString(`INSERT INTO ` + table + ` VALUES `)
		args := make([]any, 0, len(some)*len(some[0]))
		for i, row := range some {
			if i > 0 {
				query.WriteString(", ")
			}
			query.WriteByte('(')
			for j, v := range row {
				if j > 0 {
					query.WriteByte(',')
				}
				args = append(args, v)
				fmt.Fprintf(&query, "$%d", len(args))
			}
			query.WriteByte(')')
		}
		_, err := tx.Exec(ctx, query.String(), args...)
		if err != nil {
			return fmt.Errorf("insert into %s: %w", strings.Fields(table)[0], err)
		}
	}
	return nil
}
