package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func presence(t *testing.T, s *store.Store) store.Presence {
	t.Helper()
	p, err := s.PingPresence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPresenceKnowsWhenNoPingCouldReachUs(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		takesPings := func() {
			t.Helper()
			if err := s.TakesPings(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		p := presence(t, s)
		if !p.Now || len(p.Outages) != 0 {
			t.Errorf("where nobody has ever taken pings: %+v", p)
		}
		// without a gap
		for range 20 {
			takesPings()
			clock.Advance(store.NodeTimeout)
		}
		if p := presence(t, s); !p.Now || len(p.Outages) != 0 {
			t.Errorf("without a gap: %+v", p)
		}
		last := clock.Now().Add(-store.NodeTimeout)
		clock.Advance(time.Microsecond)
		if p := presence(t, s); p.Now {
			t.Errorf("%v without a sign of life: %+v", store.NodeTimeout, p)
		}
		clock.Advance(time.Hour)
		takesPings()
		back := clock.Now()
		takesPings()
		want := store.Presence{Now: true, Outages: []monitor.Outage{{Began: last, Ended: back}}}
		diff := cmp.Diff(want, presence(t, s))
		if diff != "" {
			t.Errorf("after an hour (-want +got):\n%s", diff)
		}
		clock.Advance(100 * 24 * time.Hour)
		takesPings()
		n := count(t, s, "presence", "true")
		if n != 1 {
			t.Errorf("%d rows kept", n)
		}
	})
}
