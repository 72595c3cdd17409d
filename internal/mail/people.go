package mail

import (
	"strings"

	"github.com/google/uuid"
)

// The kinds of mail about people and what belongs to them.
const (
	KindInvite      = "invite"
	KindTransfer    = "transfer"
	KindEmailChange = "email-change"
	KindTwoFactor   = "two-factor"
	KindRemoved     = "removed"
	KindUnused      = "unused-account"
	KindWelcome     = "welcome"
	KindSecurity    = "security"
)

// Owned names the account that a mail is about: the mail is removed with it. The
// zero value is a mail of nobody's.
type Owned struct{ Account uuid.UUID }

func (o Owned) account() uuid.UUID { return o.Account }

// Invite asks somebody whether they want to work in a project.
type Invite struct {
	Owned
	To      string
	Project string
	// address of whoever invites them
	By string
	// what they may do, in a word: "member"
	Role string
	// to the page where they accept or decline
	Link string
}

// Invite makes the mail.
func (c *Composer) Invite(v Invite) (*Message, error) {
	return c.compose(KindInvite, v.To, v.By+" invites you to "+v.Project, v.Link, v)
}

// Transfer asks a member whether they take a project over.
type Transfer struct {
	Owned
	To      string
	Project string
	// address of the owner
	By string
	// to where it is accepted
	Link string
}

// Transfer makes the mail.
func (c *Composer) Transfer(v Transfer) (*Message, error) {
	return c.compose(KindTransfer, v.To, v.By+" offers you the project "+v.Project, v.Link, v)
}

// EmailChange asks one of two addresses whether the account is to change from
// Old to New.
type EmailChange struct {
	Owned
	// Old or New
	To       string
	Old, New string
	// valid for a day
	Link string
}

// ToOld tells whether the mail goes to the present address of the account.
func (v EmailChange) ToOld() bool { return v.To == v.Old }

// EmailChange makes the mail.
func (c *Composer) EmailChange(v EmailChange) (*Message, error) {
	return c.compose(KindEmailChange, v.To, "Confirm the new address of your account on "+c.site.Name, v.Link, v)
}

// TwoFactor tells a user what was done to the second step of their log-in.
type TwoFactor struct {
	Owned
	To string
	// a sentence
	Done string
	// there are two steps now
	On bool
	// recovery codes
	RecoveryCodes int
	// to where it is changed
	Link string
}

// TwoFactor makes the mail.
func (c *Composer) TwoFactor(v TwoFactor) (*Message, error) {
	done, _, _ := strings.Cut(v.Done, ". ")
	return c.compose(KindTwoFactor, v.To, strings.TrimSuffix(done, ".")+" · "+c.site.Name, v.Link, v)
}

// Removed tells a member that a project is gone.
type Removed struct {
	To      string
	Project string
	// address of the owner; "" = an operator has done it
	By string
	// the whole account of the owner is closed
	Closed bool
	// its address, where an operator has closed it
	Owner string
	// that went with it
	Checks int
	// to the projects
	Link string
}

// Removed makes the mail.
func (c *Composer) Removed(v Removed) (*Message, error) {
	return c.compose(KindRemoved, v.To, "The project "+v.Project+" was removed", v.Link, v)
}

// Unused warns the owner of an account that nobody uses.
type Unused struct {
	Owned
	To string
	// "was made on 1 March 2026 and has never been logged in to"
	Since string
	// from which day on it may be removed: "8 April 2026"
	On string
	// that go with it
	Projects int
	Checks   int
	// to the log-in
	Link string
}

// Unused makes the mail.
func (c *Composer) Unused(v Unused) (*Message, error) {
	return c.compose(KindUnused, v.To, "Your account on "+c.site.Name+" will be removed on "+v.On, v.Link, v)
}

// Welcome tells somebody that an operator has made an account for them.
type Welcome struct {
	Owned
	To string
	// logs in, once and for a week
	Link string
}

// Welcome makes the mail.
func (c *Composer) Welcome(v Welcome) (*Message, error) {
	return c.compose(KindWelcome, v.To, "Your account on "+c.site.Name, v.Link, v)
}

// Security tells a user what was done to the ways into their account.
type Security struct {
	Owned
	To string
	// sentences; the first one is the subject
	Done string
	// browser and address it was done from: "Firefox on Linux, 192.0.2.7"; "" = not known
	From string
	// to where it can be looked at and changed
	Link string
}

// Security makes the mail.
func (c *Composer) Security(v Security) (*Message, error) {
	done, _, _ := strings.Cut(v.Done, ". ")
	return c.compose(KindSecurity, v.To, strings.TrimSuffix(done, ".")+" · "+c.site.Name, v.Link, v)
}
