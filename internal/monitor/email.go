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
	EmailFailed EmailStatus = "failed" // given up
	EmailKept   EmailStatus = "kept"   // no SMTP server is set; readable in the local mailbox
)

// Email is an outgoing mail: queued, or the record of one sent.
type Email struct {
	ID        int64
	Account   uuid.UUID // it is about, and goes with; zero: nobody's
	MessageID string    // without angle brackets
	Kind      string    // login, verify, alert, …
	To        string
	Subject   string
	Headers   map[string]string // beyond the usual ones, e.g. List-Unsubscribe
	Text      string
	HTML      string
	Status    EmailStatus
	Attempts  int
	CreatedAt time.Time
	NextTryAt time.Time
	SentAt    time.Time
	LastError string
}
