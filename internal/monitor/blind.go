package monitor

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/schedule"
)

// Ways are the ways in which pings come to Punctual, blank-separated: "http",
// "mail", "http mail".
type Ways string

// The ways.
const (
	WayHTTP Ways = "http"
	WayMail Ways = "mail"
	WayBoth Ways = "http mail"
)

// Meet tells whether w and other have a way in common.
func (w Ways) Meet(other Ways) bool {
	for way := range strings.FieldsSeq(string(w)) {
		for their := range strings.FieldsSeq(string(other)) {
			if way == their {
				return true
			}
		}
	}
	return false
}

// Without returns the ways of w that others do not have.
func (w Ways) Without(others ...Ways) Ways {
	var left []string
	for way := range strings.FieldsSeq(string(w)) {
		covered := false
		for _, other := range others {
			covered = covered || Ways(way).Meet(other)
		}
		if !covered {
			left = append(left, way)
		}
	}
	return Ways(strings.Join(left, " "))
}

// WayOf is the way of a ping, by its scheme.
func WayOf(scheme string) Ways {
	if scheme == "email" {
		return WayMail
	}
	return WayHTTP
}

// Cause says why pings may have been lost.
type Cause string

// The causes of blind intervals.
const (
	// in an orderly way, until another listened
	CauseStopped Cause = "stopped"
	// it ended without a word, and was there again
	CauseKilled Cause = "killed"
	// nothing was heard of it
	CauseSilent Cause = "silent"
	// it did not run although it was there: the machine slept, or stood still
	CauseSuspended Cause = "suspended"
	// the clock was set forward: what was due in the time that never was proves nothing
	CauseClock Cause = "clock"
	// it could not take connections
	CauseNotAccepting Cause = "not accepting"
	// a ping was answered with an error of ours
	CauseRefused Cause = "refused"
	// a process that nothing is heard of keeps what arrives, and may be back with it
	CauseHeld Cause = "held"
	// our public ping address did not answer ourselves: what jobs sent may not have come
	CauseUnreachable Cause = "unreachable"
)

// Causes are all of them.
func Causes() []Cause {
	return []Cause{CauseStopped, CauseKilled, CauseSilent, CauseSuspended, CauseClock, CauseNotAccepting, CauseRefused, CauseHeld,
		CauseUnreachable}
}

// Blind is an interval in which pings may have been lost, so that the silence of a
// check says nothing about its job.
type Blind struct {
	From time.Time
	// zero: it goes on
	Until time.Time
	// of the pings that may have been lost
	Ways Ways
	// 0: all checks
	CheckID int64
	Cause   Cause
	// of which it is; zero: not known, or of none
	Taker uuid.UUID
}

// meets tells whether a part of b lies between from and until, both included.
func (b *Blind) meets(from, until time.Time) bool {
	return !b.From.After(until) && (b.Until.IsZero() || !b.Until.Before(from))
}

// earlyCron is how long before it is due a run by cron or OnCalendar may report.
const earlyCron = time.Minute

// Window is when the run may have reported whose deadline is AlertAt: a run under
// way from its start on, any other from a while before it is due. Both are zero
// where no run is expected.
func (c *Check) Window() (from, deadline time.Time) {
	switch {
	case c.DueAt.IsZero():
		return time.Time{}, time.Time{}
	case c.Started() && c.DueAt.Equal(c.LastStart):
		return c.DueAt, c.AlertAt
	case c.Kind != schedule.Simple:
		return c.DueAt.Add(-earlyCron), c.AlertAt
	default:
		return c.DueAt.Add(-min(c.Timeout/2, max(c.Grace, 5*time.Minute))), c.AlertAt
	}
}

// blinding is the interval that hides the run whose deadline has passed, the one
// that ends last; nil where none does. A success or failure in the window, from the
// beginning of an interval on, settles it.
func (c *Check) blinding(blinds []Blind) *Blind {
	from, deadline := c.Window()
	var last *Blind
	for i := range blinds {
		b := &blinds[i]
		if b.CheckID != 0 && b.CheckID != c.ID || !b.meets(from, deadline) {
			continue
		}
		since := b.From
		if from.After(since) {
			since = from
		}
		if !c.LastPing.IsZero() && !c.LastPing.Before(since) {
			continue
		}
		if last == nil || last.endsBefore(b) {
			last = b
		}
	}
	return last
}

func (b *Blind) endsBefore(other *Blind) bool {
	if b.Until.IsZero() {
		return false
	}
	return other.Until.IsZero() || b.Until.Before(other.Until)
}

// UnknownRun is a run of which nobody can tell whether it happened: a blind
// interval hides it.
type UnknownRun struct {
	ID      int64
	CheckID int64
	// when it was due, and its deadline
	Due, Deadline time.Time
	// of the interval
	BlindFrom, BlindUntil time.Time
	Cause                 Cause
	// what people or a late ping say of it, see Verdict
	Verdict Verdict
	// who says so, and when
	VerdictBy string
	VerdictAt time.Time
}

// Verdict is what became of an unknown run after all.
type Verdict string

// The verdicts.
const (
	VerdictNone    Verdict = ""
	VerdictSuccess Verdict = "success"
	VerdictFail    Verdict = "fail"
	VerdictMissed  Verdict = "missed"
)

// Outcome is what the run counts as by the verdict, as RecentRuns has it.
func (v Verdict) Outcome() byte {
	switch v {
	case VerdictSuccess:
		return RunSuccess
	case VerdictFail:
		return RunFail
	case VerdictMissed:
		return RunMissed
	default:
		return RunUnknown
	}
}

// LastRunUnknown tells whether the last run of c is one of which nobody can tell
// whether it happened.
func (c *Check) LastRunUnknown() bool {
	return strings.HasSuffix(c.RecentRuns, string(RunUnknown))
}

// Settle makes of an unknown run in RecentRuns what the verdict says. later is how many
// runs after it are unknown still.
func (c *Check) Settle(later int, v Verdict) {
	c.RecentRuns = settled(c.RecentRuns, later, v)
	var u unjudged
	if err := json.Unmarshal([]byte(c.Unjudged), &u); err != nil {
		return
	}
	u.State.RecentRuns = settled(u.State.RecentRuns, later, v)
	c.setUnjudged(u)
}

func settled(runs string, later int, v Verdict) string {
	out := []byte(runs)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] != RunUnknown {
			continue
		}
		if later == 0 {
			out[i] = v.Outcome()
			break
		}
		later--
	}
	return string(out)
}

// Taker is a process that takes pings.
type Taker struct {
	ID   uuid.UUID
	Host string
	// where it listens: of two at the same place the older one has ended
	Place string
	// serve, up, smtpd
	Role string
	Ways Ways
	// it listens since
	BeganAt time.Time
	// all pings that arrived at it before are committed
	MarkAt time.Time
	// its last write
	SeenAt time.Time
	// false: it has been silent for so long that nobody waits for it
	Counts bool
	// where it keeps pings while the database takes none; zero: nowhere
	Spool uuid.UUID
}
