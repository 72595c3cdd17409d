package hosts_test

import (
	"net/url"
	"testing"

	"punctual/internal/hosts"
)

func TestSpellingsOfOneHost(t *testing.T) {
	for sent, want := range map[string]string{
		"ping.example.org":           "ping.example.org",
		"ping.example.org:443":       "ping.example.org",
		"ping.example.org:80":        "ping.example.org",
		"PING.Example.ORG":           "ping.example.org",
		"ping.example.org.":          "ping.example.org",
		"Ping.Example.Org.:443":      "ping.example.org",
		"ping.example.org:":          "ping.example.org",
		"ping.example.org:8443":      "ping.example.org:8443",
		"ping.example.org.:8443":     "ping.example.org:8443",
		"ping.example.org:0443":      "ping.example.org:0443",
		"pïng.example.org:443":       "xn--png-zma.example.org",
		"192.0.2.7:80":               "192.0.2.7",
		"[2001:DB8::1]":              "[2001:db8::1]",
		"[2001:DB8::1]:443":          "[2001:db8::1]",
		"[2001:db8::443]":            "[2001:db8::443]",
		"2001:db8::443":              "2001:db8::443",
		"":                           "",
		".":                          "",
		":443":                       "",
		"ping.example.org..":         "ping.example.org.",
		"evil.example.org:443:443":   "evil.example.org:443:443",
		"ping.example.org:443@other": "ping.example.org:443@other",
	} {
		got := hosts.Canonical(sent)
		if got != want {
			t.Errorf("Canonical(%q) = %q, want %q", sent, got, want)
		}
	}
	if !hosts.Same("ping.example.org:443", "PING.example.org.") || hosts.Same("ping.example.org", "ring.example.org") {
		t.Error("Same does not compare as Canonical does")
	}
}

func TestHostAndOriginOfAnAddress(t *testing.T) {
	for address, want := range map[string][2]string{
		"https://Example.org:443/x":    {"example.org", "https://example.org"},
		"http://example.org:80":        {"example.org", "http://example.org"},
		"https://example.org.":         {"example.org", "https://example.org"},
		"http://example.org:443":       {"example.org:443", "http://example.org:443"},
		"https://example.org:80":       {"example.org:80", "https://example.org:80"},
		"HTTP://localhost:8000/jobs":   {"localhost:8000", "http://localhost:8000"},
		"https://[2001:DB8::1]:443/x":  {"[2001:db8::1]", "https://[2001:db8::1]"},
		"https://[2001:db8::1]:8443/x": {"[2001:db8::1]:8443", "https://[2001:db8::1]:8443"},
		"https://bücher.example/":      {"xn--bcher-kva.example", "https://xn--bcher-kva.example"},
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		got := [2]string{hosts.Of(u), hosts.Origin(u)}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestSpellingsOfOneMailAddress(t *testing.T) {
	for typed, want := range map[string]string{
		" Jane@Example.ORG ":         "jane@example.org",
		"jane@ｅxample.org":           "jane@example.org",
		"jane@example。org":           "jane@example.org",
		"jane@example．org":           "jane@example.org",
		"jane@exam\u00adple.org":     "jane@example.org",
		"jane@bücher.example":        "jane@bücher.example",
		"jane@bu\u0308cher.example":  "jane@bücher.example",
		"jane@XN--BCHER-KVA.example": "jane@bücher.example",
		"jo\u0308rg@example.org":     "jörg@example.org",
		"jane+tag@example.org":       "jane+tag@example.org",
		"\"a@b\"@example.org":        "\"a@b\"@example.org",
		"Nobody":                     "nobody",
	} {
		got := hosts.MailAddress(typed)
		if got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
}
