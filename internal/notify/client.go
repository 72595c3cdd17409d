package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// Bounds of one outgoing request.
const (
	requestTimeout = 30 * time.Second
	// bytes read
	maxAnswer = 64 << 10
	// bytes of it that are kept
	maxShown        = 500
	maxRetryAfter   = 24 * time.Hour
	idleConnTimeout = 90 * time.Second
)

// Client makes the HTTP requests of all notifiers. It does not connect to
// private or loopback addresses unless allowed, whatever their names resolve
// to: the address is looked at when it is dialled, that of a redirect too. It uses
// a proxy only where ClientConfig names one, whatever the environment says.
type Client struct {
	http      *http.Client
	userAgent string
	now       func() time.Time
}

// ClientConfig is what a client needs to know.
type ClientConfig struct {
	// of Punctual, for the User-Agent
	Version string
	// PUNCTUAL_ALLOW_PRIVATE_IPS
	AllowPrivate bool
	// nil = those of the system
	Roots *x509.CertPool
	// of a request with its redirects; 0 = 30 seconds
	Timeout time.Duration
	// PUNCTUAL_HTTP_PROXY; nil = none
	Proxy *url.URL
	// PUNCTUAL_NO_PROXY: hosts, domains and networks that are called without it
	NoProxy []string

	// to which dates in answers are compared; nil: time.Now
	Now func() time.Time

	// makes the requests in place of the network; nil: nothing does
	Instead http.RoundTripper
}

// NewClient makes a client; one is enough for all notifiers.
func NewClient(c ClientConfig) *Client {
	dialer := &net.Dialer{}
	var guard *ssrf.Guardian
	if !c.AllowPrivate {
		guard = ssrf.New(ssrf.WithAnyPort())
		dialer.Control = guard.Safe
	}
	if c.Timeout == 0 {
		c.Timeout = requestTimeout
	}
	// Proxy stays nil: the environment is not asked
	direct := &http.Transport{
		DialContext:       dialer.DialContext,
		TLSClientConfig:   &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
		MaxIdleConns:      100,
		IdleConnTimeout:   idleConnTimeout,
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	client := &Client{userAgent: "Punctual/" + c.Version, now: c.Now}
	client.http = &http.Client{Timeout: c.Timeout, CheckRedirect: client.checkRedirect, Transport: direct}
	if c.Proxy != nil {
		client.http.Transport = newProxied(&c, direct, guard)
	}
	if c.Instead != nil {
		client.http.Transport = c.Instead
	}
	return client
}

// Request is what a kind wants to send.
type Request struct {
	Method string
	URL    string
	// nil = none of its own
	Header http.Header
	// nil = none
	Body []byte
	// idempotency key, "" = none
	Key string
}

// PostJSON is a request with a JSON body and the idempotency key of a delivery. It
// fails when v cannot be encoded.
func PostJSON(address string, v any, key string) (Request, error) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return Request{}, fmt.Errorf("encode the message: %w", err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return Request{Method: http.MethodPost, URL: address, Header: header, Body: bytes.TrimSuffix(body.Bytes(), []byte("\n")), Key: key}, nil
}

// PostForm is a request with the fields of a form.
func PostForm(address string, form url.Values) Request {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	return Request{Method: http.MethodPost, URL: address, Header: header, Body: []byte(form.Encode())}
}

// Do makes one attempt. It fails with an *Error when no answer came; what the
// answer means is the caller's to say.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, &Error{Message: "The address is not valid.", Class: Reject, Err: describe(err).Err}
	}
	if r.Header != nil {
		req.Header = r.Header
	}
	host := req.Header.Get("Host")
	if host != "" {
		// net/http takes it from here only
		req.Host = host
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", c.userAgent)
	}
	if r.Key != "" {
		req.Header.Set("Idempotency-Key", r.Key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, describe(err)
	}
	defer resp.Body.Close()
	// The status is the answer; a body that breaks off does not change it.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	answered := req
	if resp.Request != nil {
		// behind the redirects
		answered = resp.Request
	}
	return &Answer{Status: resp.StatusCode, Host: answered.URL.Host, Header: resp.Header, Body: body, At: c.now()}, nil
}

// Call makes one request of the operator's own choice, not of a channel, and
// returns nil when it was accepted. A body is JSON; nil is none. The error does
// not tell the address, which may be a secret.
func (c *Client) Call(ctx context.Context, method, url string, body []byte) error {
	header := http.Header{}
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	a, err := c.Do(ctx, Request{Method: method, URL: url, Header: header, Body: body})
	if err != nil {
		var sendErr *Error
		if !errors.As(err, &sendErr) {
			return err
		}
		_, lost := errors.AsType[*lostBody](err)
		if lost {
			return &Error{Message: "The server redirects to another address without the message."}
		}
		// its cause names the address
		return &Error{Message: sendErr.Message}
	}
	if !a.Accepted() {
		return &Error{Message: fmt.Sprintf("The server answered with status %d.", a.Status)}
	}
	return nil
}

// describe puts a failed request in words that may be shown: none of them tells
// more of our network than its owner wrote into the channel.
func describe(err error) *Error {
	e := &Error{Err: err}
	// its text has the address, which may be a secret
	named, ok := errors.AsType[*url.Error](err)
	if ok {
		e.Err = named.Err
	}
	var lost *lostBody
	var proxy *proxyRefusal
	var dial *net.OpError
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork):
		e.Message = "Private and loopback addresses are not allowed. Whoever runs this site can allow them with PUNCTUAL_ALLOW_PRIVATE_IPS."
		e.Class = Reject
	case errors.Is(err, errRedirects):
		e.Message = "Too many redirects."
	case errors.Is(err, errScheme):
		e.Message = "The redirect leads to an address that is not http or https."
	case errors.Is(err, errPlain):
		e.Message = "The redirect leads from https to http, where others could read the message."
	case errors.As(err, &lost):
		e.Message = lost.message()
	case errors.As(err, &proxy):
		e.Message = fmt.Sprintf("The proxy of this site refused the request with status %d.", proxy.status)
		e.Away = KindAway
	case errors.As(err, &dial) && dial.Op == "proxyconnect":
		e.Message = "The proxy of this site cannot be reached."
		e.Away = KindAway
	default:
		e.Message = unreachable(err)
		e.Away = DestinationAway
	}
	return e
}

// unreachable says why there is no connection to a server, or no answer on it.
func unreachable(err error) string {
	var timeout interface{ Timeout() bool }
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && !dns.IsTimeout:
		return "The host name could not be resolved."
	case errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded):
		return "The server did not answer in time."
	case isTLS(err):
		return "The TLS handshake failed."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "The server refused the connection."
	default:
		return "The connection failed."
	}
}

func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) || errors.Is(err, http.ErrSchemeMismatch)
}
