package auth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// letters are the mails about people that a bench wanted to send.
type letters struct {
	invites   []mail.Invite
	transfers []mail.Transfer
	changes   []mail.EmailChange
}

func eachWithLetters(t *testing.T, test func(b *bench, l *letters)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		l := &letters{}
		test(newBench(t, s, clock, func(c *auth.Config) {
			c.Mails = auth.Mails{
				Invite:      func(_ context.Context, v mail.Invite) error { l.invites = append(l.invites, v); return nil },
				Transfer:    func(_ context.Context, v mail.Transfer) error { l.transfers = append(l.transfers, v); return nil },
				EmailChange: func(_ context.Context, v mail.EmailChange) error { l.changes = append(l.changes, v); return nil },
			}
		}), l)
	})
}

func TestInvitingSomebodyNew(t *testing.T) {
	eachWithLetters(t, func(b *bench, l *letters) {
		a := testdb.Account(b.T, b.Store)
		guest, err := b.Invite(b.Context(), a.User, a.Project, " New@Example.net ", monitor.RoleManager)
		if err != nil {
			b.Fatal(err)
		}
		if role, _ := b.Store.RoleIn(b.Context(), guest.ID, a.Project.ID); role != monitor.RoleManager || guest.TZ != a.User.TZ {
			b.Errorf("role %q, %+v", role, guest)
		}
		if projects, _ := b.Store.ProjectsOf(b.Context(), guest.ID); len(projects) != 1 {
			b.Errorf("%d projects, want only the one of the invitation", len(projects))
		}
		v := l.invites[0]
		if v.To != "new@example.net" || v.By != a.User.Email || v.Project != a.Project.Name || v.Role != "manager" || !v.New {
			b.Errorf("%+v", v)
		}
		path, _, _ := strings.Cut(strings.TrimPrefix(v.Link, "https://example.org/punctual/accounts/check_token/"+guest.ID.String()+"/"), "/?")
		b.clock.Advance(auth.InviteLife - 1)
		if user, err := b.UseLink(b.Context(), guest.ID, path); err != nil || user.Email != "new@example.net" {
			b.Errorf("the link of %s: %v, %v", v.Link, user, err)
		}

		_, err = b.Invite(b.Context(), a.User, a.Project, "new@example.net", monitor.RoleMember)
		kindIs(b.T, err, errs.Conflict, "")
		_, err = b.Invite(b.Context(), a.User, a.Project, "nobody", monitor.RoleMember)
		kindIs(b.T, err, errs.Invalid, "email")
	})
}

func TestInvitingSomebodyKnown(t *testing.T) {
	eachWithLetters(t, func(b *bench, l *letters) {
		a, other := testdb.Account(b.T, b.Store), testdb.Account(b.T, b.Store, "known@example.net")
		if err := b.Store.NoteLogin(b.Context(), other.User.ID); err != nil {
			b.Fatal(err)
		}
		if _, err := b.Invite(b.Context(), a.User, a.Project, "known@example.net", monitor.RoleReadonly); err != nil {
			b.Fatal(err)
		}
		if v := l.invites[0]; v.New || v.Link != "https://example.org/punctual/projects/"+a.Project.ID.String()+"/checks/" {
			b.Errorf("the link must not log in: %+v", v)
		}
		_, err := b.Invite(b.Context(), a.User, a.Project, a.User.Email, monitor.RoleMember)
		kindIs(b.T, err, errs.Conflict, "")
		// Others each time: what one address gets is limited too.
		for i := range 18 {
			if _, err = b.Invite(b.Context(), a.User, a.Project, fmt.Sprintf("guest%d@example.net", i), monitor.RoleMember); err != nil {
				b.Fatal(err)
			}
		}
		_, err = b.Invite(b.Context(), a.User, a.Project, "more@example.net", monitor.RoleMember)
		kindIs(b.T, err, errs.TooMany, "")
	})
}

func TestOfferingAProject(t *testing.T) {
	eachWithLetters(t, func(b *bench, l *letters) {
		a, heir := testdb.Account(b.T, b.Store), testdb.Account(b.T, b.Store, "heir@example.net")
		_, err := b.OfferTransfer(b.Context(), a.User, a.Project, heir.User.ID)
		kindIs(b.T, err, errs.NotFound, "")
		if err := b.Store.AddMember(b.Context(), a.Project.ID, heir.User.ID, monitor.RoleMember); err != nil {
			b.Fatal(err)
		}
		if _, err := b.OfferTransfer(b.Context(), a.User, a.Project, heir.User.ID); err != nil {
			b.Fatal(err)
		}
		if len(l.transfers) != 1 || l.transfers[0].To != "heir@example.net" || l.transfers[0].By != a.User.Email {
			b.Errorf("%+v", l.transfers)
		}
	})
}

