package limit

import (
	"context"
	"sync"
	"time"
)

// Bytes is room for what is held in memory. Its methods are safe for concurrent
// use.
type Bytes struct {
	wait time.Duration

	mu   sync.Mutex
	free int64
	// closed and made anew when there is more room
	freed chan struct{}
}

// NewBytes is room for size bytes. Who finds none waits for at most the given time.
func NewBytes(size int64, wait time.Duration) *Bytes {
	return &Bytes{wait: wait, free: size, freed: make(chan struct{})}
}

// Take waits for room for n bytes; Return gives it back. It fails with ErrBusy
// where there is none in time or before ctx ended.
func (b *Bytes) Take(ctx context.Context, n int64) error {
	free, freed := b.try(n)
	if free {
		return nil
	}
	timer := time.NewTimer(b.wait)
	defer timer.Stop()
	for !free {
		select {
		case <-freed:
		case <-timer.C:
			return ErrBusy
		case <-ctx.Done():
			return ErrBusy
		}
		free, freed = b.try(n)
	}
	return nil
}

// try takes n bytes if they are free. If not, freed tells when to try again.
func (b *Bytes) try(n int64) (ok bool, freed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.free {
		return false, b.freed
	}
	b.free -= n
	return true, nil
}

// Return gives back n bytes that were taken.
func (b *Bytes) Return(n int64) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	close(b.freed)
	b.freed = make(chan struct{})
}
