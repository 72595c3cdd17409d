package monitor

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/schedule"
)

// Status is the state of a check. New, Up, Down and Paused are stored; Grace is
// only ever shown, computed from the time of day (docs/contract.md §1.8).
type Status string

// The statuses of a check.
const (
	StatusNew    Status = "new"
	StatusUp     Status = "up"
	StatusGrace  Status = "grace"
	StatusDown   Status = "down"
	StatusPaused Status = "paused"
)

// Bounds and defaults of a check's settings (docs/contract.md §2.5).
const (
	MinSeconds     = 60
	MaxSeconds     = 31536000
	DefaultTimeout = 24 * time.Hour
	DefaultGrace   = time.Hour
)

// Filter holds the rules that classify a ping by its method or by words in its
// body or e-mail (docs/contract.md §1.6).
type Filter struct {
	// "" = every HTTP method counts, "POST" = the others are ignored
	Methods string
	// e-mail: look at the subject
	Subject bool
	// e-mail: look at the body
	Body bool
	// HTTP: look at the body
	HTTPBody bool
	// no keyword found: fail instead of ign
	DefaultFail bool
	// comma-separated, case-sensitive
	StartKW   string
	SuccessKW string
	FailureKW string
}

// Check is one watched job.
type Check struct {
	// internal; never leaves the process
	ID int64
	// the secret in the ping URL
	Code uuid.UUID
	// zero: made by the welcome page, belongs to nobody yet
	ProjectID uuid.UUID
	BadgeKey  uuid.UUID

	Name string
	Slug string
	// blank-separated
	Tags        string
	Description string
	CreatedAt   time.Time

	Kind schedule.Kind
	// the period of a simple check, whole seconds
	Timeout time.Duration
	// whole seconds
	Grace time.Duration
	// cron or OnCalendar text
	Schedule string
	// IANA zone of Schedule
	TZ string

	Filter Filter
	// a ping does not end the paused state
	ManualResume bool

	State
}

// State is the part of a check that changes as pings arrive and time passes.
type State struct {
	Status Status
	NPings int64
	// last success or failure
	LastPing time.Time
	// a run is under way since
	LastStart    time.Time
	LastStartRID uuid.NullUUID
	// 0 = unknown
	LastDuration time.Duration
	// the last body asked to confirm something
	HasConfirmation bool
	// see AppendRun
	RecentRuns string
	// run ids whose end has come, see noteEnd; known to those who record pings only
	EndedRuns string
	// why the schedule could not be computed, "" = it can
	ScheduleError string
	// when the next ping is expected
	DueAt time.Time
	// the deadline: DueAt + Grace
	AlertAt time.Time
	// when the watcher looks next, never after AlertAt; see watch
	WatchAt time.Time
	// the end of the interval that hid the last unknown run
	BlindUntil time.Time
	// how c was when a deadline passed that is yet to be judged, see Fold; "" = there is none
	Unjudged string
	// when a person has paused, resumed or cleared c last; no earlier ping changes it
	ActedAt time.Time
}

// NewCheck returns a check with the defaults of docs/contract.md §2.5, new codes and
// no name. It belongs to project, or to nobody when project is zero.
func NewCheck(project uuid.UUID, now time.Time) Check {
	return Check{
		Code:      uuid.New(),
		BadgeKey:  uuid.New(),
		ProjectID: project,
		CreatedAt: now,
		Kind:      schedule.Simple,
		Timeout:   DefaultTimeout,
		Grace:     DefaultGrace,
		TZ:        "UTC",
		State:     State{Status: StatusNew},
	}
}

// TagList returns the tags one by one, in their order, without empty ones.
func (c *Check) TagList() []string { return strings.Fields(c.Tags) }

// Title is the name to show: the name, else the slug, else a word that does not
// give the ping URL away.
func (c *Check) Title() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.Slug != "":
		return c.Slug
	default:
		return "unnamed"
	}
}

// Started tells whether a run is under way.
func (c *Check) Started() bool { return !c.LastStart.IsZero() }
