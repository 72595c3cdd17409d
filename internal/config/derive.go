package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"punctual/internal/hosts"
)

// Origins of a value that nobody gave; the others name their source.
const (
	fromDefault = "default"
	derived     = "from other settings"
)

// complete fills in the defaults that depend on other settings and brings
// addresses into the one form the rest of the program relies on.
func (c *Config) complete(stateDir string) {
	c.siteAtListen()
	c.deriveSpool(stateDir)
	c.SiteRoot = strings.TrimRight(c.SiteRoot, "/")
	c.derive("PUNCTUAL_PING_ENDPOINT", &c.PingEndpoint, c.SiteRoot+"/ping/")
	c.PingEndpoint = strings.TrimRight(c.PingEndpoint, "/") + "/"
	if c.PeerPingEndpoint != "" {
		c.PeerPingEndpoint = strings.TrimRight(c.PeerPingEndpoint, "/") + "/"
	}
	c.RPID = strings.ToLower(c.RPID)
	c.StatusHTTP = strings.Join(splitEntries(c.StatusHTTP), "; ")
	c.StatusCommand = strings.Join(splitEntries(c.StatusCommand), "; ")
	c.derive("PUNCTUAL_MASTER_BADGE_LABEL", &c.MasterBadgeLabel, c.SiteName)
	c.derive("PUNCTUAL_EMAIL_FROM", &c.EmailFrom, c.defaultSender())
	if c.SMTPPort == 0 && c.origins["PUNCTUAL_SMTP_PORT"] == fromDefault {
		c.SMTPPort = map[string]int{"tls": 465, "none": 25}[c.SMTPTLS]
		if c.SMTPPort == 0 {
			c.SMTPPort = 587
		}
		c.origins["PUNCTUAL_SMTP_PORT"] = derived
	}
	c.warnUseless()
}

// siteAtListen makes the links of a site that was only told where to listen
// lead there.
func (c *Config) siteAtListen() {
	_, port, err := net.SplitHostPort(c.Listen)
	if c.origins["PUNCTUAL_SITE_ROOT"] != fromDefault || err != nil || port == "0" || port == "8000" {
		return
	}
	c.SiteRoot = "http://localhost:" + port
	c.origins["PUNCTUAL_SITE_ROOT"] = derived
}

// SpoolOff is the value of SpoolDir with which no pings are kept.
const SpoolOff = "off"

// deriveSpool chooses where pings are kept; stateDir is that of the systemd unit, "" = there
// is none.
func (c *Config) deriveSpool(stateDir string) {
	state, _, _ := strings.Cut(stateDir, ":")
	if c.SQLitePath() != "" {
		state = filepath.Dir(c.SQLitePath())
	}
	if state == "" {
		c.derive("PUNCTUAL_SPOOL_DIR", &c.SpoolDir, SpoolOff)
		return
	}
	c.derive("PUNCTUAL_SPOOL_DIR", &c.SpoolDir, filepath.Join(state, "spool"))
}

// SpoolGiven tells whether somebody has said where pings are to be kept.
func (c *Config) SpoolGiven() bool { return c.origins["PUNCTUAL_SPOOL_DIR"] != derived }

// BlindWait is BlindLimit.
func (c *Config) BlindWait() time.Duration {
	d, err := parseWait(c.BlindLimit)
	// the settings have been validated
	if err != nil {
		return 15 * time.Minute
	}
	return d
}

// parseWait takes what Go calls a duration, of 1 minute to 24 hours.
func parseWait(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Minute || d > 24*time.Hour {
		return 0, fmt.Errorf("%q is not allowed (allowed: 1m to 24h, as in 15m or 2h)", text)
	}
	return d, nil
}

func (c *Config) derive(variable string, value *string, text string) {
	if *value == "" {
		*value = text
		c.origins[variable] = derived
	}
}

// warnUseless tells of settings that have no effect without another one.
func (c *Config) warnUseless() {
	if c.SMTPHost == "" && c.SMTPUsername+c.SMTPPassword != "" {
		c.warnings = append(c.warnings,
			"PUNCTUAL_SMTP_USERNAME and PUNCTUAL_SMTP_PASSWORD have no effect while PUNCTUAL_SMTP_HOST is not set: mail is kept, not sent")
	}
	if c.PushoverSubscriptionURL != "" && c.PushoverAPIToken == "" {
		c.warnings = append(c.warnings, "PUNCTUAL_PUSHOVER_SUBSCRIPTION_URL has no effect while PUNCTUAL_PUSHOVER_API_TOKEN is not set")
	}
	if len(c.NoProxy) > 0 && c.HTTPProxy == "" {
		c.warnings = append(c.warnings, "PUNCTUAL_NO_PROXY has no effect while PUNCTUAL_HTTP_PROXY is not set")
	}
	if len(c.Admins) > 0 && c.SMTPHost == "" {
		c.warnings = append(c.warnings,
			"PUNCTUAL_ADMINS has no effect while PUNCTUAL_SMTP_HOST is not set: errors are in the log only, unless PUNCTUAL_ADMINS_WEBHOOK is set")
	}
	if c.HSTSMaxAge > 0 && c.Secure() && c.plainPings() {
		c.warnings = append(c.warnings,
			"PUNCTUAL_HSTS_MAX_AGE has no effect while PUNCTUAL_PING_ENDPOINT is plain http on the host of PUNCTUAL_SITE_ROOT: browsers could "+
				"not open ping URLs any more")
	}
	if c.RPID != "" && !c.keysWork() {
		c.warnings = append(c.warnings,
			"PUNCTUAL_RP_ID has no effect while PUNCTUAL_SITE_ROOT does not begin with https://: security keys work with https only, or on localhost")
	}
}

