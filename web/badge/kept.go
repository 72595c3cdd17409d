package badge

import (
	"context"
	"errors"
	"sync"
	"time"

	"punctual/internal/store"
)

const (
	// keepFor is how long what a large project's badges show is kept, and so how
	// late they may be.
	keepFor = 5 * time.Second

	// keepFrom is how many checks a project has whose statuses are kept; those of
	// smaller ones are read each time, for that takes a millisecond.
	keepFrom = 200

	// keepBytes is for how many bytes of tags there is room.
	keepBytes = 16 << 20

	// countBytes is about what a store.StatusCount takes beside its tags.
	countBytes = 64
)

// reader reads the statuses of a project once for all who ask for them at the same
// time, and keeps those of large projects for keepFor: anybody may ask for a badge,
// and behind each stands a look at all checks of its project.
type reader struct {
	store *store.Store

	mu sync.Mutex
	// by badge key: under way, or kept
	reads map[string]*read
	// bytes of those that are kept
	size int
}

// read is one look at a project. What it has found may be used when done is
// closed; nobody may change it.
type read struct {
	done   chan struct{}
	began  time.Time
	counts []store.StatusCount
	err    error
	// bytes, where it is kept
	size int
}

// errPanicked is what those get who wait for a read that has panicked.
var errPanicked = errors.New("the statuses could not be read")

// counts are the statuses of the project with the badge key, as
// store.StatusCounts has them, of at most keepFor ago.
func (r *reader) counts(ctx context.Context, badgeKey string) ([]store.StatusCount, error) {
	for {
		found, mine := r.join(badgeKey)
		if mine {
			r.read(ctx, badgeKey, found)
		}
		select {
		case <-found.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if found.err == nil || mine || ctx.Err() != nil || !isOver(found.err) {
			return found.counts, found.err
		}
		// Who has read has gone, and with them their answer: somebody else reads.
	}
}

func isOver(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// join returns the read to wait for. It is for the caller to do where mine is true.
func (r *reader) join(badgeKey string) (found *read, mine bool) {
	now := r.store.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	found = r.reads[badgeKey]
	if found != nil && (found.size == 0 || found.fresh(now)) {
		return found, false
	}
	r.drop(badgeKey)
	found = &read{done: make(chan struct{}), began: now, err: errPanicked}
	r.reads[badgeKey] = found
	return found, true
}

// fresh tells whether what was read may still be shown. A clock that was put back
// ends it.
func (f *read) fresh(now time.Time) bool { return !now.Before(f.began) && now.Sub(f.began) < keepFor }

func (r *reader) read(ctx context.Context, badgeKey string, f *read) {
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.keep(badgeKey, f)
		close(f.done)
	}()
	f.counts, f.err = r.store.StatusCounts(ctx, badgeKey)
}

// keep keeps a read that is done, if it is one to keep and there is room.
func (r *reader) keep(badgeKey string, f *read) {
	checks := 0
	size := 0
	for _, c := range f.counts {
		checks += c.N
		size += countBytes + len(c.Tags)
	}
	now := r.store.Now()
	for key, other := range r.reads {
		if other.size > 0 && !other.fresh(now) {
			r.drop(key)
		}
	}
	if f.err != nil || checks < keepFrom || r.size+size > keepBytes {
		delete(r.reads, badgeKey)
		return
	}
	f.size = size
	r.size += size
}

func (r *reader) drop(badgeKey string) {
	f := r.reads[badgeKey]
	if f != nil {
		r.size -= f.size
		delete(r.reads, badgeKey)
	}
}
