package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// While alerts are held everything is stored and nothing is claimed; then it all is.
func TestNothingIsClaimedWhileAlertsAreHeld(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		calls := listen(t, s)
		if err := s.HoldAlerts(t.Context(), "jane", "moving", time.Time{}); err != nil {
			t.Fatal(err)
		}
		signal(t, s, a.Check, monitor.PingFail)
		clock.Advance(23 * time.Hour)
		if n := count(t, s, "deliveries", "status = 'pending' AND attempts = 0"); n != 1 {
			t.Errorf("%d deliveries wait, want 1", n)
		}
		for _, claim := range []store.Claim{{}, {Calm: true}, {NotOwners: []store.OwnerKind{{Owner: uuid.New(), Kind: "email"}}}} {
			if got := claimDeliveries(t, s, claim); len(got) != 0 {
				t.Errorf("%+v: %d claimed while alerts are held", claim, len(got))
			}
		}
		rest, _, err := s.ClaimRest(t.Context(), store.Rest{Worker: workerA, Channel: a.Channel.ID, Lease: time.Minute})
		if err != nil || len(rest) != 0 {
			t.Errorf("%d claimed to go along while alerts are held, %v", len(rest), err)
		}
		woke := calls.by(func() {
			released, err := s.ReleaseAlerts(t.Context())
			if err != nil || !released {
				t.Fatal(released, err)
			}
		})
		if !woke {
			t.Error("the release wakes nobody")
		}
		got := claimDeliveries(t, s, store.Claim{})
		if len(got) != 1 || !got[0].Released.Equal(clock.Now()) {
			t.Errorf("%d claimed after the release", len(got))
		}
		if released, err := s.ReleaseAlerts(t.Context()); err != nil || released {
			t.Errorf("released twice: %v, %v", released, err)
		}
	})
}

func TestAHoldEndsByItself(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		began := clock.Now()
		hold := func(by string, ends time.Time) {
			t.Helper()
			if err := s.HoldAlerts(t.Context(), by, "", ends); err != nil {
				t.Fatal(err)
			}
		}
		holds := func(by string, began time.Time) {
			t.Helper()
			got, err := s.AlertHold(t.Context())
			if err != nil || got == nil || got.By != by || !got.Began.Equal(began) {
				t.Errorf("%+v, %v; want that %s holds them since %s", got, err, by, began)
			}
		}
		hold("jane", began.Add(2*time.Hour))
		signal(t, s, a.Check, monitor.PingFail)
		clock.Advance(time.Hour)
		holds("jane", began)
		// again, before the first has ended
		hold("joe", clock.Now().Add(time.Hour))
		holds("joe", began)
		clock.Advance(time.Hour)
		got, err := s.AlertHold(t.Context())
		if err != nil || got != nil || len(claimDeliveries(t, s, store.Claim{})) != 1 {
			t.Errorf("held by %+v, %v", got, err)
		}
		hold("jane", time.Time{})
		holds("jane", clock.Now())
	})
}
