package store_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestCensus(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		testdb.Account(t, s)
		testdb.Account(t, s, "other@example.org")
		c, err := s.Census(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if c.Users != 2 || c.Projects != 2 || c.Checks[monitor.StatusNew] != 2 || len(c.Checks) != 4 {
			t.Errorf("counted %+v, want 2 users, projects and new checks, and all statuses", c)
		}
		want := (store.ChannelCount{Kind: "email", Verified: true, N: 2})
		if len(c.Channels) != 1 || c.Channels[0] != want {
			t.Errorf("channels %+v, want %+v", c.Channels, want)
		}
	})
}

func TestBacklogs(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		if b, err := s.DeliveryBacklog(t.Context()); err != nil || b.Waiting != 0 || !b.Oldest.IsZero() || !b.Due.IsZero() {
			t.Fatalf("backlog %+v, %v of an empty outbox", b, err)
		}
		a := testdb.Account(t, s)
		fail := &store.Arrival{Code: a.Check.Code, Ping: monitor.Ping{CreatedAt: clock.Now(), Kind: monitor.PingFail}}
		if err := s.RecordPings(t.Context(), []*store.Arrival{fail}); err != nil {
			t.Fatal(err)
		}
		began := clock.Now()
		clock.Advance(time.Minute)
		b, err := s.DeliveryBacklog(t.Context())
		if err != nil || b.Waiting != 1 || !b.Oldest.Equal(began) || !b.Due.Equal(began) {
			t.Errorf("backlog %+v, %v, want one delivery of %s", b, err, began)
		}
		if b, err := s.MailBacklog(t.Context()); err != nil || b.Waiting != 0 {
			t.Errorf("mail backlog %+v, %v, want none", b, err)
		}
	})
}
