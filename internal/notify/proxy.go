package notify

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/net/http/httpproxy"
)

// resolveTimeout bounds the look at a name before the proxy gets it.
const resolveTimeout = 2 * time.Second

// proxied makes requests through a proxy, but for the hosts that are called
// directly. The address guard of a direct connection looks at the address that is
// dialled. Here the proxy dials, and resolves the name: what is known of the target
// is looked at before each request, the rest is up to the proxy.
type proxied struct {
	choose  func(*url.URL) (*url.URL, error)
	direct  *http.Transport
	through *http.Transport
	// nil: private addresses are allowed
	guard *ssrf.Guardian
}

// proxyRefusal is an answer of the proxy itself.
type proxyRefusal struct{ status int }

func (e *proxyRefusal) Error() string {
	return fmt.Sprintf("the proxy answered with status %d", e.status)
}

// newProxied takes the transport for direct requests.
func newProxied(c *ClientConfig, direct *http.Transport, guard *ssrf.Guardian) *proxied {
	through := direct.Clone()
	// the operator has named the proxy: it may be private
	through.DialContext = (&net.Dialer{}).DialContext
	through.Proxy = http.ProxyURL(c.Proxy)
	through.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode != http.StatusOK {
			return &proxyRefusal{resp.StatusCode}
		}
		return nil
	}
	rules := httpproxy.Config{HTTPProxy: c.Proxy.String(), HTTPSProxy: c.Proxy.String(), NoProxy: strings.Join(c.NoProxy, ",")}
	return &proxied{choose: rules.ProxyFunc(), direct: direct, through: through, guard: guard}
}

// RoundTrip implements http.RoundTripper: one request, and one after each redirect.
func (p *proxied) RoundTrip(r *http.Request) (*http.Response, error) {
	via, err := p.choose(r.URL)
	if err != nil || via == nil {
		return p.direct.RoundTrip(r)
	}
	if p.guard != nil {
		if err := p.look(r.Context(), r.URL.Hostname()); err != nil {
			return nil, err
		}
	}
	resp, err := p.through.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusProxyAuthRequired {
		resp.Body.Close()
		return nil, &proxyRefusal{resp.StatusCode}
	}
	return resp, err
}

// look refuses a host that is a private address, in whatever way a proxy may read
// it, or has one. A name that cannot be resolved here is left to the proxy: behind
// one there may be no names of the world outside.
func (p *proxied) look(ctx context.Context, host string) error {
	host = strings.TrimSuffix(host, ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return p.allowed(ip)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	// As in 2130706433, 0x7f.1 or 127.1, which are 127.0.0.1 to many programs.
	if _, err := strconv.ParseUint(last, 0, 64); err == nil || strings.Trim(last, "0123456789") == "" || strings.EqualFold(last, "localhost") {
		return ssrf.ErrProhibitedIP
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil && isLocalName(host) {
		return ssrf.ErrProhibitedIP
	}
	if err != nil {
		return nil
	}
	for _, ip := range ips {
		if err := p.allowed(ip); err != nil {
			return err
		}
	}
	return nil
}

// isLocalName tells whether a name is one that only a local network has: a single
// word, or one under a domain that the public DNS does not delegate (RFC 6761, 6762,
// 8375 and the names that ICANN keeps for private use).
func isLocalName(host string) bool {
	host = strings.ToLower(host)
	if !strings.Contains(host, ".") {
		return true
	}
	for _, domain := range []string{".localdomain", ".local", ".internal", ".intranet", ".private", ".corp", ".home", ".lan", ".home.arpa"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

func (p *proxied) allowed(ip netip.Addr) error {
	// The guard takes IPv4 as such only. What has a zone is on this host or beside it,
	// and the guard refuses it.
	ip = ip.Unmap()
	network := "tcp4"
	if ip.Is6() {
		network = "tcp6"
	}
	return p.guard.Safe(network, netip.AddrPortFrom(ip, 443).String(), nil)
}
