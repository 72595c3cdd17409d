package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

var workerA, workerB = uuid.New(), uuid.New()

// signal records one ping of the check now.
func signal(t *testing.T, s *store.Store, c *monitor.Check, kind monitor.PingKind) {
	t.Helper()
	a := arrival(s, c.Code, kind)
	a.Ping.Body = []byte("body of " + string(kind))
	if err := s.RecordPings(t.Context(), []*store.Arrival{a}); err != nil || a.Err != nil {
		t.Fatal(err, a.Err)
	}
}

func claimDeliveries(t *testing.T, s *store.Store, c store.Claim) []*store.Claimed {
	t.Helper()
	if c.Worker == uuid.Nil {
		c.Worker = workerA
	}
	c.Limit = max(c.Limit, 1)
	c.Lease = time.Minute
	if c.PerChannel == 0 {
		c.PerChannel = 100
	}
	got, err := s.ClaimDeliveries(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func finish(t *testing.T, s *store.Store, d *store.Claimed, o store.Outcome) bool {
	t.Helper()
	o.ID = d.ID
	o.Attempt = d.Attempts
	o.Channel = d.ChannelID
	if o.At.IsZero() {
		o.At = s.Now()
	}
	n, err := s.FinishDeliveries(t.Context(), workerA, []store.Outcome{o})
	if err != nil {
		t.Fatal(err)
	}
	return n == 1
}

func TestAClaimedDeliveryHasAllThatAMessageNeeds(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		second := monitor.NewCheck(a.Project.ID, s.Now())
		if err := s.CreateCheck(t.Context(), &second, store.Channels{}); err != nil {
			t.Fatal(err)
		}
		signal(t, s, &second, monitor.PingFail)
		signal(t, s, a.Check, monitor.PingFail)
		down := clock.Now()
		clock.Advance(90 * time.Minute)
		signal(t, s, a.Check, monitor.PingSuccess)

		first := claimDeliveries(t, s, store.Claim{Limit: 10})
		if len(first) != 1 || first[0].Flip.New != monitor.StatusDown || !first[0].DownSince.IsZero() {
			t.Fatalf("claimed %+v, want the down alone: the up has to wait for it", first)
		}
		if !finish(t, s, first[0], store.Outcome{Verdict: store.Sent, Tried: true}) {
			t.Fatal("the outcome did not count")
		}
		got := claimDeliveries(t, s, store.Claim{Limit: 10})
		if len(got) != 1 {
			t.Fatalf("claimed %d deliveries, want the up", len(got))
		}
		d := got[0]
		want, err := s.CheckByCode(t.Context(), a.Check.Code)
		if err != nil {
			t.Fatal(err)
		}
		diff := cmp.Diff(want, &d.Check)
		if diff != "" {
			t.Errorf("check (-stored +claimed):\n%s", diff)
		}
		if d.Flip.New != monitor.StatusUp || !d.DownSince.Equal(down) || d.Attempts != 1 || d.Code == uuid.Nil ||
			!d.NextTryAt.Equal(clock.Now().Add(time.Minute)) {
			t.Errorf("delivery %+v of flip %+v, down since %v", d.Delivery, d.Flip, d.DownSince)
		}
		if d.Channel.ID != a.Channel.ID || d.Project.ID != a.Project.ID ||
			d.Owner != (store.Owner{ID: a.User.ID, Email: a.User.Email, TZ: "UTC"}) {
			t.Errorf("channel %v, project %v, owner %+v", d.Channel.ID, d.Project.ID, d.Owner)
		}
		if d.LastPing == nil || d.LastPing.N != 2 || string(d.LastPing.Body) != "body of success" {
			t.Errorf("last ping %+v", d.LastPing)
		}
		if len(d.OtherDown) != 1 || d.OtherDown[0].ID != second.ID || d.OtherDownTotal != 1 {
			t.Errorf("other checks that are down: %d of %d", len(d.OtherDown), d.OtherDownTotal)
		}
	})
}

