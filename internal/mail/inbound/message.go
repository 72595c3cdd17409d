// Package inbound takes mail apart that others have sent: the headers worth
// showing, the text, the HTML, and what is attached. It serves the keyword
// filters of e-mail pings and the page that shows them (contract §1.11).
//
// Mail in the wild is rarely well-formed and may be cut at the limit of what is
// kept, so nothing here fails: what cannot be read is left out.
package inbound

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset" // linked in, it also makes go-message know all charsets
)

// Bounds of what is looked at. A mail that goes beyond them is no mail of a job.
const (
	maxDepth = 10  // of parts in parts
	maxParts = 200 // of all kinds
)

// Message is a mail, decoded to UTF-8.
type Message struct {
	Subject     string
	Fields      []Field // From, To, Cc, Reply-To, Date and Message-ID, as far as there are
	Text        string  // the first text/plain part, "" when there is none
	HTML        string  // the first text/html part, "" when there is none
	Attachments []Attachment
}

// Field is a header to show.
type Field struct{ Name, Value string }

// Attachment is a part that is neither the text nor the HTML of the mail.
type Attachment struct {
	Name string // "" when the mail gives none
	Type string // media type, such as application/pdf
	Size int    // bytes, decoded; of a cut mail those that are there
}

// HTMLText is the text of the HTML part.
func (m *Message) HTMLText() string { return htmlText(m.HTML) }

// Parse takes a raw mail apart, the beginning of one just as well.
func Parse(raw []byte) *Message {
	m := &Message{}
	e, err := message.Read(bytes.NewReader(raw))
	if e == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		m.parseBroken(raw)
		return m
	}
	m.Subject = decoded(&e.Header, "Subject")
	for _, name := range []string{"From", "To", "Cc", "Reply-To", "Date", "Message-ID"} {
		if v := decoded(&e.Header, name); v != "" {
			m.Fields = append(m.Fields, Field{name, v})
		}
	}
	w := walk{m: m}
	w.part(e, 0)
	return m
}

// parseBroken makes the best of a mail whose header cannot be read.
func (m *Message) parseBroken(raw []byte) {
	text := strings.ReplaceAll(string(raw), "\r\n", "\n")
	head, body, _ := strings.Cut(text, "\n\n")
	for line := range strings.SplitSeq(head, "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && m.Subject == "" && strings.EqualFold(name, "Subject") {
			m.Subject = clean(decodeWords(strings.TrimSpace(value)))
		}
	}
	m.Text = clean(body)
}

// decodeWords decodes a header value; what is wrong in it stays as it is.
func decodeWords(s string) string {
	d := mime.WordDecoder{CharsetReader: charset.Reader}
	if out, err := d.DecodeHeader(s); err == nil {
		return out
	}
	return s
}

func decoded(h *message.Header, name string) string {
	return clean(strings.Join(strings.Fields(decodeWords(h.Get(name))), " "))
}

// clean makes a text that every page and database takes.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// walk visits the parts of a mail in their order.
type walk struct {
	m                *Message
	parts            int
	hasText, hasHTML bool
}

func (w *walk) part(e *message.Entity, depth int) {
	if w.parts++; w.parts > maxParts {
		return
	}
	if mr := e.MultipartReader(); mr != nil {
		for depth < maxDepth && w.parts <= maxParts {
			child, err := mr.NextPart()
			if child == nil || errors.Is(err, io.EOF) {
				return
			}
			w.part(child, depth+1)
		}
		return
	}
	w.leaf(e)
}

// leaf reads a part without parts. An error in its encoding ends it early.
func (w *walk) leaf(e *message.Entity) {
	kind, params, err := e.Header.ContentType()
	if err != nil && kind == "" {
		kind = "text/plain" // as RFC 2045 §5.2 has it
	}
	disposition, dispParams, _ := e.Header.ContentDisposition() // broken: an ordinary part
	inline := !strings.EqualFold(disposition, "attachment")
	switch {
	case inline && kind == "text/plain" && !w.hasText:
		w.m.Text, w.hasText = text(e.Body), true
	case inline && kind == "text/html" && !w.hasHTML:
		w.m.HTML, w.hasHTML = text(e.Body), true
	default:
		name := dispParams["filename"]
		if name == "" {
			name = params["name"]
		}
		size, _ := io.Copy(io.Discard, e.Body) // as far as it can be decoded
		w.m.Attachments = append(w.m.Attachments, Attachment{Name: clean(decodeWords(name)), Type: clean(kind), Size: int(size)})
	}
}

func text(r io.Reader) string {
	content, _ := io.ReadAll(r) // as far as it can be decoded
	return clean(strings.ReplaceAll(string(content), "\r\n", "\n"))
}
