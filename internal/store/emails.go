package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

const emailColumns = `m.id, m.message_id, m.kind, m.recipient, m.subject, m.headers, m.body_text, m.body_html, m.status, m.attempts, m.created_at,
	m.next_try_at, m.sent_at, m.last_error`

func scanEmail(row rowScanner, e *monitor.Email) error {
	var headers string
	err := row.Scan(&e.ID, &e.MessageID, &e.Kind, &e.To, &e.Subject, &headers, &e.Text, &e.HTML, &e.Status, &e.Attempts, db.Time(&e.CreatedAt),
		db.Time(&e.NextTryAt), db.Time(&e.SentAt), &e.LastError)
	if err == nil && headers != "{}" {
		err = json.Unmarshal([]byte(headers), &e.Headers)
	}
	return err
}

func scanEmailRow(r *sql.Rows, e *monitor.Email) error { return scanEmail(r, e) }

// EnqueueEmail stores an outgoing mail with its status, queued unless one is
// set, and wakes those who send. It sets the id, and the times where they are
// zero. Where a mail with the message id is there already, nothing happens and
// the id stays zero: a notice told by several processes is mailed once.
func (s *Store) EnqueueEmail(ctx context.Context, e *monitor.Email) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error { return enqueueEmail(ctx, tx, e) })
}

func enqueueEmail(ctx context.Context, tx *db.Tx, e *monitor.Email) error {
	err := insertEmail(ctx, tx, e, ` ON CONFLICT (message_id) DO NOTHING`)
	if db.IsNoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if e.Status == monitor.EmailQueued {
		tx.Wake(db.TopicEmails)
	}
	return nil
}

// RecordEmail stores what became of a mail that never waited in the queue. One
// with the same message id, of an earlier attempt, is brought up to date.
func (s *Store) RecordEmail(ctx context.Context, e *monitor.Email) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		return insertEmail(ctx, tx, e, ` ON CONFLICT (message_id) DO UPDATE SET
			status = excluded.status, attempts = emails.attempts + 1, sent_at = excluded.sent_at, last_error = excluded.last_error`)
	})
}

func insertEmail(ctx context.Context, tx *db.Tx, e *monitor.Email, onConflict string) error {
	if e.Status == "" {
		e.Status = monitor.EmailQueued
	}
	if e.CreatedAt.IsZero() {
		e.CreatedAt = tx.Now()
	}
	if e.NextTryAt.IsZero() {
		e.NextTryAt = e.CreatedAt
	}
	headers := []byte("{}")
	if len(e.Headers) > 0 {
		var err error
		headers, err = json.Marshal(e.Headers)
		if err != nil {
			return fmt.Errorf("headers of email: %w", err)
		}
	}
	err := tx.QueryRow(ctx,
		`INSERT INTO emails (message_id, kind, recipient, subject, headers, body_text, body_html, status, attempts, created_at,
			next_try_at, sent_at, last_error, account_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`+onConflict+` RETURNING id`,
		e.MessageID, e.Kind, e.To, e.Subject, string(headers), e.Text, e.HTML, e.Status, e.Attempts, e.CreatedAt,
		e.NextTryAt, e.SentAt, e.LastError, db.NullUUID(e.Account)).Scan(&e.ID)
	if err != nil {
		return fmt.Errorf("insert email: %w", err)
	}
	return nil
}

// ClaimEmails takes at most limit queued mails whose time has come, oldest
// first, and counts the attempt. Nobody else gets them while the lease lasts;
// whoever claimed them says how it went with FinishEmail. After a crash the
// lease runs out and somebody else tries.
func (s *Store) ClaimEmails(ctx context.Context, limit int, lease time.Duration) ([]monitor.Email, error) {
	var claimed []monitor.Email
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+emailColumns+` FROM emails m WHERE m.status = 'queued' AND m.next_try_at <= $1
			ORDER BY m.next_try_at, m.id LIMIT $2`+skipLocked(tx), tx.Now(), limit)
		claimed, err = db.Collect(rows, err, scanEmailRow)
		if err != nil {
			return fmt.Errorf("find queued emails: %w", err)
		}
		for i := range claimed {
			e := &claimed[i]
			e.Attempts++
			e.NextTryAt = tx.Now().Add(lease)
			_, err := tx.Exec(ctx, `UPDATE emails SET attempts = $2, next_try_at = $3 WHERE id = $1`, e.ID, e.Attempts, e.NextTryAt)
			if err != nil {
				return fmt.Errorf("claim email: %w", err)
			}
		}
		return nil
	})
	return claimed, err
}

// FinishEmail stores how the attempt on a claimed mail went: its status,
// NextTryAt when it is still queued, SentAt and LastError. It changes nothing
// when the lease has run out and somebody else is at it.
func (s *Store) FinishEmail(ctx context.Context, e *monitor.Email) error {
	_, err := s.db.Exec(ctx, `UPDATE emails SET status = $3, next_try_at = $4, sent_at = $5, last_error = $6
		WHERE id = $1 AND attempts = $2 AND status = 'queued'`, e.ID, e.Attempts, e.Status, e.NextTryAt, e.SentAt, e.LastError)
	if err != nil {
		return fmt.Errorf("finish email: %w", err)
	}
	return nil
}

// EmailFilter chooses outgoing mails; zero fields do not restrict.
type EmailFilter struct {
	// part of the recipient or the subject, in any letter case
	Search string
	Kind   string
	Status monitor.EmailStatus
	// 0 = all
	Limit  int
	Offset int
}

// Emails lists outgoing mails, newest first, for support.
func (s *Store) Emails(ctx context.Context, f EmailFilter) ([]monitor.Email, error) {
	query := `SELECT ` + emailColumns + ` FROM emails m WHERE 1 = 1`
	args := []any{}
	add := func(clause string, v any) {
		args = append(args, v)
		query += fmt.Sprintf(clause, len(args))
	}
	if f.Search != "" {
		add(` AND (lower(m.recipient) LIKE $%[1]d ESCAPE '!' OR lower(m.subject) LIKE $%[1]d ESCAPE '!')`,
			"%"+escapeLike(strings.ToLower(f.Search))+"%")
	}
	if f.Kind != "" {
		add(` AND m.kind = $%d`, f.Kind)
	}
	if f.Status != "" {
		add(` AND m.status = $%d`, f.Status)
	}
	query += ` ORDER BY m.created_at DESC, m.id DESC`
	if f.Limit > 0 {
		add(` LIMIT $%d`, f.Limit)
		add(` OFFSET $%d`, f.Offset)
	}
	rows, err := s.db.Query(ctx, query, args...)
	return db.Collect(rows, err, scanEmailRow)
}

// EmailByID returns one outgoing mail.
func (s *Store) EmailByID(ctx context.Context, id int64) (*monitor.Email, error) {
	var e monitor.Email
	err := scanEmail(s.db.QueryRow(ctx, `SELECT `+emailColumns+` FROM emails m WHERE m.id = $1`, id), &e)
	return &e, notFound(err, "email")
}

// ResendEmail queues a mail again that was given up, at once and with a full
// set of attempts.
func (s *Store) ResendEmail(ctx context.Context, id int64) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := execOne(ctx, tx, "resend email", "email",
			`UPDATE emails SET status = 'queued', attempts = 0, next_try_at = $2 WHERE id = $1 AND status = 'failed'`, id, tx.Now()); err != nil {
			return err
		}
		tx.Wake(db.TopicEmails)
		return nil
	})
}
