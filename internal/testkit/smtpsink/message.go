package smtpsink

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	_ "github.com/emersion/go-message/charset" // or mails that are not UTF-8 fail to parse
	"github.com/emersion/go-message/mail"
)

// Message is one mail the sink accepted.
type Message struct {
	From      string   // envelope sender, "" for <>
	To        []string // envelope recipients
	Raw       []byte   // as received, CRLF line ends
	Header    mail.Header
	Text      string // decoded text/plain part, "" when there is none
	HTML      string // decoded text/html part, "" when there is none
	Encrypted bool   // came over TLS
	User      string // who logged in, "" for nobody
}

// Subject is the decoded subject, "" when there is none.
func (m Message) Subject() string {
	subject, err := m.Header.Subject()
	if err != nil {
		return m.Header.Get("Subject") // undecodable: as it came
	}
	return subject
}

// SentTo says whether address is among the envelope's recipients, whatever its case.
func (m Message) SentTo(address string) bool {
	for _, to := range m.To {
		if strings.EqualFold(to, address) {
			return true
		}
	}
	return false
}

func (m *Message) parse(raw []byte) error {
	m.Raw = raw
	reader, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("parsing the message: %w", err)
	}
	m.Header = reader.Header
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("parsing the message: %w", err)
		}
		if err := m.add(part); err != nil {
			return err
		}
	}
}

func (m *Message) add(part *mail.Part) error {
	header, inline := part.Header.(*mail.InlineHeader)
	if !inline {
		return nil // an attachment
	}
	kind, _, err := header.ContentType()
	if err != nil {
		return fmt.Errorf("parsing the message: %w", err)
	}
	body, err := io.ReadAll(part.Body)
	if err != nil {
		return fmt.Errorf("decoding the %s part: %w", kind, err)
	}
	switch kind {
	case "text/plain":
		m.Text = string(body)
	case "text/html":
		m.HTML = string(body)
	}
	return nil
}
