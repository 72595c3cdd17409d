package monitor

import (
	"cmp"
	"time"

	"github.com/google/uuid"
)

// User is a person with an account.
type User struct {
	ID           uuid.UUID
	Email        string // lower-case
	PasswordHash string // "" = signs in by mailed link only
	IsActive     bool
	IsSuperuser  bool
	TZ           string // IANA zone of pages and mails
	Theme        string // "" = as the system, "light", "dark"
	DateFormat   string // "" = the day in words, "iso", "dots", "us"
	Sort         string // order of the checks list
	CheckLimit   int
	PingLogLimit int // pings kept per check
	CreatedAt    time.Time
	LastLoginAt  time.Time
	LastActiveAt time.Time
	ByOperator   bool // an operator made the account: it is never pruned

	Reports      Reports       // "" when made: monthly
	NextReportAt time.Time     // zero: off, or yet to be planned
	NagEvery     time.Duration // an hour or a day; 0 = no nags
	NextNagAt    time.Time     // zero: nothing is down, as far as was looked
}

// Reports says how often a user is mailed a report (features §8).
type Reports string

// How often reports come.
const (
	ReportsOff     Reports = "off"
	ReportsDaily   Reports = "daily"
	ReportsWeekly  Reports = "weekly"  // on Mondays
	ReportsMonthly Reports = "monthly" // on the first
)

// Project holds checks, channels, members and keys.
type Project struct {
	ID             uuid.UUID
	OwnerID        uuid.UUID
	Name           string
	APIKey         string // stored form, "" = none (contract §2.2)
	APIKeyReadonly string
	PingKey        string // clear text, "" = none
	BadgeKey       string
	ShowSlugs      bool
	CreatedAt      time.Time
}

// Title is the name to show.
func (p *Project) Title() string { return ProjectTitle(p.Name) }

// ProjectTitle is the name to show of a project called name, which may be empty.
func ProjectTitle(name string) string { return cmp.Or(name, "Untitled project") }

// Role is what a member may do in a project (features §10).
type Role string

// The roles. RoleOwner is never stored: it is the project's owner.
const (
	RoleNone     Role = ""
	RoleReadonly Role = "r"
	RoleMember   Role = "w"
	RoleManager  Role = "m"
	RoleOwner    Role = "o"
)

// CanManage tells whether the role may invite and remove members.
func (r Role) CanManage() bool { return r == RoleManager || r == RoleOwner }

// CanWrite tells whether the role may change checks, channels and keys.
func (r Role) CanWrite() bool { return r == RoleMember || r == RoleManager || r == RoleOwner }

// Channel is one configured way to notify.
type Channel struct {
	ID        uuid.UUID
	ProjectID uuid.UUID
	Kind      string // email, webhook, po, …
	Name      string
	Config    string // JSON; only its kind in internal/notify/kinds reads it
	Verified  bool   // e-mail: the address has agreed
	Disabled  bool
	CreatedAt time.Time

	DisabledAt   time.Time // kept by the store; zero: it is not disabled, or not known since when
	LastNotifyAt time.Time
	LastLatency  time.Duration
	LastError    string // "" = the last delivery was accepted

	// UnsubscribedAt is since when the address wants nothing through the channel
	// any more, zero: it has not unsubscribed. The store keeps it, with Disabled set
	// and Verified not, until the address agrees again or is another one.
	UnsubscribedAt time.Time
}

// ErrorUnsubscribed is the LastError of a channel whose address has unsubscribed.
const ErrorUnsubscribed = "The recipient has unsubscribed."

// Ready tells whether deliveries through the channel are attempted.
func (c *Channel) Ready() bool { return c.Verified && !c.Disabled }

// DeliveryStatus is the state of a delivery.
type DeliveryStatus string

// The states of a delivery.
const (
	DeliveryPending DeliveryStatus = "pending"
	DeliverySent    DeliveryStatus = "sent"
	DeliveryFailed  DeliveryStatus = "failed" // given up
)

// Delivery is one flip to be told through one channel.
type Delivery struct {
	ID         int64
	Code       uuid.UUID // idempotency key, the same in every attempt
	FlipID     int64     // 0: a test notification
	CheckID    int64     // 0: a test notification
	ChannelID  uuid.UUID
	Status     DeliveryStatus
	Attempts   int
	CreatedAt  time.Time
	NextTryAt  time.Time
	FinishedAt time.Time
	Latency    time.Duration // of the last attempt
	LastError  string
}

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

// Node is a running process of Punctual.
type Node struct {
	ID        uuid.UUID
	Role      string // serve, sendalerts, up, …
	Host      string
	PID       int
	Version   string
	StartedAt time.Time
	SeenAt    time.Time
}
