package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// listener refuses connections beyond the limit and keeps track of the others.
type listener struct {
	net.Listener
	server *Server
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tracked := l.server.track(c)
		if tracked != nil {
			return tracked, nil
		}
		// a fresh connection takes one line at once
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = c.Write([]byte("421 4.7.0 Too many connections, try again later\r\n"))
		_ = c.Close()
	}
}

// track returns nil when there are too many connections, or too many of the peer.
func (s *Server) track(raw net.Conn) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= s.cfg.Limits.Connections {
		return nil
	}
	c := &conn{Conn: raw, stream: raw, server: s, peer: network(raw.RemoteAddr()), until: time.Now().Add(s.cfg.Limits.First)}
	c.commands.offerTLS = s.tls != nil
	if c.peer != "" && s.connsOf(c.peer) >= s.cfg.Limits.PerAddress {
		return nil
	}
	if s.stopping {
		c.expire()
	}
	s.conns[c] = struct{}{}
	return c
}

// connsOf counts the connections of a network. mu is held; there are few.
func (s *Server) connsOf(peer string) (n int) {
	for c := range s.conns {
		if c.peer == peer {
			n++
		}
	}
	return n
}

// network is what counts as one peer: an IPv4 address, or the 64 bits of an IPv6
// address that one customer has. It is "" for this machine, where a mail server that
// passes mail on may have them all.
func network(a net.Addr) string {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil || at.Addr().Unmap().IsLoopback() {
		return ""
	}
	address := at.Addr().Unmap()
	if address.Is4() {
		return address.String()
	}
	prefix, err := address.WithZone("").Prefix(64)
	if err != nil {
		return address.String()
	}
	return prefix.String()
}

// conn is a connection of a sender. Once a read of it has run into its deadline
// nothing more is read: what comes late is the rest of a message, and must not
// be taken for commands.
type conn struct {
	net.Conn
	server *Server
	// see network
	peer string
	// when the text of the next message must have begun; under the server's mu
	until time.Time
	// there has been a recipient, ever; under the server's mu
	named bool
	// in the middle of a message; under the server's mu
	busy bool
	// in the text of one; under the server's mu
	receiving bool
	expired   atomic.Bool

	// What follows is used by the one goroutine that reads and writes.
	// what is said goes over it: Conn, or TLS on it
	stream   net.Conn
	commands commands
}

// SetReadDeadline is as the library asks, but outside of the text of a message no
// later than the next one must have begun: who says nothing of use, however often,
// must not hold a connection.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.server.mu.Lock()
	until := c.until
	receiving := c.receiving
	c.server.mu.Unlock()
	if !receiving && (t.IsZero() || t.After(until)) {
		t = until
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) Write(b []byte) (int, error) {
	_, err := c.stream.Write(c.commands.answered(b))
	if err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *conn) Read(b []byte) (int, error) {
	if c.commands.transparent() {
		return c.readRaw(b)
	}
	for len(c.commands.out) == 0 {
		if c.commands.startTLS {
			err := c.secure()
			if err != nil {
				return 0, err
			}
		}
		read := make([]byte, 4096)
		n, err := c.readRaw(read)
		c.commands.take(read[:n])
		if err != nil && len(c.commands.out) == 0 {
			return 0, err
		}
	}
	n := copy(b, c.commands.out)
	c.commands.out = c.commands.out[n:]
	return n, nil
}

// secure answers STARTTLS and goes on over TLS. It is done here and not by the
// library, which would put TLS above this connection, where its commands cannot be
// read. It fails where the client has sent anything behind the command: it could be
// somebody else's, to be taken for what comes encrypted.
func (c *conn) secure() error {
	if len(c.commands.pending) > 0 {
		return errors.New("text behind STARTTLS")
	}
	_ = c.Conn.SetWriteDeadline(time.Now().Add(c.server.cfg.Limits.Write))
	_, err := c.Conn.Write([]byte("220 2.0.0 Ready to start TLS\r\n"))
	if err != nil {
		return err
	}
	secure := tls.Server(c.Conn, c.server.tls)
	ctx, cancel := context.WithTimeout(context.Background(), c.server.cfg.Limits.First)
	defer cancel()
	err = secure.HandshakeContext(ctx)
	if err != nil {
		return err
	}
	c.stream = secure
	c.commands = commands{}
	return nil
}

func (c *conn) readRaw(b []byte) (int, error) {
	if c.expired.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := c.stream.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.expired.Store(true)
	}
	return n, err
}

// expire ends the reading; the server then says 421 and closes.
func (c *conn) expire() {
	c.expired.Store(true)
	// wakes a Read under way
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
}

// Close forgets the connection.
func (c *conn) Close() error {
	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	return c.Conn.Close()
}

// begin and end enclose a message, from its first recipient to its answer: Stop
// waits for it. The first recipient of a connection, and of no message after it,
// gives more time to begin the text.
func (c *conn) begin() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.busy = true
	if !c.named {
		c.named = true
		c.until = time.Now().Add(c.server.cfg.Limits.Read)
	}
}

// receive is the beginning of a text, whose lines have a time limit each.
func (c *conn) receive() {
	c.server.mu.Lock()
	c.receiving = true
	c.server.mu.Unlock()
	_ = c.SetReadDeadline(time.Now().Add(c.server.cfg.Limits.Read))
}

// received is the end of a text whose pings are recorded: another message may
// follow.
func (c *conn) received() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.until = time.Now().Add(c.server.cfg.Limits.Read)
}

func (c *conn) end() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.busy = false
	c.receiving = false
	if c.server.stopping {
		c.expire()
	}
}

// connOf is our connection below the one of a session.
func connOf(sc *smtp.Conn) *conn {
	// Serve takes no others
	c, _ := sc.Conn().(*conn)
	return c
}
