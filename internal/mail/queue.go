package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"punctual/internal/incident"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/text"
)

// Outbox is where mails wait and are remembered: *store.Store. It is an
// interface because this package lies below the store (see architecture_test.go).
type Outbox interface {
	EnqueueEmail(ctx context.Context, e *monitor.Email) error
	RecordEmail(ctx context.Context, e *monitor.Email) error
	ClaimEmails(ctx context.Context, limit int, lease time.Duration) ([]monitor.Email, error)
	FinishEmail(ctx context.Context, e *monitor.Email) error
}

// Message is a mail on its way.
type Message struct {
	monitor.Email
	// where its button leads, for those who run without an SMTP server
	Link string

	// What it is about, should it come back; "" = it may come back to its sender.
	About   About
	AboutID uuid.UUID

	// Of a mail that Deliver has sent: the host that accepted it, and its words. "" = none.
	AcceptedBy string
	Answer     string
}

const (
	// mails sent at the same time
	batch = 8
	// lease covers one attempt and the time to store how it went.
	lease = 2 * time.Minute
	// pollInterval finds mails whose pause is over, and those whose wake-up call was lost.
	pollInterval = time.Second
	recordTime   = 5 * time.Second
	maxLastError = 500
)

// pauses are the waits after each failed attempt, about a day in all.
var pauses = [...]time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

// Queue sends the mails that wait in the outbox. Several may run side by side,
// in one process or many.
//
// A mail is sent at least once: a crash between the server's yes and our note
// of it means another attempt, under the same Message-ID.
type Queue struct {
	outbox Outbox
	sender *Sender
	paths  *ReturnPaths
	onKept func(e monitor.Email, link string)
	onDone func(kind, outcome string)
	now    func() time.Time
	log    *slog.Logger

	refusals refusals
}

// QueueConfig is what a queue needs; all but ReturnPaths and OnKept is required.
type QueueConfig struct {
	Outbox Outbox
	Sender *Sender
	// ReturnPaths are where mails come back to when they cannot be delivered;
	// nil = to the address they are from.
	ReturnPaths *ReturnPaths
	// OnKept is told of each mail that is kept because no SMTP server is set,
	// with the link it asks its reader to open, "" when it has none.
	OnKept func(e monitor.Email, link string)
	// OnDone is told what became of each mail or attempt to send one: "sent",
	// "kept", "retry" or "failed". It is for metrics; nil = nobody is told.
	OnDone func(kind, outcome string)
	Now    func() time.Time
	Log    *slog.Logger
}

// NewQueue makes a queue. Run sends; Enqueue and Deliver work without it.
func NewQueue(c QueueConfig) *Queue {
	if c.OnKept == nil {
		c.OnKept = func(monitor.Email, string) {}
	}
	if c.OnDone == nil {
		c.OnDone = func(string, string) {}
	}
	return &Queue{outbox: c.Outbox, sender: c.Sender, paths: c.ReturnPaths, onKept: c.OnKept, onDone: c.OnDone, now: c.Now, log: c.Log}
}

// Enqueue stores a mail to be sent soon. Without an SMTP server it is kept for
// the local mailbox instead.
func (q *Queue) Enqueue(ctx context.Context, m *Message) error {
	_, err := q.EnqueueWith(ctx, m, func(ctx context.Context, e *monitor.Email) (bool, error) { return true, q.outbox.EnqueueEmail(ctx, e) })
	return err
}

// EnqueueWith is Enqueue where insert stores the mail, together with what belongs
// into the same transaction, and tells whether it did; so does EnqueueWith.
func (q *Queue) EnqueueWith(ctx context.Context, m *Message, insert func(context.Context, *monitor.Email) (bool, error)) (bool, error) {
	stored, err := insert(ctx, q.Prepare(m))
	if err != nil {
		return false, fmt.Errorf("enqueue mail: %w", err)
	}
	if stored {
		q.Stored(ctx, m)
	}
	return stored, nil
}

// Prepare makes a mail ready to be stored together with what it is about. Once
// that is committed, the caller reports it to Stored.
func (q *Queue) Prepare(m *Message) *monitor.Email {
	q.date(m)
	if !q.sender.Enabled() {
		m.Status = monitor.EmailKept
	}
	return &m.Email
}

// Stored is told that a mail of Prepare is in the outbox.
func (q *Queue) Stored(ctx context.Context, m *Message) {
	if m.Status == monitor.EmailKept {
		q.onDone(m.Kind, "kept")
		q.onKept(m.Email, m.Link)
		return
	}
	q.log.InfoContext(ctx, "mail queued", "kind", m.Kind, "message_id", m.MessageID)
}

