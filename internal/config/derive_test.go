package config_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"punctual/internal/config"
)

func TestDefaultsFollowOtherSettings(t *testing.T) {
	c := load(t, env{"PUNCTUAL_SITE_ROOT": "https://cron.example.org/jobs/", "PUNCTUAL_SITE_NAME": "Acme Jobs"})
	tests := []struct{ name, got, want string }{
		{"SiteRoot", c.SiteRoot, "https://cron.example.org/jobs"},
		{"SitePath", c.SitePath(), "/jobs"},
		{"PingEndpoint", c.PingEndpoint, "https://cron.example.org/jobs/ping/"},
		{"MasterBadgeLabel", c.MasterBadgeLabel, "Acme Jobs"},
		{"EmailFrom", c.EmailFrom, "Acme Jobs <punctual@cron.example.org>"},
		{"SiteURL", c.SiteURL("/docs/"), "https://cron.example.org/jobs/docs/"},
		{"PingURL", c.PingURL("abc"), "https://cron.example.org/jobs/ping/abc"},
		{"PingHost", c.PingHost(), ""},
		{"Secure", fmt.Sprint(c.Secure()), "true"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s = %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestSenderIsAnAddressForEverySite(t *testing.T) {
	tests := []struct{ root, name, want string }{
		{"http://192.0.2.7:8000", "Punctual", "Punctual <punctual@localhost>"},
		{"http://[::1]:8000", "Punctual", "Punctual <punctual@localhost>"},
		{"https://example.org", `Cron, "our" jobs`, `"Cron, \"our\" jobs" <punctual@example.org>`},
	}
	for _, tt := range tests {
		c := load(t, env{"PUNCTUAL_SITE_ROOT": tt.root, "PUNCTUAL_SITE_NAME": tt.name})
		if c.EmailFrom != tt.want {
			t.Errorf("%s: %q, want %q", tt.root, c.EmailFrom, tt.want)
		}
	}
}

func TestPingsMayHaveAHostOfTheirOwn(t *testing.T) {
	c := load(t, env{"PUNCTUAL_SITE_ROOT": "https://example.org", "PUNCTUAL_PING_ENDPOINT": "https://Ping.example.org"})
	if c.PingHost() != "ping.example.org" || c.PingURL("/abc") != "https://Ping.example.org/abc" || c.SitePath() != "" {
		t.Errorf("host %q, url %q, path %q", c.PingHost(), c.PingURL("/abc"), c.SitePath())
	}
}

// The host of the site in another spelling is no host of its own.
func TestOneHostHasManySpellings(t *testing.T) {
	for _, tt := range []struct{ site, pings, want string }{
		{"https://example.org", "https://Example.org:443/p/", ""},
		{"https://example.org:443", "https://example.org./p/", ""},
		{"http://example.org:80/jobs", "http://EXAMPLE.org/p", ""},
		{"http://example.org", "https://example.org/p", ""},
		{"https://example.org", "https://ping.example.org.:443", "ping.example.org"},
		{"https://example.org", "https://example.org:8443", "example.org:8443"},
		{"https://example.org", "https://pïng.example.org", "xn--png-zma.example.org"},
	} {
		c := load(t, env{"PUNCTUAL_SITE_ROOT": tt.site, "PUNCTUAL_PING_ENDPOINT": tt.pings})
		got := c.PingHost()
		if got != tt.want {
			t.Errorf("site %s, pings %s: host %q, want %q", tt.site, tt.pings, got, tt.want)
		}
	}
}

func TestPortFollowsEncryption(t *testing.T) {
	for tls, want := range map[string]int{"starttls": 587, "tls": 465, "none": 25} {
		got := load(t, env{"PUNCTUAL_SMTP_TLS": tls}).SMTPPort
		if got != want {
			t.Errorf("%s: port %d, want %d", tls, got, want)
		}
	}
	got := load(t, env{"PUNCTUAL_SMTP_TLS": "none", "PUNCTUAL_SMTP_PORT": "1025"}).SMTPPort
	if got != 1025 {
		t.Errorf("a given port became %d", got)
	}
}

func TestSQLitePath(t *testing.T) {
	for url, want := range map[string]string{
		"sqlite:./data/p.db": "./data/p.db", "sqlite:/var/p.db": "/var/p.db", "sqlite:///var/p.db": "/var/p.db",
		"postgres://h/db": "",
	} {
		got := load(t, env{"PUNCTUAL_DATABASE_URL": url}).SQLitePath()
		if got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

func TestTrustedNetworks(t *testing.T) {
	trusts := func(proxies, address string) bool {
		for _, network := range load(t, env{"PUNCTUAL_TRUSTED_PROXIES": proxies}).TrustedNetworks() {
			if network.Contains(netip.MustParseAddr(address)) {
				return true
			}
		}
		return false
	}
	tests := []struct {
		proxies, address string
		want             bool
	}{
		{"", "127.0.0.1", true}, {"", "::1", true}, {"", "172.18.0.3", false}, {"", "fd00::1", false},
		{"private", "172.18.0.3", true}, {"private", "fd00::1", true}, {"private", "127.0.0.1", false},
		{"::ffff:10.0.0.0/104", "10.1.2.3", true}, {"::ffff:192.0.2.7", "192.0.2.7", true}, {"::ffff:192.0.2.7", "192.0.2.8", false},
		{"", "192.0.2.7", false}, {"", "172.32.0.1", false},
		{"192.0.2.7", "192.0.2.7", true}, {"192.0.2.7", "192.0.2.8", false}, {"192.0.2.7", "127.0.0.1", false},
		{"192.0.2.9/24", "192.0.2.200", true}, {"none", "127.0.0.1", false},
	}
	for _, tt := range tests {
		got := trusts(tt.proxies, tt.address)
		if got != tt.want {
			t.Errorf("trusting %q believes %s: %v, want %v", tt.proxies, tt.address, got, tt.want)
		}
	}
}

func TestAddressesOfPingsByEmail(t *testing.T) {
	for _, tt := range []struct {
		env  env
		want string
	}{
		{env{}, ""},
		{env{"PUNCTUAL_SMTPD_LISTEN": ":2525"}, "localhost"},
		{env{"PUNCTUAL_PING_EMAIL_DOMAIN": "hc.example.org"}, "hc.example.org"},
		{env{"PUNCTUAL_PING_EMAIL_DOMAIN": "localhost"}, "localhost"},
	} {
		c, err := config.Load(tt.env)
		if err != nil {
			t.Fatal(err)
		}
		got := c.EmailPingDomain()
		if got != tt.want || len(c.Warnings()) > 0 {
			t.Errorf("%v: %q, want %q; %v", tt.env, got, tt.want, c.Warnings())
		}
	}
}

func TestTheCertificateOfSmtpdNeedsBothFiles(t *testing.T) {
	for set, missing := range map[string]string{"CERT": "KEY", "KEY": "CERT"} {
		_, err := config.Load(env{"PUNCTUAL_SMTPD_TLS_" + set: "x.pem"})
		if err == nil || !strings.HasPrefix(err.Error(), "PUNCTUAL_SMTPD_TLS_"+missing+": is not set") {
			t.Errorf("with %s alone: %v", set, err)
		}
	}
}

func TestHTTPSIsNotPromisedWherePingsGoByHTTP(t *testing.T) {
	for _, try := range []struct {
		env    env
		want   time.Duration
		warned bool
	}{
		{env{"PUNCTUAL_SITE_ROOT": "https://punctual.example.org"}, 180 * 24 * time.Hour, false},
		{env{"PUNCTUAL_SITE_ROOT": "https://punctual.example.org", "PUNCTUAL_HSTS_MAX_AGE": "63072000"}, 730 * 24 * time.Hour, false},
		{env{"PUNCTUAL_SITE_ROOT": "https://punctual.example.org", "PUNCTUAL_HSTS_MAX_AGE": "0"}, 0, false},
		{env{"PUNCTUAL_SITE_ROOT": "http://punctual.example.org"}, 0, false},
		{env{"PUNCTUAL_SITE_ROOT": "https://punctual.example.org", "PUNCTUAL_PING_ENDPOINT": "http://ping.example.org/"}, 180 * 24 * time.Hour,
			false},
		{env{"PUNCTUAL_SITE_ROOT": "https://punctual.example.org", "PUNCTUAL_PING_ENDPOINT": "http://punctual.example.org/ping/"}, 0, true},
		{env{"PUNCTUAL_SITE_ROOT": "https://punctual.example.org", "PUNCTUAL_PING_ENDPOINT": "http://punctual.example.org:8000/"}, 0, true},
	} {
		c := load(t, try.env)
		warned := strings.Contains(strings.Join(c.Warnings(), " "), "PUNCTUAL_HSTS_MAX_AGE")
		if c.HSTS() != try.want || warned != try.warned {
			t.Errorf("%v: %s, warned %v", try.env, c.HSTS(), warned)
		}
	}
}
