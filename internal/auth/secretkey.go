package auth

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"

	"punctual/internal/store"
)

// minSecretKey is how many characters the secret key of a new database has at
// least.
const minSecretKey = 32

// KeyFingerprint tells secret keys apart without giving anything of them away. It
// is kept in the database.
func KeyFingerprint(secretKey string) string {
	sum, err := hkdf.Key(sha256.New, []byte(secretKey), nil, "punctual fingerprint of the secret key", 16)
	if err != nil {
		// asked for too many bytes: not with a constant
		panic(err)
	}
	return hex.EncodeToString(sum)
}

// keyMark is put behind hashes that were made under a former secret key.
func keyMark(secretKey string) string { return "~" + KeyFingerprint(secretKey)[:12] }

// ErrOtherKey is the error about a secret key that is not the database's.
var ErrOtherKey = errors.New(
	"PUNCTUAL_SECRET_KEY is not the key that this database was made with: API keys, two-factor sign-in, badges and links in mails would " +
		"not work. " +
		"Set the former key again (with SQLite it is in the file secret.key beside the database). To change the key, set the former one as " +
		"PUNCTUAL_OLD_SECRET_KEYS")

// HoldKey makes sure, when a process starts, that the secret key is the one that
// the database belongs to; a new database adopts it. Where the database's is one
// of the former keys, it is changed: secrets are sealed anew, and API keys and
// tokens as they are used. It fails with ErrOtherKey, and where the key of a new
// database is shorter than MinSecretKey.
func HoldKey(ctx context.Context, s *store.Store, key string, former []string, log *slog.Logger) error {
	own := KeyFingerprint(key)
	stored, err := s.KeyFingerprint(ctx)
	if err != nil {
		return err
	}
	if stored == "" {
		stored, err = adoptKey(ctx, s, key, former)
		if err != nil {
			return err
		}
	}
	if stored != own {
		if err := rotateKey(ctx, s, stored, key, former, log); err != nil {
			return err
		}
	}
	return warnOfKeys(ctx, s, key, former, log)
}

// adoptKey makes the key that of a database that has none yet, or the former key
// that something in it was made with, and returns its fingerprint.
func adoptKey(ctx context.Context, s *store.Store, key string, former []string) (string, error) {
	unused, err := s.Unused(ctx)
	if err != nil {
		return "", err
	}
	if unused {
		if len(key) < minSecretKey {
			return "",
				fmt.Errorf("PUNCTUAL_SECRET_KEY has %d characters; a new database needs a key of at least %d. Make one with: openssl rand -hex 32",
					len(key), minSecretKey)
		}
		return s.AdoptKey(ctx, KeyFingerprint(key))
	}
	for _, candidate := range append([]string{key}, former...) {
		fits, err := keyFits(ctx, s, candidate)
		if err != nil {
			return "", err
		}
		if fits {
			return s.AdoptKey(ctx, KeyFingerprint(candidate))
		}
	}
	return "", ErrOtherKey
}

// linkedMails is how many mails are looked at for a link that was signed.
const linkedMails = 5

var unsubscribeLink = regexp.MustCompile(`/integrations/([0-9a-f-]{36})/unsub/([A-Za-z0-9_-]{43})/`)

// keyFits tells whether the key is the one that something in the database was made
// with: sealed secrets, else the links of the newest mails. Where there is nothing
// to tell by, it is taken at its word.
func keyFits(ctx context.Context, s *store.Store, key string) (bool, error) {
	sealed, err := s.SealedSecrets(ctx)
	if err != nil {
		return false, err
	}
	seal := newSealer(key)
	for _, v := range sealed {
		_, err := seal.open(totpPlace(v.User), v.Sealed)
		if err == nil {
			return true, nil
		}
	}
	if len(sealed) > 0 {
		return false, nil
	}
	mails, err := s.NewestLinks(ctx, linkedMails)
	if err != nil {
		return false, err
	}
	signer := NewSigner(key)
	seen := false
	for _, text := range mails {
		for _, link := range unsubscribeLink.FindAllStringSubmatch(text, -1) {
			seen = true
			if signer.Verify(PurposeUnsubscribe, link[1], link[2]) {
				return true, nil
			}
		}
	}
	return !seen, nil
}

// rotateKey changes the key of the database from the former one whose fingerprint
// is stored.
func rotateKey(ctx context.Context, s *store.Store, stored, key string, former []string, log *slog.Logger) error {
	for _, old := range former {
		if KeyFingerprint(old) != stored {
			continue
		}
		if len(key) < minSecretKey {
			return fmt.Errorf("PUNCTUAL_SECRET_KEY has %d characters; a new key needs at least %d. Make one with: openssl rand -hex 32", len(key),
				minSecretKey)
		}
		before := newSealer(old)
		after := newSealer(key)
		done, err := s.RotateKey(ctx, store.KeyRotation{
			From: stored, To: KeyFingerprint(key), Mark: keyMark(old),
			Reseal: func(v store.SealedSecret) string {
				text, err := before.open(totpPlace(v.User), v.Sealed)
				if err != nil {
					// of a key before that one: it stays as it is
					return ""
				}
				return after.seal(totpPlace(v.User), text)
			},
		})
		if done {
			log.Info("the secret key was changed; API keys and tokens follow as they are used")
		}
		return err
	}
	// Two processes at once: the other one has changed it.
	again, err := s.KeyFingerprint(ctx)
	if err == nil && again != KeyFingerprint(key) {
		err = ErrOtherKey
	}
	return err
}

// warnOfKeys tells what the operator should do about the keys.
func warnOfKeys(ctx context.Context, s *store.Store, key string, former []string, log *slog.Logger) error {
	if len(key) < minSecretKey {
		log.Warn("PUNCTUAL_SECRET_KEY is short enough to be guessed; change it for 32 random characters or more, see docs/secret-key.md",
			"characters", len(key))
	}
	waiting, err := s.FormerKeys(ctx)
	switch {
	case err != nil:
		return err
	case waiting > 0 && len(former) == 0:
		log.Warn("API keys and tokens that were not used since the secret key was changed do not work while PUNCTUAL_OLD_SECRET_KEYS is not set",
			"keys", waiting)
	case waiting > 0:
		log.Info("API keys and tokens that were not used since the secret key was changed: keep PUNCTUAL_OLD_SECRET_KEYS set", "keys", waiting)
	case len(former) > 0:
		log.Info("every API key and token is of the present secret key; links and badges in use may still need PUNCTUAL_OLD_SECRET_KEYS")
	}
	return nil
}

// StoredKey is the stored form of an API key or account token under the secret
// key. One that is stored under a former key is renewed first. A text that has not
// the form of a key has the form "".
func (s *Service) StoredKey(ctx context.Context, key string) (string, error) {
	stored := s.KeyHash(key)
	if stored == "" || len(s.OldSecretKeys) == 0 {
		return stored, nil
	}
	known, err := s.Store.KnowsKey(ctx, stored)
	if err != nil || known {
		return stored, err
	}
	for _, old := range s.OldSecretKeys {
		former := KeyHash(old, key) + keyMark(old)
		known, err := s.Store.KnowsKey(ctx, former)
		if err != nil {
			return "", err
		}
		if known {
			return stored, s.Store.RenewKey(ctx, former, stored)
		}
	}
	return stored, nil
}
