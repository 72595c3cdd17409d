package auth

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/hosts"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// limit is a token bucket: how many in which time, and what refills meanwhile.
type limit struct {
	name     string
	capacity int
	window   time.Duration
	// when none is left; "" = how long to wait
	message string
}

const tooManyTests = "Too many tests. Please try again later."

// The limits.
var (
	loginsPerIP       = limit{name: "login-ip", capacity: 20, window: time.Hour}
	totpPerUser       = limit{name: "totp", capacity: 96, window: 24 * time.Hour}
	recoveriesPerUser = limit{name: "recovery", capacity: 20, window: 24 * time.Hour}
	invitesPerUser    = limit{name: "invite", capacity: 20, window: 24 * time.Hour}
	emailChanges      = limit{name: "email-change", capacity: 10, window: 24 * time.Hour}
	testsPerChannel   = limit{name: "test-channel", capacity: 10, window: 10 * time.Minute, message: tooManyTests}
	testsPerProject   = limit{name: "test-project", capacity: 60, window: time.Hour, message: tooManyTests}
	demoChecksPerIP   = limit{name: "demo-ip", capacity: 30, window: time.Hour}
	demoChecksAnybody = limit{name: "demo", capacity: 2000, window: time.Hour}
)

const tooManyLinks = "Too many attempts: several login links were mailed to this address lately. Please use the newest of them; each " +
	"works for an hour."

// Login links: of an address without a tag, and of all spellings of its mailbox.
var (
	linksPerAddress = limit{name: "login-address", capacity: 10, window: time.Hour, message: tooManyLinks}
	linksPerMailbox = limit{name: "login-mailbox", capacity: 10, window: time.Hour, message: tooManyLinks}
)

// Mails to addresses that have agreed to nothing. Login links that somebody asks for
// in the name of an address are counted apart, so that no flood of the others shuts
// its owner out.
var (
	mailsPerAddress = limit{
		name: "mail-address", capacity: MailsPerAddress, window: time.Hour,
		message: "This address has had many mails from here within the hour. Please try again later.",
	}
	questionsPerUser = limit{
		name: "verify", capacity: VerifyMails, window: 24 * time.Hour,
		message: "You have had many addresses asked today. Please try again later.",
	}
	questionsOfRefused = limit{
		name: "verify-refused", capacity: 1, window: 24 * time.Hour,
		message: "This address has unsubscribed, and was asked within a day already. Please try again tomorrow.",
	}
)

// Attempts to log in are counted where they come from, so that somebody who
// guesses does not lock the user out: a browser in which the user has logged in
// before has limits of its own, and a network uses up its own share first. What
// unknown browsers have in common bounds guessing from many networks.
var (
	linksPerDevice      = limit{name: "login-device", capacity: 10, window: time.Hour}
	passwordsPerDevice  = limit{name: "password-device", capacity: 20, window: 24 * time.Hour}
	passwordsPerNetwork = limit{name: "password-network", capacity: 20, window: 24 * time.Hour}
	passwordsPerAddress = limit{name: "password-address", capacity: 100, window: 24 * time.Hour}
	confirmsPerSession  = limit{name: "confirm", capacity: 20, window: 24 * time.Hour}
	totpPerDevice       = limit{name: "totp-device", capacity: 96, window: 24 * time.Hour}
	recoveriesPerDevice = limit{name: "recovery-device", capacity: 20, window: 24 * time.Hour}
	usesPerKeyQuestion  = limit{name: "key-question", capacity: 1, window: 24 * time.Hour}
)

// takeLink takes one login link for the address. All spellings of a mailbox share
// them, but an address without a tag has its own, which the others do not use up: so
// links to the aliases of somebody do not keep them out.
func (s *Service) takeLink(ctx context.Context, address string, from Origin) error {
	device, known := s.knownDevice(from.Device, address)
	if known {
		return s.take(ctx, linksPerDevice, device)
	}
	if err := s.take(ctx, loginsPerIP, network(from.IP)); err != nil {
		return err
	}
	err := s.take(ctx, linksPerMailbox, mailbox(address))
	if (err == nil || errs.KindOf(err) == errs.TooMany) && !strings.Contains(address, "+") {
		return s.take(ctx, linksPerAddress, inbox(address))
	}
	return err
}

// takePassword takes one attempt at the password of the address.
func (s *Service) takePassword(ctx context.Context, address string, from Origin) error {
	device, known := s.knownDevice(from.Device, address)
	if known {
		return byLinkInstead(s.take(ctx, passwordsPerDevice, device))
	}
	if err := s.take(ctx, loginsPerIP, network(from.IP)); err != nil {
		return err
	}
	if err := s.take(ctx, passwordsPerNetwork, network(from.IP)+" "+address); err != nil {
		return byLinkInstead(err)
	}
	return byLinkInstead(s.take(ctx, passwordsPerAddress, address))
}

