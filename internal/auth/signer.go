package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"github.com/google/uuid"
)

// Signer signs values that travel in links, so that whoever follows a link
// proves that we made it. A signature is bound to its purpose: one made to
// unsubscribe does not verify an address.
type Signer struct{ key []byte }

// The purposes of links about a channel. The value is the channel's id, and to
// verify an address, that address too: one given later must be asked anew.
const (
	PurposeUnsubscribe = "unsubscribe" // /integrations/<id>/unsub/<signature>/
	PurposeVerify      = "verify"      // /integrations/<id>/verify/<signature>/
)

// NewSigner makes a signer from the secret key of the instance.
func NewSigner(secretKey string) *Signer {
	key := sha256.Sum256([]byte("punctual link signatures\x00" + secretKey))
	return &Signer{key: key[:]}
}

// Sign returns the signature of value for a purpose: 43 characters that need no
// escaping in an URL.
func (s *Signer) Sign(purpose, value string) string {
	return base64.RawURLEncoding.EncodeToString(s.mac(purpose, value))
}

// Verify tells whether sig is the signature of value for the purpose. It takes
// the same time wherever they differ.
func (s *Signer) Verify(purpose, value, sig string) bool {
	got, err := base64.RawURLEncoding.DecodeString(sig)
	return err == nil && hmac.Equal(got, s.mac(purpose, value))
}

// UnsubscribePath is the path, below SITE_ROOT, that ends the alerts of an
// e-mail channel (contract §5).
func (s *Signer) UnsubscribePath(channel uuid.UUID) string {
	return "/integrations/" + channel.String() + "/unsub/" + s.Sign(PurposeUnsubscribe, channel.String()) + "/"
}

func (s *Signer) mac(purpose, value string) []byte {
	h := hmac.New(sha256.New, s.key)
	// The length keeps apart pairs whose concatenations are the same.
	h.Write([]byte(strconv.Itoa(len(purpose)) + ":" + purpose + value))
	return h.Sum(nil)
}
