package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestACheckIsFoundByItsPublicName(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		mine := testdb.Account(t, s)
		theirs := testdb.Account(t, s, "other@example.org")
		key := monitor.UniqueKey(mine.Check.Code)
		got, err := s.CheckByUniqueKey(t.Context(), key, theirs.Project.ID, mine.Project.ID)
		if err != nil || got.ID != mine.Check.ID {
			t.Errorf("among my projects: %+v, %v", got, err)
		}
		got, err = s.AnyCheckByUniqueKey(t.Context(), key)
		if err != nil || got.ID != mine.Check.ID {
			t.Errorf("among all: %+v, %v", got, err)
		}
		for _, projects := range [][]uuid.UUID{nil, {theirs.Project.ID}} {
			_, err := s.CheckByUniqueKey(t.Context(), key, projects...)
			if errs.KindOf(err) != errs.NotFound {
				t.Errorf("in %v: %v, want not found", projects, err)
			}
		}
	})
}

func TestASilentFlipNotifiesNobody(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		if err := s.RecordPings(t.Context(), []*store.Arrival{arrival(s, a.Check.Code, monitor.PingSuccess)}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(3 * time.Hour)
		c, err := s.UpdateCheck(t.Context(), a.Check.Code, func(c *store.CheckChange) error {
			c.Timeout = time.Minute
			c.Grace = time.Minute
			c.Flip = monitor.Rescheduled(c.Check, c.Now)
			c.Silent = true
			return nil
		})
		if err != nil || c.Status != monitor.StatusDown {
			t.Fatalf("after the edit: %+v, %v", c, err)
		}
		flips, err := s.Flips(t.Context(), c.ID, store.FlipFilter{})
		if err != nil || len(flips) != 2 || flips[0].New != monitor.StatusDown || !flips[0].CreatedAt.Equal(clock.Now()) {
			t.Errorf("flips: %+v, %v", flips, err)
		}
		var deliveries int
		if err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM deliveries`).Scan(&deliveries); err != nil || deliveries != 0 {
			t.Errorf("%d deliveries, %v; want none", deliveries, err)
		}
	})
}
