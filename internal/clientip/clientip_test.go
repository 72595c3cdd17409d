package clientip_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"punctual/internal/clientip"
)

func networks(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

var (
	loopback = networks("127.0.0.0/8", "::1/128")
	private  = networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)

func request(peer string, forwarded ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = peer
	if len(forwarded) > 0 {
		r.Header["X-Forwarded-For"] = forwarded
	}
	return r
}

func TestWhoSentARequest(t *testing.T) {
	const local, lan, outside = "127.0.0.1:1234", "10.0.0.1:1234", "192.0.2.7:1234"
	many := strings.Repeat("127.0.0.1,", 40)
	tests := map[string]struct {
		trusted   []netip.Prefix
		peer      string
		forwarded []string
		// "" = nobody can tell
		client string
		// "" = no address
		first string
	}{
		"straight":                              {loopback, outside, nil, "192.0.2.7", "192.0.2.7"},
		"straight, IPv6":                        {loopback, "[2001:db8::1]:1234", nil, "2001:db8::1", "2001:db8::1"},
		"straight, with a zone":                 {loopback, "[fe80::1%eth0]:1234", nil, "fe80::1", "fe80::1"},
		"straight, IPv4-mapped":                 {loopback, "[::ffff:192.0.2.7]:1234", nil, "192.0.2.7", "192.0.2.7"},
		"a peer that is no address":             {loopback, "nowhere", []string{"192.0.2.7"}, "", ""},
		"no peer":                               {loopback, "", []string{"127.0.0.1"}, "", ""},
		"forged by a stranger":                  {loopback, outside, []string{"127.0.0.1"}, "192.0.2.7", "192.0.2.7"},
		"forged by a neighbour":                 {loopback, "10.0.0.9:1", []string{"127.0.0.1"}, "10.0.0.9", "10.0.0.9"},
		"nobody is trusted":                     {nil, local, []string{"192.0.2.7"}, "127.0.0.1", "127.0.0.1"},
		"by a proxy":                            {loopback, local, []string{"192.0.2.7"}, "192.0.2.7", "192.0.2.7"},
		"by a proxy on ::1":                     {loopback, "[::1]:1234", []string{"192.0.2.7"}, "192.0.2.7", "192.0.2.7"},
		"by an IPv4-mapped proxy":               {loopback, "[::ffff:127.0.0.1]:1234", []string{"192.0.2.7"}, "192.0.2.7", "192.0.2.7"},
		"by a proxy that names nobody":          {private, lan, nil, "10.0.0.1", "10.0.0.1"},
		"by a proxy that says nothing":          {private, lan, []string{""}, "10.0.0.1", "10.0.0.1"},
		"by a proxy that says blanks":           {private, lan, []string{" , ,"}, "10.0.0.1", ""},
		"forged before the proxy":               {loopback, local, []string{"127.0.0.1, 192.0.2.7"}, "192.0.2.7", "127.0.0.1"},
		"garbage before the proxy":              {loopback, local, []string{"garbage, 192.0.2.7"}, "192.0.2.7", ""},
		"forged in a line of its own":           {loopback, local, []string{"127.0.0.1", "192.0.2.7"}, "192.0.2.7", "127.0.0.1"},
		"by two proxies":                        {private, lan, []string{"192.0.2.7, 10.0.0.2"}, "192.0.2.7", "192.0.2.7"},
		"by two proxies, in two lines":          {private, lan, []string{"192.0.2.7", "10.0.0.2"}, "192.0.2.7", "192.0.2.7"},
		"by a second proxy, not trusted":        {loopback, local, []string{"192.0.2.7, 10.0.0.2"}, "10.0.0.2", "192.0.2.7"},
		"all trusted: what the peer has seen":   {append(loopback, private...), local, []string{"127.0.0.1, 10.0.0.7"}, "10.0.0.7", "127.0.0.1"},
		"with a port":                           {loopback, local, []string{"192.0.2.7:555"}, "192.0.2.7", "192.0.2.7"},
		"with a port, IPv6":                     {loopback, local, []string{"[2001:db8::1]:80"}, "2001:db8::1", "2001:db8::1"},
		"in brackets":                           {loopback, local, []string{"[2001:db8::1]"}, "2001:db8::1", "2001:db8::1"},
		"IPv4 in brackets":                      {loopback, local, []string{"[192.0.2.7]"}, "", ""},
		"IPv4-mapped":                           {loopback, local, []string{"::ffff:192.0.2.7"}, "192.0.2.7", "::ffff:192.0.2.7"},
		"a trusted hop written as IPv6":         {private, lan, []string{"192.0.2.7, ::ffff:10.0.0.2"}, "192.0.2.7", "192.0.2.7"},
		"a trusted hop with a zone":             {private, lan, []string{"192.0.2.7, fd00::1%eth0"}, "192.0.2.7", "192.0.2.7"},
		"a trusted hop with a port":             {private, lan, []string{"192.0.2.7, 10.0.0.2:99"}, "192.0.2.7", "192.0.2.7"},
		"garbage behind a trusted hop":          {private, lan, []string{"192.0.2.7, unknown, 10.0.0.2"}, "", "192.0.2.7"},
		"garbage only":                          {loopback, local, []string{"unknown"}, "", ""},
		"a long piece of garbage":               {loopback, local, []string{strings.Repeat("1", 5000)}, "", ""},
		"a long list of trusted hops":           {loopback, local, []string{"192.0.2.7," + many}, "", "192.0.2.7"},
		"a long list before the proxy's":        {loopback, local, []string{many + "192.0.2.7"}, "192.0.2.7", "127.0.0.1"},
		"a thousand lines before the proxy's":   {loopback, local, append(make([]string, 1000), "192.0.2.7"), "192.0.2.7", "127.0.0.1"},
		"an address with leading zeros":         {loopback, local, []string{"192.000.002.007"}, "", ""},
		"the unspecified address":               {loopback, local, []string{"0.0.0.0"}, "0.0.0.0", "0.0.0.0"},
		"a control character in the first item": {loopback, local, []string{"a\x00b, 192.0.2.7"}, "192.0.2.7", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := clientip.New(tt.trusted, slog.New(slog.DiscardHandler))
			r := request(tt.peer, tt.forwarded...)
			seen := "not asked"
			p.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = clientip.Of(r) })).ServeHTTP(httptest.NewRecorder(),
				r)
			if seen != tt.client {
				t.Errorf("client %q, want %q", seen, tt.client)
			}
			first := text(p.First(r))
			if first != tt.first {
				t.Errorf("first %q, want %q", first, tt.first)
			}
		})
	}
}

