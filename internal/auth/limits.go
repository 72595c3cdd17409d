package auth

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
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
	passwordsPerUser  = limit{"password", 20, 24 * time.Hour}
	totpPerUser       = limit{"totp", 96, 24 * time.Hour}
	recoveriesPerUser = limit{"recovery", 20, 24 * time.Hour}
	invitesPerUser    = limit{"invite", 20, 24 * time.Hour}
	emailChanges      = limit{"email-change", 10, 24 * time.Hour}
	testsPerChannel   = limit{"test-channel", 10, 10 * time.Minute}
	testsPerProject   = limit{"test-project", 60, time.Hour}
	demoChecksPerIP   = limit{"demo-ip", 30, time.Hour}
	demoChecksAnybody = limit{"demo", 2000, time.Hour}
)

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

// mailbox is what several spellings of one mailbox have in common: dots and
// what follows a plus sign are dropped (features §18).
func mailbox(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	return strings.ReplaceAll(local, ".", "") + "@" + domain
}
