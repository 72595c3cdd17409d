package notify_test

import (
	"bufio"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"punctual/internal/notify"
)

// proxyServer is a proxy that leads every request to one server, whatever host is
// asked for, and notes what it was asked.
type proxyServer struct {
	url    *url.URL
	target string
	// status of its answer to everything; 0 = it serves
	refuse int

	mu sync.Mutex
	// "CONNECT host:443", "POST http://host/path"
	asked []string
	login string
}

func newProxy(t *testing.T, target string) *proxyServer {
	t.Helper()
	p := &proxyServer{target: target}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("punctual", "p@ss/word")
	p.url = u
	return p
}

func (p *proxyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI)
	p.login = r.Header.Get("Proxy-Authorization")
	p.mu.Unlock()
	if p.refuse != 0 {
		w.WriteHeader(p.refuse)
		return
	}
	if r.Method != http.MethodConnect {
		p.pass(w, r)
		return
	}
	there, err := net.Dial("tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(there, here); there.Close() }()
	go func() { _, _ = io.Copy(here, there); here.Close() }()
}

// pass sends a plain request on.
func (p *proxyServer) pass(w http.ResponseWriter, r *http.Request) {
	there, err := net.Dial("tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	r.Header.Del("Proxy-Authorization")
	if r.Write(there) != nil {
		return
	}
	resp, err := http.ReadResponse(bufio.NewReader(there), r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

func (p *proxyServer) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestWebhooksGoThroughTheProxy(t *testing.T) {
	base, got := standIn(t, nil)
	p := newProxy(t, hostOf(t, base))
	c := notify.NewClient(notify.ClientConfig{Proxy: p.url})
	_, err := call(soon(t), t, c, "http://hooks.invalid/path")
	if err != nil {
		t.Fatal(err)
	}
	r := <-got
	if r.Method != "POST" || r.Body != "hello" || r.Header.Get("Proxy-Authorization") != "" {
		t.Errorf("arrived as %+v", r)
	}
	asked := p.requests()
	if len(asked) != 1 || asked[0] != "POST http://hooks.invalid/path" {
		t.Errorf("the proxy was asked %q", asked)
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("punctual:p@ss/word"))
	if p.login != want {
		t.Errorf("login %q, want %q", p.login, want)
	}
}

func TestHTTPSGoesThroughATunnel(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	p := newProxy(t, hostOf(t, s.URL))
	c := notify.NewClient(notify.ClientConfig{Proxy: p.url, Roots: roots})
	// the name in the certificate
	_, err := call(soon(t), t, c, "https://example.com/secret")
	asked := p.requests()
	if err != nil || len(asked) != 1 || asked[0] != "CONNECT example.com:443" {
		t.Errorf("the proxy was asked %q, %v", asked, err)
	}
}

// The proxy would dial for us: what is private is refused before it is asked, in each
// way to write it, and after a redirect.
func TestPrivateTargetsAreRefusedBeforeTheProxyIsAsked(t *testing.T) {
	const refusal = "Private and loopback addresses are not allowed. Whoever runs this site can allow them with PUNCTUAL_ALLOW_PRIVATE_IPS."
	p := newProxy(t, "")
	c := notify.NewClient(notify.ClientConfig{Proxy: p.url})
	for _, host := range []string{"127.0.0.1", "10.0.0.7", "192.168.1.1", "169.254.169.254", "[::1]", "[fd00::1]", "[::ffff:10.0.0.7]",
		"[fe80::1%25eth0]", "[2606:2800:220:1::1%25eth0]",
		"localhost", "LOCALHOST.", "a.localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "127.0.0.0x1", "10.0.0.7.",
		"localhost.localdomain", "ip6-localhost", "metadata.google.internal", "Router.LAN.", "printer.local", "nas.home.arpa"} {
		for _, scheme := range []string{"http", "https"} {
			_, err := call(soon(t), t, c, scheme+"://"+host+":8080/")
			e := failure(t, err)
			if e.Message != refusal {
				t.Errorf("%s://%s: %q", scheme, host, e.Message)
			}
		}
	}
	asked := p.requests()
	if len(asked) != 0 {
		t.Errorf("the proxy was asked %q", asked)
	}

	base, _ := standIn(t, redirectTo(307, "http://10.0.0.7/"))
	p = newProxy(t, hostOf(t, base))
	_, err := call(soon(t), t, notify.NewClient(notify.ClientConfig{Proxy: p.url}), "http://hooks.invalid/")
	wantRefused := failure(t, err)
	if asked := p.requests(); wantRefused.Message != refusal || len(asked) != 1 {
		t.Errorf("after a redirect: %q, the proxy was asked %q", wantRefused.Message, asked)
	}
}

// What is public reaches the proxy, however it is written.
func TestPublicTargetsReachTheProxy(t *testing.T) {
	base, _ := standIn(t, nil)
	p := newProxy(t, hostOf(t, base))
	c := notify.NewClient(notify.ClientConfig{Proxy: p.url})
	for _, host := range []string{"93.184.216.34", "[::ffff:93.184.216.34]", "[2606:2800:220:1::1]", "hooks.invalid."} {
		_, err := call(soon(t), t, c, "http://"+host+"/")
		if err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	asked := p.requests()
	if len(asked) != 4 {
		t.Errorf("the proxy was asked %q", asked)
	}
}

func TestTheProxyIsLeftOutWhereTheOperatorWantsIt(t *testing.T) {
	base, got := standIn(t, nil)
	p := newProxy(t, "")
	c := notify.NewClient(notify.ClientConfig{Proxy: p.url, NoProxy: []string{"127.0.0.0/8", ".internal"}, AllowPrivate: true})
	if _, err := call(soon(t), t, c, base); err != nil || len(got) != 1 {
		t.Errorf("directly: %v", err)
	}
	_, err := call(soon(t), t, c, "http://hooks.internal/")
	wantMessage(t, err, "The host name could not be resolved.")
	asked := p.requests()
	if len(asked) != 0 {
		t.Errorf("the proxy was asked %q", asked)
	}
}

func TestAProxyThatDoesNotServeIsDistinguishedFromTheServer(t *testing.T) {
	p := newProxy(t, "")
	c := notify.NewClient(notify.ClientConfig{Proxy: p.url})
	p.refuse = http.StatusProxyAuthRequired
	for _, address := range []string{"http://hooks.invalid/", "https://hooks.invalid/"} {
		_, err := call(soon(t), t, c, address)
		wantMessage(t, err, "The proxy of this site refused the request with status 407.")
		e := failure(t, err)
		if e.GivenUp() || e.Away != notify.KindAway || strings.Contains(e.Err.Error(), "p@ss") {
			t.Errorf("%s: %+v", address, e)
		}
	}
	gone := *p.url
	gone.Host = "127.0.0.1:1"
	_, err := call(soon(t), t, notify.NewClient(notify.ClientConfig{Proxy: &gone}), "https://hooks.invalid/")
	wantMessage(t, err, "The proxy of this site cannot be reached.")
	if e := failure(t, err); e.Away != notify.KindAway {
		t.Errorf("away is %v", e.Away)
	}
	cause := failure(t, err).Err.Error()
	if strings.Contains(cause, "p@ss") || strings.Contains(cause, "p%40ss") {
		t.Errorf("the cause tells the password: %s", cause)
	}
}

func TestTheEnvironmentNamesNoProxy(t *testing.T) {
	p := newProxy(t, "")
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, p.url.String())
	}
	_, err := call(soon(t), t, client(), "http://hooks.invalid/")
	wantMessage(t, err, "The host name could not be resolved.")
	asked := p.requests()
	if len(asked) != 0 {
		t.Errorf("the proxy was asked %q", asked)
	}
}
