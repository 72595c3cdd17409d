package smtpd

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// from is a connection of a peer.
type from struct {
	net.Conn
	peer string
}

func (f from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(f.peer), 1234))
}

func (from) SetReadDeadline(time.Time) error { return nil }

func (from) Close() error { return nil }

func TestOnePeerHasItsShareOfConnections(t *testing.T) {
	s := &Server{cfg: Config{Limits: Limits{Connections: 10, PerAddress: 2}.withDefaults()}, conns: map[*conn]struct{}{}}
	for _, step := range []struct {
		peer  string
		taken bool
	}{
		{"192.0.2.1", true},
		{"192.0.2.1", true},
		{"192.0.2.1", false},
		{"::ffff:192.0.2.1", false},
		{"192.0.2.2", true},
		{"2001:db8::1", true},
		{"2001:db8::2", true},
		{"2001:db8::ffff:3", false},
		{"2001:db8:0:1::1", true},
		{"127.0.0.1", true},
		{"127.0.0.1", true},
		{"::1", true},
		{"127.0.0.1", true},
		{"192.0.2.3", false},
	} {
		c := s.track(from{peer: step.peer})
		if (c != nil) != step.taken {
			t.Errorf("a connection from %s: taken %v, want %v", step.peer, c != nil, step.taken)
		}
	}
	for c := range s.conns {
		if c.peer == "192.0.2.1" {
			_ = c.Close()
			break
		}
	}
	if s.track(from{peer: "192.0.2.1"}) == nil {
		t.Error("a connection that has ended still counts")
	}
}
