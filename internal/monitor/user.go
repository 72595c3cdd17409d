package monitor

import (
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

// Reports says how often a user is mailed a report.
type Reports string

// How often reports come.
const (
	ReportsOff     Reports = "off"
	ReportsDaily   Reports = "daily"
	ReportsWeekly  Reports = "weekly"  // on Mondays
	ReportsMonthly Reports = "monthly" // on the first
)
