// Package clientip finds out who sent a request that may have come through
// proxies. X-Forwarded-For and X-Forwarded-Proto are believed only where the
// request comes straight from a proxy that the operator trusts: anybody else can
// write into them what they like.
//
// Of X-Forwarded-For there are two readings. Client is who sent the request as
// far as trusted proxies have seen it, for rights, limits and records. First is
// what the list begins with, which the sender may have made up: it is shown with
// pings and must decide nothing.
package clientip

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
)

// setting is the name of the setting that says whom to trust, for messages.
const setting = "PUNCTUAL_TRUSTED_PROXIES"

// maxHops is how many trusted proxies a request may have come through. Of a
// longer list nobody knows the sender.
const maxHops = 32

// Proxies are the proxies that are trusted. A nil *Proxies trusts nobody.
type Proxies struct {
	networks []netip.Prefix
	// peers on Unix sockets are trusted
	sockets bool
	log     *slog.Logger
	warned  atomic.Bool
}

// New trusts the peers in the networks. A Unix socket is trusted where 127.0.0.1
// is: its peers are on this machine.
func New(networks []netip.Prefix, log *slog.Logger) *Proxies {
	p := &Proxies{networks: networks, log: log}
	p.sockets = p.contains(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	return p
}

// Trusts tells whether a request comes straight from a trusted proxy.
func (p *Proxies) Trusts(r *http.Request) bool {
	if p == nil {
		return false
	}
	peer := Peer(r)
	if !peer.IsValid() {
		return p.sockets && bySocket(r)
	}
	return p.contains(peer)
}

// contains tells whether an address, in the form that normal gives, is that of a
// trusted proxy.
func (p *Proxies) contains(address netip.Addr) bool {
	for _, n := range p.networks {
		if n.Contains(address) {
			return true
		}
	}
	return false
}

// Client is the sender of a request: the right-most of the addresses that the
// request has come through which is not a trusted proxy's. Where all of them are,
// it is the one that the peer has named itself. The zero Addr means that nobody
// can tell: a trusted proxy has named something that is no address.
func (p *Proxies) Client(r *http.Request) netip.Addr {
	peer := Peer(r)
	if !p.Trusts(r) {
		p.warn(r, peer)
		return peer
	}
	nearest := peer
	hops := 0
	for lines := r.Header["X-Forwarded-For"]; len(lines) > 0; lines = lines[:len(lines)-1] {
		for rest, more := lines[len(lines)-1], true; more; {
			var item string
			rest, item, more = cutLast(rest)
			if item == "" {
				continue
			}
			hops++
			address := parse(item)
			if !address.IsValid() || hops > maxHops {
				return netip.Addr{}
			}
			if !p.contains(address) {
				return address
			}
			if hops == 1 {
				nearest = address
			}
		}
	}
	return nearest
}

// cutLast cuts the last item off a list; more tells whether rest has others.
func cutLast(list string) (rest, item string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return "", strings.TrimSpace(list), false
	}
	return list[:i], strings.TrimSpace(list[i+1:]), true
}

// First is the first item of X-Forwarded-For where a trusted proxy sent it, else
// the peer. It is as written, so ::ffff:1.2.3.4 stays that, but for port and zone.
// The zero Addr means that the first item is no address. The sender may have made
// it up.
func (p *Proxies) First(r *http.Request) netip.Addr {
	lines := r.Header["X-Forwarded-For"]
	if len(lines) == 0 || lines[0] == "" {
		return Peer(r)
	}
	if !p.Trusts(r) {
		peer := Peer(r)
		p.warn(r, peer)
		return peer
	}
	item, _, _ := strings.Cut(lines[0], ",")
	return parseAsWritten(strings.TrimSpace(item))
}

// Scheme is how the client reached us: "http" or "https". X-Forwarded-Proto says
// so where a trusted proxy sent it and it is one of these.
func (p *Proxies) Scheme(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	lines := r.Header["X-Forwarded-Proto"]
	if len(lines) == 0 {
		return scheme
	}
	if !p.Trusts(r) {
		p.warn(r, Peer(r))
		return scheme
	}
	first, _, _ := strings.Cut(lines[0], ",")
	switch protocol := strings.ToLower(strings.TrimSpace(first)); protocol {
	case "http", "https":
		return protocol
	default:
		return scheme
	}
}

// warn says once that a proxy is not believed which probably should be: it is
// near, and the operator may not have named it.
func (p *Proxies) warn(r *http.Request, peer netip.Addr) {
	if p == nil || p.log == nil || p.warned.Load() || !forwards(r) {
		return
	}
	if !isNear(peer) && !bySocket(r) {
		return
	}
	if p.warned.CompareAndSwap(false, true) {
		name := "a Unix socket"
		if peer.IsValid() {
			name = peer.String()
		}
		p.log.Warn("X-Forwarded-For and X-Forwarded-Proto are ignored: "+name+
			" is not among the trusted proxies; if it is your proxy, name it in "+setting, "peer", name)
	}
}

func forwards(r *http.Request) bool {
	return len(r.Header["X-Forwarded-For"]) > 0 || len(r.Header["X-Forwarded-Proto"]) > 0
}

// carrierNAT is what providers and overlay networks use inside (RFC 6598).
var carrierNAT = netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10)

// isNear tells whether an address is of this machine or of a private network.
func isNear(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsValid() && carrierNAT.Contains(a)
}

// Peer is who has opened the connection of the request; the zero Addr where that
// is no address, as with Unix sockets.
func Peer(r *http.Request) netip.Addr { return parse(r.RemoteAddr) }

// bySocket tells whether a request has come by a Unix socket.
func bySocket(r *http.Request) bool {
	_, ok := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
	return ok
}

// parse reads an address with or without a port and brings it into the form in
// which addresses are compared; the zero Addr when it is none.
func parse(s string) netip.Addr { return normal(parseAsWritten(s)) }

func normal(a netip.Addr) netip.Addr { return a.Unmap() }

// parseAsWritten reads 192.0.2.7, 192.0.2.7:80, 2001:db8::1, [2001:db8::1] and
// [2001:db8::1]:80, and drops a zone.
func parseAsWritten(s string) netip.Addr {
	// The longest is an IPv4-mapped IPv6 address with a zone and a port.
	const longest = 100
	if len(s) > longest {
		return netip.Addr{}
	}
	address, err := netip.ParseAddr(s)
	if err == nil {
		return address.WithZone("")
	}
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return withPort.Addr().WithZone("")
	}
	inside, bracketed := strings.CutPrefix(s, "[")
	inside, closed := strings.CutSuffix(inside, "]")
	if bracketed && closed {
		address, err := netip.ParseAddr(inside)
		if err == nil && address.Is6() {
			return address.WithZone("")
		}
	}
	return netip.Addr{}
}

type clientKey struct{}

// Middleware finds out the sender of each request, for Of.
func (p *Proxies) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, p.Client(r))))
	})
}

// Of is the address of the sender of a request as text, "" when nobody can tell.
// Without Middleware before it, it is the peer's.
func Of(r *http.Request) string {
	client, found := r.Context().Value(clientKey{}).(netip.Addr)
	if !found {
		client = Peer(r)
	}
	if !client.IsValid() {
		return ""
	}
	return client.String()
}
