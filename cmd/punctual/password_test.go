package main

import (
	"testing"

	"punctual/internal/store"
)

// Of account tokens only those are told that there were.
func TestANewPasswordReportsHowManyTokensItRevoked(t *testing.T) {
	for tokens, want := range map[int64]string{
		0: "jane@example.org has a new password and is logged out everywhere.",
		2: "jane@example.org has a new password and is logged out everywhere; account tokens revoked: 2.",
	} {
		got := passwordSet("jane@example.org", store.Ended{Sessions: 1, Tokens: tokens})
		if got != want {
			t.Errorf("%d tokens: %q, want %q", tokens, got, want)
		}
	}
}
