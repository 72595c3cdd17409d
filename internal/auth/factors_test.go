package auth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// factors are those of the user as they are stored.
func (b *bench) factors(user *monitor.User) *store.Factors {
	b.Helper()
	f, err := b.Store.FactorsOf(b.Context(), user.ID)
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// code is what the user's app shows.
func (b *bench) code(user *monitor.User) string {
	b.Helper()
	setup, err := b.TOTPSetup(user, b.factors(user).TOTPSecret)
	if err != nil {
		b.Fatal(err)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(setup.Secret, " ", ""), b.clock.Now())
	if err != nil {
		b.Fatal(err)
	}
	return code
}

func TestCodesOfAnApp(t *testing.T) {
	eachWithMails(t, func(b *bench, mails *[]string) {
		a := testdb.Account(b.T, b.Store)
		kindIs(b.T, b.PassTOTP(b.Context(), a.User, b.factors(a.User), "123456", ""), errs.Invalid, "code")
		if _, err := setUp(b, a, b.clock); err != nil {
			b.Fatal(err)
		}
		lastIs(b, mails, "The authenticator app was set up.")
		if on, err := b.TwoFactorOn(b.Context(), a.User.ID); !on || err != nil {
			b.Errorf("on: %t, %v", on, err)
		}
		// The code that set it up is used up; the next one works once.
		kindIs(b.T, b.PassTOTP(b.Context(), a.User, b.factors(a.User), b.code(a.User), ""), errs.Invalid, "code")
		b.clock.Advance(30 * time.Second)
		code := b.code(a.User)
		spaced := code[:3] + " " + code[3:]
		if err := b.PassTOTP(b.Context(), a.User, b.factors(a.User), spaced, ""); err != nil {
			b.Error(err)
		}
		for _, bad := range []string{code, "", "12345", "abcdef"} {
			kindIs(b.T, b.PassTOTP(b.Context(), a.User, b.factors(a.User), bad, ""), errs.Invalid, "code")
		}
		_, err := setUp(b, a, b.clock)
		kindIs(b.T, err, errs.Conflict, "")
		if err := b.RemoveTOTP(b.Context(), a.User); err != nil {
			b.Fatal(err)
		}
		lastIs(b, mails, "The authenticator app was removed.")
		kindIs(b.T, b.RemoveTOTP(b.Context(), a.User), errs.NotFound, "")
		if on, err := b.TwoFactorOn(b.Context(), a.User.ID); on || err != nil {
			b.Errorf("on: %t, %v", on, err)
		}
	})
}

// A browser that the user has logged in with has attempts of its own: who guesses
// elsewhere uses up his, not the user's.
func TestGuessingCodesStops(t *testing.T) {
	eachWithMails(t, func(b *bench, _ *[]string) {
		a := testdb.Account(b.T, b.Store)
		codes, err := setUp(b, a, b.clock)
		if err != nil {
			b.Fatal(err)
		}
		device := b.DeviceMark("", a.User)
		for range 20 {
			_, err := b.PassRecovery(b.Context(), a.User, "wrong", "")
			kindIs(b.T, err, errs.Invalid, "code")
		}
		_, err = b.PassRecovery(b.Context(), a.User, codes[0], "")
		kindIs(b.T, err, errs.TooMany, "")
		left, err := b.PassRecovery(b.Context(), a.User, " "+strings.ToUpper(codes[0])+" ", device)
		if err != nil || left != auth.RecoveryCodes-1 {
			b.Errorf("in a known browser: %d left, %v", left, err)
		}
		_, err = b.PassRecovery(b.Context(), a.User, codes[0], device)
		kindIs(b.T, err, errs.Invalid, "code")
	})
}

func TestNewRecoveryCodesEndTheOldOnes(t *testing.T) {
	eachWithMails(t, func(b *bench, mails *[]string) {
		a := testdb.Account(b.T, b.Store)
		_, err := b.NewRecoveryCodes(b.Context(), a.User)
		kindIs(b.T, err, errs.Conflict, "")
		old, err := setUp(b, a, b.clock)
		if err != nil {
			b.Fatal(err)
		}
		fresh, err := b.NewRecoveryCodes(b.Context(), a.User)
		if err != nil || len(fresh) != auth.RecoveryCodes {
			b.Fatalf("%q, %v", fresh, err)
		}
		lastIs(b, mails, "New recovery codes were created.")
		_, err = b.PassRecovery(b.Context(), a.User, old[0], "")
		kindIs(b.T, err, errs.Invalid, "code")
		if _, err := b.PassRecovery(b.Context(), a.User, fresh[0], ""); err != nil {
			b.Error(err)
		}
	})
}

func TestAnOperatorTakesFactorsAway(t *testing.T) {
	eachWithMails(t, func(b *bench, mails *[]string) {
		a := testdb.Account(b.T, b.Store)
		n, err := b.RemoveFactors(b.Context(), a.User)
		if n != 0 || err != nil || len(*mails) != 0 {
			b.Errorf("of none: %d, %v, mailed %q", n, err, *mails)
		}
		if _, err := setUp(b, a, b.clock); err != nil {
			b.Fatal(err)
		}
		newSoftKey(b, a.User, 0)
		if n, err := b.RemoveFactors(b.Context(), a.User); n != 2 || err != nil {
			b.Errorf("%d, %v", n, err)
		}
		lastIs(b, mails, "An operator of this site has switched two-factor sign-in off")
		f := b.factors(a.User)
		if f.On() {
			b.Errorf("left: %+v", f)
		}
	})
}

// register is what the key says when the site asks for a new one.
func (k *softKey) register(question auth.Ceremony) string {
	k.Helper()
	var options struct{ Challenge string }
	if err := json.Unmarshal([]byte(question.Options), &options); err != nil {
		k.Fatal(err)
	}
	client := fmt.Sprintf(`{"type":"webauthn.create","challenge":"%s","origin":"https://example.org","crossOrigin":false}`, options.Challenge)
	public, err := k.key.PublicKey.Bytes()
	if err != nil {
		k.Fatal(err)
	}
	cose := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, public[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 32), public[33:]...)
	party := sha256.Sum256([]byte("example.org"))
	// Somebody is there (1), and a key follows (0x40); it has not counted, and its
	// maker is unknown.
	data := append(party[:], 0x41)
	data = append(data, make([]byte, 4+16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.id))) //nolint:gosec // a short id
	data = append(append(data, k.id...), cose...)
	object := []byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58")
	object = append(append(object, byte(len(data))), data...)
	text := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"id":"%s","rawId":"%[1]s","type":"public-key","response":{"clientDataJSON":"%s","attestationObject":"%s"}}`,
		text(k.id), text([]byte(client)), text(object))
}

func TestKeysAreAddedRenamedAndRemoved(t *testing.T) {
	eachWithMails(t, func(b *bench, mails *[]string) {
		a := testdb.Account(b.T, b.Store)
		key := unregistered(b)
		begin := func() auth.Ceremony {
			b.Helper()
			q, err := b.BeginKey(b.Context(), a.User)
			if err != nil {
				b.Fatal(err)
			}
			return q
		}
		q := begin()
		for _, name := range []string{"", "a\x00", strings.Repeat("x", monitor.MaxKeyName+1)} {
			_, err := b.AddKey(b.Context(), a.User, q.Session, key.register(q), name, auth.By{})
			kindIs(b.T, err, errs.Invalid, "name")
		}
		codes, err := b.AddKey(b.Context(), a.User, q.Session, key.register(q), " At  work ", auth.By{})
		if err != nil || len(codes) != auth.RecoveryCodes {
			b.Fatalf("%q, %v", codes, err)
		}
		lastIs(b, mails, "The security key “At work” was added.")
		// An answer counts once, and a wrong one not at all.
		wrong := map[string]string{
			q.Session:             key.register(q),
			begin().Session:       "{}",
			"":                    "{}",
			begin().Session + " ": key.register(q),
		}
		for session, response := range wrong {
			_, err := b.AddKey(b.Context(), a.User, session, response, "Again", auth.By{})
			kindIs(b.T, err, errs.Invalid, "credential")
		}
		stored := b.factors(a.User).Keys
		if len(stored) != 1 || stored[0].Name != "At work" {
			b.Fatalf("stored: %+v", stored)
		}

		// It logs in.
		question, err := b.AskKey(a.User, b.factors(a.User))
		if err != nil {
			b.Fatal(err)
		}
		if err := b.PassKey(b.Context(), a.User, b.factors(a.User), question.Session, key.answer(question, 1), ""); err != nil {
			b.Error(err)
		}

		k := &stored[0]
		mailed := len(*mails)
		if err := b.RenameKey(b.Context(), a.User, k, "At work"); err != nil || len(*mails) != mailed {
			b.Errorf("to the same name: %v, mailed %q", err, *mails)
		}
		kindIs(b.T, b.RenameKey(b.Context(), a.User, k, " "), errs.Invalid, "name")
		kindIs(b.T, b.RenameKey(b.Context(), &monitor.User{ID: uuid.New()}, k, "Mine"), errs.NotFound, "")
		if err := b.RenameKey(b.Context(), a.User, k, "At home"); err != nil {
			b.Error(err)
		}
		lastIs(b, mails, "“At work” is called “At home” now")
		kindIs(b.T, b.RemoveKey(b.Context(), &monitor.User{ID: uuid.New()}, k), errs.NotFound, "")
		if err := b.RemoveKey(b.Context(), a.User, k); err != nil {
			b.Error(err)
		}
		lastIs(b, mails, "was removed")
		if on, err := b.TwoFactorOn(b.Context(), a.User.ID); on || err != nil {
			b.Errorf("on: %t, %v", on, err)
		}
	})
}

// Where browsers have no keys nothing is asked for.
func TestKeysWhereTheyDoNotWork(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		b := newBench(t, s, clock, func(c *auth.Config) { c.SiteRoot = "http://192.0.2.7" })
		_, err := b.BeginKey(t.Context(), a.User)
		kindIs(t, err, errs.Conflict, "")
		_, err = b.AddKey(t.Context(), a.User, "{}", "{}", "At work", auth.By{})
		kindIs(t, err, errs.Conflict, "")
		_, err = b.AskKey(a.User, &store.Factors{})
		kindIs(t, err, errs.Conflict, "")
		kindIs(t, b.PassKey(t.Context(), a.User, &store.Factors{}, "{}", "{}", ""), errs.Invalid, "credential")
	})
}
