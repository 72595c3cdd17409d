package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"punctual/internal/logs"

	"punctual/internal/redact"
)

// Validate checks every setting alone and against the others, and joins all
// problems, one line each, naming the setting by the way it was given.
func (c *Config) Validate() error {
	v := &validator{config: c}
	for _, s := range settings(c) {
		v.note(s.variable, s.check())
	}
	v.note("PUNCTUAL_DATABASE_URL", checkDatabaseURL(c.DatabaseURL))
	_, err := parseInterval(c.BackupEvery)
	v.note("PUNCTUAL_BACKUP_EVERY", err)
	_, err = parseWait(c.BlindLimit)
	v.note("PUNCTUAL_BLIND_LIMIT", err)
	v.note("PUNCTUAL_LISTEN", checkListen(c.Listen))
	v.unlessEmpty("PUNCTUAL_PING_LISTEN", c.PingListen, checkListen)
	v.unlessEmpty("PUNCTUAL_METRICS_LISTEN", c.MetricsListen, checkListen)
	v.unlessEmpty("PUNCTUAL_SMTPD_LISTEN", c.SMTPDListen, checkListen)
	v.unlessEmpty("PUNCTUAL_STATSD_ADDRESS", c.StatsDAddress, checkTarget)
	v.note("PUNCTUAL_STATSD_PREFIX", checkStatsDPrefix(c.StatsDPrefix))
	for _, tag := range c.StatsDTags {
		v.note("PUNCTUAL_STATSD_TAGS", checkStatsDTag(tag))
	}
	v.listenTwice()
	v.ownChecks()
	v.note("PUNCTUAL_SITE_ROOT", checkURL(c.SiteRoot))
	v.unlessDerived("PUNCTUAL_PING_ENDPOINT", c.PingEndpoint, checkURL)
	v.unlessEmpty("PUNCTUAL_RP_ID", c.RPID, c.checkRPID)
	v.note("PUNCTUAL_SITE_NAME", checkName(c.SiteName))
	v.unlessDerived("PUNCTUAL_MASTER_BADGE_LABEL", c.MasterBadgeLabel, checkName)
	v.note("PUNCTUAL_PING_EMAIL_DOMAIN", checkHost(c.PingEmailDomain))
	v.smtpdCertificate()
	v.unlessEmpty("PUNCTUAL_SUPPORT_EMAIL", c.SupportEmail, checkAddress)
	v.unlessDerived("PUNCTUAL_EMAIL_FROM", c.EmailFrom, checkAddress)
	for _, address := range c.Admins {
		v.note("PUNCTUAL_ADMINS", checkAddress(address))
	}
	v.unlessEmpty("PUNCTUAL_SMTP_HOST", c.SMTPHost, checkHost)
	v.smtpLogin()
	v.unlessEmpty("PUNCTUAL_BOUNCE_DOMAIN", c.BounceDomain, checkHost)
	v.unlessEmpty("PUNCTUAL_PUSHOVER_SUBSCRIPTION_URL", c.PushoverSubscriptionURL, checkURL)
	v.unlessEmpty("PUNCTUAL_ADMINS_WEBHOOK", c.AdminsWebhook, checkSecretURL)
	v.unlessEmpty("PUNCTUAL_HEARTBEAT_URL", c.HeartbeatURL, checkSecretURL)
	v.peer()
	v.unlessEmpty("PUNCTUAL_HTTP_PROXY", c.HTTPProxy, checkProxy)
	_, err = parseProxies(c.TrustedProxies)
	v.note("PUNCTUAL_TRUSTED_PROXIES", err)
	_, err = parseProxies(c.StatusNetworks)
	v.note("PUNCTUAL_STATUS_NETWORKS", err)
	v.note("PUNCTUAL_STATUS_TOKEN_NAME", checkParameter(c.StatusTokenName))
	_, err = logs.ParseLevels(c.LogLevel)
	v.note("PUNCTUAL_LOG_LEVEL", err)
	return errors.Join(v.problems...)
}

type validator struct {
	config   *Config
	problems []error
}

func (v *validator) note(variable string, err error) {
	if err != nil {
		v.problems = append(v.problems, fmt.Errorf("%s: %w", v.config.givenName(variable), err))
	}
}

func (v *validator) unlessEmpty(variable, value string, check func(string) error) {
	if value != "" {
		v.note(variable, check(value))
	}
}

// unlessDerived leaves out a value that complete made from another setting:
// if it is wrong, the other one was already complained about.
func (v *validator) unlessDerived(variable, value string, check func(string) error) {
	if v.config.origins[variable] != derived {
		v.note(variable, check(value))
	}
}

func (v *validator) listenTwice() {
	seen := []string{v.config.Listen}
	for _, s := range [][2]string{{"PUNCTUAL_PING_LISTEN", v.config.PingListen}, {"PUNCTUAL_METRICS_LISTEN", v.config.MetricsListen},
		{"PUNCTUAL_SMTPD_LISTEN", v.config.SMTPDListen}} {
		variable := s[0]
		address := s[1]
		if address == "" || strings.HasSuffix(address, ":0") {
			continue
		}
		if slices.Contains(seen, address) {
			v.note(variable, fmt.Errorf("%q is already listened on; give it an address of its own", address))
		}
		seen = append(seen, address)
	}
}

