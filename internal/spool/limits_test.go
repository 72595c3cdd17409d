package spool_test

import (
	"testing"

	"punctual/internal/spool"
)

// The room that operators are told of is the limit, not a number of pings: 512 MiB are about
// three million short ones.
func TestTheRoomIsTheLimit(t *testing.T) {
	for _, bytes := range []int64{0, 8 << 30} {
		l := spool.Limits{Bytes: bytes}.Defaults()
		// of a short ping: BenchmarkOutage
		if fit := l.Bytes / 150; int64(l.Entries) < fit {
			t.Errorf("at most %d pings are kept, and there is room for %d", l.Entries, fit)
		}
	}
}
