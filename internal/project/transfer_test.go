package project_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/logs"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
)

func TestOfferingAProject(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		heir := testdb.Account(b.T, b.Store, "heir@example.net")
		_, err := b.OfferTransfer(b.Context(), a.User, a.Project, heir.User.ID)
		kindIs(b.T, err, errs.NotFound, "")
		if err := b.Store.AddMember(b.Context(), a.Project.ID, heir.User.ID, monitor.RoleMember); err != nil {
			b.Fatal(err)
		}
		if _, err := b.OfferTransfer(b.Context(), a.User, a.Project, heir.User.ID); err != nil {
			b.Fatal(err)
		}
		if len(b.transfers) != 1 || b.transfers[0].To != "heir@example.net" || b.transfers[0].By != a.User.Email {
			b.Errorf("%+v", b.transfers)
		}
	})
}

// Whoever takes part learns of it: the heir is asked, the owner is told of what
// somebody else offers, and of the end.
func TestAProjectChangesHands(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		heir := testdb.Account(b.T, b.Store, "heir@example.net")
		manager := testdb.Account(b.T, b.Store, "manager@example.net")
		for user, role := range map[*monitor.User]monitor.Role{heir.User: monitor.RoleMember, manager.User: monitor.RoleManager} {
			if err := b.Store.AddMember(b.Context(), a.Project.ID, user.ID, role); err != nil {
				b.Fatal(err)
			}
		}
		member, err := b.OfferTransfer(b.Context(), manager.User, a.Project, heir.User.ID)
		if err != nil || member.Email != heir.User.Email {
			b.Fatalf("%+v, %v", member, err)
		}
		offer := "manager@example.net has offered your project " + a.Project.Title()
		if len(b.security) != 1 || b.security[0].To != a.User.Email || !strings.Contains(b.security[0].Done, offer) {
			b.Errorf("the owner was told %+v", b.security)
		}
		kindIs(b.T, b.AcceptTransfer(b.Context(), a.Project, manager.User), errs.Conflict, "")
		if err := b.AcceptTransfer(b.Context(), a.Project, heir.User); err != nil {
			b.Fatal(err)
		}
		if b.role(heir.User, a.Project) != monitor.RoleOwner || b.role(a.User, a.Project) == monitor.RoleOwner {
			b.Errorf("heir %q, former owner %q", b.role(heir.User, a.Project), b.role(a.User, a.Project))
		}
		message := b.security[len(b.security)-1]
		if len(b.security) != 2 || message.To != a.User.Email || !strings.Contains(message.Done, "belongs to heir@example.net now") {
			b.Errorf("the former owner was told %+v", b.security)
		}
	})
}

// What a superuser does in somebody's name is told as such, to the owner, too.
func TestASuperusersOfferIsMarked(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		heir := testdb.Account(b.T, b.Store, "heir@example.net")
		if err := b.Store.AddMember(b.Context(), a.Project.ID, heir.User.ID, monitor.RoleMember); err != nil {
			b.Fatal(err)
		}
		ctx := logs.WithEvent(b.Context(), &logs.Event{Superuser: "root@example.org"})
		_, err := b.OfferTransfer(ctx, a.User, a.Project, heir.User.ID)
		if err != nil {
			b.Fatal(err)
		}
		want := a.User.Email + " (the superuser root@example.org in their name)"
		if b.transfers[0].By != want || len(b.security) != 1 || !strings.HasPrefix(b.security[0].Done, want) {
			b.Errorf("offered by %q, told %+v", b.transfers[0].By, b.security)
		}
	})
}

func TestOffersThatFail(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		heir := testdb.Account(b.T, b.Store, "heir@example.net")
		if err := b.Store.AddMember(b.Context(), a.Project.ID, heir.User.ID, monitor.RoleMember); err != nil {
			b.Fatal(err)
		}
		b.fails = errMail
		if _, err := b.OfferTransfer(b.Context(), a.User, a.Project, heir.User.ID); !errors.Is(err, errMail) {
			b.Errorf("without a mail server: %v", err)
		}
		b.fails = nil
		for range auth.MailsPerAddress - 1 {
			_, err := b.OfferTransfer(b.Context(), a.User, a.Project, heir.User.ID)
			if err != nil {
				b.Fatal(err)
			}
		}
		_, err := b.OfferTransfer(b.Context(), a.User, a.Project, heir.User.ID)
		kindIs(b.T, err, errs.TooMany, "")
		gone := *a.Project
		gone.OwnerID = uuid.New()
		kindIs(b.T, b.AcceptTransfer(b.Context(), &gone, heir.User), errs.NotFound, "")
	})
}
