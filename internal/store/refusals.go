package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/monitor"
)

// A refusal is that an address has unsubscribed from the alerts of a project. It
// outlives the channel and the project: whoever enters the address anew, anywhere,
// has to ask it first.

// Refused tells whether the address has unsubscribed from the alerts of some
// project and not agreed again since. Letter case does not count.
func (s *Store) Refused(ctx context.Context, address string) (bool, error) {
	return refused(ctx, s.db, address)
}

func refused(ctx context.Context, q db.Querier, address string) (bool, error) {
	var n int
	// Refusals of before were kept as the address was written then.
	err := q.QueryRow(ctx, `SELECT count(*) FROM refusals WHERE address IN ($1, $2)`, hosts.MailAddress(address),
		strings.ToLower(address)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for a refusal: %w", err)
	}
	return n > 0, nil
}

// askRefused makes a channel to an address that has refused one that must be
// asked first. The project of the channel is locked, so that no address of it
// unsubscribes meanwhile.
func (s *Store) askRefused(ctx context.Context, q db.Querier, ch *monitor.Channel) error {
	address := s.addressOf(ch)
	if address == "" || !ch.Verified {
		return nil
	}
	no, err := refused(ctx, q, address)
	if no {
		ch.Verified = false
	}
	return err
}

// keepRefusal undoes in a changed channel what only its address may undo. Another
// address has refused nothing yet through this channel, but may have elsewhere.
func (s *Store) keepRefusal(ctx context.Context, tx *db.Tx, before, ch *monitor.Channel) error {
	if s.SameAddress(before, ch) {
		ch.UnsubscribedAt = before.UnsubscribedAt
		if !ch.UnsubscribedAt.IsZero() {
			ch.Disabled = true
			ch.Verified = false
			ch.LastError = monitor.ErrorUnsubscribed
		}
		return nil
	}
	ch.UnsubscribedAt = time.Time{}
	if !before.UnsubscribedAt.IsZero() {
		ch.Disabled = false
		ch.LastError = ""
	}
	return s.askRefused(ctx, tx, ch)
}

// Unsubscribe ends the alerts of the channel's project to the channel's address:
// through it, and through every other channel of the project to the same address.
// Nobody but the address ends that, with AgreeToChannel. It fails with
// errs.NotFound, also for a channel that does not lead to an address.
func (s *Store) Unsubscribe(ctx context.Context, id uuid.UUID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		// Nobody else makes or changes a channel of the project meanwhile.
		project, err := lockProjectOfChannel(ctx, tx, id)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT `+channelColumns+` FROM channels h WHERE h.project_id = $1 ORDER BY h.id`+forUpdate(tx), project)
		channels, err := db.Collect(rows, err, collectChannel)
		if err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
		address := ""
		for i := range channels {
			if channels[i].ID == id {
				address = s.addressOf(&channels[i])
			}
		}
		if address == "" {
			return errs.NotFoundf("channel not found")
		}
		for i := range channels {
			ch := &channels[i]
			if hosts.MailAddress(s.addressOf(ch)) != hosts.MailAddress(address) || !ch.UnsubscribedAt.IsZero() {
				continue
			}
			ch.UnsubscribedAt = tx.Now()
			ch.Disabled = true
			ch.Verified = false
			ch.LastError = monitor.ErrorUnsubscribed
			if err := updateChannel(ctx, tx, ch); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO refusals (address, project_id, refused_at) VALUES ($1, $2, $3)
			ON CONFLICT (address, project_id) DO UPDATE SET refused_at = excluded.refused_at`, hosts.MailAddress(address), project, tx.Now())
		if err != nil {
			return fmt.Errorf("remember a refusal: %w", err)
		}
		return nil
	})
}

// AgreeToChannel stores that the channel's address wants its alerts, if agreed,
// asked about the channel as stored now, says that the answer is about that. It
// ends that the address has unsubscribed from the project. It fails with
// errs.NotFound, also where agreed is false.
func (s *Store) AgreeToChannel(ctx context.Context, id uuid.UUID, agreed func(*monitor.Channel) bool) (*monitor.Channel, error) {
	var ch *monitor.Channel
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		var err error
		ch, err = lockChannel(ctx, tx, id)
		if err != nil {
			return err
		}
		if !agreed(ch) {
			return notFound(sql.ErrNoRows, "channel")
		}
		ch.Verified = true
		if !ch.UnsubscribedAt.IsZero() {
			ch.UnsubscribedAt = time.Time{}
			ch.Disabled = false
			ch.LastError = ""
		}
		_, err = tx.Exec(ctx, `DELETE FROM refusals WHERE address IN ($1, $2) AND project_id = $3`,
			hosts.MailAddress(s.addressOf(ch)), strings.ToLower(s.addressOf(ch)), ch.ProjectID)
		if err != nil {
			return fmt.Errorf("end a refusal: %w", err)
		}
		return updateChannel(ctx, tx, ch)
	})
	return ch, err
}
