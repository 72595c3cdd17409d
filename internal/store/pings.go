package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// PingRow is a ping as lists show it: with the beginning and the size of its
// body instead of the whole.
type PingRow struct {
	// Body holds the first PingExcerpt bytes
	monitor.Ping
	// bytes; 0 = no body
	BodySize int64
}

// PingExcerpt is how many bytes of the body a PingRow holds.
const PingExcerpt = 200

// PingFilter chooses pings of a check; zero fields do not restrict.
type PingFilter struct {
	// only n >= MinN: the retention rule hides older ones
	MinN int64
	// only older than this
	Until time.Time
	Kinds []monitor.PingKind
	Limit int
	// with whole bodies
	Bodies bool
}

// Pings lists pings of a check, newest first.
func (s *Store) Pings(ctx context.Context, check int64, f PingFilter) ([]PingRow, error) {
	body := fmt.Sprintf(`substr(g.body, 1, %d)`, PingExcerpt)
	if f.Bodies {
		body = `g.body`
	}
	query := `SELECT ` + pingWithoutBody.list + `, ` + body + `, coalesce(length(g.body), 0) FROM pings g WHERE g.check_id = $1 AND g.n >= $2`
	args := []any{check, f.MinN}
	add := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	if !f.Until.IsZero() {
		query += ` AND g.created_at < ` + add(f.Until)
	}
	if len(f.Kinds) > 0 {
		var in []string
		for _, k := range f.Kinds {
			in = append(in, add(string(k)))
		}
		query += ` AND g.kind IN (` + strings.Join(in, ", ") + `)`
	}
	query += ` ORDER BY g.n DESC LIMIT ` + add(f.Limit)
	rows, err := s.db.Query(ctx, query, args...)
	return db.Collect(rows, err, func(r *sql.Rows, p *PingRow) error {
		return r.Scan(append(pingWithoutBody.dest(&p.Ping), &p.Body, &p.BodySize)...)
	})
}

// Ping returns one ping with its whole body.
func (s *Store) Ping(ctx context.Context, check, n int64) (*monitor.Ping, error) {
	var p monitor.Ping
	err := s.db.QueryRow(ctx, `SELECT `+wholePing.list+` FROM pings g WHERE g.check_id = $1 AND g.n = $2`, check, n).
		Scan(wholePing.dest(&p)...)
	return &p, notFound(err, "ping")
}

// PingLogLimit returns how many pings of each check the owner of the project keeps.
func (s *Store) PingLogLimit(ctx context.Context, project uuid.UUID) (limit int, err error) {
	err = s.db.QueryRow(ctx, `SELECT u.ping_log_limit FROM projects p JOIN users u ON u.id = p.owner_id WHERE p.id = $1`, project).Scan(&limit)
	return limit, notFound(err, "project")
}

// RunEventsBefore returns, for each of the run ids and for none, the newest
// start, success or failure of the check that came before ping n and after
// since: newest first, without bodies.
func (s *Store) RunEventsBefore(ctx context.Context, check, n int64, since time.Time, rids []uuid.NullUUID) ([]monitor.Ping, error) {
	var ids []uuid.UUID
	for _, rid := range rids {
		if rid.Valid {
			ids = append(ids, rid.UUID)
		}
	}
	e := s.db.Engine
	rows, err := s.db.Query(ctx, `SELECT `+pingWithoutBody.list+` FROM pings g JOIN (
			SELECT max(b.n) AS n FROM pings b WHERE b.check_id = $1 AND b.n < $2 AND b.created_at > $3 AND b.kind IN ('start', 'success', 'fail')
			AND (b.rid IS NULL OR `+inSet(e, "b.rid", 4, uuidSet)+`) GROUP BY b.rid) newest ON newest.n = g.n
		WHERE g.check_id = $1 ORDER BY g.n DESC`, check, n, since, setOfUUIDs(e, ids))
	return db.Collect(rows, err, func(r *sql.Rows, p *monitor.Ping) error {
		return r.Scan(pingWithoutBody.dest(p)...)
	})
}
