package mail

import "punctual/internal/text"

// Blind tells of runs of which nobody can tell whether they happened, since Punctual
// could not hear pings.
type Blind struct {
	Owned
	To string
	// of the interval, in the reader's zone: "01:58", "02:17 CEST on 3 March"
	From, Until string
	// "Punctual was stopped"
	Cause string
	// how many runs were due while pings could not be heard
	Runs int
	// of their checks: how many have pinged since, and how many are down
	PingedSince, Down int
	// those that have not pinged since, the first to be looked at first
	Unknown []BlindRun
	// beyond those
	More int
	// to the list of checks
	Link string
}

// BlindRun is a run of which nobody can tell.
type BlindRun struct {
	// of the check
	Name    string
	Project string
	// in the reader's zone: when it was due
	Due string
	// to the check
	Link string
	// say what became of the run, after one more click; the reader is known by them
	Ran, Failed string
}

// Title is the subject.
func (b Blind) Title() string {
	return "Punctual could not hear " + text.Plural(b.Runs, "run", "runs") + " of your jobs, " + b.From + " to " + b.Until
}

// Blind makes the mail.
func (c *Composer) Blind(b Blind) (*Message, error) {
	return c.compose(KindBlind, b.To, b.Title(), b.Link, b)
}
