package auth

import (
	"crypto/sha256"
	"crypto/subtle"
)

// TokenIn tells whether given is one of the tokens of the settings, several of
// which may be valid at once. It takes the same time whichever it is, and how
// much of it is right. Nothing is never a token.
func TokenIn(given string, tokens []string) bool {
	if given == "" {
		return false
	}
	sum := sha256.Sum256([]byte(given))
	found := 0
	for _, token := range tokens {
		want := sha256.Sum256([]byte(token))
		found |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	return found == 1
}
