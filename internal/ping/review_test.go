package ping_test

import (
	"testing"
	"time"

	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// A process that cannot take connections for hours, for want of file descriptors, keeps no
// deadline from being judged: its check is down or unknown.
func TestATakerThatStaysDeafDoesNotStopJudging(t *testing.T) {
	testdb.Each(t, func(t *testing.T, st *store.Store, clock *testdb.Clock) {
		s := newTakerSite(t, st, clock)
		s.sign()
		if err := s.ping(); err != nil {
			t.Fatal(err)
		}
		found := 0
		for range 3 * 3600 {
			clock.Advance(time.Second)
			s.taker.AcceptFailed()
			if clock.Now().Second() != 0 {
				continue
			}
			s.sign()
			got := s.judge()
			found += len(got.Flips) + len(got.Unknown)
		}
		if found == 0 {
			t.Error("a job is dead for three hours, neither down nor unknown")
		}
	})
}
