package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func full(err error) bool { return errors.Is(err, store.ErrCap) && errs.KindOf(err) == errs.Conflict }

func TestCapsOfAnOwner(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		b := testdb.Account(t, s, "b@example.org")
		c := testdb.Account(t, s, "c@example.org")
		s.SetCaps(store.Caps{Projects: 2, Channels: 3, Members: 1})
		channel := func() *monitor.Channel { return &monitor.Channel{Kind: "webhook", Config: "{}", Verified: true} }
		second := &monitor.Project{OwnerID: a.User.ID, Name: "second"}
		if err := s.CreateProject(t.Context(), second, channel()); err != nil {
			t.Fatal(err)
		}
		third := &monitor.Project{OwnerID: a.User.ID, Name: "third"}
		if err := s.CreateProject(t.Context(), third); !full(err) || errs.Message(err) != "The limit on projects is reached: 2 per account." {
			t.Errorf("a third project: %v", err)
		}
		ch := channel()
		ch.ProjectID = second.ID
		if err := s.CreateChannel(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
		ch = channel()
		ch.ProjectID = a.Project.ID
		if err := s.CreateChannel(t.Context(), ch); !full(err) {
			t.Errorf("a fourth channel: %v", err)
		}
		if err := s.AddMember(t.Context(), a.Project.ID, b.User.ID, monitor.RoleMember); err != nil {
			t.Fatal(err)
		}
		if err := s.AddMember(t.Context(), second.ID, b.User.ID, monitor.RoleMember); !full(err) {
			t.Errorf("a second membership: %v", err)
		}
		// Whoever takes a project over needs room for it.
		if err := s.OfferTransfer(t.Context(), a.Project.ID, b.User.ID); err != nil {
			t.Fatal(err)
		}
		s.SetCaps(store.Caps{Projects: 1})
		if err := s.AcceptTransfer(t.Context(), a.Project.ID, b.User.ID); !full(err) {
			t.Errorf("taken over: %v", err)
		}
		// Who has more keeps it: nothing but new things is refused.
		projects, err := s.ProjectsOf(t.Context(), a.User.ID)
		if err != nil || len(projects) != 2 {
			t.Errorf("%d projects, %v", len(projects), err)
		}
		s.SetCaps(store.Caps{Projects: 2, Channels: 2, Members: 1})
		if err := s.AcceptTransfer(t.Context(), a.Project.ID, b.User.ID); err != nil {
			t.Errorf("with room for it: %v", err)
		}
		_ = c
	})
}

// Two at once do not both get the last place.
func TestTheLastPlaceIsOnes(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		for round := range 10 {
			s.SetCaps(store.Caps{Projects: 2 + round})
			var made atomic.Int32
			start := make(chan struct{})
			var all sync.WaitGroup
			for range 12 {
				all.Go(func() {
					<-start
					if s.CreateProject(t.Context(), &monitor.Project{OwnerID: a.User.ID, Name: "x"}) == nil {
						made.Add(1)
					}
				})
			}
			close(start)
			all.Wait()
			if made.Load() != 1 {
				t.Fatalf("round %d: %d made, want 1", round, made.Load())
			}
		}
	})
}
