package auth_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func withMail(c *auth.Config) {
	c.SiteName = "Punctual"
	c.Mails.TwoFactor = func(context.Context, mail.TwoFactor) error { return nil }
}

func TestASecretIsOpenedOnlyWhereItBelongs(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		b := newBench(t, s, clock, withMail)
		sealed := b.NewTOTP(a.User)
		again := b.NewTOTP(a.User)
		if again == sealed {
			t.Error("the same secret twice")
		}
		setup, err := b.TOTPSetup(a.User, sealed)
		if err != nil || !strings.HasPrefix(setup.URL, "otpauth://totp/Punctual:") || !strings.Contains(setup.URL, "issuer=Punctual") ||
			setup.Path == "" {
			t.Errorf("%+v, %v", setup, err)
		}
		moved := newBench(t, s, clock, withMail, func(c *auth.Config) { c.SecretKey = "another" })
		for what, err := range map[string]error{
			"somebody else's": errOf(b.TOTPSetup(other.User, sealed)), "with another key": errOf(moved.TOTPSetup(a.User, sealed)),
			"cut": errOf(b.TOTPSetup(a.User, sealed[:len(sealed)-1])), "nothing": errOf(b.TOTPSetup(a.User, "")),
		} {
			if err == nil {
				t.Errorf("opened: %s", what)
			}
		}

		// After the secret key has changed the app cannot be used, which is no error of ours.
		code, err := totp.GenerateCode(strings.ReplaceAll(setup.Secret, " ", ""), clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.ConfirmTOTP(t.Context(), a.User, sealed, code, auth.By{}); err != nil {
			t.Fatal(err)
		}
		f, err := s.FactorsOf(t.Context(), a.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := moved.PassTOTP(t.Context(), a.User, f, "123456", ""); errs.KindOf(err) != errs.Conflict {
			t.Errorf("with another secret key: %v", err)
		}
		if _, err := b.ConfirmTOTP(t.Context(), a.User, b.NewTOTP(a.User), code, auth.By{}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("the code of another secret: %v", err)
		}
	})
}

func errOf[T any](_ T, err error) error { return err }

func TestKeysAreOfferedWhereBrowsersHaveThem(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		for root, want := range map[string]bool{
			"https://example.org": true, "https://cron.example.org/jobs": true, "http://localhost:8000": true, "https://cron.localhost": true,
			"http://example.org": false, "https://192.0.2.7": false, "http://127.0.0.1:8000": false, "http://[::1]:8000": false,
			"https://[2001:db8::1]": false,
		} {
			b := newBench(t, s, clock, func(c *auth.Config) { c.SiteRoot = root })
			if b.KeysOffered() != want {
				t.Errorf("%s: %v, want %v", root, !want, want)
			}
		}
	})
}

// Browsers bind keys to the name they are asked with: the host of the site, or
// the domain above it that RP_ID has.
func TestKeysAreBoundToTheirName(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s, "jane@example.org")
		for id, want := range map[string]string{"": "cron.example.org", "example.org": "example.org"} {
			b := newBench(t, s, clock, func(c *auth.Config) {
				c.SiteRoot = "https://Cron.example.org.:443"
				c.SiteName = "Punctual"
				c.RPID = id
			})
			ceremony, err := b.BeginKey(t.Context(), a.User)
			if err != nil {
				t.Fatal(err)
			}
			var options struct{ RP struct{ ID string } }
			if err := json.Unmarshal([]byte(ceremony.Options), &options); err != nil || options.RP.ID != want {
				t.Errorf("RP_ID %q: keys are for %q, want %q (%v)", id, options.RP.ID, want, err)
			}
		}
	})
}

func TestALoginIsNotedAfterTheSecondStep(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		var seen []string
		b := newBench(t, s, clock, withMail, func(c *auth.Config) {
			c.Observe.Login = func(by string, ok bool) {
				if ok {
					seen = append(seen, by)
				}
			}
		})
		a := testdb.Account(t, s, "jane@example.org")
		codes, err := setUp(b, a, clock)
		if err != nil {
			t.Fatal(err)
		}
		b.ask("jane@example.org")
		id, token, _ := b.link()
		u, err := b.UseLink(t.Context(), id, token)
		if err != nil {
			t.Fatal(err)
		}
		u, _ = s.UserByID(t.Context(), u.ID)
		if !u.LastLoginAt.IsZero() || len(seen) != 0 {
			t.Errorf("after the first step: %v, %q", u.LastLoginAt, seen)
		}
		clock.Advance(time.Minute)
		if left, err := b.PassRecovery(t.Context(), u, codes[3], ""); left != auth.RecoveryCodes-1 || err != nil {
			t.Error(left, err)
		}
		u, _ = s.UserByID(t.Context(), u.ID)
		if !u.LastLoginAt.Equal(clock.Now()) || strings.Join(seen, " ") != "recovery" {
			t.Errorf("after the second step: %v, %q", u.LastLoginAt, seen)
		}
	})
}

// setUp gives the user of an account an app and returns the recovery codes.
func setUp(b *bench, a store.Account, clock *testdb.Clock) ([]string, error) {
	sealed := b.NewTOTP(a.User)
	setup, err := b.TOTPSetup(a.User, sealed)
	if err != nil {
		return nil, err
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(setup.Secret, " ", ""), clock.Now())
	if err != nil {
		return nil, err
	}
	return b.ConfirmTOTP(b.Context(), a.User, sealed, code, auth.By{})
}
