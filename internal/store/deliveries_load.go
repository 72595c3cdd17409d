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

// Claimed is a leased delivery with all there is to tell.
type Claimed struct {
	// Attempts counts this one; NextTryAt is the end of the lease
	monitor.Delivery
	Check   monitor.Check
	Flip    monitor.Flip
	Channel monitor.Channel
	Project monitor.Project
	Owner   Owner
	// of an up flip: when the check had gone down, zero = unknown
	DownSince time.Time
	// when alerts were last released, zero = they never were held
	Released time.Time
	// with its body; nil = none
	LastPing *monitor.Ping
	// other checks of the project that are down, at most MaxOtherDown
	OtherDown      []monitor.Check
	OtherDownTotal int
}

// Owner is what alerts need to know of the owner of a project.
type Owner struct {
	ID    uuid.UUID
	Email string
	TZ    string
}

// maxOtherDown is how many other checks that are down a Claimed lists.
const maxOtherDown = 10

const deliveryColumns = `d.id, d.code, d.flip_id, d.check_id, d.channel_id, d.status, d.attempts, d.created_at, d.next_try_at, d.finished_at, d.latency_us, d.last_error,
	d.waits_for, d.answer`

func deliveryDest(d *monitor.Delivery) []any {
	return []any{&d.ID, db.UUID(&d.Code), (*nullID)(&d.FlipID), (*nullID)(&d.CheckID), db.UUID(&d.ChannelID), &d.Status, &d.Attempts,
		db.Time(&d.CreatedAt),
		db.Time(&d.NextTryAt), db.Time(&d.FinishedAt), db.Micros(&d.Latency), &d.LastError, &d.WaitsFor, &d.Answer}
}

// nullID reads NULL as 0.
type nullID int64

// Scan implements sql.Scanner.
func (n *nullID) Scan(src any) error {
	var v sql.NullInt64
	if err := v.Scan(src); err != nil {
		return err
	}
	*n = nullID(v.Int64)
	return nil
}

// downSince is when the check had gone down before the up flip f. Flips are
// compared by id, the order in which they were stored: a ping that came just
// before the deadline may be stored just after the flip of the deadline.
const downSince = `CASE WHEN f.new_status = 'up' THEN (SELECT b.created_at FROM flips b WHERE b.check_id = f.check_id AND b.new_status = 'down'
	AND b.id < f.id ORDER BY b.id DESC LIMIT 1) END`

// loadClaimed loads what the deliveries are about, the oldest first. Those
// whose check or channel was deleted since they were claimed are not among them.
func (s *Store) loadClaimed(ctx context.Context, worker uuid.UUID, ids []int64) ([]*Claimed, error) {
	e := s.db.Engine
	rows, err := s.db.Query(ctx, `SELECT `+deliveryColumns+`, `+flipColumns+`, `+
		wholeCheck.list+`, `+channelColumns+`, `+projectColumns+`, u.id, u.email, u.tz, `+downSince+`,
			(SELECT a.ends_at FROM alert_hold a WHERE a.id = 1)
		FROM deliveries d JOIN flips f ON f.id = d.flip_id JOIN checks c ON c.id = d.check_id JOIN channels h ON h.id = d.channel_id
		JOIN projects p ON p.id = h.project_id JOIN users u ON u.id = p.owner_id
		WHERE d.leased_by = $1 AND `+inSet(e, "d.id", 2, idSet)+` ORDER BY d.id`, worker, setOfIDs(e, ids))
	out, err := db.Collect(rows, err, func(r *sql.Rows, out **Claimed) error {
		c := new(Claimed)
		*out = c
		dest := append(deliveryDest(&c.Delivery), flipDest(&c.Flip)...)
		dest = append(append(dest, wholeCheck.dest(&c.Check)...), channelDest(&c.Channel)...)
		p := &c.Project
		dest = append(dest, db.UUID(&p.ID), db.UUID(&p.OwnerID), &p.Name, &p.APIKey, &p.APIKeyReadonly, db.Text(&p.PingKey), &p.BadgeKey,
			&p.ShowSlugs, db.Time(&p.CreatedAt))
		return r.Scan(append(dest, db.UUID(&c.Owner.ID), &c.Owner.Email, &c.Owner.TZ, db.Time(&c.DownSince), db.Time(&c.Released))...)
	})
	if err != nil {
		return nil, err
	}
	if err := s.loadLastPings(ctx, out); err != nil {
		return nil, err
	}
	return out, s.loadOtherDown(ctx, out)
}

