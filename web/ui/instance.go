package ui

import (
	"net/url"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/web/ui/channelstate"
)

// Instance is what pages need to know of this instance.
type Instance struct {
	// "Punctual" unless set
	Name string
	// without a slash at the end; may hold a path
	Root *url.URL
	// ends with a slash
	PingEndpoint string
	// bytes, 0 = unlimited
	PingBodyLimit int
	// bytes that the bodies of all pings of an owner may have, 0 = unlimited
	PingBodyTotal int64
	// of the addresses that take pings by e-mail, "" = nobody listens
	PingEmailDomain  string
	Version          string
	SupportEmail     string
	RegistrationOpen bool
	// false: mail is kept, the local mailbox is shown to loopback
	HasSMTP bool
	// addresses of others must confirm before they get alerts
	VerifyEmail bool
	// of new accounts
	CheckLimit int
	// of new accounts
	PingLogLimit int
}

// Path puts the path of SITE_ROOT before an absolute path of ours.
func (s *Instance) Path(path string) string { return s.Root.Path + path }

// URL is the full address of an absolute path of ours.
func (s *Instance) URL(path string) string { return s.Root.String() + path }

// PingURL is the address a job pings.
func (s *Instance) PingURL(c *monitor.Check) string { return s.PingEndpoint + c.Code.String() }

// PingEmail is the address that takes pings by e-mail for who: the code of a
// check, or "ping-key+slug"; "" when this instance takes none (docs/contract.md
// §1.11).
func (s *Instance) PingEmail(who string) string {
	if s.PingEmailDomain == "" {
		return ""
	}
	return who + "@" + s.PingEmailDomain
}

// Channel is a channel as the pages of checks show it.
type Channel struct {
	ID uuid.UUID
	// its name, or where alerts go
	Title string
	Icon  string
	// of its kind
	Label string
	State channelstate.State
	// what is wrong with it, a clause (channelstate.State.Why); "" = nothing
	Why string
	// it tells when a check goes down, or would if it worked
	NotifiesDown bool
}

// Name is what the channel is called, and of which kind it is: "Night shift (Email)".
func (c *Channel) Name() string {
	if c.Title == c.Label {
		return c.Title
	}
	return c.Title + " (" + c.Label + ")"
}

// ViewChannel tells how a channel is shown.
type ViewChannel func(*monitor.Channel) Channel
