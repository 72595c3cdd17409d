package demo_test

import (
	"testing"

	"punctual/internal/demo"
	"punctual/internal/testkit/testdb"
)

func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := testdb.Open(b, testdb.Engines[0], nil)
		b.StartTimer()
		if _, err := demo.Fill(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}
