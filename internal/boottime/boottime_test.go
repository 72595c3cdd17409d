package boottime

import (
	"testing"
	"time"
)

func TestTheClockGoesOnWithTheSystem(t *testing.T) {
	c := &clock{began: time.Now()}
	for range 3 {
		if off := c.now() - read(c.began); off.Abs() > 50*time.Millisecond {
			t.Errorf("%s ahead of the system", off)
		}
		// as if the machine had slept for an hour
		c.before.Add(-int64(time.Hour))
		c.seen.Add(-int64(time.Hour))
	}
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		Now()
	}
}
