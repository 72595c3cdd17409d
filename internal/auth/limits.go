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

// limit is a token bucket of features §18.
type limit struct {
	name     string
	capacity int
	window   time.Duration
}

// The limits.
var (
	loginsPerIP       = limit{"login-ip", 20, time.Hour}
	linksPerAddress   = limit{"login-address", 10, time.Hour}
	linksPerMailbox   = limit{"login-mailbox", 10, time.Hour}
	totpPerUser       = limit{"totp", 96, 24 * time.Hour}
	recoveriesPerUser = limit{"recovery", 20, 24 * time.Hour}
	invitesPerUser    = limit{"invite", 20, 24 * time.Hour}
	emailChanges      = limit{"email-change", 10, 24 * time.Hour}
	testsPerChannel   = limit{"test-channel", 10, 10 * time.Minute}
	testsPerProject   = limit{"test-project", 60, time.Hour}
	demoChecksPerIP   = limit{"demo-ip", 30, time.Hour}
	demoChecksAnybody = limit{"demo", 2000, time.Hour}
)

// Attempts to log in are counted where they come from, so that somebody who
// guesses does not lock the user out: a browser in which the user has logged in
// before has limits of its own, and a network uses up its own share first. What
// unknown browsers have in common bounds guessing from many networks.
var (
	linksPerDevice      = limit{"login-device", 10, time.Hour}
	passwordsPerDevice  = limit{"password-device", 20, 24 * time.Hour}
	passwordsPerNetwork = limit{"password-network", 20, 24 * time.Hour}
	passwordsPerAddress = limit{"password-address", 100, 24 * time.Hour}
	confirmsPerSession  = limit{"confirm", 20, 24 * time.Hour}
	totpPerDevice       = limit{"totp-device", 96, 24 * time.Hour}
	recoveriesPerDevice = limit{"recovery-device", 20, 24 * time.Hour}
	usesPerKeyQuestion  = limit{"key-question", 1, 24 * time.Hour}
)

// takeLink takes one login link for the address. All spellings of a mailbox share
// them, but an address without a tag has its own, which the others do not use up: so
// links to the aliases of somebody do not keep them out.
func (s *Service) takeLink(ctx context.Context, address string, from Origin) error {
	if device, known := s.knownDevice(from.Device, address); known {
		return s.take(ctx, linksPerDevice, device)
	}
	if err := s.take(ctx, loginsPerIP, network(from.IP)); err != nil {
		return err
	}
	err := s.take(ctx, linksPerMailbox, mailbox(address))
	if (err == nil || errs.KindOf(err) == errs.TooMany) && !strings.Contains(address, "+") {
		err = s.take(ctx, linksPerAddress, inbox(address))
	}
	if errs.KindOf(err) == errs.TooMany {
		return errs.TooManyf(errs.RetryAfterOf(err), "Too many attempts: several login links were mailed to this address lately. Please use the newest of them; each works for an hour.")
	}
	return err
}

// takePassword takes one attempt at the password of the address.
func (s *Service) takePassword(ctx context.Context, address string, from Origin) error {
	if device, known := s.knownDevice(from.Device, address); known {
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
	if id, ok := s.knownDevice(device, user.Email); ok {
		return s.take(ctx, known, id)
	}
	return s.take(ctx, others, user.ID.String())
}

// take takes one token; where none is left it fails with errs.TooMany.
func (s *Service) take(ctx context.Context, l limit, of string) error {
	ok, wait, err := s.Store.TakeToken(ctx, s.Bucket(l.name, of), l.capacity, l.window)
	if err != nil {
		return err
	}
	if !ok {
		minutes := int(wait/time.Minute) + 1
		if minutes == 1 {
			return errs.TooManyf(wait, "Too many attempts. Please try again in a minute.")
		}
		return errs.TooManyf(wait, "Too many attempts. Please try again in %d minutes.", minutes)
	}
	return nil
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
	check.Name, check.Slug = firstCheckName, firstCheckSlug
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
