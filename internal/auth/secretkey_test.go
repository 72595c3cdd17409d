package auth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

var (
	firstKey  = strings.Repeat("first-", 6)
	secondKey = strings.Repeat("second", 6)
	thirdKey  = strings.Repeat("third.", 6)
)

// hold starts as a process does, and returns what it has logged.
func hold(t *testing.T, s *store.Store, key string, former ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := auth.HoldKey(t.Context(), s, key, former, slog.New(slog.NewTextHandler(&out, nil)))
	return out.String(), err
}

func service(s *store.Store, key string, former ...string) *auth.Service {
	return auth.NewService(auth.Config{
		Store: s, SecretKey: key, OldSecretKeys: former, SiteRoot: "https://example.org", SiteName: "Punctual",
		Log:   slog.New(slog.DiscardHandler),
		Mails: auth.Mails{TwoFactor: func(context.Context, mail.TwoFactor) error { return nil }},
	})
}

func TestANewDatabaseTakesALongKey(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		_, err := hold(t, s, firstKey[:31])
		if err == nil || !strings.Contains(err.Error(), "31 characters; a new database needs a key of at least 32") {
			t.Errorf("a short key: %v", err)
		}
		if stored, err := s.KeyFingerprint(t.Context()); stored != "" || err != nil {
			t.Errorf("it is kept: %q, %v", stored, err)
		}
		for range 2 {
			out, err := hold(t, s, firstKey)
			if err != nil || out != "" {
				t.Errorf("%v, %s", err, out)
			}
		}
		for _, other := range []string{secondKey, "", firstKey + " "} {
			_, err := hold(t, s, other)
			if !errors.Is(err, auth.ErrOtherKey) {
				t.Errorf("%q: %v", other, err)
			}
		}
		if _, err := hold(t, s, secondKey, thirdKey); !errors.Is(err, auth.ErrOtherKey) {
			t.Errorf("another former key: %v", err)
		}
	})
}

func TestAnExistingDatabaseMayHaveAShortKey(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		testdb.Account(t, s)
		for range 2 {
			out, err := hold(t, s, "short")
			if err != nil || !strings.Contains(out, "short enough to be guessed") {
				t.Errorf("%v, %s", err, out)
			}
		}
		_, err := hold(t, s, "other")
		if !errors.Is(err, auth.ErrOtherKey) {
			t.Errorf("another one: %v", err)
		}
		if _, err := hold(t, s, "other", "short"); err == nil || !strings.Contains(err.Error(), "a new key needs at least 32") {
			t.Errorf("changed for a short one: %v", err)
		}
	})
}

// A database of before the fingerprints is adopted only by the key that something
// in it was made with.
func TestAnExistingDatabaseKnowsItsKey(t *testing.T) {
	for name, fill := range map[string]func(t *testing.T, s *store.Store, a store.Account){
		"by a sealed secret": func(t *testing.T, s *store.Store, a store.Account) {
			_, err := s.SetTOTP(t.Context(), a.User.ID, service(s, firstKey).NewTOTP(a.User), 1, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
		},
		"by the link of a mail": func(t *testing.T, s *store.Store, a store.Account) {
			link := "https://example.org" + auth.NewSigner(firstKey).UnsubscribePath(a.Channel.ID)
			mail := &monitor.Email{MessageID: "1@example.org", Kind: "alert", To: "a@example.org", Subject: "DOWN", Text: "Unsubscribe: " + link,
				CreatedAt: s.Now()}
			if err := s.EnqueueEmail(t.Context(), mail); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
				fill(t, s, testdb.Account(t, s))
				_, err := hold(t, s, secondKey)
				if !errors.Is(err, auth.ErrOtherKey) {
					t.Errorf("another key: %v", err)
				}
				if _, err := hold(t, s, firstKey); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestTheSecretKeyIsChanged(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		if _, err := hold(t, s, firstKey); err != nil {
			t.Fatal(err)
		}
		before := service(s, firstKey)
		if _, err := s.SetTOTP(t.Context(), a.User.ID, before.NewTOTP(a.User), 1, nil, nil); err != nil {
			t.Fatal(err)
		}
		codes, err := before.NewRecoveryCodes(t.Context(), a.User)
		if err != nil {
			t.Fatal(err)
		}
		_, token, err := before.CreateToken(t.Context(), a.User, "robot", false, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		apiKey := auth.NewAPIKey(false)
		readonlyKey := auth.NewAPIKey(true)
		a.Project.APIKey = before.KeyHash(apiKey)
		a.Project.APIKeyReadonly = before.KeyHash(readonlyKey)
		if err := testdb.PutProject(t.Context(), s, a.Project); err != nil {
			t.Fatal(err)
		}
		signed := auth.NewSigner(firstKey).Sign("test", "value")

		out, err := hold(t, s, secondKey, firstKey)
		if err != nil || !strings.Contains(out, "the secret key was changed") || !strings.Contains(out, "keys=3") {
			t.Fatalf("%v, %s", err, out)
		}
		if _, err := hold(t, s, firstKey); !errors.Is(err, auth.ErrOtherKey) {
			t.Errorf("a process with the former key alone: %v", err)
		}

		after := service(s, secondKey, firstKey)
		opens := func(svc *auth.Service, key string) bool {
			stored, err := svc.StoredKey(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = s.ProjectByAPIKey(t.Context(), stored)
			return err == nil
		}
		if _, user, err := after.TokenUser(t.Context(), token); err != nil || user.ID != a.User.ID {
			t.Errorf("the token: %v", err)
		}
		if !opens(after, apiKey) || opens(after, auth.NewAPIKey(false)) {
			t.Error("the API key does not open its project, or every key does")
		}
		if !auth.NewSigner(secondKey, firstKey).Verify("test", "value", signed) || auth.NewSigner(secondKey).Verify("test", "value", signed) {
			t.Error("links that were signed with the former key")
		}
		sealed, err := s.SealedSecrets(t.Context())
		if err != nil || len(sealed) != 1 {
			t.Fatal(sealed, err)
		}
		// Sealed anew: the former key is not needed for it.
		if _, err := service(s, secondKey).TOTPSetup(a.User, sealed[0].Sealed); err != nil {
			t.Errorf("the authenticator app: %v", err)
		}
		if _, err := after.PassRecovery(t.Context(), a.User, codes[0], ""); err != nil {
			t.Errorf("a recovery code: %v", err)
		}

		// What was used has followed; what was not waits for the former key.
		alone := service(s, secondKey)
		if !opens(alone, apiKey) || opens(alone, readonlyKey) {
			t.Error("without the former key: a key that was used does not work, or one that was not does")
		}
		if out, err := hold(t, s, secondKey); err != nil || !strings.Contains(out, "keys=1") {
			t.Errorf("%v, %s", err, out)
		}
		clock.Advance(time.Hour)
		if _, err := hold(t, s, thirdKey, secondKey, firstKey); err != nil {
			t.Fatal(err)
		}
		twice := service(s, thirdKey, secondKey, firstKey)
		if !opens(twice, apiKey) || !opens(twice, readonlyKey) {
			t.Error("after a second change")
		}
	})
}

// While a former key is set, a key that opens nothing is none for everybody.
func TestStoredKeyOfNoKey(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		if stored, err := service(s, secondKey, firstKey).StoredKey(t.Context(), "no key"); stored != "" || err != nil {
			t.Errorf("%q, %v", stored, err)
		}
		_, _, err := service(s, secondKey, firstKey).TokenUser(t.Context(), "hca_"+uuid.NewString()[:28])
		if errs.KindOf(err) != errs.NotFound {
			t.Error(err)
		}
	})
}
