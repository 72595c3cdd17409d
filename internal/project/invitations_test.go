package project_test

import (
	"errors"
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

// openInvite is the invitation that a mail is about.
func (b *bench) openInvite(v mail.Invite) (*store.Invitation, error) {
	b.Helper()
	id, token, _ := strings.Cut(strings.TrimPrefix(v.Link, "https://example.org/punctual/invitations/"), "/")
	return b.Invitation(b.Context(), uuid.MustParse(id), strings.TrimSuffix(token, "/"))
}

// The same is done and told whether the address has an account or not.
func TestAnInvitationWaitsForItsAnswer(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		known := testdb.Account(b.T, b.Store, "known@example.net")
		for _, address := range []string{" New@Example.net ", "known@example.net"} {
			if err := b.Invite(b.Context(), a.User, a.Project, address, monitor.RoleManager); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := b.Store.UserByEmail(b.Context(), "new@example.net"); errs.KindOf(err) != errs.NotFound {
			b.Errorf("an account was made before anybody accepted: %v", err)
		}
		role, _ := b.Store.RoleIn(b.Context(), known.User.ID, a.Project.ID)
		if role != monitor.RoleNone {
			b.Errorf("the invited person is %q before they accept", role)
		}
		for i, to := range []string{"new@example.net", "known@example.net"} {
			v := b.invites[i]
			link := v.Link
			v.Link = ""
			want := mail.Invite{Owned: mail.Owned{Account: a.User.ID}, To: to, Project: a.Project.Name, By: a.User.Email, Role: "manager"}
			diff := cmp.Diff(want, v)
			if diff != "" {
				b.Errorf("to %s (-want +got):\n%s", to, diff)
			}
			v.Link = link
			i, err := b.openInvite(v)
			if err != nil || i.Email != to || i.ByEmail != a.User.Email {
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
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		known := testdb.Account(b.T, b.Store, "known@example.net")
		other := testdb.Account(b.T, b.Store, "other@example.net")
		if err := b.Store.NoteLogin(b.Context(), known.User.ID); err != nil {
			b.Fatal(err)
		}
		known.User.LastLoginAt = b.Store.Now()
		for _, address := range []string{"new@example.net", "known@example.net"} {
			if err := b.Invite(b.Context(), a.User, a.Project, address, monitor.RoleReadonly); err != nil {
				b.Fatal(err)
			}
		}
		i, err := b.openInvite(b.invites[0])
		if err != nil {
			b.Fatal(err)
		}
		_, err = b.AnswerInvitation(b.Context(), other.User, i.ID, true)
		kindIs(b.T, err, errs.Forbidden, "")
		guest, err := b.JoinByInvitation(b.Context(), i)
		if err != nil || guest == nil || guest.TZ != a.User.TZ {
			b.Fatal(guest, err)
		}
		projects, _ := b.Store.ProjectsOf(b.Context(), guest.ID)
		if len(projects) != 1 || projects[0].Role != monitor.RoleReadonly {
			b.Errorf("projects of the guest: %+v", projects)
		}
		if user, err := b.JoinByInvitation(b.Context(), i); user != nil || err != nil {
			b.Errorf("the link has logged %v in once more, %v", user, err)
		}
		_, err = b.openInvite(b.invites[0])
		kindIs(b.T, err, errs.NotFound, "")
		kindIs(b.T, b.Invite(b.Context(), a.User, a.Project, "new@example.net", monitor.RoleMember), errs.Conflict, "")

		// An account that was in use before is not opened by the link.
		i, err = b.openInvite(b.invites[1])
		if err != nil {
			b.Fatal(err)
		}
		if user, err := b.JoinByInvitation(b.Context(), i); user != nil || err != nil {
			b.Errorf("the link has logged %v in, %v", user, err)
		}
		if _, err := b.AnswerInvitation(b.Context(), known.User, i.ID, true); err != nil {
			b.Error(err)
		}
		role, _ := b.Store.RoleIn(b.Context(), known.User.ID, a.Project.ID)
		if role != monitor.RoleReadonly {
			b.Errorf("role %q", role)
		}
	})
}

// A link that works for a week does not open an account that is there, not even one
// that nobody has logged in to yet.
func TestAnInvitationOpensNoAccountThatIsThere(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		made := testdb.Account(b.T, b.Store, "opmade@example.net")
		if err := b.Invite(b.Context(), a.User, a.Project, made.User.Email, monitor.RoleMember); err != nil {
			b.Fatal(err)
		}
		i, err := b.openInvite(b.invites[0])
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
	each(t, func(b *bench) {
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
			_, err := b.openInvite(b.invites[len(b.invites)-1])
			kindIs(b.T, err, errs.NotFound, "")
		}
	})
}

func TestInvitationsEnd(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		invite := func() *store.Invitation {
			b.Helper()
			b.clock.Advance(time.Hour)
			if err := b.Invite(b.Context(), a.User, a.Project, "new@example.net", monitor.RoleMember); err != nil {
				b.Fatal(err)
			}
			i, err := b.openInvite(b.invites[len(b.invites)-1])
			if err != nil {
				b.Fatal(err)
			}
			return i
		}
		gone := func(what string) {
			b.Helper()
			_, err := b.openInvite(b.invites[len(b.invites)-1])
			if errs.KindOf(err) != errs.NotFound {
				b.Errorf("%s: %v", what, err)
			}
			if waiting, err := b.Store.InvitationsOf(b.Context(), a.Project.ID); err != nil || len(waiting) != 0 {
				b.Errorf("%s: %+v, %v", what, waiting, err)
			}
		}
		first := invite()
		second := invite()
		_, err := b.openInvite(b.invites[0])
		if errs.KindOf(err) != errs.NotFound || first.ID == second.ID {
			b.Errorf("the first of two invitations: %v", err)
		}
		kindIs(b.T, b.Store.WithdrawInvitation(b.Context(), uuid.New(), second.ID), errs.NotFound, "")
		if err := b.Store.WithdrawInvitation(b.Context(), a.Project.ID, second.ID); err != nil {
			b.Error(err)
		}
		gone("withdrawn")
		third := invite()
		_, token, _ := strings.Cut(strings.TrimPrefix(b.invites[2].Link, "https://example.org/punctual/invitations/"), "/")
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
	each(t, func(b *bench) {
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

func TestInvitationsThatFail(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		b.fails = errMail
		if err := b.Invite(b.Context(), a.User, a.Project, "new@example.net", monitor.RoleMember); !errors.Is(err, errMail) {
			b.Errorf("without a mail server: %v", err)
		}
		b.fails = nil
		for range auth.MailsPerAddress - 1 {
			if err := b.Invite(b.Context(), a.User, a.Project, "new@example.net", monitor.RoleMember); err != nil {
				b.Fatal(err)
			}
		}
		kindIs(b.T, b.Invite(b.Context(), a.User, a.Project, "new@example.net", monitor.RoleMember), errs.TooMany, "")
		_, err := b.AnswerInvitation(b.Context(), a.User, uuid.New(), true)
		kindIs(b.T, err, errs.NotFound, "")
		kindIs(b.T, b.DeclineInvitation(b.Context(), uuid.New(), "x"), errs.NotFound, "")
		_, err = b.Invitation(b.Context(), uuid.New(), "x")
		kindIs(b.T, err, errs.NotFound, "")
	})
}

// Where no more fit in, no account is made for nothing.
func TestJoiningAFullProject(t *testing.T) {
	each(t, func(b *bench) {
		b.Store.SetCaps(store.Caps{Members: 1})
		a := testdb.Account(b.T, b.Store)
		if err := b.Invite(b.Context(), a.User, a.Project, "new@example.net", monitor.RoleMember); err != nil {
			b.Fatal(err)
		}
		i, err := b.openInvite(b.invites[0])
		if err != nil {
			b.Fatal(err)
		}
		member := testdb.Account(b.T, b.Store, "member@example.net")
		if err := b.Store.AddMember(b.Context(), a.Project.ID, member.User.ID, monitor.RoleReadonly); err != nil {
			b.Fatal(err)
		}
		_, err = b.JoinByInvitation(b.Context(), i)
		kindIs(b.T, err, errs.Conflict, "")
		if _, err := b.Store.UserByEmail(b.Context(), "new@example.net"); errs.KindOf(err) != errs.NotFound {
			b.Errorf("an account was made: %v", err)
		}
		i.By = uuid.New()
		_, err = b.JoinByInvitation(b.Context(), i)
		kindIs(b.T, err, errs.NotFound, "")
	})
}

// What somebody invites to counts as the mails that an address has had from others.
func TestAnInvitationCountsAsAMailToAStranger(t *testing.T) {
	each(t, func(b *bench) {
		for i := range auth.MailsPerAddress {
			if err := b.Auth.MayMail(b.Context(), fmt.Sprintf("vic.tim+%d@example.org", i)); err != nil {
				b.Fatalf("mail %d: %v", i, err)
			}
		}
		user := &monitor.User{ID: uuid.New(), Email: "sender@example.org"}
		err := b.Invite(b.Context(), user, &monitor.Project{ID: uuid.New()}, "victim@example.org", monitor.RoleMember)
		kindIs(b.T, err, errs.TooMany, "")
	})
}
