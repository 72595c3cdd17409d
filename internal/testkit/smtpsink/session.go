package smtpsink

import (
	"errors"
	"io"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// session is one client's connection; go-smtp calls it from one goroutine.
type session struct {
	sink      *Sink
	conn      *smtp.Conn
	user      string
	behaviour Behaviour
	message   Message
}

var _ smtp.AuthSession = (*session)(nil)

func (s *Sink) session(conn *smtp.Conn) (smtp.Session, error) {
	return &session{sink: s, conn: conn}, nil
}

// AuthMechanisms offers PLAIN when the sink wants a password, else nothing.
func (s *session) AuthMechanisms() []string {
	if s.sink.opts.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth checks the password.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != s.sink.opts.Username || password != s.sink.opts.Password {
			return smtp.ErrAuthFailed
		}
		s.user = username
		return nil
	}), nil
}

// Mail begins a message, once the connection is as encrypted and authenticated as the sink wants it.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	_, encrypted := s.conn.TLSConnectionState()
	if s.sink.opts.TLS == "starttls" && !encrypted {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "STARTTLS first"}
	}
	if s.user != s.sink.opts.Username {
		return smtp.ErrAuthRequired
	}
	s.behaviour = s.sink.play(false)
	s.message = Message{From: from, Encrypted: encrypted, User: s.user}
	return nil
}

// Rcpt adds a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.behaviour.at == atRcpt {
		return s.behaviour.reply()
	}
	s.message.To = append(s.message.To, to)
	return nil
}

// Data takes the message. One that cannot be parsed is refused with the reason, so that its sender's test shows it.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	switch {
	case s.behaviour == Hang:
		<-s.sink.closed
		return errors.New("the test is over")
	case s.behaviour.at == atData:
		return s.behaviour.reply()
	}
	if err := s.message.parse(raw); err != nil {
		return err
	}
	s.sink.keep(s.message)
	if s.behaviour == DropAfterData {
		return s.conn.Conn().Close()
	}
	return nil
}

// Reset forgets the message that was begun.
func (s *session) Reset() { s.message = Message{} }

// Logout ends the session; there is nothing to free.
func (s *session) Logout() error { return nil }
