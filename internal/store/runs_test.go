package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestWhatIsAskedOfThePingsOfACheck(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		for i, kind := range []monitor.PingKind{"start", "log", "success", "ign", "start", "fail"} {
			ping := arrival(s, a.Check.Code, kind)
			if i > 0 {
				ping.Ping.Body = []byte(strings.Repeat(string(rune('a'+i)), 10))
			}
			if err := s.RecordPings(t.Context(), []*store.Arrival{ping}); err != nil || ping.Err != nil {
				t.Fatal(err, ping.Err)
			}
			clock.Advance(time.Minute)
		}
		id := a.Check.ID

		events := func(minN int64, limit int) (out []int64) {
			t.Helper()
			pings, err := s.RunEvents(t.Context(), id, minN, limit)
			if err != nil {
				t.Fatal(err)
			}
			for i := range pings {
				if pings[i].Body != nil {
					t.Error("a body was loaded")
				}
				out = append(out, pings[i].N)
			}
			return out
		}
		diff := cmp.Diff([]int64{6, 5, 3, 1}, events(1, 10))
		if diff != "" {
			t.Errorf("events of runs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int64{6, 5}, events(2, 2)); diff != "" {
			t.Errorf("the newest two (-want +got):\n%s", diff)
		}

		for _, tc := range []struct{ minN, n, before, after int64 }{{1, 3, 2, 4}, {1, 1, 0, 2}, {3, 3, 0, 4}, {1, 6, 5, 0}, {1, 99, 6, 0}} {
			before, after, err := s.PingNeighbours(t.Context(), id, tc.minN, tc.n)
			if err != nil || before != tc.before || after != tc.after {
				t.Errorf("beside %d from %d on: %d and %d, %v", tc.n, tc.minN, before, after, err)
			}
		}

		bodies := func(minN int64, limit, stop int) (out []string) {
			t.Helper()
			err := s.ReadBodies(t.Context(), id, minN, limit, 4, func(b *store.PingBody) bool {
				out = append(out, b.Scheme+" "+string(b.Body))
				return len(out) < stop
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if diff := cmp.Diff([]string{"http ffff", "http eeee", "http dddd"}, bodies(1, 3, 9)); diff != "" {
			t.Errorf("bodies (-want +got):\n%s", diff)
		}
		got := bodies(1, 10, 2)
		if len(got) != 2 {
			t.Errorf("it was told to stop after two: %q", got)
		}
		if got := bodies(5, 10, 9); len(got) != 2 {
			t.Errorf("hidden pings: %q", got)
		}
	})
}
