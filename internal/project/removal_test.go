package project_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
)

func TestAClosedAccountLeavesNoRateLimits(t *testing.T) {
	each(t, func(b *bench) {
		t := b.T
		s := b.Store
		a := testdb.Account(t, s)
		member := testdb.Account(t, s, "member@example.org")
		if err := s.AddMember(t.Context(), a.Project.ID, member.User.ID, monitor.RoleReadonly); err != nil {
			t.Fatal(err)
		}
		_, _ = b.Auth.LoginByPassword(t.Context(), a.User.Email, "wrong", auth.Origin{IP: "192.0.2.1"})
		if err := b.Auth.BeginEmailChange(t.Context(), a.User, "new@example.org"); err != nil {
			t.Fatal(err)
		}
		count := func() (n int) {
			t.Helper()
			const query = `SELECT count(*) FROM rate_limits WHERE key LIKE 'password-address:%' OR key LIKE 'email-change:%'`
			if err := s.DB().QueryRow(t.Context(), query).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if count() != 2 {
			t.Fatalf("%d rate limits", count())
		}
		if err := b.CloseAccount(t.Context(), a.User, a.User); err != nil {
			t.Fatal(err)
		}
		n := count()
		if n != 0 {
			t.Errorf("%d rate limits are left", n)
		}
		if !slices.Equal(b.stored, []string{"member@example.org"}) || b.removed[0].By != "owner@example.org" {
			t.Errorf("mailed: %q, %+v", b.stored, b.removed)
		}
		if err := b.CloseAccount(t.Context(), a.User, nil); errs.KindOf(err) != errs.NotFound {
			t.Errorf("twice: %v", err)
		}
	})
}

// The members of a project that goes learn of it, with what has gone; those of
// other projects do not.
func TestMembersAreNotifiedOfARemovedProject(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		other, err := b.Add(b.Context(), a.User, "Other")
		if err != nil {
			b.Fatal(err)
		}
		member := testdb.Account(b.T, b.Store, "member@example.org")
		bystander := testdb.Account(b.T, b.Store, "bystander@example.org")
		for p, user := range map[*monitor.Project]*monitor.User{a.Project: member.User, other: bystander.User} {
			if err := b.Store.AddMember(b.Context(), p.ID, user.ID, monitor.RoleMember); err != nil {
				b.Fatal(err)
			}
		}
		if err := b.Remove(b.Context(), a.Project, a.User); err != nil {
			b.Fatal(err)
		}
		want := []mail.Removed{{
			To:      "member@example.org",
			Project: a.Project.Title(),
			Owner:   a.User.Email,
			By:      a.User.Email,
			Checks:  1,
			Link:    "https://example.org/punctual/",
		}}
		diff := cmp.Diff(want, b.removed)
		if diff != "" {
			b.Errorf("(-want +got):\n%s", diff)
		}
		if _, err := b.Store.ProjectByID(b.Context(), other.ID); err != nil {
			b.Errorf("the other project: %v", err)
		}
		kindIs(b.T, b.Remove(b.Context(), a.Project, a.User), errs.NotFound, "")
		if len(b.stored) != 1 {
			b.Errorf("mails were stored for %q", b.stored)
		}
	})
}

// Without the mails nothing is removed: all of it, or nothing.
func TestNothingIsRemovedWithoutItsMails(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		member := testdb.Account(b.T, b.Store, "member@example.org")
		if err := b.Store.AddMember(b.Context(), a.Project.ID, member.User.ID, monitor.RoleMember); err != nil {
			b.Fatal(err)
		}
		b.fails = errMail
		if err := b.CloseAccount(b.Context(), a.User, a.User); !errors.Is(err, errMail) {
			b.Errorf("closing: %v", err)
		}
		if err := b.Remove(b.Context(), a.Project, a.User); !errors.Is(err, errMail) {
			b.Errorf("removing: %v", err)
		}
		_, err := b.Store.CheckByCode(b.Context(), a.Check.Code)
		if err != nil || len(b.stored) != 0 {
			b.Errorf("the check: %v; mails to %q", err, b.stored)
		}
		b.Mails.Removed = nil
		if err := b.CloseAccount(b.Context(), a.User, nil); err != nil {
			b.Errorf("where nobody is mailed: %v", err)
		}
	})
}

// An operator closes an account: the mail says so by naming nobody.
func TestAnOperatorClosesAnAccount(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		member := testdb.Account(b.T, b.Store, "member@example.org")
		if err := b.Store.AddMember(b.Context(), a.Project.ID, member.User.ID, monitor.RoleMember); err != nil {
			b.Fatal(err)
		}
		if err := b.CloseAccount(b.Context(), a.User, nil); err != nil {
			b.Fatal(err)
		}
		if len(b.removed) != 1 || b.removed[0].By != "" || !b.removed[0].Closed {
			b.Errorf("told: %+v", b.removed)
		}
	})
}
