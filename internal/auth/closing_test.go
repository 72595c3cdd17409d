package auth_test

import (
	"context"
	"slices"
	"testing"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// welcoming collects the links of accounts that operators have made.
func welcoming(links *[]string) func(*auth.Config) {
	return func(c *auth.Config) {
		c.Mails.Welcome = func(_ context.Context, _ *monitor.User, link string) error {
			*links = append(*links, link)
			return nil
		}
	}
}

func TestADeactivatedUserIsOutUntilActivated(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		b := newBench(t, s, clock)
		b.ask("jane@example.org")
		id, token, _ := b.link()
		user, err := b.UseLink(t.Context(), id, token)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.SetPassword(t.Context(), user, "correct horse", auth.By{Keep: store.Access{Tokens: true}}); err != nil {
			t.Fatal(err)
		}
		session := &store.Session{IDHash: []byte("h"), UserID: id, Data: []byte("{}"), CreatedAt: s.Now(), LastUsedAt: s.Now(),
			ExpiresAt: s.Now().Add(auth.SessionLife)}
		if err := s.SaveSession(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.CreateToken(t.Context(), user, "Terraform", false, ""); err != nil {
			t.Fatal(err)
		}
		b.ask("jane@example.org")
		_, waiting, _ := b.link()
		// the second time is no error
		for range 2 {
			if err := b.Deactivate(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if sessions, err := s.SessionsOf(t.Context(), id); err != nil || len(sessions) != 0 {
			t.Errorf("%d sessions, %v", len(sessions), err)
		}
		if tokens, err := s.AccountTokens(t.Context(), id); err != nil || len(tokens) != 0 {
			t.Errorf("%d tokens, %v", len(tokens), err)
		}
		if _, err := b.LoginByPassword(t.Context(), "jane@example.org", "correct horse",
			auth.Origin{IP: "192.0.2.1"}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("by password: %v", err)
		}
		if err := b.Activate(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := b.UseLink(t.Context(), id, waiting); errs.KindOf(err) != errs.Unauthorized {
			t.Errorf("by a link of before: %v", err)
		}
		if _, err := b.LoginByPassword(t.Context(), "jane@example.org", "correct horse", auth.Origin{IP: "192.0.2.1"}); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

// Somebody who is half out is neither kept out nor told of: it is all or nothing.
func TestDeactivatingIsAllOrNothing(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		b := newBench(t, s, clock)
		b.ask("jane@example.org")
		id, token, _ := b.link()
		if _, err := b.UseLink(t.Context(), id, token); err != nil {
			t.Fatal(err)
		}
		session := &store.Session{IDHash: []byte("h"), UserID: id, Data: []byte("{}"), CreatedAt: s.Now(), LastUsedAt: s.Now(),
			ExpiresAt: s.Now().Add(auth.SessionLife)}
		if err := s.SaveSession(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		if _, err := s.DB().Exec(t.Context(), `ALTER TABLE account_tokens RENAME TO broken_tokens`); err != nil {
			t.Fatal(err)
		}
		if err := b.Deactivate(t.Context(), id); err == nil {
			t.Fatal("the account is said to be deactivated")
		}
		user, err := s.UserByID(t.Context(), id)
		if err != nil || !user.IsActive {
			t.Errorf("active: %t, %v", user.IsActive, err)
		}
		if sessions, err := s.SessionsOf(t.Context(), id); err != nil || len(sessions) != 1 {
			t.Errorf("%d sessions, %v", len(sessions), err)
		}
	})
}

func TestAnOperatorInvitesSomebody(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		var links []string
		b := newBench(t, s, clock, welcoming(&links), func(c *auth.Config) { c.RegistrationOpen = false })
		user, made, link, err := b.InviteUser(t.Context(), " Jane@Example.org")
		if err != nil || !made || user.Email != "jane@example.org" || !slices.Equal(links, []string{link}) {
			t.Fatalf("%+v, %t, %q, %v; mailed %q", user, made, link, err, links)
		}
		clock.Advance(auth.InviteLife - 1)
		b.sent = links
		id, token, _ := b.link()
		if _, err := b.UseLink(t.Context(), id, token); err != nil {
			t.Errorf("the link: %v", err)
		}
		if _, made, link, err := b.InviteUser(t.Context(), "jane@example.org"); err != nil || made || link != "" {
			t.Errorf("who has logged in: %t, %q, %v", made, link, err)
		}
		stored, err := s.UserByID(t.Context(), id)
		if err != nil || !stored.ByOperator {
			t.Errorf("by an operator: %t, %v", stored.ByOperator, err)
		}
		if err := b.Deactivate(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := b.InviteUser(t.Context(), "jane@example.org"); errs.KindOf(err) != errs.Conflict {
			t.Errorf("who is deactivated: %v", err)
		}
	})
}

// What operators make is never pruned.
func TestWhatOperatorsMakeIsMarked(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		b := newBench(t, s, clock)
		b.ask("signed-up@example.org")
		for range 2 {
			_, err := b.CreateSuperuser(t.Context(), "root@example.org", "")
			if err != nil {
				t.Fatal(err)
			}
		}
		for address, want := range map[string]bool{"signed-up@example.org": false, "root@example.org": true} {
			u, err := s.UserByEmail(t.Context(), address)
			if err != nil || u.ByOperator != want {
				t.Errorf("%s: %t, %v", address, u.ByOperator, err)
			}
		}
	})
}