func (s *Store) loadLastPings(ctx context.Context, claimed []*Claimed) error {
	e := s.db.Engine
	var checks []int64
	for _, c := range claimed {
		checks = append(checks, c.CheckID)
	}
	rows, err := s.db.Query(ctx, `SELECT `+wholePing.list+` FROM checks c JOIN pings g ON g.check_id = c.id AND g.n = c.n_pings
		WHERE `+inSet(e, "c.id", 1, idSet), setOfIDs(e, checks))
	pings, err := db.Collect(rows, err, func(r *sql.Rows, out **monitor.Ping) error {
		p := new(monitor.Ping)
		*out = p
		return r.Scan(wholePing.dest(p)...)
	})
	if err != nil {
		return fmt.Errorf("last pings: %w", err)
	}
	byCheck := make(map[int64]*monitor.Ping, len(pings))
	for _, p := range pings {
		byCheck[p.CheckID] = p
	}
	for _, c := range claimed {
		c.LastPing = byCheck[c.CheckID]
	}
	return nil
}

// loadOtherDown looks once at each project, whatever the number of deliveries:
// one check more than needed, for the check itself may be among them.
func (s *Store) loadOtherDown(ctx context.Context, claimed []*Claimed) error {
	e := s.db.Engine
	type project struct {
		down  []monitor.Check
		total int
	}
	projects := make(map[uuid.UUID]*project)
	var ids []uuid.UUID
	for _, c := range claimed {
		if projects[c.Project.ID] == nil {
			projects[c.Project.ID] = &project{}
			ids = append(ids, c.Project.ID)
		}
	}
	rows, err := s.db.Query(ctx, otherDownSQL(e), setOfUUIDs(e, ids), maxOtherDown)
	_, err = db.Collect(rows, err, func(r *sql.Rows, c *monitor.Check) error {
		var total int
		if err := r.Scan(append(wholeCheck.dest(c), &total)...); err != nil {
			return err
		}
		p := projects[c.ProjectID]
		p.down = append(p.down, *c)
		p.total = total
		return nil
	})
	if err != nil {
		return fmt.Errorf("other checks that are down: %w", err)
	}
	for _, c := range claimed {
		p := projects[c.Project.ID]
		c.OtherDown, c.OtherDownTotal = others(p.down, p.total, &c.Check)
	}
	return nil
}

// otherDownSQL selects the first checks that are down of the projects $1, up to
// and with the one that $2 others come before, and how many are down in all.
// When ten thousand are, it reads no more of them than it lists.
func otherDownSQL(e db.Engine) string {
	return `WITH o AS MATERIALIZED (SELECT p.id,
			(SELECT count(*) FROM checks b WHERE b.status = 'down' AND b.project_id = p.id) AS total,
			(SELECT b.id FROM checks b WHERE b.status = 'down' AND b.project_id = p.id ORDER BY b.id LIMIT 1 OFFSET $2) AS last
			FROM projects p WHERE ` + inSet(e, "p.id", 1, uuidSet) + `)
		SELECT ` + wholeCheck.list + `, o.total FROM o JOIN checks c ON c.project_id = o.id
		WHERE c.status = 'down' AND c.id <= coalesce(o.last, 9223372036854775807) ORDER BY c.id`
}

// others leaves the check itself out of those that are down in its project.
func others(down []monitor.Check, total int, self *monitor.Check) ([]monitor.Check, int) {
	var out []monitor.Check
	for i := range down {
		if down[i].ID != self.ID && len(out) < maxOtherDown {
			out = append(out, down[i])
		}
	}
	if self.Status == monitor.StatusDown && total > 0 {
		total--
	}
	return out, max(total, len(out))
}
