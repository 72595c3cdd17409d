package auth_test

import (
	"context"
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

// eachWithChanges gives the test what asks for changes of address were mailed.
func eachWithChanges(t *testing.T, test func(b *bench, l *letters)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		l := &letters{}
		test(newBench(t, s, clock, func(c *auth.Config) {
			c.Mails.EmailChange = func(_ context.Context, v mail.EmailChange) error { l.changes = append(l.changes, v); return nil }
			c.Mails.Security = func(_ context.Context, v mail.Security) error { l.security = append(l.security, v); return nil }
		}), l)
	})
}

// letters are the mails about people that a bench wanted to send.
type letters struct {
	changes  []mail.EmailChange
	security []mail.Security
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
	eachWithChanges(t, func(b *bench, l *letters) {
		a := testdb.Account(b.T, b.Store)
		before := a.User.Email
		kindIs(b.T, b.BeginEmailChange(b.Context(), a.User, strings.ToUpper(before)), errs.Invalid, "email")
		kindIs(b.T, b.BeginEmailChange(b.Context(), a.User, "x"), errs.Invalid, "email")
		if err := b.BeginEmailChange(b.Context(), a.User, "New@Example.net"); err != nil {
			b.Fatal(err)
		}
		fromOld := l.linkTo(b.T, before)
		fromNew := l.linkTo(b.T, "new@example.net")

		forged := fromNew
		// the new address cannot agree for the old one
		forged.Side = auth.SideOld
		_, err := b.AgreeToEmailChange(b.Context(), forged, auth.By{})
		kindIs(b.T, err, errs.NotFound, "")
		if done, err := b.AgreeToEmailChange(b.Context(), fromNew, auth.By{}); err != nil || done {
			b.Fatalf("after one side: %t, %v", done, err)
		}
		if done, err := b.AgreeToEmailChange(b.Context(), fromOld, auth.By{}); err != nil || !done {
			b.Fatalf("after both: %t, %v", done, err)
		}
		u, _ := b.Store.UserByID(b.Context(), a.User.ID)
		if u.Email != "new@example.net" {
			b.Errorf("the address is %s", u.Email)
		}
		_, err = b.EmailChange(b.Context(), fromOld)
		kindIs(b.T, err, errs.NotFound, "")
	})
}

func TestStoppingAChangeOfAddress(t *testing.T) {
	eachWithChanges(t, func(b *bench, l *letters) {
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
		_, err := b.SetPassword(b.Context(), user(), "correct horse", auth.By{})
		if err != nil {
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
