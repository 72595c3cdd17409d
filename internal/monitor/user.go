package monitor

import (
	"time"

	"github.com/google/uuid"
)

// User is a person with an account.
type User struct {
	ID uuid.UUID
	// lower-case
	Email string
	// "" = signs in by mailed link only
	PasswordHash string
	IsActive     bool
	IsSuperuser  bool
	// IANA zone of pages and mails
	TZ string
	// "" = as the system, "light", "dark"
	Theme string
	// "" = the day in words, "iso", "dots", "us"
	DateFormat string
	// order of the checks list
	Sort       string
	CheckLimit int
	// pings kept per check
	PingLogLimit int
	CreatedAt    time.Time
	LastLoginAt  time.Time
	LastActiveAt time.Time
	// an operator made the account: it is never pruned
	ByOperator bool

	// "" when made: monthly
	Reports Reports
	// zero: off, or yet to be planned
	NextReportAt time.Time
	// an hour or a day; 0 = no nags
	NagEvery time.Duration
	// zero: nothing is down, as far as was looked
	NextNagAt time.Time
}

// Reports says how often a user is mailed a report.
type Reports string

// How often reports come.
const (
	ReportsOff   Reports = "off"
	ReportsDaily Reports = "daily"
	// on Mondays
	ReportsWeekly Reports = "weekly"
	// on the first
	ReportsMonthly Reports = "monthly"
)
