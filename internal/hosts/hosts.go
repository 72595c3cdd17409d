// Package hosts compares the hosts of addresses and of requests, which are the
// same host in many spellings: in capitals, with the port that the scheme has
// anyway, and with the final dot of a complete name.
package hosts

import (
	"net/url"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"punctual/internal/text"
)

// Canonical returns the one spelling of a host that two spellings are compared
// by: lower-case, without a final dot, and without port 80 or 443. It is for the
// Host header, which does not tell the scheme: a proxy may have ended TLS. Other
// ports stay. hostport is "name", "name:port", "[IPv6]" or "[IPv6]:port"; a text
// that is no host gives a text that equals no host.
func Canonical(hostport string) string {
	name, port := split(hostport)
	if port == "80" || port == "443" {
		port = ""
	}
	return join(Domain(name), port)
}

// Of returns the host of an address as Canonical has it, but for the port: it is
// left out where it is the one of the address's scheme, so that port 443 of an
// http address stays.
func Of(u *url.URL) string {
	port := u.Port()
	if u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		port = ""
	}
	return join(Name(u.Host), port)
}

// Origin returns the origin of an http or https address as browsers write it in
// the Origin header: "https://example.org", with the port only where it is not
// that of the scheme, and in lower case. A final dot stays out.
func Origin(u *url.URL) string { return strings.ToLower(u.Scheme) + "://" + Of(u) }

// Name returns the name of a host without its port, as Domain has it.
func Name(hostport string) string {
	name, _ := split(hostport)
	return Domain(name)
}

// Domain returns a name that has no port in lower case and without a final dot.
// A name that is not ASCII is written in punycode, as clients send it.
func Domain(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if text.IsASCII(name) {
		return name
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		return name
	}
	return ascii
}

// MailAddress writes an e-mail address in the one spelling that all of its
// spellings have in common: small letters, composed characters, and a domain as
// people read it, whether it came in punycode, in full-width letters or with an
// ideographic full stop. What is no address is returned in small letters.
func MailAddress(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	at := strings.LastIndex(address, "@")
	if at < 0 {
		return address
	}
	domain := Domain(address[at+1:])
	readable, err := idna.Display.ToUnicode(domain)
	if err == nil {
		domain = readable
	}
	return norm.NFC.String(address[:at]) + "@" + domain
}

// Same tells whether two Host headers mean one host; see Canonical.
func Same(a, b string) bool { return a == b || Canonical(a) == Canonical(b) }

// split takes the port off. The name of an IPv6 address keeps its brackets.
func split(hostport string) (name, port string) {
	suffix := portSuffix(hostport)
	if suffix == "" {
		return hostport, ""
	}
	return hostport[:len(hostport)-len(suffix)], suffix[1:]
}

// portSuffix is the port at the end of a host with its colon, "" = there is none.
func portSuffix(hostport string) string {
	i := strings.LastIndexByte(hostport, ':')
	if i < 0 || strings.IndexByte(hostport[i:], ']') >= 0 {
		return ""
	}
	// An IPv6 address without brackets has no port.
	if strings.IndexByte(hostport, ':') != i && hostport[0] != '[' {
		return ""
	}
	return hostport[i:]
}

func join(name, port string) string {
	if port == "" {
		return name
	}
	return name + ":" + port
}
