package app

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// What connections are given when a server ends.
const (
	// to a new one, from its beginning on, until its request begins
	newGrace = 5 * time.Second
	// to one that is kept open, for one request more
	idleGrace = 500 * time.Millisecond
	// how often we look
	drainPause = 5 * time.Millisecond
)

// server is one listening HTTP server.
type server struct {
	http     *http.Server
	listener net.Listener
	// called when the end begins; nil = nothing
	ending   func()
	stopping atomic.Bool
	// closed when nothing is accepted any more
	served chan struct{}
	conns  connections
}

// newServer makes a server that answers by h what comes to l.
func newServer(l net.Listener, h http.Handler, errorLog *log.Logger) *server {
	s := &server{listener: l, served: make(chan struct{}), conns: connections{open: map[net.Conn]connection{}}}
	s.http = &http.Server{
		Handler:           s.closing(h),
		ConnState:         s.conns.changed,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          errorLog,
	}
	return s
}

// closing asks clients to make a new connection for their next request, once the
// server ends.
func (s *server) closing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

func (s *server) addr() net.Addr { return s.listener.Addr() }

// serve takes connections until stop, and returns nil then.
func (s *server) serve() error {
	defer close(s.served)
	err := s.http.Serve(s.listener)
	if s.stopping.Load() || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", s.addr(), err)
}

// stop ends the server: nothing more is accepted, and what was accepted is
// answered. A socket of systemd stays open, and what comes to it waits for the next
// process.
//
// [http.Server.Shutdown] comes last, when there is nothing left to lose. It drops
// requests that it has accepted and not yet read when it is called
// (https://go.dev/issue/75591), and closes kept connections while the next request
// is on its way.
func (s *server) stop(ctx context.Context) error {
	s.stopping.Store(true)
	if s.ending != nil {
		s.ending()
	}
	// it fails where accepting has ended by itself
	_ = s.listener.Close()
	<-s.served
	s.drain(ctx)
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stop %s: %w", s.addr(), err), s.http.Close())
	}
	return nil
}

// drain waits until no connection has, or is about to have, a request, or until ctx
// ends.
func (s *server) drain(ctx context.Context) {
	idleUntil := time.Now().Add(idleGrace)
	tick := time.NewTicker(drainPause)
	defer tick.Stop()
	for s.conns.expectAny(time.Now(), idleUntil) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// connections are those of a server that are open.
type connections struct {
	mu   sync.Mutex
	open map[net.Conn]connection
}

type connection struct {
	state http.ConnState
	// when it came into the state
	since time.Time
}

// changed is for [http.Server.ConnState].
func (cs *connections) changed(c net.Conn, state http.ConnState) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(cs.open, c)
		return
	}
	cs.open[c] = connection{state: state, since: time.Now()}
}

// expectAny tells whether one of them has a request, or may be sending one. Those
// that are kept for another request count until idleUntil.
func (cs *connections) expectAny(now, idleUntil time.Time) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, c := range cs.open {
		switch {
		case c.state == http.StateActive:
			return true
		case c.state == http.StateNew && now.Sub(c.since) < newGrace:
			return true
		case c.state == http.StateIdle && now.Before(idleUntil):
			return true
		}
	}
	return false
}
