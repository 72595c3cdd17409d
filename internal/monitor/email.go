package monitor

import (
	"time"

	"github.com/google/uuid"
)

// EmailStatus is the state of an outgoing mail.
type EmailStatus string

// The states of an outgoing mail.
const (
	EmailQueued EmailStatus = "queued"
	EmailSent   EmailStatus = "sent"
	// given up
	EmailFailed EmailStatus = "failed"
	// no SMTP server is set; readable in the local mailbox
	EmailKept EmailStatus = "kept"
)

// Email is an outgoing mail: queued, or the record of one sent.
type Email struct {
	ID int64
	// it is about, and goes with; zero: nobody's
	Account uuid.UUID
	// without angle brackets
	MessageID string
	// login, verify, alert, …
	Kind    string
	To      string
	Subject string
	// beyond the usual ones, e.g. List-Unsubscribe
	Headers   map[string]string
	Text      string
	HTML      string
	Status    EmailStatus
	Attempts  int
	CreatedAt time.Time
	NextTryAt time.Time
	SentAt    time.Time
	LastError string
}
