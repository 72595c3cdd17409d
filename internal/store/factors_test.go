package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

var recovery = [][]byte{[]byte("hash one"), []byte("hash two")}

func addKey(t *testing.T, s *store.Store, user uuid.UUID, id string) *store.SecurityKey {
	t.Helper()
	k := &store.SecurityKey{UserID: user, Name: "Key " + id, KeyID: []byte(id), Data: []byte(`{"a":1}`)}
	_, err := s.AddSecurityKey(t.Context(), k, recovery, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func factors(t *testing.T, s *store.Store, user uuid.UUID) *store.Factors {
	t.Helper()
	f, err := s.FactorsOf(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFactorsAreStoredAndRemoved(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		f := factors(t, s, a.User.ID)
		if f.On() || f.RecoveryCodes != 0 {
			t.Fatalf("to begin with: %+v", f)
		}
		first, err := s.SetTOTP(t.Context(), a.User.ID, "sealed", 7, recovery, nil)
		if err != nil || !first {
			t.Fatalf("first factor: %v, %v", first, err)
		}
		_, err = s.SetTOTP(t.Context(), a.User.ID, "another", 8, nil, nil)
		wantKind(t, "a second app", err, errs.Conflict)
		since := clock.Now()
		clock.Advance(time.Hour)
		k := addKey(t, s, a.User.ID, "one")
		if _, err := s.AddSecurityKey(t.Context(), &store.SecurityKey{UserID: other.User.ID, KeyID: []byte("one"), Data: []byte("{}")}, nil,
			nil); errs.KindOf(err) != errs.Conflict {
			t.Errorf("the key of somebody else: %v", err)
		}
		clock.Advance(time.Hour)
		if ok, err := s.UseSecurityKey(t.Context(), k, []byte(`{"a":2}`)); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if ok, err := s.UseSecurityKey(t.Context(), k, []byte(`{"a":3}`)); err != nil || ok {
			t.Error("of two uses at once the second counts, too:", err)
		}
		if err := s.RenameSecurityKey(t.Context(), a.User.ID, k.ID, "At work"); err != nil {
			t.Fatal(err)
		}
		k.LastUsedAt = clock.Now()
		k.Name = "At work"
		k.Data = []byte(`{"a":2}`)
		want := &store.Factors{TOTPSecret: "sealed", TOTPSince: since, Keys: []store.SecurityKey{*k}, RecoveryCodes: 2, RecoverySince: since}
		diff := cmp.Diff(want, factors(t, s, a.User.ID))
		if diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		wantKind(t, "renamed by somebody else", s.RenameSecurityKey(t.Context(), other.User.ID, k.ID, "x"), errs.NotFound)
		wantKind(t, "removed by somebody else", s.DeleteSecurityKey(t.Context(), other.User.ID, k.ID), errs.NotFound)
		rows, err := s.Users(t.Context(), "", 10, 0)
		if err != nil || len(rows) != 2 {
			t.Fatalf("%v, %v", rows, err)
		}
		for _, row := range rows {
			if row.TwoFactor != (row.ID == a.User.ID) {
				t.Errorf("%s has two factors: %v", row.Email, row.TwoFactor)
			}
		}
		for _, remove := range []error{s.RemoveTOTP(t.Context(), a.User.ID), s.DeleteSecurityKey(t.Context(), a.User.ID, k.ID)} {
			if remove != nil {
				t.Error(remove)
			}
		}
		if diff := cmp.Diff(&store.Factors{}, factors(t, s, a.User.ID)); diff != "" {
			t.Errorf("with the last factor the recovery codes go (-want +got):\n%s", diff)
		}
		wantKind(t, "no app", s.RemoveTOTP(t.Context(), a.User.ID), errs.NotFound)
		wantKind(t, "codes without a factor", s.SetRecoveryCodes(t.Context(), a.User.ID, recovery), errs.Conflict)
	})
}

func TestRecoveryCodesComeWithTheFirstFactorOnly(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		addKey(t, s, a.User.ID, "one")
		if ok, err := s.UseRecoveryCode(t.Context(), a.User.ID, recovery[0]); !ok || err != nil {
			t.Fatalf("%v, %v", ok, err)
		}
		first, err := s.SetTOTP(t.Context(), a.User.ID, "sealed", 7, [][]byte{[]byte("x"), []byte("y"), []byte("z")}, nil)
		if first || err != nil || factors(t, s, a.User.ID).RecoveryCodes != 1 {
			t.Errorf("a second factor: %v, %v, %d codes", first, err, factors(t, s, a.User.ID).RecoveryCodes)
		}
		removed, err := s.RemoveFactors(t.Context(), a.User.ID)
		f := factors(t, s, a.User.ID)
		if removed != 2 || err != nil || f.On() || f.RecoveryCodes != 0 {
			t.Errorf("removed %d, %v; left %+v", removed, err, f)
		}
	})
}

func TestAStepAndACodeAreAcceptedOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		_, err := s.SetTOTP(t.Context(), a.User.ID, "sealed", 7, recovery, nil)
		if err != nil {
			t.Fatal(err)
		}
		once := func(what string, use func() (bool, error)) {
			t.Helper()
			refused := atOnce(t, 4, errs.Conflict, func(int) error {
				ok, err := use()
				if err != nil || ok {
					return err
				}
				return errs.Conflictf("refused")
			})
			if refused != 3 {
				t.Errorf("%s: %d of 4 at once refused, want 3", what, refused)
			}
		}
		once("a step", func() (bool, error) { return s.UseTOTPStep(t.Context(), a.User.ID, "sealed", 8) })
		once("a code", func() (bool, error) { return s.UseRecoveryCode(t.Context(), a.User.ID, recovery[0]) })
		for what, use := range map[string]func() (bool, error){
			"a step before":           func() (bool, error) { return s.UseTOTPStep(t.Context(), a.User.ID, "sealed", 7) },
			"a step of another app":   func() (bool, error) { return s.UseTOTPStep(t.Context(), a.User.ID, "other", 9) },
			"a step without an app":   func() (bool, error) { return s.UseTOTPStep(t.Context(), other.User.ID, "", 9) },
			"a code of somebody else": func() (bool, error) { return s.UseRecoveryCode(t.Context(), other.User.ID, recovery[1]) },
		} {
			ok, err := use()
			if ok || err != nil {
				t.Errorf("%s: %v, %v", what, ok, err)
			}
		}
	})
}

func TestAUserHasSoManyKeysAndNotMore(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		for i := range store.MaxSecurityKeys - 1 {
			addKey(t, s, a.User.ID, fmt.Sprint(i))
		}
		refused := atOnce(t, 3, errs.Conflict, func(i int) error {
			_, err := s.AddSecurityKey(t.Context(), &store.SecurityKey{UserID: a.User.ID, KeyID: []byte(fmt.Sprint("late ", i)), Data: []byte("{}")},
				nil, nil)
			return err
		})
		if refused != 2 {
			t.Errorf("%d refused, want 2 of 3 for one place", refused)
		}
	})
}