// Deliver sends a mail at once, past the queue, and records it. nil means that
// the server has accepted it, or that it is kept because there is no server;
// failures to send are a *SendError and leave no record.
func (q *Queue) Deliver(ctx context.Context, m *Message) error {
	q.date(m)
	m.Attempts = 1
	if q.sender.Enabled() {
		answer, err := q.sender.send(ctx, &m.Email)
		if err != nil {
			q.onDone(m.Kind, outcomeOf(isPermanent(err)))
			q.reportToOperator(ctx, m.To, err)
			return err
		}
		m.AcceptedBy = q.sender.settings.Host
		m.Answer = answer
		q.refusals.accepted()
		q.onDone(m.Kind, "sent")
		m.Status = monitor.EmailSent
		m.SentAt = q.now()
	} else {
		m.Status = monitor.EmailKept
	}
	if err := q.record(ctx, &m.Email); err != nil {
		if m.Status == monitor.EmailKept {
			// the record is all there is
			return err
		}
		// It is on its way; an error here would send it twice.
		q.log.Error("mail was sent but not recorded", "message_id", m.MessageID, "error", err)
		return nil
	}
	if m.Status == monitor.EmailKept {
		q.onDone(m.Kind, "kept")
		q.onKept(m.Email, m.Link)
	}
	return nil
}

// reportToOperator logs as an error, which is reported to the operators, what only they
// can mend: what is about this instance, and what the server says to everybody. Bad
// addresses are their owners' business.
func (q *Queue) reportToOperator(ctx context.Context, to string, err error) {
	failure, ok := errors.AsType[*SendError](err)
	if !ok {
		return
	}
	if failure.Operator {
		q.log.ErrorContext(ctx, failure.Message, "error", failure.Err)
	}
	if q.refusals.refused(to, err) {
		q.log.ErrorContext(ctx, failure.Message+"; it does so for all recipients, whatever their domain", "error", failure.Err)
	}
}

func outcomeOf(permanent bool) string {
	if permanent {
		return "failed"
	}
	return "retry"
}

// date gives a mail its date and, where it is asked for, the address it comes
// back to.
func (q *Queue) date(m *Message) {
	m.CreatedAt = q.now()
	if q.paths == nil || m.About == "" {
		return
	}
	address := q.paths.Address(m.About, m.AboutID, m.CreatedAt)
	if address == "" {
		return
	}
	if m.Headers == nil {
		m.Headers = make(map[string]string)
	}
	m.Headers[returnPath] = address
}

func (q *Queue) record(ctx context.Context, e *monitor.Email) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err := q.outbox.RecordEmail(ctx, e); err != nil {
		return fmt.Errorf("record mail: %w", err)
	}
	return nil
}

// Run sends mails as they come until ctx ends; the mails in hand are finished
// first. wake is a channel of db.Watch for TopicEmails.
func (q *Queue) Run(ctx context.Context, wake <-chan struct{}) error {
	if !q.sender.Enabled() {
		<-ctx.Done()
		return nil
	}
	trouble := logs.Outage{Log: q.log, Doing: "sending queued mail", Level: slog.LevelError}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-timer.C:
		}
		for n := batch; n == batch && ctx.Err() == nil; {
			var err error
			n, err = q.SendDue(ctx)
			if ctx.Err() == nil {
				trouble.Note(err, time.Now())
			}
		}
		timer.Reset(pollInterval)
	}
}

// SendDue makes one attempt on each of at most eight mails whose time has come,
// and returns how many that were. A mail that cannot be sent is no error here;
// trouble with the database is.
func (q *Queue) SendDue(ctx context.Context) (int, error) {
	claiming, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	claimed, err := q.outbox.ClaimEmails(claiming, batch, lease)
	if err != nil {
		return 0, fmt.Errorf("claim mails: %w", err)
	}
	failures := make([]error, len(claimed))
	var wg sync.WaitGroup
	for i := range claimed {
		wg.Go(func() {
			failures[i] = incident.Catch("worker", func() error { return q.attempt(context.WithoutCancel(ctx), &claimed[i]) })
		})
	}
	wg.Wait()
	return len(claimed), errors.Join(failures...)
}

// attempt sends one claimed mail and stores how it went.
func (q *Queue) attempt(ctx context.Context, e *monitor.Email) error {
	began := time.Now()
	err := q.sender.Send(ctx, e)
	took := time.Since(began)
	now := q.now()
	e.LastError = ""
	switch {
	case err == nil:
		e.Status = monitor.EmailSent
		e.SentAt = now
	case isPermanent(err) || e.Attempts > len(pauses):
		e.Status = monitor.EmailFailed
		e.LastError = text.Ellipsis(err.Error(), maxLastError)
	default:
		e.LastError = text.Ellipsis(err.Error(), maxLastError)
		e.NextTryAt = now.Add(pauses[e.Attempts-1])
	}
	q.logAttempt(e, took, err)
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	return q.outbox.FinishEmail(ctx, e)
}

func (q *Queue) logAttempt(e *monitor.Email, took time.Duration, err error) {
	attrs := []any{"kind", e.Kind, "message_id", e.MessageID, "id", e.ID, "attempt", e.Attempts, logs.Took(took)}
	if err != nil {
		outcome := outcomeOf(e.Status == monitor.EmailFailed)
		q.onDone(e.Kind, outcome)
		q.reportToOperator(context.Background(), e.To, err)
		q.log.Warn("mail", append(attrs, "outcome", outcome, "error", err)...)
		return
	}
	q.refusals.accepted()
	q.onDone(e.Kind, "sent")
	q.log.Info("mail", append(attrs, "outcome", "sent")...)
}

func isPermanent(err error) bool {
	e, ok := errors.AsType[*SendError](err)
	return ok && e.Permanent
}
