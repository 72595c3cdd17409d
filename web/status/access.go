package status

import (
	"net/http"
	"net/netip"
	"strings"

	"punctual/internal/auth"
	"punctual/internal/clientip"
)

// Details – the checks one by one, what they saw, error texts – are for those
// who hold a token, superusers, and requests from the allowed networks. Everybody
// else learns whether all is well, and may not choose: else the state of each
// part could be found out, and a costly check be run by strangers.

// holdsToken tells whether the request carries one of the tokens: in the query,
// or in the Authorization header.
func (s *Server) holdsToken(r *http.Request) bool {
	given := tokenOf(r.Header.Get("Authorization"))
	if given == "" {
		given = r.URL.Query().Get(s.TokenName)
	}
	return auth.TokenIn(given, s.Tokens)
}

// tokenOf is the token in an Authorization header, "" for none. Taken are
//
//	Bearer TOKEN
//	WATCHMAN-TOKEN Token="TOKEN"
//	WATCHMAN-TOKEN Token=TOKEN
//	Token TOKEN
//
// The second and third are django-watchman's, which looks for Token= alone.
func tokenOf(header string) string {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "Bearer"), strings.EqualFold(scheme, "Token"):
		return rest
	case !strings.EqualFold(scheme, "WATCHMAN-TOKEN"):
		return ""
	}
	name, value, found := strings.Cut(rest, "=")
	if found && strings.EqualFold(strings.TrimSpace(name), "Token") {
		rest = strings.TrimSpace(value)
	}
	return strings.Trim(rest, `"`)
}

// isNear tells whether the request comes from one of the allowed networks; the
// site has found out its sender behind trusted proxies.
func (s *Server) isNear(r *http.Request) bool {
	address, err := netip.ParseAddr(clientip.Of(r))
	if err != nil {
		return false
	}
	address = address.Unmap().WithZone("")
	for _, n := range s.Networks {
		if n.Contains(address) {
			return true
		}
	}
	return false
}
