package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"punctual/internal/hosts"
	"punctual/internal/monitor"
	"punctual/internal/text"
)

// The ways a connection to the SMTP server is encrypted (PUNCTUAL_SMTP_TLS).
const (
	// upgraded after the greeting; refused where the server cannot
	TLSStart = "starttls"
	// from the first byte
	TLSFull = "tls"
	TLSNone = "none"
)

// sendTimeout bounds one mail from dialling to the server's yes. It is below
// the 25 seconds an orderly end may take (internal/app).
const sendTimeout = 20 * time.Second

// Settings are the PUNCTUAL_SMTP_* and PUNCTUAL_EMAIL_FROM settings.
type Settings struct {
	// "" = there is no server: nothing can be sent
	Host string
	Port int
	// TLSStart when empty
	TLS string
	// "" = do not log in
	Username string
	Password string
	// sender of all mail, with or without a name
	From string
	// nil = those of the system
	Roots *x509.CertPool
	// of one mail; 0 = 20 seconds
	Timeout time.Duration
}

// Sender hands mails to the SMTP server, each over a connection of its own. It
// is safe for concurrent use.
type Sender struct {
	settings Settings
	from     *mail.Address
}

// NewSender checks the settings; it does not connect.
func NewSender(s Settings) (*Sender, error) {
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		return nil, fmt.Errorf("sender address %q: %w", s.From, err)
	}
	switch s.TLS {
	case "":
		s.TLS = TLSStart
	case TLSStart, TLSFull, TLSNone:
	default:
		return nil, fmt.Errorf("mail encryption %q: must be %s, %s or %s", s.TLS, TLSStart, TLSFull, TLSNone)
	}
	if s.Timeout == 0 {
		s.Timeout = sendTimeout
	}
	return &Sender{settings: s, from: overTheWire(from)}, nil
}

// Enabled tells whether there is a server to send through.
func (s *Sender) Enabled() bool { return s.settings.Host != "" }

// Domain is the part behind the @ of the sender, for message ids.
func (s *Sender) Domain() string {
	_, domain, _ := strings.Cut(s.from.Address, "@")
	return domain
}

// Send hands one mail to the server and returns nil when the server has
// accepted it. It takes no longer than the timeout of the settings, nor than
// ctx. Failures are a *SendError.
func (s *Sender) Send(ctx context.Context, e *monitor.Email) error {
	_, err := s.send(ctx, e)
	return err
}

// send is Send; it also returns what the server said when it accepted the mail.
func (s *Sender) send(ctx context.Context, e *monitor.Email) (answer string, err error) {
	msg, err := s.message(e)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, s.settings.Timeout)
	defer cancel()
	client, conn, err := s.connect(ctx)
	if err != nil {
		return "", connectFailure(ctx, err)
	}
	defer client.CloseWithSMTPClient(conn) //nolint:errcheck // a failed goodbye does not undo an accepted mail
	conn.SkipSMTPUTF8(!needsSMTPUTF8(msg))
	if err := client.SendWithSMTPClient(conn, msg); err != nil && !msg.IsDelivered() {
		return "", sendFailure(ctx, err)
	}
	// the status of any other answer is an error
	return "250 " + msg.ServerResponse(), nil
}

// Probe connects, encrypts and logs in as Send does, then says goodbye. The
// mail self-check uses it.
func (s *Sender) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.settings.Timeout)
	defer cancel()
	client, conn, err := s.connect(ctx)
	if err != nil {
		return connectFailure(ctx, err)
	}
	if err := client.CloseWithSMTPClient(conn); err != nil {
		return sendFailure(ctx, err)
	}
	return nil
}

// connect dials anew. The connection is cut when ctx ends, whatever the client
// is waiting for.
func (s *Sender) connect(ctx context.Context) (*gomail.Client, *smtp.Client, error) {
	cfg := &tls.Config{ServerName: s.settings.Host, RootCAs: s.settings.Roots, MinVersion: tls.VersionTLS12}
	dial := func(_ context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		if s.settings.TLS != TLSFull {
			return conn, nil
		}
		encrypted := tls.Client(conn, cfg)
		return encrypted, encrypted.HandshakeContext(ctx)
	}
	options := []gomail.Option{
		gomail.WithPort(s.settings.Port), gomail.WithTimeout(s.settings.Timeout), gomail.WithTLSConfig(cfg),
		gomail.WithHELO(s.helo()), gomail.WithDialContextFunc(dial), gomail.WithoutNoop(), gomail.WithoutRset(),
	}
	client, err := gomail.NewClient(s.settings.Host, append(options, s.security()...)...)
	if err != nil {
		return nil, nil, fmt.Errorf("set up the mail client: %w", err)
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to the mail server: %w", err)
	}
	return client, conn, nil
}

