package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// sealer encrypts what must be read again later, so that whoever has only the
// database has it not. AES-256-GCM under a key made of the secret key of the
// instance.
type sealer struct {
	aead cipher.AEAD
	// of the secret keys of before
	former []cipher.AEAD
}

// sealVersion is before every sealed text, for the day when there is another way.
const sealVersion = "v1."

var errNotSealed = errors.New("not sealed by this instance's secret key")

func newSealer(secretKey string, former ...string) *sealer {
	s := &sealer{aead: newAEAD(secretKey)}
	for _, old := range former {
		s.former = append(s.former, newAEAD(old))
	}
	return s
}

func newAEAD(secretKey string) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, []byte(secretKey), nil, "punctual sealed values", 32)
	if err != nil {
		// asked for too many bytes: not with a constant
		panic(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		// a key of another length
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		// another block size
		panic(err)
	}
	return aead
}

// seal encrypts a text for its place: what it is, and whose. It opens nowhere else.
func (s *sealer) seal(place, text string) string {
	return sealVersion + base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(text), []byte(place)))
}

// open decrypts a sealed text in its place.
func (s *sealer) open(place, sealed string) (string, error) {
	text, ok := strings.CutPrefix(sealed, sealVersion)
	if !ok {
		return "", errNotSealed
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", errNotSealed
	}
	plain, err := s.aead.Open(nil, nil, raw, []byte(place))
	for i := 0; err != nil && i < len(s.former); i++ {
		plain, err = s.former[i].Open(nil, nil, raw, []byte(place))
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNotSealed, err)
	}
	return string(plain), nil
}
