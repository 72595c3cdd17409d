// Package smtpsink is a real SMTP server for tests: it keeps every message it accepts, lets a test wait for one, and
// misbehaves on demand as mail servers do.
package smtpsink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// patience is how long Wait and WaitFor wait before they fail the test: far longer than any queue needs.
const patience = 20 * time.Second

// Options of a sink. The zero value takes mail from anybody, unencrypted.
type Options struct {
	// TLS is "none" (also when empty), "starttls" or "tls", as in PUNCTUAL_SMTP_TLS. With "starttls", mail over an
	// unencrypted connection is refused.
	TLS string
	// Username and Password, when set, must be given by AUTH PLAIN before any mail.
	Username, Password string
}

// Sink is a running server on 127.0.0.1. Its methods may be used by several goroutines.
type Sink struct {
	opts    Options
	address *net.TCPAddr
	tls     *tls.Config
	roots   *x509.CertPool
	// releases the sessions that hang
	closed chan struct{}

	mu       sync.Mutex
	messages []Message
	next     []Behaviour
	always   Behaviour
	// closed and replaced with each message
	changed chan struct{}
}

// New starts a sink on a free port and stops it when the test ends.
func New(tb testing.TB, opts Options) *Sink {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("starting the mail sink: %v", err)
	}
	s := &Sink{
		opts:    opts,
		address: listener.Addr().(*net.TCPAddr),
		closed:  make(chan struct{}),
		changed: make(chan struct{}),
	}
	if opts.TLS == "starttls" || opts.TLS == "tls" {
		s.tls, s.roots = certificate()
	}
	server := smtp.NewServer(smtp.BackendFunc(s.session))
	server.Domain = "sink.test"
	// whether the connection is encrypted enough is the session's to say
	server.AllowInsecureAuth = true
	server.EnableSMTPUTF8 = true
	// connections that break are the point of some tests
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener = &refusing{Listener: listener, sink: s}
	switch opts.TLS {
	case "starttls":
		server.TLSConfig = s.tls
	case "tls":
		listener = tls.NewListener(listener, s.tls)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	tb.Cleanup(func() {
		close(s.closed)
		err := server.Close()
		// a server closed before it began to serve would go on to accept
		_ = listener.Close()
		if err := errors.Join(err, <-served); err != nil {
			tb.Errorf("stopping the mail sink: %v", err)
		}
	})
	return s
}

// Host is the address the sink listens on, without the port.
func (s *Sink) Host() string { return s.address.IP.String() }

// Port is the TCP port the sink listens on.
func (s *Sink) Port() int { return s.address.Port }

// Addr is host:port, as a dialer takes it.
func (s *Sink) Addr() string { return net.JoinHostPort(s.Host(), strconv.Itoa(s.Port())) }

// Roots holds the sink's self-signed certificate, for a client that verifies it; nil without TLS.
func (s *Sink) Roots() *x509.CertPool { return s.roots }

// Messages returns what was accepted so far, oldest first.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Wait returns the accepted messages as soon as there are at least n; it fails the test after 20 seconds.
func (s *Sink) Wait(tb testing.TB, n int) []Message {
	tb.Helper()
	var got []Message
	s.until(tb, strconv.Itoa(n)+" messages", func(messages []Message) bool {
		got = messages
		return len(messages) >= n
	})
	return got
}

// WaitFor returns the oldest accepted message for which match holds, as soon as there is one; it fails the test
// after 20 seconds.
func (s *Sink) WaitFor(tb testing.TB, match func(Message) bool) Message {
	tb.Helper()
	var got Message
	s.until(tb, "a matching message", func(messages []Message) bool {
		i := slices.IndexFunc(messages, match)
		if i >= 0 {
			got = messages[i]
		}
		return i >= 0
	})
	return got
}

func (s *Sink) until(tb testing.TB, what string, done func([]Message) bool) {
	tb.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		messages := slices.Clone(s.messages)
		changed := s.changed
		s.mu.Unlock()
		if done(messages) {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			subjects := make([]string, len(messages))
			for i, m := range messages {
				subjects[i] = m.Subject()
			}
			tb.Fatalf("no %s after %s; the sink has %d: %q", what, patience, len(messages), subjects)
		}
	}
}

func (s *Sink) keep(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	close(s.changed)
	s.changed = make(chan struct{})
}

// certificate borrows the self-signed one of net/http/httptest, which names 127.0.0.1, and a pool that trusts it.
func certificate() (*tls.Config, *x509.CertPool) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return &tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12}, roots
}