func (v *validator) smtpdCertificate() {
	switch {
	case v.config.SMTPDTLSCert != "" && v.config.SMTPDTLSKey == "":
		v.note("PUNCTUAL_SMTPD_TLS_KEY", errors.New("is not set but PUNCTUAL_SMTPD_TLS_CERT is; set both or neither"))
	case v.config.SMTPDTLSCert == "" && v.config.SMTPDTLSKey != "":
		v.note("PUNCTUAL_SMTPD_TLS_CERT", errors.New("is not set but PUNCTUAL_SMTPD_TLS_KEY is; set both or neither"))
	}
}

func (v *validator) smtpLogin() {
	switch {
	case v.config.SMTPUsername != "" && v.config.SMTPPassword == "":
		v.note("PUNCTUAL_SMTP_PASSWORD", errors.New("is not set but PUNCTUAL_SMTP_USERNAME is; set both or neither"))
	case v.config.SMTPUsername == "" && v.config.SMTPPassword != "":
		v.note("PUNCTUAL_SMTP_USERNAME", errors.New("is not set but PUNCTUAL_SMTP_PASSWORD is; set both or neither"))
	}
}

// leastPeerSecret is how many characters the secret of two instances has at least.
const leastPeerSecret = 16

func (v *validator) peer() {
	c := v.config
	v.unlessEmpty("PUNCTUAL_PEER_URL", c.PeerURL, checkURL)
	v.unlessEmpty("PUNCTUAL_PEER_PING_ENDPOINT", c.PeerPingEndpoint, checkURL)
	switch {
	case c.PeerSecret == "" && (c.PeerURL != "" || c.PeerPingEndpoint != ""):
		v.note("PUNCTUAL_PEER_SECRET", errors.New("is not set but PUNCTUAL_PEER_URL or PUNCTUAL_PEER_PING_ENDPOINT is; set it to the same on both sides"))
	case c.PeerSecret != "" && len(c.PeerSecret) < leastPeerSecret:
		v.note("PUNCTUAL_PEER_SECRET", fmt.Errorf("has %d characters (allowed: %d or more)", len(c.PeerSecret), leastPeerSecret))
	}
}

// givenName is how the operator set it: the flag, or the variable.
func (c *Config) givenName(variable string) string {
	flag, found := strings.CutPrefix(c.origins[variable], "flag ")
	if found {
		return flag
	}
	return variable
}

func checkDatabaseURL(text string) error {
	path, found := strings.CutPrefix(text, "sqlite:")
	if found {
		if strings.Trim(path, "/") == "" {
			return fmt.Errorf("%q names no file (allowed: sqlite:PATH)", text)
		}
		return nil
	}
	u, err := url.Parse(text)
	// its text may hold the password
	if err != nil {
		return errors.New(
			"is not a well-formed address (allowed: sqlite:PATH, postgres://USER:PASSWORD@HOST/NAME; special characters in the password must be " +
				"percent-encoded)")
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return fmt.Errorf("%q is not a database (allowed: sqlite:PATH, postgres://USER:PASSWORD@HOST/NAME)", redact.Address(text))
	}
	// Read this way, a part of the password would be the host or the name.
	userLost := u.User == nil && strings.Contains(u.RawQuery, "@")
	if userLost || u.Fragment != "" || strings.Contains(u.EscapedPath(), "@") {
		return fmt.Errorf(
			"%q cannot be read in one way only: special characters in the password must be percent-encoded (%%40 for @, %%2F for /, %%3F for ?, "+
				"%%23 for #)", redact.Address(text))
	}
	return nil
}

func checkListen(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q is not an address to listen on (allowed: HOST:PORT or :PORT, port 0 to 65535)", text)
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return fmt.Errorf("%q is not a web address (allowed: http://HOST/PATH or https://HOST/PATH)", redact.Address(text))
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q may hold a host and a path only", redact.Address(text))
	}
	return nil
}

// checkSecretURL checks an address that is a secret: it is not shown.
func checkSecretURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return errors.New("is not a web address (allowed: http://HOST/PATH or https://HOST/PATH)")
	}
	return nil
}

// checkProxy checks an address that may hold a password: it is not shown.
func checkProxy(text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.Fragment != "" {
		return errors.New(
			"is not the address of a proxy (allowed: http://HOST:PORT, https://HOST:PORT, with USER:PASSWORD@ before the host; special " +
				"characters in the password must be percent-encoded)")
	}
	return nil
}

// checkName refuses what would break a mail header or a badge.
func checkName(text string) error {
	if strings.TrimSpace(text) == "" || len(text) > 100 || strings.ContainsAny(text, "\r\n") {
		return fmt.Errorf("%q is not a name (allowed: 1 to 100 characters in one line)", text)
	}
	return nil
}

func checkAddress(text string) error {
	_, err := mail.ParseAddress(text)
	if err != nil {
		return fmt.Errorf("%q is not an e-mail address (allowed: you@example.org or Name <you@example.org>)", text)
	}
	return nil
}

func checkHost(text string) error {
	_, err := netip.ParseAddr(text)
	if err == nil {
		return nil
	}
	if strings.ContainsAny(text, "/:@ \t\r\n") || strings.Trim(text, ".") == "" {
		return fmt.Errorf("%q is not a host name (allowed: mail.example.org, without scheme and port)", text)
	}
	return nil
}

// checkParameter takes the names of query parameters that need no escaping and
// mean nothing else to /status/.
func checkParameter(text string) error {
	for _, c := range text {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", c) {
			return fmt.Errorf("%q is not the name of a parameter (allowed: letters, digits, - _ and .)", text)
		}
	}
	if text == "" || slices.Contains([]string{"format", "check", "skip"}, text) {
		return fmt.Errorf("%q has another meaning at /status/; choose another name", text)
	}
	return nil
}
