package auth

import (
	"net"
	"net/http"
	"net/netip"
	"slices"

	"github.com/go-chi/chi/v5/middleware"
)

// TrustProxies finds out who sent a request: where it comes straight from one
// of the networks, X-Forwarded-For is believed as far as these networks wrote
// it. ClientIP tells the result.
func TrustProxies(networks []netip.Prefix) func(http.Handler) http.Handler {
	if len(networks) == 0 {
		return middleware.ClientIPFromRemoteAddr
	}
	names := make([]string, len(networks))
	for i, n := range networks {
		names[i] = n.String()
	}
	return middleware.ClientIPFromXFF(names...)
}

// FromProxy tells whether a request comes straight from one of the networks.
func FromProxy(r *http.Request, networks []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	address := peer.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(address) })
}

// ClientIP is the address of whoever sent the request, "" when it cannot be
// told. A proxy that names nobody counts as the sender itself.
func ClientIP(r *http.Request) string {
	if ip := middleware.GetClientIP(r.Context()); ip != "" {
		return ip
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}
