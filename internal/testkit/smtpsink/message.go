package smtpsink

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	// or mails that are not UTF-8 fail to parse
	_ "github.com/emersion/go-message/charset"
	"github.com/emersion/go-message/mail"
)

// Message is one mail the sink accepted.
type Message struct {
	// envelope sender, "" for <>
	From string
	// envelope recipients
	To []string
	// as received, CRLF line ends
	Raw    []byte
	Header mail.Header
	// decoded text/plain part, "" when there is none
	Text string
	// decoded text/html part, "" when there is none
	HTML string
	// came over TLS
	Encrypted bool
	// who logged in, "" for nobody
	User string
}

// Subject is the decoded subject, "" when there is none.
func (m Message) Subject() string {
	subject, err := m.Header.Subject()
	if err != nil {
		// undecodable: as it came
		return m.Header.Get("Subject")
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
		// an attachment
		return nil
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
