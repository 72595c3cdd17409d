package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/errs"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func addToken(t *testing.T, s *store.Store, a store.Account, name, hash string) *store.AccountToken {
	t.Helper()
	token := &store.AccountToken{UserID: a.User.ID, Name: name, Hash: hash}
	if err := s.CreateAccountToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	return token
}

func TestATokenOpensTheAccountItWasMadeIn(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		made := addToken(t, s, a, "Terraform", "hash")
		addToken(t, s, other, "theirs", "another hash")
		clock.Advance(90 * time.Second)
		got, user, err := s.UserByToken(t.Context(), "hash")
		if err != nil || user.ID != a.User.ID || user.Email != a.User.Email {
			t.Fatalf("opens %+v, %v", user, err)
		}
		made.LastUsedAt = clock.Now().Truncate(time.Minute)
		diff := cmp.Diff(made, got)
		if diff != "" {
			t.Errorf("(-made +loaded):\n%s", diff)
		}
		if list, err := s.AccountTokens(t.Context(), a.User.ID); err != nil || len(list) != 1 || !list[0].LastUsedAt.Equal(made.LastUsedAt) {
			t.Errorf("list: %+v, %v; want one, used a moment ago", list, err)
		}
		for what, hash := range map[string]string{"an unknown token": "nothing", "no token": ""} {
			_, _, err := s.UserByToken(t.Context(), hash)
			wantKind(t, what, err, errs.NotFound)
		}
		a.User.IsActive = false
		if err := testdb.PutUser(t.Context(), s, a.User); err != nil {
			t.Fatal(err)
		}
		_, _, err = s.UserByToken(t.Context(), "hash")
		wantKind(t, "the token of an inactive account", err, errs.NotFound)
	})
}

func TestOnlyTheUserRevokesATokenAndItGoesWithTheAccount(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		token := addToken(t, s, a, "one", "hash one")
		addToken(t, s, a, "two", "hash two")
		_, err := s.DeleteAccountToken(t.Context(), other.User.ID, token.ID)
		wantKind(t, "revoked by somebody else", err, errs.NotFound)
		if _, err := s.DeleteAccountToken(t.Context(), a.User.ID, token.ID); err != nil {
			t.Error(err)
		}
		_, _, err = s.UserByToken(t.Context(), "hash one")
		wantKind(t, "the revoked token", err, errs.NotFound)
		if err := s.DeleteUser(t.Context(), a.User.ID, nil); err != nil {
			t.Fatal(err)
		}
		_, _, err = s.UserByToken(t.Context(), "hash two")
		wantKind(t, "the token of an account that is closed", err, errs.NotFound)
	})
}

func TestAUserHasSoManyTokensAndNotMore(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		for i := range store.MaxAccountTokens - 1 {
			addToken(t, s, a, "x", fmt.Sprint("hash ", i))
		}
		refused := atOnce(t, 3, errs.Conflict, func(i int) error {
			return s.CreateAccountToken(t.Context(), &store.AccountToken{UserID: a.User.ID, Name: "x", Hash: fmt.Sprint("late ", i)})
		})
		if refused != 2 {
			t.Errorf("%d refused, want 2 of 3 for one place", refused)
		}
	})
}
