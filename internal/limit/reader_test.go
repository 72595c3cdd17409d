package limit_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"punctual/internal/limit"
)

func TestBodiesAreHeldWithinTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const step = 64 << 10
		room := limit.NewBytes(2*step, time.Second)
		read := func(h *limit.Held, size int) error {
			got, err := io.ReadAll(h.Reader(t.Context(), strings.NewReader(strings.Repeat("x", size))))
			if err == nil && len(got) != size {
				t.Errorf("%d of %d bytes", len(got), size)
			}
			return err
		}
		first := room.Hold()
		second := room.Hold()
		third := room.Hold()
		if err := read(first, limit.FreeBytes+2*step); err != nil {
			t.Fatalf("all there is: %v", err)
		}
		if err := read(second, limit.FreeBytes); err != nil {
			t.Errorf("a short one, with no room left: %v", err)
		}
		if err := read(third, limit.FreeBytes+1); !errors.Is(err, limit.ErrBusy) {
			t.Errorf("a longer one, with no room left: %v", err)
		}
		third.Release()
		first.Release()
		first.Release()
		if err := read(room.Hold(), limit.FreeBytes+2*step+1); !errors.Is(err, limit.ErrBusy) {
			t.Errorf("more than there is: %v", err)
		}
		var none *limit.Bytes
		if err := read(none.Hold(), 10*step); err != nil {
			t.Errorf("without a bound: %v", err)
		}
		none.Hold().Release()
	})
}
