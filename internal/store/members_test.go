package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMembers(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		zoe := testdb.Account(t, s, "zoe@example.org")
		bob := testdb.Account(t, s, "bob@example.org")
		for user, role := range map[uuid.UUID]monitor.Role{zoe.User.ID: monitor.RoleManager, bob.User.ID: monitor.RoleReadonly} {
			if err := s.AddMember(t.Context(), a.Project.ID, user, role); err != nil {
				t.Fatal(err)
			}
		}
		wantKind(t, "adding a member twice", s.AddMember(t.Context(), a.Project.ID, bob.User.ID, monitor.RoleMember), errs.Conflict)
		wantKind(t, "adding the owner", s.AddMember(t.Context(), a.Project.ID, a.User.ID, monitor.RoleMember), errs.Conflict)
		wantKind(t, "adding to no project", s.AddMember(t.Context(), uuid.New(), bob.User.ID, monitor.RoleMember), errs.NotFound)
		if err := s.SetMemberRole(t.Context(), a.Project.ID, bob.User.ID, monitor.RoleMember); err != nil {
			t.Error(err)
		}
		members, err := s.MembersOf(t.Context(), a.Project.ID)
		want := []store.Member{
			{UserID: bob.User.ID, Email: "bob@example.org", Role: monitor.RoleMember, Since: clock.Now()},
			{UserID: zoe.User.ID, Email: "zoe@example.org", Role: monitor.RoleManager, Since: clock.Now()},
		}
		diff := cmp.Diff(want, members)
		if diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if one, err := s.MemberOf(t.Context(), a.Project.ID, bob.User.ID); err != nil || one.Email != "bob@example.org" {
			t.Errorf("%+v, %v", one, err)
		}

		second := addProject(t, s, a.User.ID, "Second")
		if err := s.AddMember(t.Context(), second.ID, zoe.User.ID, monitor.RoleMember); err != nil {
			t.Fatal(err)
		}
		known, err := s.PeopleKnownTo(t.Context(), a.User.ID, second.ID)
		if diff := cmp.Diff([]string{"bob@example.org"}, known); diff != "" || err != nil {
			t.Errorf("known: %v\n%s", err, diff)
		}

		if err := s.RemoveMember(t.Context(), a.Project.ID, bob.User.ID); err != nil {
			t.Error(err)
		}
		if role, err := s.RoleIn(t.Context(), bob.User.ID, a.Project.ID); err != nil || role != monitor.RoleNone {
			t.Errorf("a removed member is %q, %v", role, err)
		}
		wantKind(t, "removing nobody", s.RemoveMember(t.Context(), a.Project.ID, bob.User.ID), errs.NotFound)
		wantKind(t, "changing nobody", s.SetMemberRole(t.Context(), a.Project.ID, bob.User.ID, monitor.RoleMember), errs.NotFound)
		_, err = s.MemberOf(t.Context(), a.Project.ID, bob.User.ID)
		wantKind(t, "loading nobody", err, errs.NotFound)
	})
}

func TestAProjectChangesHandsOnlyWhereItIsOffered(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		heir := testdb.Account(t, s, "heir@example.org")
		other := testdb.Account(t, s, "other@example.org")
		for _, user := range []uuid.UUID{heir.User.ID, other.User.ID} {
			if err := s.AddMember(t.Context(), a.Project.ID, user, monitor.RoleManager); err != nil {
				t.Fatal(err)
			}
		}
		offer := func(to uuid.UUID) {
			t.Helper()
			if err := s.OfferTransfer(t.Context(), a.Project.ID, to); err != nil {
				t.Fatal(err)
			}
		}
		accept := func(user uuid.UUID) error { return s.AcceptTransfer(t.Context(), a.Project.ID, user) }

		wantKind(t, "accepting what was not offered", accept(heir.User.ID), errs.Conflict)
		wantKind(t, "offering to somebody else", s.OfferTransfer(t.Context(), a.Project.ID, uuid.New()), errs.NotFound)
		offer(heir.User.ID)
		if row, err := s.ProjectOf(t.Context(), heir.User.ID, a.Project.ID); err != nil || !row.Offered {
			t.Errorf("offered %+v, %v", row, err)
		}
		if err := s.CancelTransfer(t.Context(), a.Project.ID); err != nil {
			t.Fatal(err)
		}
		wantKind(t, "accepting what was cancelled", accept(heir.User.ID), errs.Conflict)

		offer(heir.User.ID)
		offer(other.User.ID)
		wantKind(t, "accepting what is offered to another one by now", accept(heir.User.ID), errs.Conflict)
		if _, err := s.ChangeUser(t.Context(), other.User.ID, func(u *monitor.User) error { u.CheckLimit = 1; return nil }); err != nil {
			t.Fatal(err)
		}
		wantKind(t, "accepting without room", accept(other.User.ID), errs.Conflict)
		role, _ := s.RoleIn(t.Context(), other.User.ID, a.Project.ID)
		if role != monitor.RoleManager {
			t.Errorf("after a refusal the member is %q", role)
		}

		offer(heir.User.ID)
		stale, err := s.ProjectByID(t.Context(), a.Project.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := accept(heir.User.ID); err != nil {
			t.Fatal(err)
		}
		// somebody who has loaded it before
		if err := testdb.PutProject(t.Context(), s, stale); err != nil {
			t.Fatal(err)
		}
		for user, want := range map[uuid.UUID]monitor.Role{heir.User.ID: monitor.RoleOwner, a.User.ID: monitor.RoleMember,
			other.User.ID: monitor.RoleManager} {
			role, err := s.RoleIn(t.Context(), user, a.Project.ID)
			if err != nil || role != want {
				t.Errorf("role %q, want %q, %v", role, want, err)
			}
		}
	})
}

