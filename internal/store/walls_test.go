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

func addWall(t *testing.T, s *store.Store, user uuid.UUID, projects ...uuid.UUID) *store.Wall {
	t.Helper()
	w := &store.Wall{UserID: user, Name: "Office"}
	for _, id := range projects {
		w.Projects = append(w.Projects, store.WallProject{ID: id})
	}
	if err := s.CreateWall(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return w
}

// A wall shows what its maker may change, as long as they may.
func TestAWallShowsWhatItsMakerMayChange(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		jane := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		if err := s.AddMember(t.Context(), other.Project.ID, jane.User.ID, monitor.RoleMember); err != nil {
			t.Fatal(err)
		}
		w := addWall(t, s, jane.User.ID, jane.Project.ID, other.Project.ID)
		shown := func() int {
			t.Helper()
			wall, checks, err := s.ShowWall(t.Context(), w.ID)
			if err != nil {
				t.Fatal(err)
			}
			for id := range checks {
				if len(wall.Projects) == 1 && id != jane.Project.ID {
					t.Errorf("checks of %s", id)
				}
			}
			return len(wall.Projects)
		}
		clock.Advance(90 * time.Second)
		n := shown()
		if n != 2 {
			t.Errorf("%d projects, want 2", n)
		}
		walls, err := s.WallsOf(t.Context(), jane.User.ID)
		if err != nil || len(walls) != 1 || len(walls[0].Projects) != 2 || !walls[0].LastShownAt.Equal(clock.Now().Truncate(time.Minute)) {
			t.Errorf("%+v, %v", walls, err)
		}
		if err := s.SetMemberRole(t.Context(), other.Project.ID, jane.User.ID, monitor.RoleReadonly); err != nil {
			t.Fatal(err)
		}
		if n := shown(); n != 1 {
			t.Errorf("%d projects for somebody who may only look, want 1", n)
		}
		if err := s.DeleteProject(t.Context(), jane.Project.ID, nil); err != nil {
			t.Fatal(err)
		}
		if n := shown(); n != 0 {
			t.Errorf("%d projects, want none", n)
		}
		jane.User.IsActive = false
		if err := testdb.PutUser(t.Context(), s, jane.User); err != nil {
			t.Fatal(err)
		}
		_, _, err = s.ShowWall(t.Context(), w.ID)
		wantKind(t, "the wall of an inactive account", err, errs.NotFound)
	})
}

func TestOnlyTheMakerRevokesAWallAndThereAreSoMany(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		jane := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		w := addWall(t, s, jane.User.ID, jane.Project.ID)
		wantKind(t, "revoked by somebody else", s.DeleteWall(t.Context(), other.User.ID, w.ID), errs.NotFound)
		if err := s.DeleteWall(t.Context(), jane.User.ID, w.ID); err != nil {
			t.Error(err)
		}
		_, _, err := s.ShowWall(t.Context(), w.ID)
		wantKind(t, "the revoked wall", err, errs.NotFound)
		for range store.MaxWalls {
			addWall(t, s, jane.User.ID)
		}
		wantKind(t, "one too many", s.CreateWall(t.Context(), &store.Wall{UserID: jane.User.ID}), errs.Conflict)
	})
}

func TestChecksSeenByAMember(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		jane := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		c := monitor.NewCheck(other.Project.ID, s.Now())
		c.Name = "Zebra_100% Run"
		c.Slug = "zebra-run"
		if err := s.CreateCheck(t.Context(), &c, store.Channels{}); err != nil {
			t.Fatal(err)
		}
		found := func(search string) int {
			t.Helper()
			rows, err := s.ChecksSeenBy(t.Context(), jane.User.ID, search, 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(rows)
		}
		n := found("zebra")
		if n != 0 {
			t.Errorf("a stranger finds %d", n)
		}
		if err := s.AddMember(t.Context(), other.Project.ID, jane.User.ID, monitor.RoleReadonly); err != nil {
			t.Fatal(err)
		}
		for search, want := range map[string]int{"ZEBRA": 1, "100%": 1, "100_": 0, "zebra-r": 1, c.Code.String(): 1, "zzz": 0} {
			n := found(search)
			if n != want {
				t.Errorf("%q finds %d, want %d", search, n, want)
			}
		}
	})
}
