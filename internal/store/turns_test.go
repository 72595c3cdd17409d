package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"punctual/internal/errs"
	"punctual/internal/limit"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// holdLists keeps n lists of the account's project from ending until release is
// called. It returns when all of them hold their connection.
func holdLists(t *testing.T, s *store.Store, a store.Account, n int) (release func()) {
	t.Helper()
	hold := make(chan struct{})
	reading := make(chan struct{}, n)
	var lists sync.WaitGroup
	for range n {
		lists.Go(func() {
			err := s.EachCheckObject(t.Context(), a.Project.ID, func(*monitor.Check) {
				reading <- struct{}{}
				<-hold
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for range n {
		<-reading
	}
	return func() {
		close(hold)
		lists.Wait()
	}
}

// Whoever asks for lists of one project again and again has two connections, not
// all of them.
func TestLongReadsOfAProjectLeaveRoomToOthers(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		s.SetTurns(limit.NewShared[string](2, 3, 0))
		mine := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		third := testdb.Account(t, s, "third@example.org")
		release := holdLists(t, s, mine, 2)
		for name, read := range map[string]func(a store.Account) error{
			"CheckList":   func(a store.Account) error { _, err := s.CheckList(t.Context(), a.Project.ID); return err },
			"Assignments": func(a store.Account) error { _, err := s.Assignments(t.Context(), a.Project.ID); return err },
			"TagsOf":      func(a store.Account) error { _, err := s.TagsOf(t.Context(), a.Project.ID); return err },
			"MetricsOf":   func(a store.Account) error { _, err := s.MetricsOf(t.Context(), a.Project.ID); return err },
		} {
			err := read(mine)
			if errs.KindOf(err) != errs.Unavailable || errs.RetryAfterOf(err) < time.Second {
				t.Errorf("%s as the third of a project: %v", name, err)
			}
			if err := read(other); err != nil {
				t.Errorf("%s of another project: %v", name, err)
			}
		}
		releaseOther := holdLists(t, s, other, 1)
		_, err := s.StatusCounts(t.Context(), third.Project.BadgeKey)
		if errs.KindOf(err) != errs.Unavailable {
			t.Errorf("with as many as there may be of all projects: %v", err)
		}
		releaseOther()
		release()
		if _, err := s.CheckList(t.Context(), mine.Project.ID); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// However many connections others hold, pings are recorded: on PostgreSQL they
// have a pool of their own, on SQLite the writing connection.
func TestPingsAreRecordedWhileAllOtherConnectionsAreTaken(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		n := s.DB().Readers()
		s.SetTurns(limit.NewShared[string](n, n, 0))
		release := holdLists(t, s, a, n)
		defer release()
		arrival := &store.Arrival{
			Code: a.Check.Code, Ping: monitor.Ping{CreatedAt: s.Now()},
			Classify: func(*monitor.Filter) monitor.PingKind { return monitor.PingSuccess },
		}
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		if err := s.RecordPings(ctx, []*store.Arrival{arrival}); err != nil || arrival.Err != nil {
			t.Errorf("%v, %v", err, arrival.Err)
		}
	})
}
