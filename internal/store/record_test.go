package store_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// twoStores opens one database two times, as two processes do.
func twoStores(t *testing.T, test func(t *testing.T, here, there *store.Store)) {
	t.Helper()
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := testdb.URL(t, engine)
			var stores [2]*store.Store
			for i := range stores {
				d, err := db.Open(t.Context(), url, db.Options{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { d.Close() })
				stores[i] = store.New(d, kinds.Address)
			}
			test(t, stores[0], stores[1])
		})
	}
}

func TestProcessesThatRecordAtOnceLeaveNoGaps(t *testing.T) {
	twoStores(t, func(t *testing.T, here, there *store.Store) {
		a := testdb.Account(t, here)
		checks := []*monitor.Check{a.Check, addCheck(t, here, a.Project.ID, "second", ""), addCheck(t, here, a.Project.ID, "third", "")}
		const writers, batches = 4, 15
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				s := []*store.Store{here, there}[w%2]
				for b := range batches {
					var batch []*store.Arrival
					// each writer meets the checks in an order of its own
					for i := range checks {
						kind := []monitor.PingKind{monitor.PingSuccess, monitor.PingFail, monitor.PingStart}[(b+i+w)%3]
						batch = append(batch, arrival(s, checks[(i*(w+1)+b)%len(checks)].Code, kind))
					}
					if err := s.RecordPings(t.Context(), batch); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		total := int64(0)
		for _, c := range checks {
			got := load(t, there, c)
			total += got.NPings
			rows, err := here.Pings(t.Context(), c.ID, store.PingFilter{Limit: 1000})
			if err != nil {
				t.Fatal(err)
			}
			if int64(len(rows)) != got.NPings {
				t.Errorf("%s counts %d pings and has %d", got.Name, got.NPings, len(rows))
			}
			for i, r := range rows {
				want := got.NPings - int64(i)
				if r.N != want {
					t.Fatalf("%s: ping %d where %d is expected", got.Name, r.N, want)
				}
			}
			flips, err := here.Flips(t.Context(), c.ID, store.FlipFilter{})
			if err != nil {
				t.Fatal(err)
			}
			// As recorded: two processes may take in pings in another order than they record them.
			slices.SortFunc(flips, func(a, b monitor.Flip) int { return int(a.ID - b.ID) })
			status := monitor.StatusNew
			for _, f := range flips {
				if f.Old != status {
					t.Errorf("%s: flip %d is from %s where the check was %s", got.Name, f.ID, f.Old, status)
				}
				status = f.New
			}
			if status != got.Status {
				t.Errorf("%s is %s, its flips say %s", got.Name, got.Status, status)
			}
		}
		want := int64(writers * batches * len(checks))
		if total != want {
			t.Errorf("%d pings counted, want %d", total, want)
		}
	})
}

// Pings by slug are recorded like others, in a batch with them and in their order,
// whether or not their checks were looked up before.
func TestPingsBySlug(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		c := addCheck(t, s, a.Project.ID, "second", "second")
		addCheck(t, s, a.Project.ID, "twin", "twins")
		addCheck(t, s, a.Project.ID, "twin", "twins")
		by := func(key, slug string) *store.Arrival {
			p := arrival(s, uuid.Nil, monitor.PingSuccess)
			p.PingKey = key
			p.Slug = slug
			return p
		}
		for round := range int64(4) {
			key := a.Project.PingKey
			good := []*store.Arrival{by(key, "second"), arrival(s, c.Code, monitor.PingStart), by(key, "second")}
			bad := []*store.Arrival{by(key, "unknown"), by("unknown", "second"), by(key, "twins"), arrival(s, uuid.Nil, monitor.PingSuccess)}
			batch := slices.Concat(good, bad)
			if round%2 == 1 {
				batch = slices.Concat(bad, good)
			}
			if round > 1 {
				if err := s.Prefetch(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.RecordPings(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			for i, p := range good {
				want := 3*round + int64(i) + 1
				if p.Err != nil || p.Code != c.Code || p.Ping.N != want {
					t.Errorf("round %d: ping %d has number %d, code %v, %v", round, want, p.Ping.N, p.Code, p.Err)
				}
			}
			for i, p := range bad {
				ambiguous := i == 2
				if errors.Is(p.Err, store.ErrAmbiguousSlug) != ambiguous || (errs.KindOf(p.Err) == errs.NotFound) == ambiguous {
					t.Errorf("round %d: bad ping %d: %v", round, i, p.Err)
				}
			}
			if err := s.RecordPings(t.Context(), bad); err != nil || bad[0].Err == nil {
				t.Errorf("a batch of bad pings only: %v, %v", err, bad[0].Err)
			}
		}
		n := load(t, s, c).NPings
		if n != 12 {
			t.Errorf("%d pings are counted", n)
		}
	})
}

func TestNoPingOutlivesItsCheck(t *testing.T) {
	twoStores(t, func(t *testing.T, here, there *store.Store) {
		a := testdb.Account(t, here)
		for range 10 {
			c := addCheck(t, here, a.Project.ID, "short-lived", "")
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					for range 3 {
						p := arrival(here, c.Code, monitor.PingFail)
						if err := here.RecordPings(t.Context(), []*store.Arrival{p, arrival(here, a.Check.Code, monitor.PingSuccess)}); err != nil {
							t.Error(err)
						}
						if p.Err != nil && errs.KindOf(p.Err) != errs.NotFound {
							t.Error(p.Err)
						}
					}
				})
			}
			all.Go(func() {
				_, err := there.DeleteCheck(t.Context(), c.Code)
				if err != nil {
					t.Error(err)
				}
			})
			all.Wait()
		}
		n := count(t, here, "pings", "check_id NOT IN (SELECT id FROM checks)")
		if n != 0 {
			t.Errorf("%d pings of deleted checks", n)
		}
		c := load(t, here, a.Check)
		if c.NPings != 90 {
			t.Errorf("the other check has %d pings, want 90", c.NPings)
		}
	})
}

