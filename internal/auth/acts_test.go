package auth_test

import (
	"strings"
	"testing"
	"time"

	"punctual/internal/auth"
)

func TestLinksOfActs(t *testing.T) {
	signer := auth.NewSigner("a secret")
	made := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const jane = "jane+höher@example.org"
	path := signer.VerdictPath(7, "success", jane, made)
	signed, cut := strings.CutPrefix(strings.TrimSuffix(path, "/"), "/unknown-runs/7/success/")
	if !cut || strings.ContainsAny(signed, "/+%=@") {
		t.Fatal(path)
	}
	for _, tc := range []struct {
		what           string
		signer         *auth.Signer
		run            int64
		verdict        string
		signed         string
		after          time.Duration
		expired, right bool
	}{
		{"at once", signer, 7, "success", signed, 0, false, true},
		{"within its time", signer, 7, "success", signed, auth.ActTime, false, true},
		{"too late", signer, 7, "success", signed, auth.ActTime + time.Second, true, true},
		{"of another run", signer, 8, "success", signed, 0, false, false},
		{"another verdict", signer, 7, "fail", signed, 0, false, false},
		{"of another instance", auth.NewSigner("another"), 7, "success", signed, 0, false, false},
		{"by a former key", auth.NewSigner("another", "a secret"), 7, "success", signed, 0, false, true},
		{"as if made later", signer, 7, "success", "z" + signed, 0, false, false},
		{"as if by another", signer, 7, "success", strings.Replace(signed, ".", ".a", 1), 0, false, false},
		{"cut off", signer, 7, "success", signed[:len(signed)-1], 0, false, false},
		{"nothing", signer, 7, "success", "", 0, false, false},
	} {
		by, expired, right := tc.signer.OpenVerdict(tc.run, tc.verdict, tc.signed, made.Add(tc.after))
		if expired != tc.expired || right != tc.right || right != (by == jane) {
			t.Errorf("%s: by %q, expired %t, right %t", tc.what, by, expired, right)
		}
	}
	if _, _, right := signer.OpenAct("another purpose", "7/success", signed, made); right {
		t.Error("a link of one purpose serves another")
	}
}
