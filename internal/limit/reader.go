package limit

import (
	"context"
	"io"
)

const (
	// FreeBytes is how many bytes each Held has without taking any, so that what is
	// short is read however much others hold.
	FreeBytes = 16 << 10

	// stepBytes is how many are taken at a time beyond.
	stepBytes = 64 << 10
)

// Held is what one piece of work, such as a request, holds of the room. The nil
// Held has no bound and holds nothing.
type Held struct {
	room  *Bytes
	read  int64
	taken int64
}

// Hold returns a Held with nothing in it, nil where there is no room to share.
func (b *Bytes) Hold() *Held {
	if b == nil {
		return nil
	}
	return &Held{room: b}
}

// Release gives back all that is held.
func (h *Held) Release() {
	if h == nil {
		return
	}
	h.room.Return(h.taken)
	h.taken = 0
}

// Reader is r, whose bytes are kept: what is read beyond FreeBytes is taken from
// the room. Reading fails with ErrBusy where there was none in time or before ctx
// ended.
func (h *Held) Reader(ctx context.Context, r io.Reader) io.Reader {
	if h == nil {
		return r
	}
	return &reader{ctx, r, h}
}

type reader struct {
	ctx  context.Context //nolint:containedctx // of the one body that is read
	from io.Reader
	held *Held
}

// Read reads and takes the room for what has come.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	h := r.held
	h.read += int64(n)
	for h.read > FreeBytes+h.taken {
		takeErr := h.room.Take(r.ctx, stepBytes)
		if takeErr != nil {
			return 0, takeErr
		}
		h.taken += stepBytes
	}
	return n, err
}
