package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// backlog gives the account n deliveries that are due at due, each of a check and a
// channel of its own.
func backlog(t *testing.T, s *store.Store, a store.Account, kind string, n int, due time.Time) {
	t.Helper()
	err := s.DB().InTx(t.Context(), func(tx *db.Tx) error {
		for first := 0; first < n; first += 100 {
			var channels, checks testdb.Rows
			for i := first; i < min(first+100, n); i++ {
				// by which the two, and what is made of them below, find each other
				code := uuid.New()
				channels.Add(code, a.Project.ID, kind, "{}", true, false, s.Now())
				checks.Add(code, a.Project.ID, uuid.New(), due.Add(time.Duration(i)*time.Microsecond), "down", 60, 60, 0)
			}
			_, err := tx.Exec(t.Context(),
				`INSERT INTO channels (id, project_id, kind, config, verified, disabled, created_at) VALUES `+channels.List(), channels.Values...)
			if err != nil {
				return err
			}
			_, err = tx.Exec(t.Context(),
				`INSERT INTO checks (code, project_id, badge_key, created_at, status, timeout_seconds, grace_seconds, n_pings) VALUES `+checks.List(),
				checks.Values...)
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(t.Context(), `INSERT INTO flips (check_id, created_at, old_status, new_status, reason)
			SELECT c.id, c.created_at, 'up', 'down', 'fail' FROM checks c JOIN channels ch ON ch.id = c.code
			WHERE c.code NOT IN (SELECT code FROM deliveries) ORDER BY c.id`)
		if err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), `INSERT INTO deliveries (code, flip_id, check_id, channel_id, status, created_at, next_try_at)
			SELECT c.code, f.id, c.id, c.code, 'pending', f.created_at, f.created_at
			FROM flips f JOIN checks c ON c.id = f.check_id JOIN channels ch ON ch.id = c.code
			WHERE c.code NOT IN (SELECT code FROM deliveries) ORDER BY c.id`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// owners counts deliveries by the addresses of their owners.
func owners(claimed []*store.Claimed) map[string]int {
	count := make(map[string]int)
	for _, d := range claimed {
		count[d.Owner.Email]++
	}
	return count
}

func TestAClaimIsSharedAmongOwners(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		const flood, limit = 10_000, 200
		greedy := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		third := testdb.Account(t, s, "third@example.org")
		// older than the flood
		backlog(t, s, third, "webhook", 5, s.Now().Add(-2*time.Hour))
		backlog(t, s, greedy, "webhook", flood/2, s.Now().Add(-time.Hour))
		// in the middle of it
		backlog(t, s, other, "webhook", 3, s.Now().Add(-30*time.Minute))
		backlog(t, s, greedy, "webhook", flood/2, s.Now().Add(-20*time.Minute))
		clock.Advance(time.Second)
		// and a fresh one
		signal(t, s, other.Check, monitor.PingFail)

		began := time.Now()
		first := claimDeliveries(t, s, store.Claim{Limit: limit})
		t.Logf("claimed %v in %v", owners(first), time.Since(began).Round(time.Millisecond))
		got := owners(first)
		if len(first) != limit || got["third@example.org"] != 5 || got["other@example.org"] != 1 {
			t.Errorf("claimed %v, want all of the small owner and the fresh one", got)
		}
		// Those in the middle come as soon as the greedy owner has enough.
		began = time.Now()
		left := claimDeliveries(t, s, store.Claim{Limit: limit, NotOwners: []store.OwnerKind{{Owner: greedy.User.ID, Kind: "webhook"}}})
		t.Logf("claimed %v past the flood in %v", owners(left), time.Since(began).Round(time.Millisecond))
		if got := owners(left); len(got) != 1 || got["other@example.org"] != 3 {
			t.Errorf("claimed %v without the greedy owner, want the 3 of the other one", got)
		}
	})
}

func TestOwnersTakeTurnsInAClaim(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		for i := range 3 {
			a := testdb.Account(t, s, fmt.Sprintf("%d@example.org", i))
			backlog(t, s, a, "webhook", 20, s.Now().Add(time.Duration(i-10)*time.Minute))
		}
		got := owners(claimDeliveries(t, s, store.Claim{Limit: 10}))
		if got["0@example.org"] != 4 || got["1@example.org"] != 3 || got["2@example.org"] != 3 {
			t.Errorf("claimed %v, want turns that begin with the oldest", got)
		}
	})
}

