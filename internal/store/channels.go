package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

const channelColumns = `h.id, h.project_id, h.kind, h.name, h.config, h.verified, h.disabled, h.created_at, h.disabled_at, h.last_notify_at, h.last_latency_us, h.last_error, h.unsubscribed_at`

func channelDest(c *monitor.Channel) []any {
	return []any{db.UUID(&c.ID), db.UUID(&c.ProjectID), &c.Kind, &c.Name, &c.Config, &c.Verified, &c.Disabled, db.Time(&c.CreatedAt),
		db.Time(&c.DisabledAt), db.Time(&c.LastNotifyAt), db.Micros(&c.LastLatency), &c.LastError, db.Time(&c.UnsubscribedAt)}
}

func collectChannel(r *sql.Rows, c *monitor.Channel) error {
	return r.Scan(channelDest(c)...)
}

func (s *Store) insertChannel(ctx context.Context, q db.Querier, c *monitor.Channel) error {
	newRow(q, &c.ID, &c.CreatedAt)
	if err := s.askRefused(ctx, q, c); err != nil {
		return err
	}
	_, err := q.Exec(ctx, `INSERT INTO channels (id, project_id, kind, name, config, verified, disabled, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, c.ID, c.ProjectID, c.Kind, c.Name, c.Config, c.Verified, c.Disabled, c.CreatedAt)
	if err != nil {
		return fmt.Errorf("insert channel: %w", err)
	}
	return nil
}

// CreateChannel stores a new channel and, as people expect, assigns it to all
// checks of its project. One to an address that has unsubscribed, from whatever
// project, is not verified afterwards. It fails with errs.Conflict, because of
// ErrCap, when the owner of the project may have no more.
func (s *Store) CreateChannel(ctx context.Context, c *monitor.Channel) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.makeRoomIn(ctx, tx, c.ProjectID, Caps{Channels: 1}); err != nil {
			return err
		}
		if err := s.insertChannel(ctx, tx, c); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO check_channels (check_id, channel_id) SELECT id, $1 FROM checks WHERE project_id = $2`, c.ID,
			c.ProjectID)
		if err != nil {
			return fmt.Errorf("assign channel: %w", err)
		}
		return nil
	})
}

// ChannelByID returns the channel with the id.
func (s *Store) ChannelByID(ctx context.Context, id uuid.UUID) (*monitor.Channel, error) {
	var c monitor.Channel
	err := s.db.QueryRow(ctx, `SELECT `+channelColumns+` FROM channels h WHERE h.id = $1`, id).Scan(channelDest(&c)...)
	return &c, notFound(err, "channel")
}

// ChannelsOf lists the channels of a project, oldest first.
func (s *Store) ChannelsOf(ctx context.Context, project uuid.UUID) ([]monitor.Channel, error) {
	rows, err := s.db.Query(ctx, `SELECT `+channelColumns+` FROM channels h WHERE h.project_id = $1 ORDER BY h.created_at, h.id`, project)
	return db.Collect(rows, err, collectChannel)
}

// ChannelsOfCheck lists the channels assigned to a check, oldest first.
func (s *Store) ChannelsOfCheck(ctx context.Context, check int64) ([]monitor.Channel, error) {
	rows, err := s.db.Query(ctx, `SELECT `+channelColumns+` FROM channels h JOIN check_channels cc ON cc.channel_id = h.id
		WHERE cc.check_id = $1 ORDER BY h.created_at, h.id`, check)
	return db.Collect(rows, err, collectChannel)
}

// ChangeChannel lets change work on the channel as stored now, keeps others from
// changing it meanwhile, stores it and returns it: name, configuration, Verified,
// Disabled and LastError. What the address of a channel has refused stays refused:
// see monitor.Channel.UnsubscribedAt. It fails with the error of change, and with
// errs.NotFound. change may run more than once, and must not use the store.
func (s *Store) ChangeChannel(ctx context.Context, id uuid.UUID, change func(*monitor.Channel) error) (*monitor.Channel, error) {
	var ch *monitor.Channel
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		var err error
		ch, err = lockChannel(ctx, tx, id)
		if err != nil {
			return err
		}
		before := *ch
		if err := change(ch); err != nil {
			return err
		}
		ch.DisabledAt = before.DisabledAt
		if err := s.keepRefusal(ctx, tx, &before, ch); err != nil {
			return err
		}
		return updateChannel(ctx, tx, ch)
	})
	return ch, err
}