func TestALeaseKeepsOthersAwayUntilItEnds(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		signal(t, s, a.Check, monitor.PingFail)
		first := claimDeliveries(t, s, store.Claim{})
		if len(first) != 1 {
			t.Fatal("nothing claimed")
		}
		clock.Advance(time.Minute - time.Microsecond)
		got := claimDeliveries(t, s, store.Claim{Worker: workerB})
		if len(got) != 0 {
			t.Fatal("claimed twice while the lease lasts")
		}
		clock.Advance(time.Microsecond)
		second := claimDeliveries(t, s, store.Claim{Worker: workerB})
		if len(second) != 1 || second[0].Code != first[0].Code || second[0].Attempts != 2 {
			t.Fatalf("after the lease: %+v", second)
		}
		if finish(t, s, first[0], store.Outcome{Verdict: store.Failed}) {
			t.Error("the outcome of a lost lease counted")
		}
	})
}

func TestOutcomesOfDeliveries(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		signal(t, s, a.Check, monitor.PingFail)
		at := clock.Now()
		row := func() store.DeliveryRow {
			t.Helper()
			rows, err := s.DeliveriesOf(t.Context(), a.Check.ID, store.DeliveryFilter{Since: at, Limit: 5})
			if err != nil || len(rows) != 1 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			return rows[0]
		}

		d := claimDeliveries(t, s, store.Claim{})[0]
		finish(t, s, d, store.Outcome{Verdict: store.Released})
		r := row()
		if r.Attempts != 0 || r.NextTryAt.After(clock.Now()) {
			t.Errorf("released: %+v", r.Delivery)
		}

		d = claimDeliveries(t, s, store.Claim{})[0]
		finish(t, s, d, store.Outcome{Verdict: store.Retry, NextTry: at.Add(time.Hour), Tried: true,
			ChannelOutcome: store.ChannelOutcome{At: at, Latency: time.Second, Error: "no answer"}})
		got := claimDeliveries(t, s, store.Claim{})
		if len(got) != 0 {
			t.Error("tried again before its time")
		}
		h, err := s.ChannelByID(t.Context(), a.Channel.ID)
		if r := row(); err != nil || r.LastError != "no answer" || r.Status != monitor.DeliveryPending || h.LastError != "no answer" ||
			h.LastLatency != time.Second || h.Disabled {
			t.Errorf("to be retried: %+v, channel %+v, %v", r.Delivery, h, err)
		}

		clock.Advance(time.Hour)
		d = claimDeliveries(t, s, store.Claim{})[0]
		finish(t, s, d, store.Outcome{Verdict: store.Failed, Tried: true,
			ChannelOutcome: store.ChannelOutcome{At: clock.Now(), Error: "gone", Disable: true}})
		h, err = s.ChannelByID(t.Context(), a.Channel.ID)
		if r := row(); err != nil || r.Status != monitor.DeliveryFailed || !r.FinishedAt.Equal(clock.Now()) || r.ChannelKind != "email" ||
			r.Notified != monitor.StatusDown || !h.Disabled {
			t.Errorf("given up: %+v, channel %+v, %v", r, h, err)
		}

		failed, err := s.FailedDeliveries(t.Context(), "GONE", 10, 0)
		if err != nil || len(failed) != 1 || failed[0].CheckCode != a.Check.Code || failed[0].OwnerEmail != a.User.Email {
			t.Fatalf("failed deliveries: %+v, %v", failed, err)
		}
		if none, err := s.FailedDeliveries(t.Context(), "nothing like it", 10, 0); err != nil || len(none) != 0 {
			t.Errorf("search found %d, %v", len(none), err)
		}
		if err := s.RetryDelivery(t.Context(), d.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.RetryDelivery(t.Context(), d.ID); errs.KindOf(err) != errs.NotFound {
			t.Errorf("retry of a pending delivery: %v", err)
		}
		n := count(t, s, "deliveries", "status = 'pending'")
		if n != 1 {
			t.Errorf("%d deliveries are pending, want 1", n)
		}
		d = claimDeliveries(t, s, store.Claim{})[0]
		finish(t, s, d, store.Outcome{Verdict: store.Unwanted})
		if n := count(t, s, "deliveries", "status = 'pending'"); n != 0 {
			t.Errorf("%d deliveries are pending, want none", n)
		}
	})
}