// linkTo takes the link apart that was mailed to the address.
func (l *letters) linkTo(t *testing.T, address string) auth.EmailChangeLink {
	t.Helper()
	for _, v := range l.changes {
		if v.To != address {
			continue
		}
		parts := strings.Split(strings.TrimPrefix(v.Link, "https://example.org/punctual/accounts/change_email/"), "/")
		return auth.EmailChangeLink{User: uuid.MustParse(parts[0]), Change: uuid.MustParse(parts[1]), Side: parts[2], Signature: parts[3]}
	}
	t.Fatalf("no mail to %s", address)
	return auth.EmailChangeLink{}
}

func TestChangingTheAddress(t *testing.T) {
	eachWithLetters(t, func(b *bench, l *letters) {
		a := testdb.Account(b.T, b.Store)
		before := a.User.Email
		kindIs(b.T, b.BeginEmailChange(b.Context(), a.User, strings.ToUpper(before)), errs.Invalid, "email")
		kindIs(b.T, b.BeginEmailChange(b.Context(), a.User, "x"), errs.Invalid, "email")
		if err := b.BeginEmailChange(b.Context(), a.User, "New@Example.net"); err != nil {
			b.Fatal(err)
		}
		fromOld, fromNew := l.linkTo(b.T, before), l.linkTo(b.T, "new@example.net")

		forged := fromNew
		forged.Side = auth.SideOld // the new address cannot agree for the old one
		_, err := b.AgreeToEmailChange(b.Context(), forged, auth.By{})
		kindIs(b.T, err, errs.NotFound, "")
		if done, err := b.AgreeToEmailChange(b.Context(), fromNew, auth.By{}); err != nil || done {
			b.Fatalf("after one side: %t, %v", done, err)
		}
		if done, err := b.AgreeToEmailChange(b.Context(), fromOld, auth.By{}); err != nil || !done {
			b.Fatalf("after both: %t, %v", done, err)
		}
		if u, _ := b.Store.UserByID(b.Context(), a.User.ID); u.Email != "new@example.net" {
			b.Errorf("the address is %s", u.Email)
		}
		_, err = b.EmailChange(b.Context(), fromOld)
		kindIs(b.T, err, errs.NotFound, "")
	})
}

func TestStoppingAChangeOfAddress(t *testing.T) {
	eachWithLetters(t, func(b *bench, l *letters) {
		a := testdb.Account(b.T, b.Store)
		if err := b.BeginEmailChange(b.Context(), a.User, "thief@example.net"); err != nil {
			b.Fatal(err)
		}
		if err := b.StopEmailChange(b.Context(), l.linkTo(b.T, a.User.Email)); err != nil {
			b.Fatal(err)
		}
		_, err := b.AgreeToEmailChange(b.Context(), l.linkTo(b.T, "thief@example.net"), auth.By{})
		kindIs(b.T, err, errs.NotFound, "")
	})
}

func TestPasswordsAreConfirmedSetAndRemoved(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		user := func() *monitor.User {
			u, err := b.Store.UserByID(b.Context(), a.User.ID)
			if err != nil {
				b.Fatal(err)
			}
			return u
		}
		kindIs(b.T, b.ConfirmPassword(b.Context(), user(), "", nil), errs.Invalid, "password")
		for _, bad := range []string{"short", user().Email} {
			_, err := b.SetPassword(b.Context(), user(), bad, auth.By{})
			kindIs(b.T, err, errs.Invalid, "password")
		}
		if _, err := b.SetPassword(b.Context(), user(), "correct horse", auth.By{}); err != nil {
			b.Fatal(err)
		}
		kindIs(b.T, b.ConfirmPassword(b.Context(), user(), "wrong horse", nil), errs.Invalid, "password")
		if err := b.ConfirmPassword(b.Context(), user(), "correct horse", nil); err != nil {
			b.Error(err)
		}
		if _, err := b.RemovePassword(b.Context(), user(), auth.By{}); err != nil {
			b.Fatal(err)
		}
		kindIs(b.T, b.ConfirmPassword(b.Context(), user(), "correct horse", nil), errs.Invalid, "password")
	})
}
