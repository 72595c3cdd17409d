package status

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// networkKeep is for what changes rarely and costs others work to tell.
const networkKeep = 30 * time.Second

// What is left of a certificate. Let's Encrypt renews 30 days before the end, so
// that at 14 something has been failing for two weeks.
const (
	certificateWarning = 14 * 24 * time.Hour
	certificateError   = 3 * 24 * time.Hour
)

// Certificate looks at the certificate that the site at address (HOST:PORT) shows,
// as a visitor would. That the site cannot be reached from here is a warning: many
// a network lets no machine see itself from the outside. roots are those of the
// system when nil; now is the clock.
func Certificate(address string, roots *x509.CertPool, now func() time.Time) Check {
	return Check{Name: "certificate", Title: "Certificate", Labels: []string{labelNetwork}, Keep: networkKeep,
		Run: func(ctx context.Context) Finding {
			chains, err := handshake(ctx, address, &tls.Config{RootCAs: roots, Time: now})
			refused, ok := errors.AsType[*tls.CertificateVerificationError](err)
			if ok {
				return distrusted(refused, now())
			}
			if err != nil {
				return Finding{Severity: Warning, Fact: "not known: " + address + " cannot be reached from here", Err: err}
			}
			left := end(chains).Sub(now())
			fields := expiry(end(chains), now())
			f := Healthy(fmt.Sprintf("good until %s", end(chains).UTC().Format(time.DateOnly)), fields...)
			switch {
			case left < certificateError:
				f.Severity = Error
			case left < certificateWarning:
				f.Severity = Warning
			}
			if f.Severity != OK {
				f.Fact = "only " + f.Fact + ": renew it"
			}
			return f
		}}
}

// handshake returns the chains by which the certificate is trusted.
func handshake(ctx context.Context, address string, cfg *tls.Config) ([][]*x509.Certificate, error) {
	conn, err := (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().VerifiedChains, nil
}

// end is when the certificate stops being trusted: when a certificate of its last
// chain ends. The root is the visitors' own.
func end(chains [][]*x509.Certificate) (last time.Time) {
	for _, chain := range chains {
		first := chain[0].NotAfter
		for _, c := range chain[1:max(1, len(chain)-1)] {
			if c.NotAfter.Before(first) {
				first = c.NotAfter
			}
		}
		if first.After(last) {
			last = first
		}
	}
	return last
}

func distrusted(refused *tls.CertificateVerificationError, now time.Time) Finding {
	f := Failed("visitors do not trust it", refused.Err)
	if len(refused.UnverifiedCertificates) > 0 {
		leaf := refused.UnverifiedCertificates[0]
		f.Fields = expiry(leaf.NotAfter, now)
		if now.After(leaf.NotAfter) {
			f.Fact = "has expired on " + leaf.NotAfter.UTC().Format(time.DateOnly)
		}
	}
	return f
}

func expiry(end, now time.Time) []Field {
	return []Field{{"expires", end.UTC().Format(time.RFC3339)}, {"days_left", int(end.Sub(now).Hours() / 24)}}
}

// Host is a name that others must be able to look up.
type Host struct {
	Name string
	// what it is when they cannot
	Bad Severity
}

// Resolver looks names up: *net.Resolver.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// DNS looks the hosts up.
func DNS(hosts []Host, by Resolver) Check {
	return Check{Name: "dns", Title: "Names", Labels: []string{labelNetwork}, Keep: networkKeep, Run: func(ctx context.Context) Finding {
		f := Finding{}
		var known, unknown []string
		for _, h := range hosts {
			_, err := by.LookupHost(ctx, h.Name)
			if err != nil {
				unknown = append(unknown, h.Name)
				f.Severity = max(f.Severity, h.Bad)
				f.Err = errors.Join(f.Err, err)
			} else {
				known = append(known, h.Name)
			}
		}
		f.Fields = []Field{{"known", len(known)}, {"unknown", len(unknown)}}
		f.Fact = "found " + strings.Join(known, ", ")
		if len(unknown) > 0 {
			f.Fact = "cannot find " + strings.Join(unknown, ", ")
		}
		return f
	}}
}

// Names are the hosts that are names in the DNS; the others need no looking up.
// Of one named twice the worse counts.
func Names(hosts ...Host) []Host {
	var names []Host
	for _, h := range hosts {
		_, err := netip.ParseAddr(h.Name)
		if err == nil || h.Name == "" || h.Name == "localhost" || strings.HasSuffix(h.Name, ".localhost") {
			continue
		}
		i := slices.IndexFunc(names, func(other Host) bool { return strings.EqualFold(other.Name, h.Name) })
		if i >= 0 {
			names[i].Bad = max(names[i].Bad, h.Bad)
			continue
		}
		names = append(names, h)
	}
	return names
}

var _ Resolver = (*net.Resolver)(nil)