func TestAClaimIsSharedAmongChannels(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		flood := &monitor.Channel{ProjectID: a.Project.ID, Kind: "webhook", Config: `{}`, Verified: true}
		if err := s.CreateChannel(t.Context(), flood); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			c := monitor.NewCheck(a.Project.ID, s.Now())
			if err := s.CreateCheck(t.Context(), &c, store.Channels{IDs: []uuid.UUID{flood.ID}}); err != nil {
				t.Fatal(err)
			}
			signal(t, s, &c, monitor.PingFail)
		}
		clock.Advance(time.Second)
		// through both channels
		signal(t, s, a.Check, monitor.PingFail)
		count := func(c store.Claim) map[string]int {
			t.Helper()
			got := claimDeliveries(t, s, c)
			kinds := map[string]int{}
			for _, d := range got {
				kinds[d.Channel.Kind]++
				finish(t, s, d, store.Outcome{Verdict: store.Released})
			}
			return kinds
		}
		for name, test := range map[string]struct {
			claim store.Claim
			want  map[string]int
		}{
			"all":             {store.Claim{Limit: 10}, map[string]int{"webhook": 6, "email": 1}},
			"few per channel": {store.Claim{Limit: 10, PerChannel: 2}, map[string]int{"webhook": 2, "email": 1}},
			"in turns":        {store.Claim{Limit: 3}, map[string]int{"webhook": 2, "email": 1}},
			"a busy channel":  {store.Claim{Limit: 10, NotChannels: []uuid.UUID{flood.ID, uuid.New()}}, map[string]int{"email": 1}},
			"a busy owner": {store.Claim{Limit: 10, NotOwners: []store.OwnerKind{{Owner: a.User.ID, Kind: "webhook"},
				{Owner: uuid.New(), Kind: "email"}}}, map[string]int{"email": 1}},
			"a busy kind": {store.Claim{Limit: 10, NotKinds: []string{"email", "po"}}, map[string]int{"webhook": 6}},
		} {
			for _, test.claim.Calm = range []bool{false, true} {
				diff := cmp.Diff(test.want, count(test.claim))
				if diff != "" {
					t.Errorf("%s, calm %v (-want +got):\n%s", name, test.claim.Calm, diff)
				}
			}
		}
	})
}

// A claim costs more than to ask whether there is anything to claim, so only the
// end of a delivery that another has waited for calls for one.
func TestTheEndOfADeliveryWakesOnlyForTheNextInLine(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		calls := listen(t, s)
		down := []monitor.PingKind{monitor.PingFail}
		downAndUp := []monitor.PingKind{monitor.PingFail, monitor.PingSuccess}
		for _, test := range []struct {
			what    string
			signals []monitor.PingKind
			outcome store.Outcome
			wakes   bool
		}{
			{"sent, nothing waits", down, store.Outcome{Verdict: store.Sent, Tried: true}, false},
			{"sent, the up has waited for the down", downAndUp, store.Outcome{Verdict: store.Sent, Tried: true}, true},
			{"to be tried again, the up waits on", downAndUp, store.Outcome{Verdict: store.Retry, NextTry: s.Now().Add(time.Hour), Tried: true},
				false},
			{"given up, the up may go", downAndUp, store.Outcome{Verdict: store.Failed, Tried: true}, true},
			{"not wanted, the up may go", downAndUp, store.Outcome{Verdict: store.Unwanted}, true},
		} {
			c := monitor.NewCheck(a.Project.ID, s.Now())
			if err := s.CreateCheck(t.Context(), &c, store.Channels{IDs: []uuid.UUID{a.Channel.ID}}); err != nil {
				t.Fatal(err)
			}
			for _, kind := range test.signals {
				clock.Advance(time.Second)
				signal(t, s, &c, kind)
			}
			got := claimDeliveries(t, s, store.Claim{Limit: 10})
			if len(got) != 1 {
				t.Fatalf("%s: %d claimed, want one at a time", test.what, len(got))
			}
			woke := calls.by(func() {
				if !finish(t, s, got[0], test.outcome) {
					t.Fatalf("%s: the outcome did not count", test.what)
				}
			})
			_, err := s.DeleteCheck(t.Context(), c.Code)
			if err != nil {
				t.Fatal(err)
			}
			if woke != test.wakes {
				t.Errorf("%s: woke %v, want %v", test.what, woke, test.wakes)
			}
		}
	})
}

// calls hears calls for deliveries, and tells those of this process from those that
// come by way of the database. For that it hears calls about emails too: only the
// mark of settle is one.
type calls struct {
	testing.TB
	d                  *db.DB
	deliveries, emails <-chan struct{}
}

func listen(tb testing.TB, s *store.Store) *calls {
	c := &calls{TB: tb, d: s.DB(), deliveries: s.DB().Watch(tb.Context(), db.TopicDeliveries),
		emails: s.DB().Watch(tb.Context(), db.TopicEmails)}
	// pings are the last it listens to
	if c.d.Engine == db.Postgres {
		pings := c.d.Watch(tb.Context(), db.TopicPings)
		c.wait("the listening to begin", pings, func() { c.notify(db.TopicPings) })
	}
	return c
}