func TestAnOwnerIsLeftOutForAKindOnly(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		b := testdb.Account(t, s, "other@example.org")
		for _, account := range []store.Account{a, b} {
			backlog(t, s, account, "webhook", 2, s.Now())
			backlog(t, s, account, "po", 1, s.Now())
		}
		clock.Advance(time.Second)
		full := []store.OwnerKind{{Owner: a.User.ID, Kind: "webhook"}, {Owner: b.User.ID, Kind: "po"}}
		count := make(map[string]int)
		for _, d := range claimDeliveries(t, s, store.Claim{Limit: 10, NotOwners: full}) {
			count[d.Owner.Email+" "+d.Channel.Kind]++
		}
		if len(count) != 2 || count["owner@example.org po"] != 1 || count["other@example.org webhook"] != 2 {
			t.Errorf("claimed %v", count)
		}
	})
}

// The same process may hold the lease of a later attempt: its worker alone proves
// nothing.
func TestAnOutcomeOfAnEarlierAttemptOfTheSameWorkerDoesNotCount(t *testing.T) {
	for _, late := range []store.Outcome{
		{Verdict: store.Sent, Tried: true},
		{Verdict: store.Failed, Tried: true},
		{Verdict: store.Retry, Tried: true},
		{Verdict: store.Unwanted},
		{Verdict: store.Released},
	} {
		t.Run(late.Verdict.String(), func(t *testing.T) {
			testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
				a := testdb.Account(t, s)
				signal(t, s, a.Check, monitor.PingFail)
				row := func() store.DeliveryRow {
					t.Helper()
					rows, err := s.DeliveriesOf(t.Context(), a.Check.ID, store.DeliveryFilter{})
					if err != nil || len(rows) != 1 {
						t.Fatalf("%d deliveries, %v", len(rows), err)
					}
					return rows[0]
				}
				first := claimDeliveries(t, s, store.Claim{})[0]
				clock.Advance(time.Minute)
				second := claimDeliveries(t, s, store.Claim{})[0]
				if second.ID != first.ID || second.Attempts != 2 {
					t.Fatalf("claimed %+v", second.Delivery)
				}
				before := row()
				if finish(t, s, first, late) {
					t.Error("the outcome of the first attempt counted")
				}
				after := row()
				if after.Delivery != before.Delivery {
					t.Errorf("the delivery was %+v and is %+v", before.Delivery, after.Delivery)
				}
				if !finish(t, s, second, store.Outcome{Verdict: store.Sent, Tried: true}) {
					t.Error("the outcome of the second attempt did not count")
				}
			})
		})
	}
}

// Nor does one of another worker, or one that comes a second time.
func TestAnOutcomeCountsOnceAndForTheHolderOnly(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		for _, verdict := range []store.Verdict{store.Unwanted, store.Sent, store.Failed} {
			c := monitor.NewCheck(a.Project.ID, s.Now())
			if err := s.CreateCheck(t.Context(), &c, store.Channels{IDs: []uuid.UUID{a.Channel.ID}}); err != nil {
				t.Fatal(err)
			}
			signal(t, s, &c, monitor.PingFail)
			d := claimDeliveries(t, s, store.Claim{Worker: workerB})[0]
			if finish(t, s, d, store.Outcome{Verdict: verdict}) {
				t.Errorf("%v: the outcome of a worker without the lease counted", verdict)
			}
			o := store.Outcome{ID: d.ID, Attempt: d.Attempts, Channel: d.ChannelID, Verdict: verdict}
			for i, want := range []int{1, 0} {
				n, err := s.FinishDeliveries(t.Context(), workerB, []store.Outcome{o})
				if err != nil || n != want {
					t.Errorf("%v, time %d: %d counted, %v; want %d", verdict, i+1, n, err, want)
				}
			}
		}
	})
}
