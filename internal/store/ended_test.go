package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// A start that comes after the end of its own run is kept without effect by
// whichever process takes it, and also after somebody has saved the check.
func TestALateStartHasNoEffect(t *testing.T) {
	testdb.Each(t, func(t *testing.T, here *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, here)
		there := here
		if here.DB().Engine == db.Postgres {
			there = store.New(here.DB(), kinds.Address)
		}
		rid := uuid.NullUUID{UUID: uuid.New(), Valid: true}
		ping := func(s *store.Store, kind monitor.PingKind) monitor.PingKind {
			t.Helper()
			p := arrival(s, a.Check.Code, kind)
			p.Ping.RID = rid
			p.Ping.CreatedAt = clock.Now()
			if err := s.RecordPings(t.Context(), []*store.Arrival{p}); err != nil || p.Err != nil {
				t.Fatal(err, p.Err)
			}
			stored, err := here.Ping(t.Context(), a.Check.ID, p.Ping.N)
			if err != nil || stored.RID != rid {
				t.Fatal(stored, err)
			}
			return stored.Kind
		}
		ping(here, monitor.PingStart)
		ping(here, monitor.PingSuccess)
		clock.Advance(time.Minute)
		_, err := here.UpdateCheck(t.Context(), a.Check.Code, func(c *store.CheckChange) error {
			c.Check.Name = "renamed meanwhile"
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*store.Store{there, here, there} {
			kind := ping(s, monitor.PingStart)
			if kind != monitor.PingIgn {
				t.Errorf("the late start is recorded as %s", kind)
			}
		}
		c := load(t, here, a.Check)
		if c.Started() || c.Status != monitor.StatusUp || c.NPings != 5 {
			t.Errorf("%+v", c.State)
		}
		clock.Advance(a.Check.Grace)
		if got, err := here.JudgeOverdue(t.Context(), 10); err != nil || len(got.Flips) != 0 {
			t.Errorf("a false alarm: %+v, %v", got.Flips, err)
		}
		ping(there, monitor.PingSuccess)
		kind := ping(here, monitor.PingStart)
		if kind != monitor.PingStart {
			t.Errorf("the start of the next run of a job with one id is recorded as %s", kind)
		}
	})
}

// Both ways of writing it in one batch.
func TestALateStartInTheSameBatch(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		rid := uuid.NullUUID{UUID: uuid.New(), Valid: true}
		end := arrival(s, a.Check.Code, monitor.PingFail)
		start := arrival(s, a.Check.Code, monitor.PingStart)
		end.Ping.RID = rid
		start.Ping.RID = rid
		if err := s.RecordPings(t.Context(), []*store.Arrival{end, start}); err != nil || end.Err != nil || start.Err != nil {
			t.Fatal(err, end.Err, start.Err)
		}
		c := load(t, s, a.Check)
		if c.Started() || start.Ping.Kind != monitor.PingIgn {
			t.Errorf("the start is a %s: %+v", start.Ping.Kind, c.State)
		}
	})
}
