package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestAListOfChecksHasWhatRowsShow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		signal(t, s, a.Check, monitor.PingStart)
		clock.Advance(time.Minute)
		signal(t, s, a.Check, monitor.PingSuccess)
		addCheck(t, s, a.Project.ID, "second", "second")
		whole := mustChecks(t, s, a.Project.ID)
		// what a row has no place for
		for i := range whole {
			c := &whole[i]
			c.BadgeKey = uuid.Nil
			c.Description = ""
			c.CreatedAt = time.Time{}
			c.Filter = monitor.Filter{}
			c.ManualResume = false
			c.NPings = 0
			c.LastStartRID = uuid.NullUUID{}
			c.ScheduleError = ""
			c.WatchAt = time.Time{}
		}
		got, err := s.CheckList(t.Context(), a.Project.ID)
		diff := cmp.Diff(whole, got)
		if err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

func TestManyChecksAreChangedAtOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		second := addCheck(t, s, a.Project.ID, "second", "")
		ids := []int64{second.ID, other.Check.ID, a.Check.ID, second.ID, 999999}
		n, err := s.UpdateChecks(t.Context(), a.Project.ID, ids, func(c *store.CheckChange) bool {
			if c.ID == a.Check.ID {
				c.Name = "not stored"
				return false
			}
			c.Flip = monitor.Pause(c.Check, c.Now)
			return true
		})
		if n != 1 || err != nil {
			t.Errorf("%d changed, %v; want 1", n, err)
		}
		got := load(t, s, second)
		if got.Status != monitor.StatusPaused || count(t, s, "flips", "check_id = $1", second.ID) != 1 {
			t.Errorf("%+v", got)
		}
		for _, c := range []*monitor.Check{a.Check, other.Check} {
			got := load(t, s, c)
			if got.Status == monitor.StatusPaused || got.Name != c.Name {
				t.Errorf("was not to change: %+v", got)
			}
		}
		if n, err := s.DeleteChecks(t.Context(), a.Project.ID, ids); n != 2 || err != nil {
			t.Errorf("%d deleted, %v; want 2", n, err)
		}
		checks := mustChecks(t, s, other.Project.ID)
		if len(checks) != 1 {
			t.Errorf("a foreign check is gone: %v", checks)
		}
	})
}

func TestChannelsAreSwitchedForManyChecks(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		clock.Advance(time.Minute)
		second := addCheck(t, s, a.Project.ID, "second", "")
		checks := []int64{a.Check.ID, second.ID, other.Check.ID}
		channels := []uuid.UUID{a.Channel.ID, other.Channel.ID}
		for _, step := range []struct {
			on   bool
			want []int64
			left int
		}{{false, []int64{a.Check.ID}, 0}, {false, nil, 0}, {true, []int64{a.Check.ID, second.ID}, 1}, {true, nil, 1}} {
			if step.left == 0 && len(watchedThrough(t, s, second)) > 0 {
				step.want = append(step.want, second.ID)
			}
			got, err := s.AssignChannels(t.Context(), a.Project.ID, checks, channels, step.on)
			changed := slices.Sorted(slices.Values(got[a.Channel.ID]))
			diff := cmp.Diff(step.want, changed)
			if err != nil || diff != "" || len(got[other.Channel.ID]) != 0 {
				t.Errorf("switched %v: %v, %v (-want +got):\n%s", step.on, got, err, diff)
			}
			n := len(watchedThrough(t, s, a.Check))
			if n != step.left {
				t.Errorf("%d channels, want %d", n, step.left)
			}
			if n := len(watchedThrough(t, s, other.Check)); n != 1 {
				t.Errorf("a foreign check has %d channels", n)
			}
		}
	})
}
