package auth

import (
	"context"
	"log/slog"
	netmail "net/mail"
	"strings"
	"unicode"

	"github.com/go-webauthn/webauthn/webauthn"

	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/internal/text"
)

// SendLogin mails a login link to its user.
type SendLogin func(ctx context.Context, u *monitor.User, link string) error

// Mails send the mails about the ways into accounts: mail.Queue behind mail.Composer does it.
type Mails struct {
	EmailChange func(ctx context.Context, v mail.EmailChange) error
	TwoFactor   func(ctx context.Context, v mail.TwoFactor) error
	// Welcome mails somebody that an operator has made an account for them.
	Welcome  func(ctx context.Context, u *monitor.User, link string) error
	Security func(ctx context.Context, v mail.Security) error
}

// Config is what a Service needs.
type Config struct {
	Store     *store.Store
	SecretKey string
	// OldSecretKeys are those that SecretKey was before, the newest first.
	OldSecretKeys []string
	// SiteRoot is the full address of the site, without a slash at the end.
	SiteRoot string
	SiteName string
	// that security keys are bound to; "" = the host of SiteRoot
	RPID             string
	RegistrationOpen bool
	// of new accounts
	CheckLimit int
	// of new accounts
	PingLogLimit int
	SendLogin    SendLogin
	Mails        Mails
	Observe      Observe
	Log          *slog.Logger
}

// Service lets people sign up and log in, and makes the accounts and keys
// behind it. It is safe for concurrent use.
type Service struct {
	Config
	signer *Signer
	sealer *sealer
	// nil: security keys do not work here
	party *webauthn.WebAuthn
	// hashing bounds how many passwords are hashed at once: each takes 19 MiB.
	hashing chan struct{}
	backlog *backlog
}

// NewService makes a Service.
func NewService(c Config) *Service {
	return &Service{
		Config: c, signer: NewSigner(c.SecretKey, c.OldSecretKeys...), sealer: newSealer(c.SecretKey, c.OldSecretKeys...),
		party:   newRelyingParty(c.SiteRoot, c.SiteName, c.RPID),
		hashing: make(chan struct{}, 2), backlog: newBacklog(),
	}
}

// Address brings an e-mail address into the form accounts have: alone, and in the
// one spelling of hosts.MailAddress. What is none, or holds characters that cannot
// be seen, fails with errs.Invalid about the field.
func Address(field, typed string) (string, error) {
	address := asTyped(typed)
	if address == "" {
		return "", errs.Invalidf(field, "Please type an e-mail address.")
	}
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" || len(address) > monitor.MaxAddressLength || !text.Storable(address) {
		return "", errs.Invalidf(field, "This is not a complete e-mail address.")
	}
	if strings.ContainsFunc(address, unseen) {
		return "", errs.Invalidf(field, "This e-mail address has a character that cannot be seen.")
	}
	return hosts.MailAddress(address), nil
}

// asTyped is an address as accounts of before may have it: in small letters.
func asTyped(typed string) string { return strings.ToLower(strings.TrimSpace(typed)) }

// unseen tells whether a character leaves no mark: controls, joiners, marks of the
// direction of writing, soft hyphens.
func unseen(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Z) }

// UserByAddress finds the account of an address that Address has made of what was
// typed. One that was made when spellings were kept apart has it as it was typed. It
// fails with errs.NotFound.
func (s *Service) UserByAddress(ctx context.Context, address, typed string) (*monitor.User, error) {
	user, err := s.Store.UserByEmail(ctx, address)
	if errs.KindOf(err) == errs.NotFound && asTyped(typed) != address {
		return s.Store.UserByEmail(ctx, asTyped(typed))
	}
	return user, err
}

// zoneOrUTC is the present name of the zone a browser has told, UTC for one
// that is not known.
func zoneOrUTC(tz string) string {
	canonical, ok := schedule.CanonicalZone(tz)
	if ok {
		return canonical
	}
	return "UTC"
}

// Bucket is Signer.Bucket.
func (s *Service) Bucket(limit, of string) string { return s.signer.Bucket(limit, of) }