// updateChannel stores a channel that lockChannel has returned.
func updateChannel(ctx context.Context, tx *db.Tx, ch *monitor.Channel) error {
	switch {
	case !ch.Disabled:
		ch.DisabledAt = time.Time{}
	case ch.DisabledAt.IsZero():
		ch.DisabledAt = tx.Now()
	}
	return execOne(ctx, tx, "update channel", "channel",
		`UPDATE channels SET name = $2, config = $3, verified = $4, disabled = $5, last_error = $6,
		disabled_at = $7, unsubscribed_at = $8 WHERE id = $1`, ch.ID, ch.Name, ch.Config, ch.Verified, ch.Disabled, ch.LastError, ch.DisabledAt,
		ch.UnsubscribedAt)
}

// DeleteChannel removes a channel with its assignments and deliveries.
func (s *Store) DeleteChannel(ctx context.Context, id uuid.UUID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		// Not the channel yet: deliveries come before it.
		if _, err := lockProjectOfChannel(ctx, tx, id); err != nil {
			return err
		}
		err := lockRemoved(ctx, tx, `c.id IN (SELECT cc.check_id FROM check_channels cc WHERE cc.channel_id = $1)`, `h.id = $1`, id)
		if err != nil {
			return err
		}
		return execOne(ctx, tx, "delete channel", "channel", `DELETE FROM channels WHERE id = $1`, id)
	})
}

// ChannelOutcome is the result of the last attempt through a channel.
type ChannelOutcome struct {
	At      time.Time
	Latency time.Duration
	// "" = accepted
	Error string
	// the error is permanent
	Disable bool
	// kept with the delivery, see monitor.Delivery
	Answer string
}

// noteChannelOutcome stores how an attempt through the channel went. A permanent
// error disables the channel; nothing here enables it again.
func noteChannelOutcome(ctx context.Context, q db.Querier, id uuid.UUID, o ChannelOutcome) error {
	_, err := q.Exec(ctx, `UPDATE channels SET last_notify_at = $2, last_latency_us = $3, disabled = (disabled OR $5),
			last_error = CASE WHEN unsubscribed_at IS NULL THEN $4 ELSE last_error END,
			disabled_at = CASE WHEN disabled OR $5 THEN coalesce(disabled_at, $2) END WHERE id = $1`,
		id, o.At, o.Latency.Microseconds(), o.Error, o.Disable)
	if err != nil {
		return fmt.Errorf("note outcome of channel: %w", err)
	}
	return nil
}

// NoteChannelOutcome stores how a test notification through the channel went.
func (s *Store) NoteChannelOutcome(ctx context.Context, id uuid.UUID, o ChannelOutcome) error {
	return noteChannelOutcome(ctx, s.db, id, o)
}

// Assignments maps the checks of a project (by internal id) to the ids of their
// channels, in the order of these; checks without channels are not in it. The
// database gives one row for each channel: there may be ten thousand checks. It
// takes a turn, see Turn.
func (s *Store) Assignments(ctx context.Context, project uuid.UUID) (map[int64][]uuid.UUID, error) {
	type list struct {
		channel uuid.UUID
		checks  string
	}
	leave, err := s.Turn(ctx, project)
	if err != nil {
		return nil, err
	}
	defer leave()
	lists, err := db.List(ctx, s.db, func(l *list) []any { return []any{db.UUID(&l.channel), &l.checks} },
		`SELECT h.id, coalesce((SELECT string_agg(CAST(cc.check_id AS text), ',') FROM check_channels cc WHERE cc.channel_id = h.id), '')
		FROM channels h WHERE h.project_id = $1 ORDER BY h.id`, project)
	if err != nil {
		return nil, fmt.Errorf("load assignments: %w", err)
	}
	type pair struct {
		check int64
		// in lists
		channel int
	}
	var pairs []pair
	for i := range lists {
		for text := range strings.FieldsFuncSeq(lists[i].checks, func(r rune) bool { return r == ',' }) {
			check, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("load assignments: %w", err)
			}
			pairs = append(pairs, pair{check, i})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Or(cmp.Compare(a.check, b.check), cmp.Compare(a.channel, b.channel)) })
	out := make(map[int64][]uuid.UUID)
	// of all checks
	ids := make([]uuid.UUID, len(pairs))
	// of the present check's
	start := 0
	for i, p := range pairs {
		ids[i] = lists[p.channel].channel
		end := i + 1
		if end == len(pairs) || pairs[end].check != p.check {
			out[p.check] = ids[start:end:end]
			start = end
		}
	}
	return out, nil
}

