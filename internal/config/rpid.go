package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"punctual/internal/hosts"
)

// checkRPID takes what browsers take as the name of keys on this site: its host,
// or a domain above it that somebody can register, so not org or co.uk (WebAuthn
// Level 2 §5.1.3). A site whose address is wrong or has a number for a host has
// no such name; the first is complained about elsewhere.
func (c *Config) checkRPID(id string) error {
	host := c.siteName()
	if host == "" {
		return nil
	}
	_, err := netip.ParseAddr(host)
	if err == nil {
		return fmt.Errorf("%q cannot be used: security keys need a name in PUNCTUAL_SITE_ROOT, and it has the address %s", id, host)
	}
	allowed := []string{host}
	for _, above, found := strings.Cut(host, "."); found; _, above, found = strings.Cut(above, ".") {
		_, err := publicsuffix.EffectiveTLDPlusOne(above)
		if err == nil {
			allowed = append(allowed, above)
		}
	}
	if !slices.Contains(allowed, id) {
		return fmt.Errorf("%q is not the host of PUNCTUAL_SITE_ROOT or a domain above it (allowed: %s)", id, strings.Join(allowed, ", "))
	}
	return nil
}

// keysWork tells whether browsers use security keys on this site: with https, or
// on localhost (Secure Contexts §3.1).
func (c *Config) keysWork() bool {
	host := c.siteName()
	return c.Secure() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// siteName is the host of SITE_ROOT without its port, as browsers write it.
func (c *Config) siteName() string { return strings.Trim(hosts.Name(c.siteURL().Host), "[]") }
