package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
)

// The forms of keys (docs/contract.md §2.2).
const (
	APIKeyLength = 32

	prefixReadWrite = "hcw_"
	prefixReadOnly  = "hcr_"
	// of account tokens, ours
	prefixToken   = "hca_"
	pingKeyLength = 22
	shownLength   = 8
)

const (
	lowerDigits   = "abcdefghijklmnopqrstuvwxyz0123456789"
	alphanumerics = lowerDigits + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// NewAPIKey makes an API key: hcw_ (or hcr_, when it may only read) and 28
// letters and digits.
func NewAPIKey(readonly bool) string {
	prefix := prefixReadWrite
	if readonly {
		prefix = prefixReadOnly
	}
	return prefix + randomText(alphanumerics, APIKeyLength-len(prefix))
}

// NewToken makes an account token: hca_ and 28 letters and digits.
func NewToken() string {
	return prefixToken + randomText(alphanumerics, APIKeyLength-len(prefixToken))
}

// NewPingKey makes a ping key: 22 lower-case letters and digits.
func NewPingKey() string { return randomText(lowerDigits, pingKeyLength) }

// KeyHash is the stored form of an API key or account token: eight characters to know it by, and
// the HMAC-SHA256 of the whole key under the secret key of the instance
// (docs/contract.md §2.2). A text that has not the form of a key has the hash "".
func KeyHash(secretKey, key string) string {
	if len(key) != APIKeyLength {
		return ""
	}
	switch key[:4] {
	case prefixReadWrite, prefixReadOnly, prefixToken:
	default:
		return ""
	}
	mac := hmac.New(sha256.New, []byte(secretKey))
	mac.Write([]byte(key))
	return key[4:4+shownLength] + "." + hex.EncodeToString(mac.Sum(nil))
}

// KeyHash is the stored form of an API key under the instance's secret key.
func (s *Service) KeyHash(key string) string { return KeyHash(s.SecretKey, key) }

// KeyHint is what may be shown of a stored API key: its first four random
// characters. It is "" for no key.
func KeyHint(stored string, readonly bool) string {
	if len(stored) < shownLength {
		return ""
	}
	// of old times, in clear
	if len(stored) == APIKeyLength {
		return stored[:4]
	}
	if readonly {
		return prefixReadOnly + stored[:4]
	}
	return prefixReadWrite + stored[:4]
}

func randomText(alphabet string, n int) string {
	out := make([]byte, n)
	size := big.NewInt(int64(len(alphabet)))
	for i := range out {
		// never fails
		k, _ := rand.Int(rand.Reader, size)
		out[i] = alphabet[k.Int64()]
	}
	return string(out)
}
