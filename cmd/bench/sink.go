package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// sink is a local receiver of webhooks.
type sink struct {
	addr string
	// before each answer
	delay time.Duration
	// never answers
	hangs bool

	server *http.Server
	gone   chan struct{}

	mu  sync.Mutex
	got []arrival
	// how often each Idempotency-Key came
	keys map[string]int
}

// arrival is one webhook.
type arrival struct {
	// of the check
	code uuid.UUID
	at   time.Time
}

func newSink(delay time.Duration, hangs bool) (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // an address of this machine
	if err != nil {
		return nil, fmt.Errorf("start a receiver: %w", err)
	}
	s := &sink{addr: l.Addr().String(), delay: delay, hangs: hangs, gone: make(chan struct{}), keys: make(map[string]int)}
	s.server = &http.Server{Handler: s} //nolint:gosec // loopback only
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

// ServeHTTP notes when a webhook came.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	// no code: counts as an unknown check
	code, _ := uuid.Parse(strings.Trim(r.URL.Path, "/"))
	s.mu.Lock()
	s.got = append(s.got, arrival{code, now})
	s.keys[r.Header.Get("Idempotency-Key")]++
	s.mu.Unlock()
	if s.hangs {
		select {
		case <-s.gone:
		case <-r.Context().Done():
		}
		return
	}
	if s.delay > 0 {
		select {
		case <-time.After(s.delay):
		case <-s.gone:
		}
	}
}

func (s *sink) close() {
	close(s.gone)
	_ = s.server.Close()
}

// arrivals are those so far, in order.
func (s *sink) arrivals() []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrival(nil), s.got...)
}

// twice is how many webhooks came although they had come before.
func (s *sink) twice() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got) - len(s.keys)
}

func (s *sink) await(ctx context.Context, n int, limit time.Duration) bool {
	return wait(ctx, 5*time.Millisecond, limit, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.got) >= n
	})
}
