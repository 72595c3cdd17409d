// Package inbound takes mail apart that others have sent: the headers worth
// showing, the text, the HTML, and what is attached. It serves the keyword
// filters of e-mail pings and the page that shows them (docs/contract.md §1.11).
//
// Mail in the wild is rarely well-formed and may be cut at the limit of what is
// kept, so nothing here fails: what cannot be read is left out.
package inbound

import (
	"mime"
	"strings"

	"punctual/internal/text"

	"github.com/emersion/go-message/charset"
)

// Bounds of what is looked at. A mail that goes beyond them is no mail of a job.
const (
	// of parts in parts
	maxDepth = 10
	// of all kinds
	maxParts = 200
)

// Message is a mail, decoded to UTF-8.
type Message struct {
	Subject string
	// From, To, Cc, Reply-To, Date and Message-ID, as far as there are
	Fields []Field
	// the parts in plain text, one below the other, "" when there are none
	Text string
	// the parts in HTML, likewise
	HTML        string
	Attachments []Attachment
}

// Field is a header to show.
type Field struct{ Name, Value string }

// Attachment is a part that is neither the text nor the HTML of the mail.
type Attachment struct {
	// "" when the mail gives none
	Name string
	// media type, such as application/pdf
	Type string
	// bytes, decoded; of a cut mail those that are there
	Size int
}

// HTMLText is the text of the HTML part.
func (m *Message) HTMLText() string { return htmlText(m.HTML) }

// Parse takes a raw mail apart, the beginning of one just as well.
func Parse(raw []byte) *Message {
	m := &Message{}
	e := split(raw)
	m.Subject = decoded(e.header, "Subject")
	for _, name := range []string{"From", "To", "Cc", "Reply-To", "Date", "Message-ID"} {
		v := decoded(e.header, name)
		if v != "" {
			m.Fields = append(m.Fields, Field{name, v})
		}
	}
	w := walk{m: m}
	w.part(e, 0)
	return m
}

// decodeWords decodes a header value; what is wrong in it stays as it is.
func decodeWords(s string) string {
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	out, err := d.DecodeHeader(s)
	if err == nil {
		return out
	}
	return s
}

func decoded(h header, name string) string {
	return text.Clean(text.OneLine(decodeWords(h.get(name))))
}

// walk visits the parts of a mail in their order.
type walk struct {
	m     *Message
	parts int
}

func (w *walk) part(e entity, depth int) {
	w.parts++
	if w.parts > maxParts {
		return
	}
	kind, params := e.header.contentType()
	if !strings.HasPrefix(kind, "multipart/") {
		w.leaf(e, kind, params)
		return
	}
	if depth >= maxDepth {
		return
	}
	for _, part := range parts(e.body, params["boundary"], maxParts-w.parts) {
		w.part(split(part), depth+1)
	}
}

// leaf reads a part without parts. Texts of several parts are joined: programs put
// what went wrong into the second as well.
func (w *walk) leaf(e entity, kind string, params map[string]string) {
	disposition, name := e.header.disposition()
	if name == "" {
		name = params["name"]
	}
	attached := disposition == "attachment"
	switch {
	case !attached && kind == "text/html":
		w.m.HTML = joined(w.m.HTML, body(e.decode(kind, params)))
	case !attached && (kind == "text/plain" || strings.HasPrefix(kind, "text/") && name == ""):
		w.m.Text = joined(w.m.Text, body(e.decode(kind, params)))
	default:
		w.m.Attachments = append(w.m.Attachments, Attachment{Name: text.Clean(decodeWords(name)), Type: text.Clean(kind), Size: e.size()})
	}
}

// joined puts a text behind another, on a line of its own.
func joined(before, after string) string {
	if before == "" {
		return after
	}
	return strings.TrimSuffix(before, "\n") + "\n" + after
}

// body is the text of a part, with the ends of lines that everything else has.
func body(content []byte) string {
	return text.Clean(strings.ReplaceAll(string(content), "\r\n", "\n"))
}
