package spool_test

import (
	"fmt"
	"testing"

	"punctual/internal/spool"
)

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			opt := options()
			opt.Limits = spool.Limits{Bytes: 16 << 30, Entries: 1 << 30}
			s := open(b, b.TempDir(), opt)
			entries := pings(1, n)
			b.ReportAllocs()
			for b.Loop() {
				appended(b, s, entries...)
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "pings/s")
		})
	}
}
