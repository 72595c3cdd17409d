package notify

import (
	"context"
	"net"
	"net/http"
)

// Public lets the guarded client reach one address as if it were not private, as a
// stand-in for a server outside.
func (c *Client) Public(address string) {
	direct := c.http.Transport.(*http.Transport) //nolint:forcetypeassert // a client without a proxy
	guarded := direct.DialContext
	direct.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		if to == address {
			return (&net.Dialer{}).DialContext(ctx, network, to)
		}
		return guarded(ctx, network, to)
	}
}
