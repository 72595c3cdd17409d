package config_test

import (
	"net/url"
	"strings"
	"testing"

	"punctual/internal/config"
)

func TestSecurityKeysAreBoundToTheSiteOrADomainAboveIt(t *testing.T) {
	tests := []struct{ root, id, want string }{
		{"https://cron.jobs.example.org/punctual", "cron.jobs.example.org", ""},
		{"https://cron.jobs.example.org", "jobs.example.org", ""},
		{"https://cron.jobs.example.org:8443", "Example.org", ""},
		{"https://cron.example.co.uk", "example.co.uk", ""},
		{"http://localhost:8000", "localhost", ""},
		{"https://cron.jobs.example.org", "org",
			`"org" is not the host of PUNCTUAL_SITE_ROOT or a domain above it (allowed: cron.jobs.example.org, jobs.example.org, example.org)`},
		{"https://cron.example.co.uk", "co.uk", "(allowed: cron.example.co.uk, example.co.uk)"},
		{"https://jane.github.io", "github.io", "(allowed: jane.github.io)"},
		{"https://cron.example.org", "other.example.org", "(allowed: cron.example.org, example.org)"},
		{"https://cron.example.org", "ample.org", "(allowed: cron.example.org, example.org)"},
		{"https://cron.example.org", "https://example.org", "(allowed: cron.example.org, example.org)"},
		{"https://192.0.2.7", "192.0.2.7",
			`"192.0.2.7" cannot be used: security keys need a name in PUNCTUAL_SITE_ROOT, and it has the address 192.0.2.7`},
		{"ftp://x", "example.org", "PUNCTUAL_SITE_ROOT: "},
	}
	for _, tt := range tests {
		c, err := config.Load(env{"PUNCTUAL_SITE_ROOT": tt.root, "PUNCTUAL_RP_ID": tt.id})
		switch {
		case tt.want == "":
			if err != nil || c.RPID != strings.ToLower(tt.id) {
				t.Errorf("%s at %s: %+v, %v", tt.id, tt.root, c, err)
			}
		case err == nil || !strings.Contains(err.Error(), tt.want):
			t.Errorf("%s at %s: %v, want %s", tt.id, tt.root, err, tt.want)
		}
	}
}

func TestANameForSecurityKeysWithoutHTTPSIsWarnedOf(t *testing.T) {
	for root, want := range map[string]int{
		"http://cron.example.org": 1, "https://cron.example.org": 0, "http://localhost:8000": 0, "http://cron.localhost:8000": 0,
	} {
		u, err := url.Parse(root)
		if err != nil {
			t.Fatal(err)
		}
		got := load(t, env{"PUNCTUAL_SITE_ROOT": root, "PUNCTUAL_RP_ID": u.Hostname()}).Warnings()
		if len(got) != want || want > 0 && !strings.Contains(got[0],
			"PUNCTUAL_RP_ID has no effect while PUNCTUAL_SITE_ROOT does not begin with https://") {
			t.Errorf("%s: warnings %q, want %d", root, got, want)
		}
		if got := load(t, env{"PUNCTUAL_SITE_ROOT": root}).Warnings(); len(got) != 0 {
			t.Errorf("%s, no name: warnings %q", root, got)
		}
	}
}
