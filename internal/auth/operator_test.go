package auth_test

import (
	"regexp"
	"strings"
	"testing"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/testkit/testdb"
)

// The example printed in docs/contract.md §2.2.
func TestTheStoredFormOfAKey(t *testing.T) {
	got := auth.KeyHash("s3cret", "hcw_AbCdEfGhIjKlMnOpQrStUvWxYz01")
	if got != "AbCdEfGh.8ee94a98c6a0aab7ce5677eb0b1128b01d2e52cdea588871e6a89002af48bb94" {
		t.Error(got)
	}
	for _, none := range []string{"", "hcw_", "xyz_AbCdEfGhIjKlMnOpQrStUvWxYz01", "hcw_AbCdEfGhIjKlMnOpQrStUvWxYz012"} {
		got := auth.KeyHash("s3cret", none)
		if got != "" {
			t.Errorf("%q: %s", none, got)
		}
	}
}

func TestTheFormOfKeys(t *testing.T) {
	for form, key := range map[string]string{
		`^hcw_[A-Za-z0-9]{28}$`: auth.NewAPIKey(false), `^hcr_[A-Za-z0-9]{28}$`: auth.NewAPIKey(true), `^[a-z0-9]{22}$`: auth.NewPingKey(),
	} {
		if !regexp.MustCompile(form).MatchString(key) {
			t.Errorf("%s is not %s", key, form)
		}
	}
	one := auth.NewAPIKey(false)
	other := auth.NewAPIKey(false)
	if one == other {
		t.Error("two keys are the same")
	}
}

func TestSuperusers(t *testing.T) {
	each(t, func(b *bench) {
		created, err := b.CreateSuperuser(b.Context(), "Root@Example.org", "")
		if err != nil || !created {
			b.Fatalf("%t, %v", created, err)
		}
		user, err := b.Store.UserByEmail(b.Context(), "root@example.org")
		if err != nil || !user.IsSuperuser || user.PasswordHash != "" {
			b.Fatalf("%+v, %v", user, err)
		}

		a := testdb.Account(b.T, b.Store, "jane@example.org")
		deactivate(b, a.User.ID)
		created, err = b.CreateSuperuser(b.Context(), "jane@example.org", "correct horse")
		if err != nil || created {
			b.Fatalf("%t, %v", created, err)
		}
		user, _ = b.Store.UserByEmail(b.Context(), "jane@example.org")
		if !user.IsSuperuser || !user.IsActive || !strings.HasPrefix(user.PasswordHash, "$argon2id$") {
			b.Errorf("%+v", user)
		}
		_, err = b.CreateSuperuser(b.Context(), "jane@example.org", "short")
		kindIs(b.T, err, errs.Invalid, "password")
	})
}

func TestPasswords(t *testing.T) {
	each(t, func(b *bench) {
		if _, err := b.CreateSuperuser(b.Context(), "root@example.org", "correct horse"); err != nil {
			b.Fatal(err)
		}
		testdb.Account(b.T, b.Store, "bylink@example.org")
		user, err := b.LoginByPassword(b.Context(), " Root@example.org", "correct horse", auth.Origin{IP: "192.0.2.1"})
		if err != nil || user.Email != "root@example.org" {
			b.Fatalf("%v, %v", user, err)
		}
		for email, password := range map[string]string{
			"root@example.org": "wrong horse", "bylink@example.org": "", "nobody@example.org": "correct horse",
		} {
			_, err := b.LoginByPassword(b.Context(), email, password, auth.Origin{IP: "192.0.2.2"})
			kindIs(b.T, err, errs.Invalid, "password")
		}
		deactivate(b, user.ID)
		_, err = b.LoginByPassword(b.Context(), "root@example.org", "correct horse", auth.Origin{IP: "192.0.2.3"})
		kindIs(b.T, err, errs.Invalid, "password")
	})
}
