package project_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/project"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestProvisioning(t *testing.T) {
	each(t, func(b *bench) {
		q := project.ProvisionRequest{Owner: "Ops@Example.org", Name: " Night  shift "}
		first, err := b.Provision(b.Context(), q)
		if err != nil || !first.Complete() {
			b.Fatalf("%+v, %v", first, err)
		}
		p, readonly, err := b.Store.ProjectByAPIKey(b.Context(), b.Auth.KeyHash(first.APIKey))
		if err != nil || readonly || p.ID != first.Project || p.Name != "Night shift" || p.PingKey != first.PingKey {
			b.Fatalf("by its key: %+v, %t, %v", p, readonly, err)
		}
		if _, readonly, err := b.Store.ProjectByAPIKey(b.Context(), b.Auth.KeyHash(first.APIKeyReadonly)); err != nil || !readonly {
			b.Errorf("by its read-only key: %t, %v", readonly, err)
		}
		if channels, err := b.Store.ChannelsOf(b.Context(), p.ID); err != nil || len(channels) != 1 || !channels[0].Verified {
			b.Errorf("channels %+v, %v", channels, err)
		}
		if checks, err := testdb.ChecksOf(b.Context(), b.Store, p.ID); err != nil || len(checks) != 0 {
			b.Errorf("checks nobody asked for: %+v, %v", checks, err)
		}

		again, err := b.Provision(b.Context(), q)
		if err != nil || again.Project != first.Project || again.APIKey+again.APIKeyReadonly != "" || again.PingKey != first.PingKey {
			b.Errorf("a second time %+v, %v", again, err)
		}
		q.Rotate = true
		rotated, err := b.Provision(b.Context(), q)
		if err != nil || !rotated.Complete() || rotated.Project != first.Project {
			b.Errorf("rotated %+v, %v", rotated, err)
		}
		if rotated.APIKey == first.APIKey || rotated.PingKey == first.PingKey {
			b.Errorf("rotated %+v, %v", rotated, err)
		}
		if _, _, err := b.Store.ProjectByAPIKey(b.Context(), b.Auth.KeyHash(first.APIKey)); errs.KindOf(err) != errs.NotFound {
			b.Errorf("the old key opens: %v", err)
		}

		other, err := b.Provision(b.Context(), project.ProvisionRequest{Owner: "ops@example.org", Name: "Day shift"})
		if err != nil || !other.Complete() || other.Project == first.Project {
			b.Errorf("another project of the same owner %+v, %v", other, err)
		}
		_, err = b.Provision(b.Context(), project.ProvisionRequest{Owner: "nobody", Name: "x"})
		kindIs(b.T, err, errs.Invalid, "owner")
		_, err = b.Provision(b.Context(), project.ProvisionRequest{Owner: "a@example.org", Name: strings.Repeat("x", 61)})
		kindIs(b.T, err, errs.Invalid, "name")
	})
}

// What operators make is not an account that somebody has signed up for.
func TestWhatProvisioningMakesIsMarked(t *testing.T) {
	each(t, func(b *bench) {
		signedUp := testdb.Account(b.T, b.Store, "provisioned@example.org")
		if signedUp.User.ByOperator {
			b.Fatal("marked before")
		}
		for _, owner := range []string{"made@example.org", "provisioned@example.org"} {
			if _, err := b.Provision(b.Context(), project.ProvisionRequest{Owner: owner, Name: "Production"}); err != nil {
				b.Fatal(err)
			}
			u, err := b.Store.UserByEmail(b.Context(), owner)
			if err != nil || !u.ByOperator {
				b.Errorf("%s: %+v, %v", owner, u, err)
			}
		}
	})
}

// An account that was made when spellings were kept apart is still found.
func TestProvisioningFindsAnotherSpelling(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store, "jane@xn--bcher-kva.example")
		keys, err := b.Provision(b.Context(), project.ProvisionRequest{Owner: a.User.Email, Name: a.Project.Name})
		if err != nil || keys.Project != a.Project.ID {
			b.Errorf("%+v, %v", keys, err)
		}
		host := testdb.Account(b.T, b.Store, "host@example.org")
		i := &store.Invitation{
			ProjectID: host.Project.ID,
			Email:     "jane@bücher.example",
			Role:      monitor.RoleMember,
			By:        host.User.ID,
			ExpiresAt: b.Store.Now().Add(time.Hour),
		}
		if err := b.Store.Invite(b.Context(), i, []byte("token")); err != nil {
			b.Fatal(err)
		}
		if _, err := b.AnswerInvitation(b.Context(), a.User, i.ID, true); err != nil {
			b.Error(err)
		}
	})
}

func TestAnotherProjectNotifiesItsOwner(t *testing.T) {
	each(t, func(b *bench) {
		a := testdb.Account(b.T, b.Store)
		p, err := b.Add(b.Context(), a.User, " Night \t shift ")
		if err != nil || p.Name != "Night shift" || p.OwnerID != a.User.ID {
			b.Fatalf("%+v, %v", p, err)
		}
		channels, err := b.Store.ChannelsOf(b.Context(), p.ID)
		if err != nil || len(channels) != 1 || b.Store.AddressOf(&channels[0]) != a.User.Email || !channels[0].Verified {
			b.Errorf("channels %+v, %v", channels, err)
		}
		_, err = b.Add(b.Context(), a.User, " ")
		kindIs(b.T, err, errs.Invalid, "name")
		_, err = b.Add(b.Context(), &monitor.User{ID: uuid.New(), Email: "gone@example.org"}, "Nobody's")
		if err == nil {
			b.Error("a project of nobody was made")
		}
	})
}