func TestAnArrivalWithoutFiltersKeepsItsKind(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		p := arrival(s, a.Check.Code, "")
		p.Classify = nil
		p.Ping.Kind = monitor.PingFail
		if err := s.RecordPings(t.Context(), []*store.Arrival{p}); err != nil || p.Err != nil || p.Flip == nil ||
			p.Flip.New != monitor.StatusDown {
			t.Errorf("flip %+v, %v, %v; want down", p.Flip, p.Err, err)
		}
		if err := s.RecordPings(t.Context(), nil); err != nil {
			t.Errorf("an empty batch: %v", err)
		}
	})
}

func TestPingsAreChosenByNumberTimeAndKind(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		started := clock.Now()
		for _, kind := range []monitor.PingKind{monitor.PingStart, monitor.PingSuccess, monitor.PingLog, monitor.PingFail} {
			// at noon, and each a minute later
			signal(t, s, a.Check, kind)
			clock.Advance(time.Minute)
		}
		for what, test := range map[string]struct {
			filter store.PingFilter
			want   []int64
		}{
			"all":           {store.PingFilter{Limit: 9}, []int64{4, 3, 2, 1}},
			"the newest":    {store.PingFilter{Limit: 2}, []int64{4, 3}},
			"by number":     {store.PingFilter{Limit: 9, MinN: 3}, []int64{4, 3}},
			"by time":       {store.PingFilter{Limit: 9, Until: started.Add(2 * time.Minute)}, []int64{2, 1}},
			"by kind":       {store.PingFilter{Limit: 9, Kinds: []monitor.PingKind{monitor.PingFail, monitor.PingStart}}, []int64{4, 1}},
			"all at once":   {store.PingFilter{Limit: 1, MinN: 1, Until: clock.Now(), Kinds: []monitor.PingKind{monitor.PingLog}}, []int64{3}},
			"nothing of it": {store.PingFilter{Limit: 9, MinN: 5}, nil},
		} {
			rows, err := s.Pings(t.Context(), a.Check.ID, test.filter)
			var got []int64
			for _, r := range rows {
				got = append(got, r.N)
			}
			diff := cmp.Diff(test.want, got)
			if diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
			}
		}
		_, err := s.Ping(t.Context(), a.Check.ID, 5)
		wantKind(t, "ping 5", err, errs.NotFound)
	})
}

func TestListsOfPingsHoldTheBeginningOfABody(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		// 2,000 bytes, no text in any encoding
		body := []byte(strings.Repeat("\x00\xffü", 500))
		p := arrival(s, a.Check.Code, monitor.PingSuccess)
		empty := arrival(s, a.Check.Code, monitor.PingSuccess)
		p.Ping.Body = body
		if err := s.RecordPings(t.Context(), []*store.Arrival{p, empty}); err != nil {
			t.Fatal(err)
		}
		rows, err := s.Pings(t.Context(), a.Check.ID, store.PingFilter{Limit: 2})
		if err != nil || !bytes.Equal(rows[1].Body, body[:store.PingExcerpt]) || rows[1].BodySize != int64(len(body)) || rows[0].Body != nil ||
			rows[0].BodySize != 0 {
			t.Errorf("excerpts of %d and %d bytes of bodies of %d and %d, %v", len(rows[1].Body), len(rows[0].Body), rows[1].BodySize,
				rows[0].BodySize, err)
		}
		rows, err = s.Pings(t.Context(), a.Check.ID, store.PingFilter{Limit: 2, Bodies: true})
		if err != nil || !bytes.Equal(rows[1].Body, body) {
			t.Errorf("with whole bodies: %d bytes, %v", len(rows[1].Body), err)
		}
		if whole, err := s.Ping(t.Context(), a.Check.ID, 1); err != nil || !bytes.Equal(whole.Body, body) {
			t.Errorf("one ping: %d bytes, %v", len(whole.Body), err)
		}
	})
}

