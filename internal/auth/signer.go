package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Signer signs values that travel in links, so that whoever follows a link
// proves that we made it. A signature is bound to its purpose: one made to
// unsubscribe does not verify an address.
type Signer struct {
	key []byte
	// keys that signed links of before
	former [][]byte
}

// The purposes of links about a channel. The value is the channel's id, and to
// verify an address, that address too: one given later must be asked anew.
const (
	// /integrations/<id>/unsub/<signature>/
	PurposeUnsubscribe = "unsubscribe"
	// /integrations/<id>/verify/<signature>/
	PurposeVerify = "verify"
)

// NewSigner makes a signer from the secret key of the instance. What was signed with
// one of the former keys is right, too.
func NewSigner(secretKey string, former ...string) *Signer {
	s := &Signer{key: signingKey(secretKey)}
	for _, old := range former {
		s.former = append(s.former, signingKey(old))
	}
	return s
}

func signingKey(secretKey string) []byte {
	key := sha256.Sum256([]byte("punctual link signatures\x00" + secretKey))
	return key[:]
}

// Sign returns the signature of value for a purpose: 43 characters that need no
// escaping in an URL.
func (s *Signer) Sign(purpose, value string) string {
	return base64.RawURLEncoding.EncodeToString(mac(s.key, purpose, value))
}

// Verify tells whether sig is the signature of value for the purpose. It takes
// the same time wherever they differ.
func (s *Signer) Verify(purpose, value, sig string) bool {
	got, err := base64.RawURLEncoding.DecodeString(sig)
	if err != nil {
		return false
	}
	right := hmac.Equal(got, mac(s.key, purpose, value))
	for _, key := range s.former {
		right = hmac.Equal(got, mac(key, purpose, value)) || right
	}
	return right
}

// Bucket names the rate limit of one address, person or key, for store.TakeToken,
// without giving away whose it is to somebody who reads the database: addresses can
// be guessed, and only who has the secret key can tell whether a guess is right.
func (s *Signer) Bucket(limit, of string) string {
	return limit + ":" + s.Sign("rate limit "+limit, of)
}

// UnsubscribePath is the path, below SITE_ROOT, that ends the alerts of an
// e-mail channel (docs/contract.md §5).
func (s *Signer) UnsubscribePath(channel uuid.UUID) string {
	return "/integrations/" + channel.String() + "/unsub/" + s.Sign(PurposeUnsubscribe, channel.String()) + "/"
}

// purposeReports is that of links that end the reports and nags of a user.
const purposeReports = "unsubscribe reports"

// UnsubscribeReportsPath is the path, below SITE_ROOT, that ends the reports and
// nags of a user, in a mail made at a time. It does not expire.
func (s *Signer) UnsubscribeReportsPath(user uuid.UUID, at time.Time) string {
	value := user.String() + "." + strconv.FormatInt(at.Unix(), 36)
	return "/accounts/unsubscribe_reports/" + value + "." + s.Sign(purposeReports, value) + "/"
}

// OpenUnsubscribeReports reads the last part of such a path: whose link it is and
// when it was made. It is false for one that we have not made.
func (s *Signer) OpenUnsubscribeReports(signed string) (user uuid.UUID, at time.Time, ok bool) {
	dot := strings.LastIndexByte(signed, '.')
	if dot < 0 || !s.Verify(purposeReports, signed[:dot], signed[dot+1:]) {
		return uuid.Nil, time.Time{}, false
	}
	id, seconds, _ := strings.Cut(signed[:dot], ".")
	user, err := uuid.Parse(id)
	n, err2 := strconv.ParseInt(seconds, 36, 64)
	return user, time.Unix(n, 0).UTC(), err == nil && err2 == nil
}

func mac(key []byte, purpose, value string) []byte {
	h := hmac.New(sha256.New, key)
	// The length keeps apart pairs whose concatenations are the same.
	h.Write([]byte(strconv.Itoa(len(purpose)) + ":" + purpose + value))
	return h.Sum(nil)
}