// byLinkInstead says what still works when a password may not be tried.
func byLinkInstead(err error) error {
	if errs.KindOf(err) != errs.TooMany {
		return err
	}
	return errs.TooManyf(errs.RetryAfterOf(err), "%s A mailed link still logs you in.", errs.Message(err))
}

// takeSecond takes one attempt at the second step of the user: of the browser
// where the user has logged in there before, else of all others together.
func (s *Service) takeSecond(ctx context.Context, user *monitor.User, device string, known, others limit) error {
	id, ok := s.knownDevice(device, user.Email)
	if ok {
		return s.take(ctx, known, id)
	}
	return s.take(ctx, others, user.ID.String())
}

// take takes one token; where none is left it fails with errs.TooMany.
func (s *Service) take(ctx context.Context, l limit, of string) error {
	return l.take(ctx, s.Store, s.signer, of)
}

// take takes one token of what the limit is about; where none is left it fails with
// errs.TooMany and the message of the limit.
func (l limit) take(ctx context.Context, st *store.Store, signer *Signer, of string) error {
	ok, wait, err := st.TakeToken(ctx, signer.Bucket(l.name, of), l.capacity, l.window)
	if err != nil || ok {
		return err
	}
	if l.message != "" {
		return errs.TooManyf(wait, "%s", l.message)
	}
	minutes := int(wait/time.Minute) + 1
	if minutes == 1 {
		return errs.TooManyf(wait, "Too many attempts. Please try again in a minute.")
	}
	return errs.TooManyf(wait, "Too many attempts. Please try again in %d minutes.", minutes)
}

// ForgetLimits removes the rate limits of somebody who is gone. Those that protect
// a mailbox from too many mails stay: else closing an account would end them.
func (s *Service) ForgetLimits(ctx context.Context, user *monitor.User) {
	keys := []string{s.Bucket(passwordsPerAddress.name, user.Email)}
	for _, l := range []limit{questionsPerUser, totpPerUser, recoveriesPerUser, invitesPerUser, emailChanges} {
		keys = append(keys, s.Bucket(l.name, user.ID.String()))
	}
	err := s.Store.ForgetTokens(ctx, keys)
	// they go by themselves within a day
	if err != nil {
		s.Log.WarnContext(ctx, "rate limits of a closed account", "user", user.ID, "error", err)
	}
}

// MayInvite takes one of the invitations that a user may send in a day. It fails
// with errs.TooMany when none is left.
func (s *Service) MayInvite(ctx context.Context, user *monitor.User) error {
	return s.take(ctx, invitesPerUser, user.ID.String())
}

// NewDemoCheck makes a check for a visitor of the welcome page that belongs to
// nobody yet. Where there are too many from one address, or in all, it fails
// with errs.TooMany.
func (s *Service) NewDemoCheck(ctx context.Context, ip string) (*monitor.Check, error) {
	if err := s.take(ctx, demoChecksPerIP, network(ip)); err != nil {
		return nil, err
	}
	if err := s.take(ctx, demoChecksAnybody, ""); err != nil {
		return nil, err
	}
	check := monitor.NewCheck(uuid.Nil, s.Store.Now())
	check.Name = firstCheckName
	check.Slug = firstCheckSlug
	if err := s.Store.CreateCheck(ctx, &check, store.Channels{}); err != nil {
		return nil, fmt.Errorf("make a check for a visitor: %w", err)
	}
	return &check, nil
}

// network is what one person has at least: an IPv4 address, or the /64 of an
// IPv6 address.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Is4() || addr.Is4In6() {
		return ip
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return prefix.String()
}

// mailbox is what several spellings of one mailbox may have in common: dots and
// what follows a plus sign are dropped, as some providers do.
func mailbox(address string) string {
	local, domain, _ := strings.Cut(hosts.MailAddress(address), "@")
	local, _, _ = strings.Cut(local, "+")
	return strings.ReplaceAll(local, ".", "") + "@" + domain
}

// inbox is what spellings of an address without a tag surely have in common: dots
// are dropped only where the provider is known to ignore them.
func inbox(address string) string {
	local, domain, _ := strings.Cut(hosts.MailAddress(address), "@")
	if domain == "gmail.com" || domain == "googlemail.com" {
		local = strings.ReplaceAll(local, ".", "")
	}
	return local + "@" + domain
}