func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func TestTheSchemeIsOneOfTwo(t *testing.T) {
	for _, tt := range []struct{ peer, forwarded, want string }{
		{"127.0.0.1:1", "https", "https"}, {"127.0.0.1:1", "HTTPS", "https"}, {"127.0.0.1:1", " https , http", "https"},
		{"127.0.0.1:1", "http", "http"},
		{"127.0.0.1:1", "ftp", "http"}, {"127.0.0.1:1", "", "http"}, {"127.0.0.1:1", "https\x00", "http"},
		{"192.0.2.7:1", "https", "http"}, {"10.0.0.9:1", "https", "http"},
	} {
		r := request(tt.peer)
		r.Header.Set("X-Forwarded-Proto", tt.forwarded)
		got := clientip.New(loopback, nil).Scheme(r)
		if got != tt.want {
			t.Errorf("%q from %s: %s, want %s", tt.forwarded, tt.peer, got, tt.want)
		}
	}
}

// A proxy on a Unix socket is on this machine, so that it is trusted where this
// machine is. It has no address of its own.
func TestAProxyOnAUnixSocket(t *testing.T) {
	for name, tt := range map[string]struct {
		trusted        []netip.Prefix
		forwarded      string
		client, scheme string
	}{
		"trusted":                  {loopback, "127.0.0.1, 192.0.2.7", "192.0.2.7", "https"},
		"trusted, names nobody":    {loopback, "", "", "https"},
		"this machine is not":      {private, "127.0.0.1", "", "http"},
		"nobody is":                {nil, "127.0.0.1", "", "http"},
		"trusted, of this machine": {loopback, "127.0.0.1", "127.0.0.1", "https"},
	} {
		t.Run(name, func(t *testing.T) {
			p := clientip.New(tt.trusted, nil)
			path := filepath.Join(t.TempDir(), "s")
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			server := &http.Server{Handler: p.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, clientip.Of(r)+" "+p.Scheme(r))
			}))}
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { _ = server.Close() })
			client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			}}}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://punctual/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Forwarded-Proto", "https")
			if tt.forwarded != "" {
				r.Header.Set("X-Forwarded-For", tt.forwarded)
			}
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			got, _ := io.ReadAll(res.Body)
			want := tt.client + " " + tt.scheme
			if string(got) != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestAProxyThatIsNotTrustedIsLoggedOnce(t *testing.T) {
	for peer, warns := range map[string]bool{"10.0.0.9:1": true, "[fd00::7]:1": true, "172.18.0.1:1": true, "100.64.0.3:1": true,
		"192.0.2.7:1": false, "127.0.0.1:1": false} {
		var log bytes.Buffer
		p := clientip.New(loopback, slog.New(slog.NewTextHandler(&log, nil)))
		// nothing to believe
		p.Client(request(peer))
		if log.Len() > 0 {
			t.Errorf("%s without the header: %s", peer, log.String())
		}
		for range 3 {
			p.Client(request(peer, "198.51.100.7"))
			p.First(request(peer, "198.51.100.7"))
			r := request(peer)
			r.Header.Set("X-Forwarded-Proto", "https")
			p.Scheme(r)
		}
		got := strings.Count(log.String(), "PUNCTUAL_TRUSTED_PROXIES")
		if got != map[bool]int{true: 1}[warns] {
			t.Errorf("%s: %d warnings: %s", peer, got, log.String())
		}
	}
}

// Whatever a client writes, it cannot change who it is: what stands left of the
// address that the proxy has seen decides nothing.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{"", "127.0.0.1", "1.2.3.4:5, [::1]:2", "::ffff:127.0.0.1", ",,,", "unknown", "10.0.0.1%x", "[", "]:",
		"1.2.3.4, 127.0.0.1, 127.0.0.1"} {
		f.Add(seed, "127.0.0.1:1", false)
		f.Add(seed, "192.0.2.7:1", true)
	}
	p := clientip.New(append(loopback, private...), nil)
	f.Fuzz(func(t *testing.T, forged, peer string, ownLine bool) {
		r := request(peer, forged)
		alone := p.Client(r)
		p.First(r)
		p.Scheme(r)
		at := clientip.Peer(r)
		if !p.Trusts(r) && alone != at {
			t.Fatalf("%q from %q, not trusted: %v", forged, peer, alone)
		}
		const seen = "198.51.100.7"
		lines := []string{forged + ", " + seen}
		if ownLine {
			lines = []string{forged, seen}
		}
		got := p.Client(request("127.0.0.1:1", lines...))
		if got.String() != seen {
			t.Fatalf("%q made the client %v", lines, got)
		}
	})
}