// plainName needs no quotes in a mail header (RFC 5322 atoms and blanks).
var plainName = regexp.MustCompile(`^[A-Za-z0-9]+( [A-Za-z0-9]+)*$`)

// defaultSender is a sender at the host of the site; a site known by its
// number only gets localhost, as few mail servers take address literals.
func (c *Config) defaultSender() string {
	host := c.siteURL().Hostname()
	_, err := netip.ParseAddr(host)
	if err == nil {
		host = "localhost"
	}
	address := "punctual@" + host
	if plainName.MatchString(c.SiteName) {
		return fmt.Sprintf("%s <%s>", c.SiteName, address)
	}
	return (&mail.Address{Name: c.SiteName, Address: address}).String()
}

// siteURL is SITE_ROOT taken apart; empty for a wrong one, which Validate
// complains about.
func (c *Config) siteURL() *url.URL {
	u, err := url.Parse(c.SiteRoot)
	if err != nil {
		return &url.URL{}
	}
	return u
}

// SitePath is the path in SITE_ROOT under which everything is served: "" or
// "/punctual", never with a slash at the end.
func (c *Config) SitePath() string { return c.siteURL().Path }

// SiteURL is the absolute address of a path below SITE_ROOT; the path may
// begin with a slash or not.
func (c *Config) SiteURL(path string) string {
	return c.SiteRoot + "/" + strings.TrimLeft(path, "/")
}

// PingURL is the absolute address of a ping: PING_ENDPOINT and what follows
// it, a check's uuid or "ping-key/slug"; a slash before it does not matter.
func (c *Config) PingURL(path string) string {
	return c.PingEndpoint + strings.TrimLeft(path, "/")
}

// PingHost is the host of PING_ENDPOINT when it is another one than that of
// SITE_ROOT, else "": in lower case, without a final dot, and with its port
// where that is not the one of its scheme. Requests for it are pings from the
// root on.
func (c *Config) PingHost() string {
	u, err := url.Parse(c.PingEndpoint)
	if err != nil {
		return ""
	}
	host := hosts.Of(u)
	if host == hosts.Of(c.siteURL()) {
		return ""
	}
	return host
}

// EmailPingDomain is the domain of the addresses that take pings by e-mail, or
// "" when nothing says that anybody listens for them: a domain was given, or
// this process was told where to listen.
func (c *Config) EmailPingDomain() string {
	if c.SMTPDListen == "" && c.origins["PUNCTUAL_PING_EMAIL_DOMAIN"] == fromDefault {
		return ""
	}
	return c.PingEmailDomain
}

// Secure says whether visitors come by https, so that cookies can be marked.
func (c *Config) Secure() bool { return c.siteURL().Scheme == "https" }

// SessionMaxAge is how long after a log-in its session ends, however much it is
// used.
func (c *Config) SessionMaxAge() time.Duration { return time.Duration(c.SessionDays) * 24 * time.Hour }

// HSTS is for how long browsers that came to the site by https are to come by
// nothing else; 0 = they are not told to. The promise is about a host, with all
// its ports: where pings go to the same host by plain http, it is not made, as
// browsers could not open ping URLs any more.
func (c *Config) HSTS() time.Duration {
	if !c.Secure() || c.plainPings() {
		return 0
	}
	return time.Duration(c.HSTSMaxAge) * time.Second
}

// plainPings tells whether ping URLs have the host of the site, but not https.
func (c *Config) plainPings() bool {
	u, err := url.Parse(c.PingEndpoint)
	return err == nil && u.Scheme == "http" && strings.EqualFold(u.Hostname(), c.siteURL().Hostname())
}

// SQLitePath is the file of an SQLite database as named in DATABASE_URL, or
// "" with Postgres. sqlite:PATH and sqlite://PATH mean the same.
func (c *Config) SQLitePath() string {
	path, found := strings.CutPrefix(c.DatabaseURL, "sqlite:")
	if !found {
		return ""
	}
	return strings.TrimPrefix(path, "//")
}

// TrustedNetworks are the networks of TRUSTED_PROXIES; nil for "none".
func (c *Config) TrustedNetworks() []netip.Prefix {
	networks, err := parseProxies(c.TrustedProxies)
	if err != nil {
		// Validate refuses it; believing nobody is the safe answer
		return nil
	}
	return networks
}

// StatusFrom are the networks of STATUS_NETWORKS, whose requests see the details
// of /status/.
func (c *Config) StatusFrom() []netip.Prefix {
	networks, err := parseProxies(c.StatusNetworks)
	if err != nil {
		// Validate refuses it; nobody is the safe answer
		return nil
	}
	return networks
}

func parseProxies(list []string) ([]netip.Prefix, error) {
	named := map[string][]netip.Prefix{
		"loopback": {netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		"private": {
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
			netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fc00::/7"),
		},
		"none": {},
	}
	var networks []netip.Prefix
	for _, word := range list {
		group, found := named[word]
		if found {
			networks = append(networks, group...)
		} else if prefix, err := netip.ParsePrefix(word); err == nil {
			networks = append(networks, unmapped(prefix))
		} else if address, err := netip.ParseAddr(word); err == nil {
			networks = append(networks, unmapped(netip.PrefixFrom(address, address.BitLen())))
		} else {
			return nil, fmt.Errorf("%q is not a network (allowed: 10.0.0.0/8, 192.0.2.7, loopback, private, or none alone)", word)
		}
	}
	return networks, nil
}

// unmapped is a network in the form in which addresses are compared: IPv4 written
// as IPv6 (::ffff:10.0.0.0/104) is IPv4.
func unmapped(n netip.Prefix) netip.Prefix {
	const before = 96
	if n.Addr().Is4In6() && n.Bits() >= before {
		n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-before)
	}
	return n.Masked()
}