// by tells whether do has called those who wait for deliveries.
func (c *calls) by(do func()) bool {
	c.settle()
	do()
	if heard(c.emails) {
		c.Error("a call about everything: a process takes itself for another one")
	}
	return heard(c.deliveries)
}

// settle takes the calls from before. Those of PostgreSQL come in the order of
// their commits: when the mark is there, so are they.
func (c *calls) settle() {
	if c.d.Engine == db.Postgres {
		c.notify(db.TopicEmails)
		c.wait("the mark", c.emails, func() {})
	}
	// waits until a call that has reached some has reached all
	c.d.WakeLocal("nobody")
	heard(c.deliveries)
}

func (c *calls) notify(topic db.Topic) {
	_, err := c.d.Exec(c.Context(), db.NotifySQL(topic))
	if err != nil {
		c.Fatal(err)
	}
}

// wait waits for a call, asking for it again and again.
func (c *calls) wait(what string, call <-chan struct{}, ask func()) {
	c.Helper()
	deadline := time.After(20 * time.Second)
	for {
		ask()
		select {
		case <-call:
			return
		case <-deadline:
			c.Fatalf("waited too long for %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func heard(call <-chan struct{}) bool {
	select {
	case <-call:
		return true
	default:
		return false
	}
}

func TestATestNotificationReplacesTheLast(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		for _, text := range []string{"no answer", ""} {
			err := s.RecordTest(t.Context(), a.Channel.ID, uuid.New(),
				store.ChannelOutcome{At: clock.Advance(time.Minute), Latency: 30 * time.Millisecond, Error: text})
			if err != nil {
				t.Fatal(err)
			}
			h, err := s.ChannelByID(t.Context(), a.Channel.ID)
			if err != nil || h.LastError != text || !h.LastNotifyAt.Equal(clock.Now()) {
				t.Errorf("channel after a test: %+v, %v", h, err)
			}
			failed, err := s.FailedDeliveries(t.Context(), "", 10, 0)
			if err != nil || (len(failed) == 1) != (text != "") {
				t.Errorf("%d failed tests kept, %v", len(failed), err)
			}
		}
	})
}

func TestWhatWaitsForADestinationComesWhenItWorksAgain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		signal(t, s, a.Check, monitor.PingFail)
		d := claimDeliveries(t, s, store.Claim{})[0]
		later := s.Now().Add(4 * time.Hour)
		if !finish(t, s, d, store.Outcome{Verdict: store.Retry, NextTry: later, WaitsFor: "webhook example.org", Tried: true}) {
			t.Fatal("the outcome did not count")
		}
		due := func(name string) int {
			t.Helper()
			n, err := s.DeliveriesDue(t.Context(), []string{name})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		n := due("webhook example.com")
		if n != 0 || len(claimDeliveries(t, s, store.Claim{})) != 0 {
			t.Fatalf("%d are due, because another destination works", n)
		}
		if n := due("webhook example.org"); n != 1 {
			t.Fatalf("%d are due, want 1", n)
		}
		again := claimDeliveries(t, s, store.Claim{})
		if len(again) != 1 || again[0].ID != d.ID || again[0].Attempts != 2 {
			t.Fatalf("claimed %+v", again)
		}
		if n := due("webhook example.org"); n != 0 {
			t.Errorf("%d are due while they are being made", n)
		}
		// One that is being made at its own time is left alone.
		if !finish(t, s, again[0], store.Outcome{Verdict: store.Retry, NextTry: later, WaitsFor: "webhook example.org", Tried: true}) {
			t.Fatal("the outcome did not count")
		}
		clock.Advance(4 * time.Hour)
		later = s.Now().Add(4 * time.Hour)
		again = claimDeliveries(t, s, store.Claim{})
		if n := due("webhook example.org"); len(again) != 1 || n != 0 {
			t.Errorf("%d claimed, %d are due while they are being made", len(again), n)
		}
		// A failure of the delivery itself waits for nothing.
		finish(t, s, again[0], store.Outcome{Verdict: store.Retry, NextTry: later, Tried: true})
		if n := due("webhook example.org") + due(""); n != 0 {
			t.Errorf("%d are due that wait for no destination", n)
		}
	})
}
