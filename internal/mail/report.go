package mail

import (
	"bufio"
	"io"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
)

// maxDepth is how deep in a mail its report is looked for: it is a part of the
// mail, or of a part where a mailing list has wrapped it.
const maxDepth = 3

// findReport looks for the delivery report (RFC 3464) in a mail and fills in
// what it says. The original mail, which is attached too, is not looked into.
func (b *Bounce) findReport(e *message.Entity, depth int) bool {
	// "" when it cannot be read
	kind, _, _ := e.Header.ContentType()
	if kind == "message/delivery-status" {
		return b.readReport(e.Body)
	}
	parts := e.MultipartReader()
	if parts == nil || depth == maxDepth {
		return false
	}
	for {
		part, err := parts.NextPart()
		if part == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
			return false
		}
		if b.findReport(part, depth+1) {
			return true
		}
	}
}

// readReport reads the groups of fields of a report, the first about the
// message and then one for each recipient, until one has an action and a status.
func (b *Bounce) readReport(r io.Reader) bool {
	lines := bufio.NewReader(r)
	for {
		fields, err := textproto.ReadHeader(lines)
		// a comment may follow
		status, _, _ := strings.Cut(strings.TrimSpace(fields.Get("Status")), " ")
		if status != "" && fields.Get("Action") != "" {
			b.Status = status
			b.Diagnostic = oneLine(fields.Get("Diagnostic-Code"))
			return true
		}
		if err != nil {
			return false
		}
		if _, err := lines.Peek(1); err != nil {
			return false
		}
	}
}
