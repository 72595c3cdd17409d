package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// untold are those who were not told of the last flip to down, by channel.
func untold(t *testing.T, s *store.Store, c *monitor.Check) map[uuid.UUID]monitor.WhyUntold {
	t.Helper()
	_, byFlip, err := s.FlipsAndUntold(t.Context(), c.ID, store.FlipFilter{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[uuid.UUID]monitor.WhyUntold{}
	for _, list := range byFlip {
		for _, u := range list {
			out[u.ChannelID] = u.Why
		}
	}
	return out
}

// Whoever is not told that a check went down can read why, however it went down.
func TestAFlipKeepsWhoWasNotTold(t *testing.T) {
	for name, down := range map[string]func(t *testing.T, s *store.Store, clock *testdb.Clock, c *monitor.Check){
		"a failure signal": func(t *testing.T, s *store.Store, _ *testdb.Clock, c *monitor.Check) {
			pingAt(t, s, c, monitor.PingFail, "http", s.Now())
		},
		"a deadline": func(t *testing.T, s *store.Store, clock *testdb.Clock, c *monitor.Check) {
			clock.Advance(3 * time.Minute)
			wantFlips(t, judges(t, s).Flips, monitor.StatusDown)
		},
		"a change of the check": func(t *testing.T, s *store.Store, _ *testdb.Clock, c *monitor.Check) {
			update(t, s, c, func(e *store.CheckChange) {
				e.Flip = &monitor.Flip{CheckID: e.ID, CreatedAt: e.Now, Old: e.Status, New: monitor.StatusDown, Reason: monitor.ReasonTimeout}
				e.Status = monitor.StatusDown
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
				c := minuteCheck(t, s)
				disabled := addChannel(t, s, c.ProjectID, func(h *monitor.Channel) { h.Disabled = true })
				unverified := addChannel(t, s, c.ProjectID, func(h *monitor.Channel) { h.Verified = false })
				addChannel(t, s, c.ProjectID, asIs)
				pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
				down(t, s, clock, c)
				pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
				want := map[uuid.UUID]monitor.WhyUntold{disabled.ID: monitor.UntoldDisabled, unverified.ID: monitor.UntoldUnverified}
				diff := cmp.Diff(want, untold(t, s, c))
				if diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestADeliveryThatIsDroppedLeavesWhyNobodyWasTold(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		signal(t, s, a.Check, monitor.PingFail)
		d := claimDeliveries(t, s, store.Claim{})[0]
		lost := *d
		lost.Attempts++
		if finish(t, s, &lost, store.Outcome{Verdict: store.Unwanted, Untold: monitor.UntoldUnwanted}) || len(untold(t, s, a.Check)) != 0 {
			t.Fatal("an outcome without the lease counted")
		}
		if !finish(t, s, d, store.Outcome{Verdict: store.Unwanted, Untold: monitor.UntoldUnwanted}) {
			t.Fatal("the outcome did not count")
		}
		want := map[uuid.UUID]monitor.WhyUntold{a.Channel.ID: monitor.UntoldUnwanted}
		if diff := cmp.Diff(want, untold(t, s, a.Check)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := count(t, s, "deliveries", "1 = 1"); n != 0 {
			t.Errorf("%d deliveries are left, want none", n)
		}
	})
}

// The deadline, the mark by which it was judged, the decision, the acceptance and the
// other side's words are all there afterwards.
func TestADeliveryProvesItsLatency(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := minuteCheck(t, s)
		addChannel(t, s, c.ProjectID, asIs)
		pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
		deadline := load(t, s, c).AlertAt
		clock.Set(deadline.Add(200 * time.Millisecond))
		decided := clock.Now()
		wantFlips(t, judges(t, s).Flips, monitor.StatusDown)
		d := claimDeliveries(t, s, store.Claim{})[0]
		if !d.Flip.CreatedAt.Equal(deadline) || !d.Flip.Heard.Equal(decided) || !d.CreatedAt.Equal(decided) {
			t.Errorf("deadline %s, mark %s, decided %s; want %s, %s, %s", d.Flip.CreatedAt, d.Flip.Heard, d.CreatedAt, deadline, decided, decided)
		}
		accepted := clock.Advance(600 * time.Millisecond)
		finish(t, s, d, store.Outcome{Verdict: store.Sent, Tried: true,
			ChannelOutcome: store.ChannelOutcome{At: accepted, Answer: "mx.example.org 250 Ok"}})
		rows, err := s.DeliveriesOf(t.Context(), c.ID, store.DeliveryFilter{})
		if err != nil || len(rows) != 1 || !rows[0].FinishedAt.Equal(accepted) || rows[0].Answer != "mx.example.org 250 Ok" ||
			rows[0].Attempts != 1 {
			t.Errorf("%+v, %v", rows, err)
		}
		flips, err := s.Flips(t.Context(), c.ID, store.FlipFilter{Limit: 1})
		if err != nil || !flips[0].Heard.Equal(decided) || flips[0].Silent {
			t.Errorf("%+v, %v", flips, err)
		}
	})
}

// No deadline was judged where a job reports its failure.
func TestAFailureSignalHasNoMark(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		signal(t, s, a.Check, monitor.PingFail)
		d := claimDeliveries(t, s, store.Claim{})[0]
		if !d.Flip.Heard.IsZero() {
			t.Errorf("heard until %s", d.Flip.Heard)
		}
	})
}
