package monitor

import (
	"time"

	"github.com/google/uuid"
)

// PingKind is what a ping says.
type PingKind string

// The kinds of ping.
const (
	PingSuccess PingKind = "success"
	PingStart   PingKind = "start"
	PingFail    PingKind = "fail"
	PingLog     PingKind = "log"
	// received, kept, without effect
	PingIgn PingKind = "ign"
)

// Ping is one signal received.
type Ping struct {
	CheckID int64
	// 1 for the first ping of a check, without gaps
	N         int64
	CreatedAt time.Time
	Kind      PingKind
	// http, https, email
	Scheme string
	// "" for e-mail
	Method    string
	UserAgent string
	// "" = unknown
	RemoteAddr string
	RID        uuid.NullUUID
	// 0-255, or negative as Windows has them; nil = none
	ExitStatus *int
	// nil = none
	Body []byte
}

// Apply records arrival p on check c (docs/contract.md §1.7): it fills in p.CheckID,
// p.N and, where the check ignores it, p.Kind; changes the state of c; and
// returns the flip, or nil when the stored status stays.
//
// p.Kind comes in as the URL, the exit status and the filters say.
func Apply(c *Check, p *Ping) *Flip {
	if c.Status == StatusPaused && c.ManualResume {
		p.Kind = PingIgn
	}
	if p.Kind == PingStart && c.startsLate(p) {
		p.Kind = PingIgn
	}
	c.NPings++
	p.CheckID = c.ID
	p.N = c.NPings
	c.HasConfirmation = mentionsConfirm(p.Body)

	var flip *Flip
	switch p.Kind {
	case PingStart:
		c.LastStart = p.CreatedAt
		c.LastStartRID = p.RID
	case PingSuccess:
		late := c.late(p)
		c.noteEnd(p)
		c.finish(p)
		run := RunSuccess
		if late {
			run = RunLate
		}
		c.RecentRuns = AppendRun(c.RecentRuns, run)
		flip = c.flipTo(StatusUp, p.CreatedAt, ReasonNone)
	case PingFail:
		c.noteEnd(p)
		c.finish(p)
		c.clearStart()
		c.RecentRuns = AppendRun(c.RecentRuns, RunFail)
		flip = c.flipTo(StatusDown, p.CreatedAt, ReasonFail)
	default:
		// log and ign change nothing but the count
		return nil
	}
	c.Recompute(p.CreatedAt)
	return flip
}

// Take is Apply for who records pings: where a deadline has passed that nobody has
// judged, the check shows what the ping says and keeps how it was before, for Fold, and
// there is no flip yet.
//
// A ping may be committed behind one that arrived after it. The later one was the last
// word: the earlier is recorded and changes nothing, and a start begins nothing.
func Take(c *Check, p *Ping) *Flip {
	if c.Unjudged == "" && p.CreatedAt.Before(c.LastPing) && c.LastPing.Sub(p.CreatedAt) < behind {
		if p.Kind == PingStart {
			p.Kind = PingIgn
		}
		c.NPings++
		p.CheckID = c.ID
		p.N = c.NPings
		return nil
	}
	left := c.keepUnjudged(p.CreatedAt)
	flip := Apply(c, p)
	if left {
		return nil
	}
	return flip
}

// behind is how long a ping may be on its way from its arrival to its commit. One that is
// older comes from a clock that was set back.
const behind = time.Minute

// late tells whether the run that success p ends has come so late that people
// should see it. A run comes when it starts: how long it takes does not make it
// late. Without a start signal of its own it comes with the success, and since a
// job takes some time, only the second half of the grace time is late. Where the
// deadline has passed, the run is late whenever it started.
func (c *Check) late(p *Ping) bool {
	if c.Status != StatusUp {
		return false
	}
	if c.statusAt(p.CreatedAt) == StatusDown {
		return true
	}
	came := p.CreatedAt
	if c.Started() && c.LastStartRID == p.RID {
		came = c.LastStart
	}
	expected, err := c.expectedFromState()
	return err == nil && !expected.IsZero() && came.After(lateFrom(expected, c.Grace))
}

// lateFrom is the moment after which a run that was expected at a time counts as
// late: half of the grace time later.
func lateFrom(expected time.Time, grace time.Duration) time.Time { return expected.Add(grace / 2) }

// finish notes the end of a run: the run under way when the run ids agree (none
// equals none), and its duration. A success of another run leaves the run under
// way alone; one without a run id ends it unmeasured.
func (c *Check) finish(p *Ping) {
	c.LastPing = p.CreatedAt
	c.LastDuration = 0
	if !c.Started() {
		return
	}
	switch {
	case c.LastStartRID == p.RID:
		c.LastDuration = p.CreatedAt.Sub(c.LastStart)
		c.clearStart()
	case !p.RID.Valid:
		c.clearStart()
	}
}

func (c *Check) clearStart() {
	c.LastStart = time.Time{}
	c.LastStartRID = uuid.NullUUID{}
}

func (c *Check) flipTo(s Status, at time.Time, why Reason) *Flip {
	if c.Status == s {
		return nil
	}
	flip := &Flip{CheckID: c.ID, CreatedAt: at, Old: c.Status, New: s, Reason: why}
	c.Status = s
	return flip
}

// mentionsConfirm finds "confirm" in any letter case: it tells users that a
// mail to their check's address asks to confirm something.
func mentionsConfirm(body []byte) bool {
	const word = "confirm"
	for i := 0; i+len(word) <= len(body); i++ {
		if body[i]|0x20 != 'c' {
			continue
		}
		j := 1
		for j < len(word) && body[i+j]|0x20 == word[j] {
			j++
		}
		if j == len(word) {
			return true
		}
	}
	return false
}
