package auth_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/auth"
)

func TestASignatureIsGoodForItsKeyPurposeAndValueOnly(t *testing.T) {
	s := auth.NewSigner("secret")
	sig := s.Sign("unsubscribe", "a")
	if !s.Verify("unsubscribe", "a", sig) {
		t.Error("the signature does not hold")
	}
	for name, ok := range map[string]bool{
		"other value":      s.Verify("unsubscribe", "b", sig),
		"other purpose":    s.Verify("verify", "a", sig),
		"moved boundary":   s.Verify("unsubscrib", "ea", sig),
		"other key":        auth.NewSigner("another").Verify("unsubscribe", "a", sig),
		"cut":              s.Verify("unsubscribe", "a", sig[:42]),
		"empty":            s.Verify("unsubscribe", "a", ""),
		"not in its words": s.Verify("unsubscribe", "a", "!"+sig[1:]),
	} {
		if ok {
			t.Errorf("%s: verified", name)
		}
	}
}

func TestLinksOfAChannelCarryItsSignature(t *testing.T) {
	s := auth.NewSigner("secret")
	id := uuid.New()
	for path, purpose := range map[string]string{s.UnsubscribePath(id): auth.PurposeUnsubscribe} {
		parts := strings.Split(path, "/")
		if len(parts) != 6 || parts[2] != id.String() || !s.Verify(purpose, id.String(), parts[4]) {
			t.Errorf("path %s", path)
		}
	}
}
