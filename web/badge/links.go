package badge

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// Project is the pseudo-tag of the badge over all checks of a project.
const Project = "*"

// The numbers of states that a badge may know.
const (
	// up and down
	TwoStates = 2
	// late as well
	ThreeStates = 3
)

// Formats are what a badge can be had as, by the ends of the addresses.
func Formats() []string { return []string{"svg", "json", "shields"} }

// Links makes the addresses of badges.
type Links struct {
	// of the instance
	SecretKey string
	// secret keys of before: addresses made with them are right, too
	Former []string
	// SITE_ROOT, without a slash at the end
	SiteURL string
}

const signatureLength = 8

// Signature is what opens the badge of a tag of the project with the badge key:
// the first characters of an HMAC-SHA1 (docs/contract.md §3.1). Addresses with it
// are in READMEs, so it is to stay as it is.
func (l Links) Signature(badgeKey, tag string) string {
	key := sha1.Sum([]byte(badgeKey + l.SecretKey)) //nolint:gosec // addresses in READMEs fix the algorithm
	mac := hmac.New(sha1.New, key[:])
	mac.Write([]byte(tag))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))[:signatureLength]
}

// signed tells whether the signature of an address opens the badge of the tag.
// Only its beginning is compared.
func (l Links) signed(signature, badgeKey, tag string) bool {
	if len(signature) < signatureLength {
		return false
	}
	beginning := []byte(signature[:signatureLength])
	right := hmac.Equal(beginning, []byte(l.Signature(badgeKey, tag)))
	for _, key := range l.Former {
		right = hmac.Equal(beginning, []byte(Links{SecretKey: key}.Signature(badgeKey, tag))) || right
	}
	return right
}

const twoStatesMark = "-2"

// statesOf is the number of states an address asks for by its signature.
func statesOf(signature string) int {
	if len(signature) == signatureLength+len(twoStatesMark) && strings.HasSuffix(signature, twoStatesMark) {
		return TwoStates
	}
	return ThreeStates
}

// Tag is the address of the badge of a tag, or of Project, with TwoStates or
// ThreeStates, in one of Formats.
func (l Links) Tag(badgeKey, tag string, states int, format string) string {
	link := l.SiteURL + "/badge/" + badgeKey + "/" + l.Signature(badgeKey, tag)
	if states == TwoStates {
		link += twoStatesMark
	}
	if tag != Project {
		link += "/" + escapeTwice(tag)
	}
	return link + "." + format
}

// Check is the address of the badge of one check, by the badge key of the check.
func (l Links) Check(badgeKey uuid.UUID, states int, format string) string {
	return l.SiteURL + "/b/" + strconv.Itoa(states) + "/" + badgeKey.String() + "." + format
}

// escapeTwice escapes all but letters, digits, - _ . and ~ as %XX, and the % of
// that again: the first decoding is the HTTP server's, and after it a slash in
// a tag must not look like one of the address (docs/contract.md §3.1).
func escapeTwice(tag string) string {
	once := strings.ReplaceAll(url.QueryEscape(tag), "+", "%20")
	return strings.ReplaceAll(once, "%", "%25")
}