// helo names us to the server: the sender's domain, which a mail server can
// look up, rather than the name of a container.
func (s *Sender) helo() string {
	d := s.Domain()
	if d != "" {
		return d
	}
	return "localhost"
}

func (s *Sender) security() []gomail.Option {
	var options []gomail.Option
	plain := gomail.SMTPAuthPlain
	login := gomail.SMTPAuthLogin
	switch s.settings.TLS {
	case TLSFull:
		options = append(options, gomail.WithSSL())
	case TLSNone:
		// the operator has chosen to trust the wire
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
		plain = gomail.SMTPAuthPlainNoEnc
		login = gomail.SMTPAuthLoginNoEnc
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.settings.Username == "" {
		return options
	}
	return append(options, gomail.WithUsername(s.settings.Username), gomail.WithPassword(s.settings.Password),
		gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthCramMD5, plain, login))
}

// returnPath is the header by which an Email says where it comes back to. It is
// not sent: the server of the recipient writes it, from the envelope (RFC 5321).
const returnPath = "Return-Path"

// message builds the MIME message. It refuses whatever could smuggle in a
// header of its own.
func (s *Sender) message(e *monitor.Email) (*gomail.Msg, error) {
	refuse := func(reason string, err error) (*gomail.Msg, error) {
		return nil, &SendError{Message: reason, Permanent: true, Err: err}
	}
	to, err := mail.ParseAddress(e.To)
	if err != nil {
		return nil, &SendError{Message: "the recipient's address is not valid", Permanent: true, BadAddress: true, Err: err}
	}
	m := gomail.NewMsg()
	m.FromMailAddress(s.from)
	m.ToMailAddress(overTheWire(to))
	for name, value := range e.Headers {
		if name == returnPath {
			continue
		}
		if !headerSafe(name) || !headerSafe(value) || strings.ContainsAny(name, ": \t") {
			return refuse("a header is not valid", nil)
		}
		// Preformatted: folding in the middle of an address would break it.
		m.SetGenHeaderPreformatted(gomail.Header(name), value)
	}
	address := e.Headers[returnPath]
	if address != "" {
		if err := m.EnvelopeFrom(address); err != nil {
			return refuse("the return path is not valid", err)
		}
	}
	if !headerSafe(e.Subject) || !headerSafe(e.MessageID) {
		return refuse("the subject is not valid", nil)
	}
	m.Subject(e.Subject)
	m.SetMessageIDWithValue(e.MessageID)
	m.SetDateWithValue(e.CreatedAt)
	// No out-of-office replies, please (RFC 3834).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, e.Text)
	if e.HTML != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, e.HTML)
	}
	return m, nil
}

// overTheWire writes the domain of an address as every mail server knows it, in
// punycode where it is not ASCII.
func overTheWire(a *mail.Address) *mail.Address {
	at := strings.LastIndexByte(a.Address, '@')
	if text.IsASCII(a.Address[at+1:]) {
		return a
	}
	return &mail.Address{Name: a.Name, Address: a.Address[:at+1] + hosts.Domain(a.Address[at+1:])}
}

// needsSMTPUTF8 tells whether an address of the mail cannot be written without that
// extension. Asked for without need, it makes the next server on the way refuse mail
// that it could have taken.
func needsSMTPUTF8(m *gomail.Msg) bool {
	for _, header := range []gomail.AddrHeader{gomail.HeaderFrom, gomail.HeaderTo, gomail.HeaderEnvelopeFrom} {
		for _, address := range m.GetAddrHeader(header) {
			if !text.IsASCII(address.Address) {
				return true
			}
		}
	}
	return false
}

func headerSafe(s string) bool { return !strings.ContainsAny(s, "\r\n\x00") }