func TestAChangeOfAUserLeavesTheRestAsItIs(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		set := func(change func(*monitor.User)) {
			t.Helper()
			_, err := s.ChangeUser(t.Context(), a.User.ID, func(u *monitor.User) error { change(u); return nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		set(func(u *monitor.User) { u.IsActive = false })
		set(func(u *monitor.User) { u.Theme = "dark" })
		if u, err := s.UserByID(t.Context(), a.User.ID); err != nil || u.IsActive || u.Theme != "dark" {
			t.Errorf("%+v, %v", u, err)
		}
		_, err := s.ChangeUser(t.Context(), a.User.ID, func(u *monitor.User) error { u.Theme = "light"; return errs.Forbiddenf("no") })
		wantKind(t, "a change that fails", err, errs.Forbidden)
		u, _ := s.UserByID(t.Context(), a.User.ID)
		if u.Theme != "dark" {
			t.Error("a change that failed was stored")
		}
		_, err = s.ChangeUser(t.Context(), uuid.New(), func(*monitor.User) error { return nil })
		wantKind(t, "changing nobody", err, errs.NotFound)
		_, err = s.ChangeProject(t.Context(), uuid.New(), func(*monitor.Project) error { return nil })
		wantKind(t, "changing no project", err, errs.NotFound)
		p, err := s.ChangeProject(t.Context(), a.Project.ID, func(p *monitor.Project) error { p.Name = "New"; return nil })
		stored, _ := s.ProjectByID(t.Context(), a.Project.ID)
		if err != nil || p.Name != "New" || stored.Name != "New" || stored.PingKey != a.Project.PingKey {
			t.Errorf("%+v, %v", stored, err)
		}
	})
}

func TestAnAddressChangesWhenBothHaveAgreed(t *testing.T) {
	for _, oldFirst := range []bool{true, false} {
		testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
			a := testdb.Account(t, s)
			e := begin(t, s, a.User.ID, "new@example.org")
			if err := s.CreateLoginToken(t.Context(), []byte("old link"), a.User.ID, s.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			for i, old := range []bool{oldFirst, oldFirst, !oldFirst} {
				done, err := s.AgreeToEmailChange(t.Context(), a.User.ID, e.ID, old, nil)
				if err != nil || done != (i == 2) {
					t.Fatalf("step %d: %t, %v", i, done, err)
				}
			}
			if u, err := s.UserByID(t.Context(), a.User.ID); err != nil || u.Email != "new@example.org" {
				t.Errorf("%+v, %v", u, err)
			}
			n := count(t, s, "login_tokens", "user_id = $1", a.User.ID)
			if n != 0 {
				t.Error("a link mailed to the old address still works")
			}
			_, err := s.AgreeToEmailChange(t.Context(), a.User.ID, e.ID, true, nil)
			wantKind(t, "agreeing again", err, errs.NotFound)
		})
	}
}

func begin(t *testing.T, s *store.Store, user uuid.UUID, email string) *store.EmailChange {
	t.Helper()
	e := &store.EmailChange{UserID: user, Email: email, ExpiresAt: s.Now().Add(time.Hour)}
	if err := s.BeginEmailChange(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestChangesOfAnAddressThatCannotBe(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		agree := func(e *store.EmailChange, old bool) error {
			_, err := s.AgreeToEmailChange(t.Context(), a.User.ID, e.ID, old, nil)
			return err
		}
		first := begin(t, s, a.User.ID, "first@example.org")
		second := begin(t, s, a.User.ID, "second@example.org")
		wantKind(t, "agreeing to one that was replaced", agree(first, true), errs.NotFound)
		if e, err := s.EmailChangeOf(t.Context(), a.User.ID); err != nil || e.Email != "second@example.org" || e.OldAgreed {
			t.Errorf("%+v, %v", e, err)
		}
		if err := agree(second, true); err != nil {
			t.Fatal(err)
		}
		testdb.Account(t, s, "second@example.org")
		wantKind(t, "taking somebody's address", agree(second, false), errs.Conflict)

		if err := s.CancelEmailChange(t.Context(), a.User.ID); err != nil {
			t.Fatal(err)
		}
		wantKind(t, "agreeing to one that was cancelled", agree(second, false), errs.NotFound)
		third := begin(t, s, a.User.ID, "third@example.org")
		clock.Advance(2 * time.Hour)
		wantKind(t, "agreeing too late", agree(third, true), errs.NotFound)
		_, err := s.EmailChangeOf(t.Context(), a.User.ID)
		wantKind(t, "one that has expired", err, errs.NotFound)
	})
}

// An invitation takes the place of an earlier one of the same address only: to end
// those of other projects, it would need these locked.
func TestAnInvitationLeavesOthersAlone(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		b := testdb.Account(t, s, "b@example.org")
		invite := func(by store.Account, address string) {
			t.Helper()
			v := store.Invitation{ProjectID: by.Project.ID, Email: address, Role: monitor.RoleMember, By: by.User.ID,
				ExpiresAt: s.Now().Add(time.Hour)}
			if err := s.Invite(t.Context(), &v, []byte(address)); err != nil {
				t.Fatal(err)
			}
		}
		stored := func(want int) {
			t.Helper()
			var n int
			if err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM invitations`).Scan(&n); err != nil || n != want {
				t.Errorf("%d invitations are stored, %v; want %d", n, err, want)
			}
		}
		invite(a, "x@example.org")
		invite(b, "x@example.org")
		clock.Advance(2 * time.Hour)
		invite(a, "y@example.org")
		stored(3)
		invite(a, "x@example.org")
		stored(3)
		list, err := s.InvitationsOf(t.Context(), a.Project.ID)
		if err != nil || len(list) != 2 {
			t.Errorf("%d invitations wait, %v; want 2", len(list), err)
		}
	})
}
