package check

import (
	"context"
	"fmt"
	"html/template"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/text"
)

// unknownRun is a run of which nobody can tell whether it happened, for people.
type unknownRun struct {
	monitor.UnknownRun
	by describer
	// whoever sees it may say what became of it
	open bool
}

// unknownRuns are those of a check whose deadlines passed since a time, newest first.
func (s *Pages) unknownRuns(ctx context.Context, c *monitor.Check, since time.Time) ([]monitor.UnknownRun, error) {
	if c.BlindUntil.IsZero() {
		// there has never been one
		return nil, nil
	}
	return s.Store.UnknownRuns(ctx, c.ID, since, time.Time{}, historyFlips)
}

// Name is the run by when it was due: "Run of 02:00".
func (u *unknownRun) Name() template.HTML { return "Run of " + u.by.moment(u.Due) }

// Time is when it was due: "at 02:00".
func (u *unknownRun) Time() template.HTML { return u.by.at(u.Due) }

// Why says which pings could not be heard: "Punctual could not hear pings from 01:58 to
// 02:17 (it was restarted or stopped)".
func (u *unknownRun) Why() template.HTML {
	if u.Cause == monitor.CauseRefused && u.BlindUntil.Equal(u.BlindFrom) {
		return "a ping was refused " + u.by.at(u.BlindFrom)
	}
	day, until := u.by.parts(u.BlindUntil)
	first, _ := u.by.parts(u.BlindFrom)
	if day != first {
		until = u.by.moment(u.BlindUntil)
	}
	return sentence("Punctual could not hear pings from %s to %s (%s)", u.by.moment(u.BlindFrom), until, causeWords(u.Cause))
}

// causeWords say why pings may have been lost.
func causeWords(cause monitor.Cause) string {
	switch cause {
	case monitor.CauseStopped, monitor.CauseKilled:
		return "it was restarted or stopped"
	case monitor.CauseSilent, monitor.CauseHeld:
		return "one of its processes could not be reached"
	case monitor.CauseClock:
		return "its clock was set forward"
	case monitor.CauseSuspended:
		return "the machine slept"
	case monitor.CauseNotAccepting:
		return "it could not take connections"
	case monitor.CauseUnreachable:
		return "its public address did not answer"
	default:
		return "a ping was refused"
	}
}

// verdictWords say what became of an unknown run.
func verdictWords(v monitor.Verdict) string {
	switch v {
	case monitor.VerdictSuccess:
		return "it ran"
	case monitor.VerdictFail:
		return "it failed"
	default:
		return "it did not run"
	}
}

// Said is what became of the run after all and who says so: "It ran: jane@example.org said
// so at 08:12."; "" while nobody knows.
func (u *unknownRun) Said() template.HTML {
	what := text.UpperFirst(verdictWords(u.Verdict))
	switch {
	case u.Verdict == monitor.VerdictNone:
		return ""
	case u.VerdictBy == "":
		return sentence("%s: a ping that came later said so %s.", what, u.by.at(u.VerdictAt))
	default:
		return sentence("%s: %s said so %s.", what, u.VerdictBy, u.by.at(u.VerdictAt))
	}
}

// Open tells whether whoever sees the run may say what became of it.
func (u *unknownRun) Open() bool { return u.open && u.Verdict == monitor.VerdictNone }

// Path is where a form goes that says what became of the run.
func (u *unknownRun) Path() string {
	return fmt.Sprintf("/checks/%s/unknown-runs/%d/", u.by.c.Code, u.ID)
}

// unheard is the sentence about the last of the unknown runs, which are the newest first,
// while the last run of the check is unknown; else "".
func (d *describer) unheard(runs []monitor.UnknownRun) template.HTML {
	if !d.c.LastRunUnknown() || len(runs) == 0 {
		return ""
	}
	last := unknownRun{UnknownRun: runs[0], by: *d}
	return sentence("Whether the run of %s happened is unknown: %s.", d.moment(last.Due), last.Why())
}
