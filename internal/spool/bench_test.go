package spool_test

import (
	"fmt"
	"testing"
	"time"

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

// BenchmarkAppendAtOnce is many calls of one entry each.
func BenchmarkAppendAtOnce(b *testing.B) {
	opt := options()
	opt.Limits = spool.Limits{Bytes: 16 << 30, Entries: 1 << 30}
	s := open(b, b.TempDir(), opt)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Append(pings(1, 1)); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pings/s")
}

// BenchmarkOutage is a long outage from its beginning to its end.
func BenchmarkOutage(b *testing.B) {
	const n = 200_000
	for b.Loop() {
		dir := b.TempDir()
		opt := options()
		s := open(b, dir, opt)
		began := time.Now()
		for from := 1; from <= n; from += 256 {
			appended(b, s, pings(from, min(n, from+255))...)
		}
		filled := time.Now()
		b.ReportMetric(n/filled.Sub(began).Seconds(), "appended/s")
		b.ReportMetric(float64(s.Bytes())/n, "B/ping")
		closed(b, s)
		began = time.Now()
		s = open(b, dir, opt)
		b.ReportMetric(n/time.Since(began).Seconds(), "checked/s")
		began = time.Now()
		after := int64(0)
		for s.Depth() > 0 {
			entries, err := s.Next(after, 256)
			if err != nil {
				b.Fatal(err)
			}
			after = entries[len(entries)-1].Seq
			deleted(b, s, after)
		}
		b.ReportMetric(n/time.Since(began).Seconds(), "drained/s")
		closed(b, s)
	}
}
