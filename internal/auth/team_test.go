package auth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

// openInvite is the invitation that a mail is about.
func (b *bench) openInvite(v mail.Invite) (*store.Invitation, error) {
	b.Helper()
	id, token, _ := strings.Cut(strings.TrimPrefix(v.Link, "https://example.org/punctual/invitations/"), "/")
	return b.Invitation(b.Context(), uuid.MustParse(id), strings.TrimSuffix(token, "/"))
}

// The same is done and told whether the address has an account or not.
func TestAnInvitationWaitsForItsAnswer(t *testing.T) {
	eachWithLetters(t, func(b *bench, l *letters) {
		a, known := testdb.Account(b.T, b.Store), testdb.Account(b.T, b.Store, "known@example.net")
		for _, address := range []string{" New@Example.net ", "known@example.net"} {
			if err := b.Invite(b.Context(), a.User, a.Project, address, monitor.RoleManager); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := b.Store.UserByEmail(b.Context(), "new@example.net"); errs.KindOf(err) != errs.NotFound {
			b.Errorf("an account was made before anybody accepted: %v", err)
		}
		if role, _ := b.Store.RoleIn(b.Context(), known.User.ID, a.Project.ID); role != monitor.RoleNone {
			b.Errorf("the invited person is %q before they accept", role)
		}
		for i, to := range []string{"new@example.net", "known@example.net"} {
			v := l.invites[i]
			link := v.Link
			v.Link = ""
			if diff := cmp.Diff(mail.Invite{Owned: mail.Owned{Account: a.User.ID}, To: to, Project: a.Project.Name, By: a.User.Email, Role: "manager"}, v); diff != "" {
				b.Errorf("to %s (-want +got):\n%s", to, diff)
			}
			v.Link = link
			if i, err := b.openInvite(v); err != nil || i.Email != to || i.ByEmail != a.User.Email {
				b.Errorf("%+v, %v", i, err)
			}
		}
		waiting, err := b.Store.InvitationsOf(b.Context(), a.Project.ID)
		if err != nil || len(waiting) != 2 || waiting[0].Email != "known@example.net" {
			b.Errorf("waiting: %+v, %v", waiting, err)
		}
	})
}

func TestAcceptingAnInvitation(t *testing.T) {
	eachWithLetters(t, func(b *bench, l *letters) {
		a, known, other := testdb.Account(b.T, b.Store), testdb.Account(b.T, b.Store, "known@example.net"), testdb.Account(b.T, b.Store, "other@example.net")
		if err := b.Store.NoteLogin(b.Context(), known.User.ID); err != nil {
			b.Fatal(err)
		}
		known.User.LastLoginAt = b.Store.Now()
		for _, address := range []string{"new@example.net", "known@example.net"} {
			if err := b.Invite(b.Context(), a.User, a.Project, address, monitor.RoleReadonly); err != nil {
				b.Fatal(err)
			}
		}
		i, err := b.openInvite(l.invites[0])
		if err != nil {
			b.Fatal(err)
		}
		_, err = b.AnswerInvitation(b.Context(), other.User, i.ID, true)
		kindIs(b.T, err, errs.Forbidden, "")
		guest, err := b.JoinByInvitation(b.Context(), i)
		if err != nil || guest == nil || guest.TZ != a.User.TZ {
			b.Fatal(guest, err)
		}
		if projects, _ := b.Store.ProjectsOf(b.Context(), guest.ID); len(projects) != 1 || projects[0].Role != monitor.RoleReadonly {
			b.Errorf("projects of the guest: %+v", projects)
		}
		if user, err := b.JoinByInvitation(b.Context(), i); user != nil || err != nil {
			b.Errorf("the link has logged %v in once more, %v", user, err)
		}
		_, err = b.openInvite(l.invites[0])
		kindIs(b.T, err, errs.NotFound, "")
		kindIs(b.T, b.Invite(b.Context(), a.User, a.Project, "new@example.net", monitor.RoleMember), errs.Conflict, "")

		// An account that was in use before is not opened by the link.
		i, err = b.openInvite(l.invites[1])
		if err != nil {
			b.Fatal(err)
		}
		if user, err := b.JoinByInvitation(b.Context(), i); user != nil || err != nil {
			b.Errorf("the link has logged %v in, %v", user, err)
		}
		if _, err := b.AnswerInvitation(b.Context(), known.User, i.ID, true); err != nil {
			b.Error(err)
		}
		if role, _ := b.Store.RoleIn(b.Context(), known.User.ID, a.Project.ID); role != monitor.RoleReadonly {
			b.Errorf("role %q", role)
		}
	})
}

// A link that works for a week does not open an account that is there, not even one
// that nobody has logged in to yet.
func TestAnInvitationOpensNoAccountThatIsThere(t *testing.T) {
	eachWithLetters(t, func(b *bench, l *letters) {
		a, made := testdb.Account(b.T, b.Store), testdb.Account(b.T, b.Store, "opmade@example.net")
		if err := b.Invite(b.Context(), a.User, a.Project, made.User.Email, monitor.RoleMember); err != nil {
			b.Fatal(err)
		}
		i, err := b.openInvite(l.invites[0])
		if err != nil {
			b.Fatal(err)
		}
		if user, err := b.JoinByInvitation(b.Context(), i); user != nil || err != nil {
			b.Errorf("the link has logged in %v, %v", user, err)
		}
	})
}

// Nor does it outlive the right of whoever has invited.
func TestInvitationsEndWithTheRightToInvite(t *testing.T) {
	eachWithLetters(t, func(b *bench, l *letters) {
		a := testdb.Account(b.T, b.Store)
		for name, end := range map[string]func(manager uuid.UUID) error{
			"removed": func(m uuid.UUID) error { return b.Store.RemoveMember(b.Context(), a.Project.ID, m) },
			"demoted": func(m uuid.UUID) error {
				return b.Store.SetMemberRole(b.Context(), a.Project.ID, m, monitor.RoleReadonly)
			},
		} {
			manager := testdb.Account(b.T, b.Store, name+"@example.net")
			if err := b.Store.AddMember(b.Context(), a.Project.ID, manager.User.ID, monitor.RoleManager); err != nil {
				b.Fatal(err)
			}
			if err := b.Invite(b.Context(), manager.User, a.Project, "sock@example.net", monitor.RoleManager); err != nil {
				b.Fatal(err)
			}
			if err := end(manager.User.ID); err != nil {
				b.Fatal(err)
			}
			_, err := b.openInvite(l.invites[len(l.invites)-1])
			kindIs(b.T, err, errs.NotFound, "")
		}
	})
}

func TestInvitationsEnd(t *testing.T) {
	eachWithLetters(t, func(b *bench, l *letters) {
		a := testdb.Account(b.T, b.Store)
		invite := func() *store.Invitation {
			b.Helper()
			b.clock.Advance(time.Hour)
			if err := b.Invite(b.Context(), a.User, a.Project, "new@example.net", monitor.RoleMember); err != nil {
				b.Fatal(err)
			}
			i, err := b.openInvite(l.invites[len(l.invites)-1])
			if err != nil {
				b.Fatal(err)
			}
			return i
		}
		gone := func(what string) {
			b.Helper()
			if _, err := b.openInvite(l.invites[len(l.invites)-1]); errs.KindOf(err) != errs.NotFound {
				b.Errorf("%s: %v", what, err)
			}
			if waiting, err := b.Store.InvitationsOf(b.Context(), a.Project.ID); err != nil || len(waiting) != 0 {
				b.Errorf("%s: %+v, %v", what, waiting, err)
			}
		}
		first := invite()
		second := invite()
		if _, err := b.openInvite(l.invites[0]); errs.KindOf(err) != errs.NotFound || first.ID == second.ID {
			b.Errorf("the first of two invitations: %v", err)
		}
		kindIs(b.T, b.Store.WithdrawInvitation(b.Context(), uuid.New(), second.ID), errs.NotFound, "")
		if err := b.Store.WithdrawInvitation(b.Context(), a.Project.ID, second.ID); err != nil {
			b.Error(err)
		}
		gone("withdrawn")
		third := invite()
		_, token, _ := strings.Cut(strings.TrimPrefix(l.invites[2].Link, "https://example.org/punctual/invitations/"), "/")
		if err := b.DeclineInvitation(b.Context(), third.ID, strings.TrimSuffix(token, "/")); err != nil {
			b.Error(err)
		}
		gone("declined")
		invite()
		b.clock.Advance(auth.InviteLife)
		gone("after a week")
	})
}

func TestWhoMayNotBeInvited(t *testing.T) {
	eachWithLetters(t, func(b *bench, _ *letters) {
		a := testdb.Account(b.T, b.Store)
		kindIs(b.T, b.Invite(b.Context(), a.User, a.Project, "nobody", monitor.RoleMember), errs.Invalid, "email")
		kindIs(b.T, b.Invite(b.Context(), a.User, a.Project, a.User.Email, monitor.RoleMember), errs.Conflict, "")
		// Others each time: what one address gets is limited too.
		for i := range 19 {
			if err := b.Invite(b.Context(), a.User, a.Project, fmt.Sprintf("guest%d@example.net", i), monitor.RoleMember); err != nil {
				b.Fatal(err)
			}
		}
		kindIs(b.T, b.Invite(b.Context(), a.User, a.Project, "more@example.net", monitor.RoleMember), errs.TooMany, "")
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
