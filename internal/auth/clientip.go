package auth

import (
	"net"
	"net/http"
	"net/netip"

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
