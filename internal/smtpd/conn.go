package smtpd

import (
	"crypto/tls"
	"errors"
	"net"
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
		if tracked := l.server.track(c); tracked != nil {
			return tracked, nil
		}
		_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // a fresh connection takes one line at once
		_, _ = c.Write([]byte("421 4.7.0 Too many connections, try again later\r\n"))
		_ = c.Close()
	}
}

// track returns nil when there are too many connections.
func (s *Server) track(raw net.Conn) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= s.cfg.Limits.Connections {
		return nil
	}
	c := &conn{Conn: raw, server: s}
	if s.stopping {
		c.expire()
	}
	s.conns[c] = struct{}{}
	return c
}

// conn is a connection of a sender. Once a read of it has run into its deadline
// nothing more is read: what comes late is the rest of a message, and must not
// be taken for commands.
type conn struct {
	net.Conn
	server  *Server
	busy    bool // in the middle of a message; under the server's mu
	expired atomic.Bool
}

func (c *conn) Read(b []byte) (int, error) {
	if c.expired.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := c.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.expired.Store(true)
	}
	return n, err
}

// expire ends the reading; the server then says 421 and closes.
func (c *conn) expire() {
	c.expired.Store(true)
	_ = c.SetReadDeadline(time.Unix(1, 0)) // wakes a Read under way
}

// Close forgets the connection.
func (c *conn) Close() error {
	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	return c.Conn.Close()
}

// begin and end enclose a message, from its first recipient to its answer: Stop
// waits for it.
func (c *conn) begin() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.busy = true
}

func (c *conn) end() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.busy = false
	if c.server.stopping {
		c.expire()
	}
}

// connOf finds our connection below the one of a session.
func connOf(sc *smtp.Conn) *conn {
	raw := sc.Conn()
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	c, _ := raw.(*conn) // Serve takes no others
	return c
}