// AssignChannel switches a channel on or off for a check. Both must belong to
// the same project; the caller has looked.
func (s *Store) AssignChannel(ctx context.Context, check int64, channel uuid.UUID, on bool) error {
	query := `DELETE FROM check_channels WHERE check_id = $1 AND channel_id = $2`
	if on {
		query = `INSERT INTO check_channels (check_id, channel_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, query, check, channel)
		if err != nil {
			return fmt.Errorf("assign channel: %w", err)
		}
		// live pages tell whether anybody hears of a check
		tx.Wake(db.TopicChecks)
		return nil
	})
}

// SetChannelChecks makes checks exactly the ones of the channel's project that
// the channel is assigned to. It fails with errs.NotFound when there is no such
// channel.
func (s *Store) SetChannelChecks(ctx context.Context, channel uuid.UUID, checks []int64) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		// Of two calls at once the later one counts, whole.
		if _, err := lockChannel(ctx, tx, channel); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM check_channels WHERE channel_id = $1`, channel); err != nil {
			return fmt.Errorf("assign channel: %w", err)
		}
		_, err := tx.Exec(ctx, `INSERT INTO check_channels (check_id, channel_id)
			SELECT c.id, h.id FROM checks c JOIN channels h ON h.project_id = c.project_id WHERE h.id = $1 AND `+
			inSet(tx.Engine(), "c.id", 2, idSet)+
			` ON CONFLICT DO NOTHING`,
			channel, setOfIDs(tx.Engine(), checks))
		if err != nil {
			return fmt.Errorf("assign channel: %w", err)
		}
		tx.Wake(db.TopicChecks)
		return nil
	})
}

// CodesOfChannel lists the codes of the checks that are watched through the
// channel, the oldest check first.
func (s *Store) CodesOfChannel(ctx context.Context, channel uuid.UUID) ([]uuid.UUID, error) {
	rows, err := s.db.Query(ctx, `SELECT c.code FROM checks c JOIN check_channels cc ON cc.check_id = c.id
		WHERE cc.channel_id = $1 ORDER BY c.created_at, c.id`, channel)
	return db.Collect(rows, err, func(r *sql.Rows, code *uuid.UUID) error { return r.Scan(db.UUID(code)) })
}

// assignChannels makes channels exactly the ones the check is watched through.
func assignChannels(ctx context.Context, q db.Querier, c *monitor.Check, channels Channels) error {
	if channels.All {
		return assignAllChannels(ctx, q, c)
	}
	_, err := q.Exec(ctx, `DELETE FROM check_channels WHERE check_id = $1`, c.ID)
	if err != nil {
		return fmt.Errorf("assign channels: %w", err)
	}
	for _, id := range channels.IDs {
		_, err := q.Exec(ctx, `INSERT INTO check_channels (check_id, channel_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, c.ID, id)
		if err != nil {
			return fmt.Errorf("assign channels: %w", err)
		}
	}
	return nil
}

func assignAllChannels(ctx context.Context, q db.Querier, c *monitor.Check) error {
	_, err := q.Exec(ctx,
		`INSERT INTO check_channels (check_id, channel_id) SELECT c.id, h.id FROM checks c JOIN channels h ON h.project_id = c.project_id
		WHERE c.id = $1 ON CONFLICT DO NOTHING`, c.ID)
	if err != nil {
		return fmt.Errorf("assign channels: %w", err)
	}
	return nil
}
