package monitor

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// UniqueKey is the public name of a check: it identifies the check to those who
// may read it without giving away the ping URL (docs/contract.md §2.3).
func UniqueKey(code uuid.UUID) string {
	half := strings.ReplaceAll(code.String(), "-", "")[:16]
	sum := sha1.Sum([]byte(half)) //nolint:gosec // clients know these keys, see docs/contract.md
	return hex.EncodeToString(sum[:])
}

var slugOK = regexp.MustCompile(`\A[a-z0-9_-]*\z`)

// Slugify makes a slug of a name: accents dropped, lower-case, words joined by
// dashes. It may be empty (docs/contract.md §2.3).
func Slugify(name string) string {
	slug := make([]byte, 0, 128)
	for _, r := range norm.NFKD.String(name) {
		switch {
		case 'A' <= r && r <= 'Z':
			slug = append(slug, byte(r-'A'+'a'))
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_':
			slug = append(slug, byte(r))
		case r == '-' || r == ' ' || '\t' <= r && r <= '\r' && r != '\v':
			n := len(slug)
			if n == 0 || slug[n-1] != '-' {
				slug = append(slug, '-')
			}
		}
	}
	return string(bytes.Trim(slug, "-_"))
}

// ValidSlug tells whether s may be stored as a slug: lower-case letters,
// digits, dash and underscore, or empty.
func ValidSlug(s string) bool { return len(s) <= MaxSlugLength && slugOK.MatchString(s) }
