package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Backlog is what waits to be sent: deliveries, or mails.
type Backlog struct {
	Waiting int
	// when the oldest that waits was made; zero when none does
	Oldest time.Time
	// the earliest time for which an attempt is planned; zero when nothing waits
	Due time.Time
}

// DeliveryBacklog looks at the deliveries that wait or are under way. It reads
// only those.
func (s *Store) DeliveryBacklog(ctx context.Context) (Backlog, error) {
	return s.backlog(ctx, `SELECT count(*), min(created_at), min(next_try_at) FROM deliveries WHERE status = 'pending'`)
}

// MailBacklog looks at the queued mails. It reads only those.
func (s *Store) MailBacklog(ctx context.Context) (Backlog, error) {
	return s.backlog(ctx, `SELECT count(*), min(created_at), min(next_try_at) FROM emails WHERE status = 'queued'`)
}

func (s *Store) backlog(ctx context.Context, query string) (b Backlog, err error) {
	if err := s.db.QueryRow(ctx, query).Scan(&b.Waiting, db.Time(&b.Oldest), db.Time(&b.Due)); err != nil {
		return b, fmt.Errorf("look at what waits: %w", err)
	}
	return b, nil
}

// Census counts what people have made.
type Census struct {
	Users, Projects int
	// of projects, by stored status; those without any have 0
	Checks   map[monitor.Status]int
	Channels []ChannelCount
}

// ChannelCount is the number of channels of one kind in one state.
type ChannelCount struct {
	Kind               string
	Verified, Disabled bool
	N                  int
}

// Census reads each check and channel once: with a million checks it takes about
// a second, so that it is not for every request.
func (s *Store) Census(ctx context.Context) (c Census, err error) {
	c.Checks = map[monitor.Status]int{monitor.StatusNew: 0, monitor.StatusUp: 0, monitor.StatusDown: 0, monitor.StatusPaused: 0}
	if err := s.db.QueryRow(ctx, `SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM projects)`).Scan(&c.Users,
		&c.Projects); err != nil {
		return c, fmt.Errorf("count users and projects: %w", err)
	}
	type byStatus struct {
		status monitor.Status
		n      int
	}
	rows, err := s.db.Query(ctx, `SELECT status, count(*) FROM checks WHERE project_id IS NOT NULL GROUP BY status`)
	checks, err := db.Collect(rows, err, func(r *sql.Rows, out *byStatus) error { return r.Scan(&out.status, &out.n) })
	if err != nil {
		return c, fmt.Errorf("count checks: %w", err)
	}
	for _, b := range checks {
		c.Checks[b.status] = b.n
	}
	rows, err = s.db.Query(ctx, `SELECT kind, verified, disabled, count(*) FROM channels GROUP BY kind, verified, disabled`)
	c.Channels, err = db.Collect(rows, err, func(r *sql.Rows, out *ChannelCount) error {
		return r.Scan(&out.Kind, &out.Verified, &out.Disabled, &out.N)
	})
	if err != nil {
		return c, fmt.Errorf("count channels: %w", err)
	}
	return c, nil
}
