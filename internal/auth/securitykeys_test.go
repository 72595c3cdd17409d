package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-webauthn/webauthn/webauthn"

	"punctual/internal/auth"
	"punctual/internal/errs"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// softKey is a security key in software, for the site of newBench.
type softKey struct {
	*testing.T
	id  []byte
	key *ecdsa.PrivateKey
}

// newSoftKey makes a key and gives it to the user as one that has counted so far.
func newSoftKey(b *bench, user *monitor.User, count uint32) *softKey {
	b.Helper()
	k := unregistered(b)
	// 4, x, y
	public, err := k.key.PublicKey.Bytes()
	if err != nil {
		b.Fatal(err)
	}
	// As in COSE: a map of type, algorithm, curve, x and y.
	cose := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, public[1:33]...)
	cose = append(append(cose, 0x22, 0x58, 32), public[33:]...)
	// An earlier version stored the warning, too; it must not count.
	record, err := json.Marshal(webauthn.Credential{ID: k.id, PublicKey: cose,
		Authenticator: webauthn.Authenticator{SignCount: count, CloneWarning: true}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.Store.AddSecurityKey(b.Context(), &store.SecurityKey{UserID: user.ID, Name: "At work", KeyID: k.id, Data: record}, nil,
		nil); err != nil {
		b.Fatal(err)
	}
	return k
}

// unregistered makes a key that no user has.
func unregistered(b *bench) *softKey {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	return &softKey{b.T, []byte("a key of tests"), key}
}

// answer is what the key says to a question, as its use number count.
func (k *softKey) answer(question auth.Ceremony, count uint32) string {
	k.Helper()
	var options struct{ Challenge string }
	if err := json.Unmarshal([]byte(question.Options), &options); err != nil {
		k.Fatal(err)
	}
	client := fmt.Sprintf(`{"type":"webauthn.get","challenge":"%s","origin":"https://example.org","crossOrigin":false}`, options.Challenge)
	party := sha256.Sum256([]byte("example.org"))
	// 1: somebody is there
	data := binary.BigEndian.AppendUint32(append(party[:], 1), count)
	hash := sha256.Sum256([]byte(client))
	digest := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, digest[:])
	if err != nil {
		k.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(
		`{"id":"%s","rawId":"%[1]s","type":"public-key","response":{"clientDataJSON":"%s","authenticatorData":"%s","signature":"%s"}}`,
		text(k.id), text([]byte(client)), text(data), text(signature))
}

func eachWithKey(t *testing.T, count uint32, test func(b *bench, k *softKey, ask func() auth.Ceremony,
	pass func(q auth.Ceremony, answer string) error, mails *[]mail.Security)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		var mails []mail.Security
		b := newBench(t, s, clock, withMail, func(c *auth.Config) {
			c.Mails.Security = func(_ context.Context, v mail.Security) error { mails = append(mails, v); return nil }
		})
		a := testdb.Account(t, s)
		k := newSoftKey(b, a.User, count)
		factors := func() *store.Factors {
			f, err := s.FactorsOf(t.Context(), a.User.ID)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		ask := func() auth.Ceremony {
			q, err := b.AskKey(a.User, factors())
			if err != nil {
				t.Fatal(err)
			}
			return q
		}
		pass := func(q auth.Ceremony, answer string) error {
			return b.PassKey(t.Context(), a.User, factors(), q.Session, answer, "Firefox on Linux")
		}
		test(b, k, ask, pass, &mails)
	})
}

func TestAnAnswerOfAKeyCountsOnce(t *testing.T) {
	eachWithKey(t, 0, func(b *bench, k *softKey, ask func() auth.Ceremony, pass func(auth.Ceremony, string) error, _ *[]mail.Security) {
		// A key that does not count: nothing but the question tells uses apart.
		q := ask()
		answer := k.answer(q, 0)
		if err := pass(q, answer); err != nil {
			b.Fatal(err)
		}
		kindIs(b.T, pass(q, answer), errs.Invalid, "credential")

		// Of many at once, one gets in.
		q = ask()
		answer = k.answer(q, 0)
		var in atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if pass(q, answer) == nil {
					in.Add(1)
				}
			})
		}
		all.Wait()
		if in.Load() != 1 {
			b.Errorf("%d of 8 answers at once count", in.Load())
		}
		// A wrong answer uses the question up, too.
		q = ask()
		kindIs(b.T, pass(q, "{}"), errs.Invalid, "credential")
		kindIs(b.T, pass(q, k.answer(q, 0)), errs.Invalid, "credential")
	})
}

func TestACopiedKeyIsRefusedAndItsOwnerLearnsOfIt(t *testing.T) {
	eachWithKey(t, 5, func(b *bench, k *softKey, ask func() auth.Ceremony, pass func(auth.Ceremony, string) error, mails *[]mail.Security) {
		use := func(count uint32) error {
			q := ask()
			return pass(q, k.answer(q, count))
		}
		if err := use(6); err != nil {
			b.Fatal(err)
		}
		for _, count := range []uint32{6, 5, 1, 0} {
			err := use(count)
			kindIs(b.T, err, errs.Invalid, "credential")
			if !strings.Contains(errs.Message(err), "copy") {
				b.Errorf("count %d: %v", count, err)
			}
		}
		if len(*mails) != 4 || !strings.Contains((*mails)[0].Done, "“At work” was refused") || (*mails)[0].From != "Firefox on Linux" {
			b.Errorf("mailed %+v", *mails)
		}
		// the key itself goes on
		if err := use(7); err != nil {
			b.Error(err)
		}
	})
}
