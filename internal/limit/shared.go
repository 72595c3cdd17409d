// Package limit shares what there is little of, such as connections to the
// database or memory, among those who ask for it at once: who finds nothing left
// waits in line for a while and is then told so. It knows nothing of what is shared.
package limit

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrBusy is the error of those who have waited in vain.
var ErrBusy = errors.New("too much of this at once")

// Shared lets few pieces of work run at the same time: some of each key, some of
// all keys together. The next in line is of the key that has the fewest running,
// and of those the one whose last turn is the longest ago, so that nobody's many
// requests keep out somebody's only one. Its methods are safe for concurrent use.
type Shared[K comparable] struct {
	each, all int
	wait      time.Duration

	mu      sync.Mutex
	running map[K]int
	total   int
	line    []*waiter[K]
	// so far
	turns int
	// the last turn of keys that somebody waits for, or has one of
	last map[K]int
}

// waiter is somebody in line; turn is closed when it is theirs.
type waiter[K comparable] struct {
	key  K
	turn chan struct{}
}

// NewShared lets each key run at most each pieces of work at a time, and all keys
// together at most all; both are at least 1. Others wait in line for at most the
// given time.
func NewShared[K comparable](each, all int, wait time.Duration) *Shared[K] {
	return &Shared[K]{each: max(1, each), all: max(1, all), wait: wait, running: make(map[K]int), last: make(map[K]int)}
}

// Enter waits for a turn. Whoever has got one calls leave when the work is done,
// once. It fails with ErrBusy where none came up in time or before ctx ended.
func (s *Shared[K]) Enter(ctx context.Context, key K) (leave func(), err error) {
	leave = func() { s.leave(key) }
	s.mu.Lock()
	if s.admits(key) {
		s.take(key)
		s.mu.Unlock()
		return leave, nil
	}
	w := &waiter[K]{key: key, turn: make(chan struct{})}
	s.line = append(s.line, w)
	s.mu.Unlock()
	timer := time.NewTimer(s.wait)
	defer timer.Stop()
	select {
	case <-w.turn:
		return leave, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	if s.giveUp(w) {
		return nil, ErrBusy
	}
	return leave, nil
}

// giveUp takes w out of the line. It returns false where its turn has come.
func (s *Shared[K]) giveUp(w *waiter[K]) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.line, w)
	if i < 0 {
		return false
	}
	s.line = slices.Delete(s.line, i, i+1)
	s.forget(w.key)
	return true
}

func (s *Shared[K]) leave(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	s.running[key]--
	if s.running[key] == 0 {
		delete(s.running, key)
	}
	for s.admitNext() {
	}
	s.forget(key)
}

// forget forgets when a key had its last turn, if nobody is there any more.
func (s *Shared[K]) forget(key K) {
	if s.running[key] == 0 && !slices.ContainsFunc(s.line, func(w *waiter[K]) bool { return w.key == key }) {
		delete(s.last, key)
	}
}

// admitNext lets the next in line run, if anybody may.
func (s *Shared[K]) admitNext() bool {
	next := -1
	for i, w := range s.line {
		if s.admits(w.key) && (next < 0 || s.before(w.key, s.line[next].key)) {
			next = i
		}
	}
	if next < 0 {
		return false
	}
	w := s.line[next]
	s.line = slices.Delete(s.line, next, next+1)
	s.take(w.key)
	close(w.turn)
	return true
}

// before tells whether the next turn is rather a's than b's.
func (s *Shared[K]) before(a, b K) bool {
	return cmp.Or(cmp.Compare(s.running[a], s.running[b]), cmp.Compare(s.last[a], s.last[b])) < 0
}

func (s *Shared[K]) admits(key K) bool { return s.total < s.all && s.running[key] < s.each }

func (s *Shared[K]) take(key K) {
	s.total++
	s.running[key]++
	s.turns++
	s.last[key] = s.turns
}
