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
	Methods     string // "" = every HTTP method counts, "POST" = the others are ignored
	Subject     bool   // e-mail: look at the subject
	Body        bool   // e-mail: look at the body
	HTTPBody    bool   // HTTP: look at the body
	DefaultFail bool   // no keyword found: fail instead of ign
	StartKW     string // comma-separated, case-sensitive
	SuccessKW   string
	FailureKW   string
}

// Check is one watched job.
type Check struct {
	ID        int64     // internal; never leaves the process
	Code      uuid.UUID // the secret in the ping URL
	ProjectID uuid.UUID // zero: made by the welcome page, belongs to nobody yet
	BadgeKey  uuid.UUID

	Name        string
	Slug        string
	Tags        string // blank-separated
	Description string
	CreatedAt   time.Time

	Kind     schedule.Kind
	Timeout  time.Duration // the period of a simple check, whole seconds
	Grace    time.Duration // whole seconds
	Schedule string        // cron or OnCalendar text
	TZ       string        // IANA zone of Schedule

	Filter       Filter
	ManualResume bool // a ping does not end the paused state

	State
}

// State is the part of a check that changes as pings arrive and time passes.
type State struct {
	Status          Status
	NPings          int64
	LastPing        time.Time // last success or failure
	LastStart       time.Time // a run is under way since
	LastStartRID    uuid.NullUUID
	LastDuration    time.Duration // 0 = unknown
	HasConfirmation bool          // the last body asked to confirm something
	RecentRuns      string        // see AppendRun
	EndedRuns       string        // run ids whose end has come, see noteEnd; known to those who record pings only
	ScheduleError   string        // why the schedule could not be computed, "" = it can
	DueAt           time.Time     // when the next ping is expected
	AlertAt         time.Time     // the deadline: DueAt + Grace
	WatchAt         time.Time     // when the watcher looks next, never after AlertAt; see watch
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
