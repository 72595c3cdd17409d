package smtpd

import (
	"strings"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"punctual/internal/hosts"
	"punctual/internal/monitor"
)

// mailbox is what an address means: a check by its code, or by ping key and slug.
type mailbox struct {
	// zero: by slug
	code    uuid.UUID
	pingKey string
	slug    string
}

// Why an address is refused (docs/contract.md §1.11).
var (
	errDomain  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "Recipient rejected"}
	errMailbox = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "Invalid mailbox"}
)

const pingKeyLength = 22

// parseAddress reads an envelope recipient: <uuid>@domain with a version 4 uuid
// in any letter case, or <ping key>+<slug>@domain. The domain's case and final
// dot do not matter. Whether there is such a check is not asked here, and never told to
// the sender.
func parseAddress(address, domain string) (mailbox, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || hosts.Domain(address[at+1:]) != hosts.Domain(domain) {
		return mailbox{}, errDomain
	}
	local := address[:at]
	if code, ok := parseCode(local); ok {
		return mailbox{code: code}, nil
	}
	key, slug, ok := strings.Cut(local, "+")
	if !ok || len(key) != pingKeyLength || !isWord(key) || slug == "" || !monitor.ValidSlug(slug) {
		return mailbox{}, errMailbox
	}
	return mailbox{pingKey: key, slug: slug}, nil
}

// parseCode takes the canonical form only: 36 characters with dashes.
func parseCode(s string) (uuid.UUID, bool) {
	if len(s) != 36 {
		return uuid.Nil, false
	}
	code, err := uuid.Parse(s)
	return code, err == nil && code.Version() == 4
}

// isWord tells whether s is made of letters, digits, dash and underscore.
func isWord(s string) bool {
	return strings.Trim(s, "-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}
