package monitor

import (
	"crypto/sha1"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// UniqueKey is the public name of a check: it identifies the check to those who
// may read it without giving away the ping URL (contract §2.3).
func UniqueKey(code uuid.UUID) string {
	half := strings.ReplaceAll(code.String(), "-", "")[:16]
	sum := sha1.Sum([]byte(half)) //nolint:gosec // the contract fixes the algorithm
	return hex.EncodeToString(sum[:])
}

var (
	slugDrop = regexp.MustCompile(`[^a-z0-9_\s-]`)
	slugJoin = regexp.MustCompile(`[-\s]+`)
	slugOK   = regexp.MustCompile(`\A[a-z0-9_-]*\z`)
)

// Slugify makes a slug of a name: accents dropped, lower-case, words joined by
// dashes. It may be empty (contract §2.3).
func Slugify(name string) string {
	ascii := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return -1
		}
		return r
	}, norm.NFKD.String(name))
	s := slugDrop.ReplaceAllString(strings.ToLower(ascii), "")
	return strings.Trim(slugJoin.ReplaceAllString(s, "-"), "-_")
}

// ValidSlug tells whether s may be stored as a slug: lower-case letters,
// digits, dash and underscore, or empty.
func ValidSlug(s string) bool { return len(s) <= MaxSlugLength && slugOK.MatchString(s) }
