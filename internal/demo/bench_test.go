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
		_, err := demo.Fill(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
	}
}
