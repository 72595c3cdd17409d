package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// An account may come back between the look and the deletion.
func TestAnAccountThatCameBackIsNotPruned(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		clock.Advance(31 * 24 * time.Hour)
		before := clock.Now().Add(-30 * 24 * time.Hour)
		users, err := s.StaleUsers(t.Context(), before, uuid.Nil, 10)
		if err != nil || len(users) != 1 || users[0].Email != a.User.Email {
			t.Fatalf("stale users %+v, %v", users, err)
		}
		if err := s.NoteLogin(t.Context(), a.User.ID); err != nil {
			t.Fatal(err)
		}
		if gone, err := s.DeleteStaleUser(t.Context(), before, &users[0]); gone || err != nil {
			t.Errorf("deleted: %v, %v", gone, err)
		}
		if _, err := s.CheckByCode(t.Context(), a.Check.Code); err != nil {
			t.Error(err)
		}
	})
}

func TestStaleRowsGoInBatches(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		for range 5 {
			c := monitor.NewCheck(uuid.Nil, s.Now())
			if err := s.CreateCheck(t.Context(), &c, store.Channels{}); err != nil {
				t.Fatal(err)
			}
			signal(t, s, &c, monitor.PingSuccess)
		}
		clock.Advance(time.Hour)
		stale := s.StaleChecks(clock.Now())
		for _, want := range []int64{2, 2, 1, 0} {
			n, err := s.DeleteStale(t.Context(), stale, 2)
			if err != nil || n != want {
				t.Errorf("%d deleted, %v; want %d", n, err, want)
			}
		}
		n, err := s.CountStale(t.Context(), stale)
		if err != nil || n != 0 {
			t.Errorf("%d left, %v", n, err)
		}
		var pings int
		if err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM pings`).Scan(&pings); err != nil || pings != 0 {
			t.Errorf("%d pings outlive their checks, %v", pings, err)
		}
	})
}

// Who looked at an account before another warning was mailed does not remove it:
// the new warning gives its owner time anew.
func TestAnAccountWarnedAnewIsNotPrunedForTheOldWarning(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		clock.Advance(31 * 24 * time.Hour)
		before := clock.Now().Add(-30 * 24 * time.Hour)
		look := func() *store.StaleUser {
			users, err := s.StaleUsers(t.Context(), before, uuid.Nil, 10)
			if err != nil || len(users) != 1 {
				t.Fatalf("stale users %+v, %v", users, err)
			}
			return &users[0]
		}
		warn := func(u *store.StaleUser) {
			mail := &monitor.Email{MessageID: uuid.NewString(), Kind: "removal", To: a.User.Email, Subject: "Your account", Text: "It goes."}
			warned, err := s.WarnStaleUser(t.Context(), before, u, mail)
			if err != nil || !warned {
				t.Fatal(warned, err)
			}
		}
		warn(look())
		old := look()
		warn(old)
		gone, err := s.DeleteStaleUser(t.Context(), before, old)
		if gone || err != nil {
			t.Errorf("deleted for the old warning: %v, %v", gone, err)
		}
		if gone, err := s.DeleteStaleUser(t.Context(), before, look()); !gone || err != nil {
			t.Errorf("deleted for the new one: %v, %v", gone, err)
		}
	})
}

// A flip stays as long as somebody is yet to be told of it, however old it is: its
// deliveries go with it.
func TestAFlipStaysUntilItIsSent(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		signal(t, s, a.Check, monitor.PingFail)
		clock.Advance(monitor.FlipsKept + time.Hour)
		_, err := s.DB().Exec(t.Context(), `DELETE FROM pings`)
		if err != nil {
			t.Fatal(err)
		}
		stale := func() (n int64) {
			for _, v := range s.StaleHistory(0, a.Check.ID) {
				if v.Name != "flips" {
					continue
				}
				var err error
				n, err = s.CountStale(t.Context(), v)
				if err != nil {
					t.Fatal(err)
				}
			}
			return n
		}
		n := stale()
		if n != 0 {
			t.Errorf("%d flips would go with their pending deliveries", n)
		}
		if _, err := s.DB().Exec(t.Context(), `UPDATE deliveries SET status = 'failed'`); err != nil {
			t.Fatal(err)
		}
		if n := stale(); n == 0 {
			t.Error("a flip that has been told stays")
		}
	})
}
