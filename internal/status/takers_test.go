package status_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestThereIsSomebodyWhoTakesPings(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		takers := status.Takers(func(context.Context) (*store.Store, error) { return s, nil })
		newTaker := func(role, host string, ways monitor.Ways) *monitor.Taker {
			return &monitor.Taker{ID: uuid.New(), Role: role, Host: host, Place: host, Ways: ways, BeganAt: clock.Now()}
		}
		sign := func(taker *monitor.Taker, mark time.Time) {
			t.Helper()
			if err := s.SignTaker(t.Context(), taker, store.Sign{Mark: mark}); err != nil {
				t.Fatal(err)
			}
		}
		n := func(name string, value any) status.Field { return status.Field{Name: name, Value: value} }
		want(t, takers, status.OK, "no process has taken pings yet", n("takers", 0), n("mark_lag_seconds", 0.0), n("blind_seconds_24h", 0.0),
			n("unknown_runs_24h", 0))

		web := newTaker("serve", "web1", monitor.WayHTTP)
		other := newTaker("serve", "web2", monitor.WayHTTP)
		mail := newTaker("smtpd", "mx", monitor.WayMail)
		sign(web, clock.Now())
		sign(other, clock.Now())
		sign(mail, clock.Now())
		clock.Advance(3 * time.Second)
		want(t, takers, status.OK, "taking pings", n("takers", 3), n("mark_lag_seconds", 3.0))

		// it writes, but its mark stands still
		mark := clock.Now()
		clock.Advance(40 * time.Second)
		sign(web, mark)
		sign(other, clock.Now())
		sign(mail, clock.Now())
		want(t, takers, status.Warning, "the mark of serve on web1 is 40 seconds behind", n("mark_lag_seconds", 40.0))

		// it is silent, and nobody has stored that
		clock.Advance(store.TakerTimeout + time.Second)
		sign(other, clock.Now())
		sign(mail, clock.Now())
		forget := "`punctual takers forget " + web.ID.String() + "`"
		r := want(t, takers, status.Warning, "serve on web1 has been silent for 31 seconds", n("takers", 3))
		if !strings.Contains(r.Fact, forget) {
			t.Errorf("%s; want %s", r.Fact, forget)
		}
		h, err := s.Hearing(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range h.Takers {
			if h.Takers[i].ID != web.ID {
				continue
			}
			if _, err := s.TakerSilent(t.Context(), &h.Takers[i]); err != nil {
				t.Fatal(err)
			}
		}
		want(t, takers, status.Warning, "serve on web1 has been silent", n("takers", 2), n("mark_lag_seconds", 0.0), n("blind_seconds_24h", 30.0))
		if _, err := s.ForgetTaker(t.Context(), web.ID); err != nil {
			t.Fatal(err)
		}
		want(t, takers, status.OK, "taking pings", n("takers", 2))

		// one stops, the last of the others dies, and nobody has stored that yet
		if err := s.TakerStopped(t.Context(), mail, store.Sign{Mark: clock.Now()}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(2 * time.Minute)
		r = want(t, takers, status.Error, "no process has taken pings by mail for 2 minutes: start `punctual smtpd`", n("takers", 1))
		if !strings.Contains(r.Fact, "no process has taken pings by http for 2 minutes: start `punctual serve`; ") {
			t.Errorf("%s", r.Fact)
		}
		sign(other, clock.Now())
		up := newTaker("up", "mx", monitor.WayBoth)
		sign(up, clock.Now())
		want(t, takers, status.OK, "taking pings", n("takers", 2))
		clock.Advance(48 * time.Hour)
		sign(other, clock.Now())
		sign(up, clock.Now())
		want(t, takers, status.OK, "taking pings", n("takers", 2), n("blind_seconds_24h", 0.0))
	})
}

// A run that an outage of ours hid is counted.
func TestUnknownRunsAreCounted(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		takers := status.Takers(func(context.Context) (*store.Store, error) { return s, nil })
		a := testdb.Account(t, s)
		taker := &monitor.Taker{ID: uuid.New(), Role: "serve", Host: "web1", Place: "web1", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
		if err := s.SignTaker(t.Context(), taker, store.Sign{Mark: clock.Now()}); err != nil {
			t.Fatal(err)
		}
		ping := &store.Arrival{Code: a.Check.Code, Ping: monitor.Ping{CreatedAt: clock.Now(), Kind: monitor.PingSuccess}}
		if err := s.RecordPings(t.Context(), []*store.Arrival{ping}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(a.Check.Timeout)
		if err := s.TakerStopped(t.Context(), taker, store.Sign{Mark: clock.Now()}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(a.Check.Grace + time.Second)
		taker.BeganAt = clock.Now()
		if err := s.SignTaker(t.Context(), taker, store.Sign{Mark: clock.Now()}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.JudgeOverdue(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		want(t, takers, status.OK, "taking pings", status.Field{Name: "unknown_runs_24h", Value: 1},
			status.Field{Name: "blind_seconds_24h", Value: (a.Check.Grace + time.Second).Seconds()})
	})
}