func TestFlipsAreChosenByTime(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		noon := clock.Now()
		for _, kind := range []monitor.PingKind{monitor.PingSuccess, monitor.PingFail, monitor.PingSuccess} {
			signal(t, s, a.Check, kind)
			clock.Advance(time.Minute)
		}
		second := noon.Add(time.Minute)
		for what, test := range map[string]struct {
			filter store.FlipFilter
			want   []monitor.Status
		}{
			"all":       {store.FlipFilter{}, []monitor.Status{"up", "down", "up"}},
			"from":      {store.FlipFilter{From: second}, []monitor.Status{"up", "down"}},
			"until":     {store.FlipFilter{Until: second}, []monitor.Status{"up"}},
			"between":   {store.FlipFilter{From: second, Until: second.Add(time.Microsecond)}, []monitor.Status{"down"}},
			"newest":    {store.FlipFilter{Limit: 1}, []monitor.Status{"up"}},
			"long past": {store.FlipFilter{Until: noon}, nil},
		} {
			flips, err := s.Flips(t.Context(), a.Check.ID, test.filter)
			var got []monitor.Status
			for _, f := range flips {
				got = append(got, f.New)
			}
			diff := cmp.Diff(test.want, got)
			if diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
			}
		}
		flips, err := s.Flips(t.Context(), 0, store.FlipFilter{})
		if err != nil || len(flips) != 0 {
			t.Errorf("of no check: %v, %v", flips, err)
		}
	})
}

func TestAScheduleThatCannotBeComputedIsPutAside(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		broken := addCheck(t, s, a.Project.ID, "broken", "")
		signal(t, s, a.Check, monitor.PingSuccess)
		signal(t, s, broken, monitor.PingSuccess)
		if _, err := s.DB().Exec(t.Context(), `UPDATE checks SET kind = 'cron', schedule = 'nonsense' WHERE id = $1`, broken.ID); err != nil {
			t.Fatal(err)
		}
		clock.Advance(a.Check.Timeout + a.Check.Grace)
		got, err := s.JudgeOverdue(t.Context(), 10)
		if err != nil || got.Claimed != 2 || len(got.Flips) != 1 || got.Flips[0].CheckID != a.Check.ID || len(got.Broken) != 1 ||
			got.Broken[0].ID != broken.ID {
			t.Fatalf("%+v, %v; want the other check down and the broken one named", got, err)
		}
		c := load(t, s, broken)
		if c.Status != monitor.StatusUp || c.ScheduleError == "" || !c.AlertAt.Equal(clock.Now().Add(time.Hour)) {
			t.Errorf("the broken check: %+v", c.State)
		}
		if again, err := s.JudgeOverdue(t.Context(), 10); err != nil || again.Claimed != 0 {
			t.Errorf("a second look: %+v, %v", again, err)
		}
	})
}

func TestProcessesThatWatchAtOnceFlipEachCheckOnce(t *testing.T) {
	twoStores(t, func(t *testing.T, here, there *store.Store) {
		a := testdb.Account(t, here)
		past := here.Now().Add(-48 * time.Hour)
		for range 40 {
			c := addCheck(t, here, a.Project.ID, "silent", "")
			p := arrival(here, c.Code, monitor.PingSuccess)
			p.Ping.CreatedAt = past
			if err := here.RecordPings(t.Context(), []*store.Arrival{p}); err != nil {
				t.Fatal(err)
			}
			if err := here.AssignChannel(t.Context(), c.ID, a.Channel.ID, true); err != nil {
				t.Fatal(err)
			}
		}
		atOnce(t, 4, errs.Internal, func(i int) error {
			s := []*store.Store{here, there}[i%2]
			for {
				got, err := s.JudgeOverdue(t.Context(), 7)
				if err != nil || got.Claimed == 0 {
					return err
				}
			}
		})
		flips := count(t, here, "flips", "new_status = 'down'")
		deliveries := count(t, here, "deliveries", "1 = 1")
		if flips != 40 || deliveries != 40 {
			t.Errorf("%d flips and %d deliveries, want 40 of each", flips, deliveries)
		}
	})
}
