package app

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"testing"
	"time"
)

// running is a server that answers everything with its name; the test ends it.
func running(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}), log.New(io.Discard, "", 0))
	go func() {
		if err := s.serve(); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { s.http.Close() })
	return s
}

// client is a connection to the server that has been accepted.
type client struct {
	*testing.T
	net.Conn
	answers *bufio.Reader
}

func dial(t *testing.T, s *server) *client {
	t.Helper()
	before := s.conns.count()
	c, err := net.Dial("tcp", s.addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	soon(t, "the connection is accepted", func() bool { return s.conns.count() > before })
	return &client{t, c, bufio.NewReader(c)}
}

func (cs *connections) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.open)
}

func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not soon: ", what)
		}
	}
}

// send sends a request, or a piece of one.
func (c *client) send(text string) {
	c.Helper()
	_, err := io.WriteString(c, text)
	if err != nil {
		c.Fatal(err)
	}
}

// answered reads an answer and tells whether the connection is kept.
func (c *client) answered(want string) (kept bool) {
	c.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	res, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		c.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || string(body) != want {
		c.Errorf("HTTP %d, %q, %v", res.StatusCode, body, err)
	}
	return !res.Close
}

// stopped ends the server, and returns when it accepts nothing more.
func stopped(t *testing.T, s *server) (ended chan error) {
	t.Helper()
	ended = make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		ended <- s.stop(ctx)
	}()
	<-s.served
	return ended
}

const hello = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"

// http.Server.Shutdown closes all of these but the one in the middle of a request.
func TestAServerThatEndsAnswersWhatItHasAccepted(t *testing.T) {
	s := running(t)
	fresh := dial(t, s)
	inHeader := dial(t, s)
	inHeader.send(hello[:10])
	inBody := dial(t, s)
	inBody.send(hello[:len(hello)-2])
	kept := dial(t, s)
	kept.send(hello)
	if !kept.answered("hello") {
		t.Error("a running server does not keep connections")
	}
	ended := stopped(t, s)
	fresh.send(hello)
	inHeader.send(hello[10:])
	inBody.send(hello[len(hello)-2:])
	kept.send(hello)
	for name, c := range map[string]*client{"fresh": fresh, "in the header": inHeader, "kept": kept} {
		if c.answered("hello") {
			t.Errorf("%s: the client is not asked to make a new connection", name)
		}
	}
	inBody.answered("hello")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A connection that is kept and not used holds up the end for a moment only.
func TestAServerThatEndsClosesIdleConnections(t *testing.T) {
	s := running(t)
	kept := dial(t, s)
	kept.send(hello)
	kept.answered("hello")
	soon(t, "it is idle", func() bool {
		return !s.conns.expectAny(time.Now(), time.Time{})
	})
	began := time.Now()
	err := <-stopped(t, s)
	took := time.Since(began)
	if err != nil || took < idleGrace || took > newGrace {
		t.Errorf("ended after %s, %v", took, err)
	}
	_, err = kept.answers.ReadByte()
	if err != io.EOF {
		t.Error("the connection is still there:", err)
	}
}

// Browsers open connections that they do not use.
func TestWhoSaysNothingIsNotWaitedForLong(t *testing.T) {
	cs := connections{open: map[net.Conn]connection{}}
	c, other := net.Pipe()
	defer c.Close()
	defer other.Close()
	now := time.Now()
	cs.changed(c, http.StateNew)
	if !cs.expectAny(now, now) || cs.expectAny(now.Add(newGrace+time.Second), now) {
		t.Error("a new connection")
	}
	cs.changed(c, http.StateActive)
	if !cs.expectAny(now.Add(time.Hour), now) {
		t.Error("a request is not waited for")
	}
	cs.changed(c, http.StateClosed)
	if cs.expectAny(now, now.Add(time.Hour)) {
		t.Error("a closed connection is waited for")
	}
}
