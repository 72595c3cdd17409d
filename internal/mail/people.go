package mail

import "strings"

// The kinds of mail about people and what belongs to them.
const (
	KindInvite      = "invite"
	KindTransfer    = "transfer"
	KindEmailChange = "email-change"
	KindTwoFactor   = "two-factor"
)

// Invite tells somebody that they may work in a project.
type Invite struct {
	To      string
	Project string
	By      string // address of whoever invites them
	Role    string // what they may do, in a word: "member"
	New     bool   // an account was made for them; Link logs in, once and for a week
	Link    string
}

// Invite makes the mail.
func (c *Composer) Invite(v Invite) (*Message, error) {
	return c.compose(KindInvite, v.To, v.By+" invites you to "+v.Project, v.Link, v)
}

// Transfer asks a member whether they take a project over.
type Transfer struct {
	To      string
	Project string
	By      string // address of the owner
	Link    string // to where it is accepted
}

// Transfer makes the mail.
func (c *Composer) Transfer(v Transfer) (*Message, error) {
	return c.compose(KindTransfer, v.To, v.By+" offers you the project "+v.Project, v.Link, v)
}

// EmailChange asks one of two addresses whether the account is to change from
// Old to New.
type EmailChange struct {
	To       string // Old or New
	Old, New string
	Link     string // valid for a day
}

// ToOld tells whether the mail goes to the present address of the account.
func (v EmailChange) ToOld() bool { return v.To == v.Old }

// EmailChange makes the mail.
func (c *Composer) EmailChange(v EmailChange) (*Message, error) {
	return c.compose(KindEmailChange, v.To, "Confirm the new address of your account on "+c.site.Name, v.Link, v)
}

// TwoFactor tells a user what was done to the second step of their log-in.
type TwoFactor struct {
	To   string
	Done string // a sentence
	On   bool   // there are two steps now
	Left int    // recovery codes
	Link string // to where it is changed
}

// TwoFactor makes the mail.
func (c *Composer) TwoFactor(v TwoFactor) (*Message, error) {
	done, _, _ := strings.Cut(v.Done, ". ")
	return c.compose(KindTwoFactor, v.To, strings.TrimSuffix(done, ".")+" · "+c.site.Name, v.Link, v)
}
