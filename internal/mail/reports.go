package mail

import (
	"github.com/google/uuid"

	"punctual/internal/text"
)

// The kinds of mail that come by themselves, to users who have not switched them off.
const (
	KindReport = "report"
	KindNag    = "nag"
)

// ReportFrame is what reports and nags have in common.
type ReportFrame struct {
	To   string
	User uuid.UUID
	// idempotency key: the same mail has the same Message-ID, whoever makes it
	Key string
	// to the projects
	Link string
	// where they are changed
	Settings string
	// one click is enough (RFC 8058)
	Unsubscribe string
}

// Report tells how checks did in a period that is over, and in the one before.
type Report struct {
	ReportFrame
	// "monthly"
	Period string
	// "2 checks are down now. In March, 3 checks had 5 downtime events."
	Sentence string
	// the same without the period, for the subject
	Short string
	// something is down now
	Down bool
	// names of the period and the one before
	Columns [2]string
	// those that are down or late now, or were down in the period
	Projects []ReportProject
	More     ReportMore
	// "212 others had no downtime, 3 of them not watched"; "" where all checks are listed, or none
	Others string
}

// Nag reminds of checks that stay down.
type Nag struct {
	ReportFrame
	// "hour" or "day"
	Every string
	// all checks that are down, also those that are not listed
	Down     int
	Projects []ReportProject
	More     ReportMore
}

// ReportProject is a project with its checks, as many as there is room for.
type ReportProject struct {
	Name, Link string
	Checks     []ReportCheck
	// checks that are not listed
	More int
}

// ReportMore is what is left out of a long mail beside that.
type ReportMore struct{ Checks, Projects int }

// ReportCheck is a line: how a check did (report), or since when it is down (nag).
type ReportCheck struct {
	Name, Link string
	Down       bool
	// report: now, in a word
	Status string
	// report: the two periods
	Cells [2]ReportCell
	// nag: "down for 3 hours"
	Since string
	// nag: "last ping 5 hours ago"
	LastPing string
}

// ReportCell says how a check did in a period; empty: it did not exist yet.
type ReportCell struct {
	// "No downtime", "2 downtimes"
	Text string
	// how long in all, "" = not down
	Sub string
}

// Title is "Monthly report".
func (r Report) Title() string { return text.UpperFirst(r.Period) + " report" }

// Report makes the mail.
func (c *Composer) Report(r Report) (*Message, error) {
	return c.reportMail(KindReport, r.Title()+": "+r.Short, r.ReportFrame, r)
}

// Nag makes the mail.
func (c *Composer) Nag(n Nag) (*Message, error) {
	return c.reportMail(KindNag, "Reminder: "+n.Still(), n.ReportFrame, n)
}

// Still says how many checks are down: "2 checks still down".
func (n Nag) Still() string {
	return text.Plural(n.Down, "check", "checks") + " still down"
}

func (c *Composer) reportMail(kind, subject string, f ReportFrame, data any) (*Message, error) {
	m, err := c.compose(kind, f.To, subject, f.Link, data)
	if err != nil {
		return nil, err
	}
	m.Account = f.User
	m.MessageID = f.Key + "@" + c.domain
	m.About = AboutReport
	m.AboutID = f.User
	m.Headers = unsubscribeHeaders(f.Unsubscribe)
	return m, nil
}
