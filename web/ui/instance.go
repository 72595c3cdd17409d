package ui

import (
	"net/url"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// Instance is what pages need to know of this instance.
type Instance struct {
	Name             string   // "Punctual" unless set
	Root             *url.URL // without a slash at the end; may hold a path
	PingEndpoint     string   // ends with a slash
	PingBodyLimit    int      // bytes, 0 = unlimited
	PingBodyTotal    int64    // bytes that the bodies of all pings of an owner may have, 0 = unlimited
	PingEmailDomain  string   // of the addresses that take pings by e-mail, "" = nobody listens
	Version          string
	SupportEmail     string
	RegistrationOpen bool
	HasSMTP          bool // false: mail is kept, the local mailbox is shown to loopback
	VerifyEmail      bool // addresses of others must confirm before they get alerts
	CheckLimit       int  // of new accounts
	PingLogLimit     int  // of new accounts
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
	ID      uuid.UUID
	Title   string // its name, or where alerts go
	Icon    string
	Label   string // of its kind
	Trouble string // what is wrong with it, "" = nothing
}

// ViewChannel tells how a channel is shown.
type ViewChannel func(*monitor.Channel) Channel
