package smtpsink_test

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wneessen/go-mail"

	"punctual/internal/testkit/smtpsink"
)

func TestKeepsEnvelopeHeaderAndBothParts(t *testing.T) {
	sink := smtpsink.New(t, smtpsink.Options{})
	if err := send(t, sink, "Zażółć", mail.WithTLSPolicy(mail.NoTLS)); err != nil {
		t.Fatal(err)
	}
	m := sink.Wait(t, 1)[0]
	if m.From != "from@example.org" || len(m.To) != 1 || !m.SentTo("To@Example.org") {
		t.Errorf("envelope is %q to %q", m.From, m.To)
	}
	if m.Subject() != "Zażółć" || strings.TrimSpace(m.Text) != "plain ä" || strings.TrimSpace(m.HTML) != "<p>rich ä</p>" {
		t.Errorf("got %q, %q, %q", m.Subject(), m.Text, m.HTML)
	}
	if m.Header.Get("Message-ID") == "" || len(m.Raw) == 0 || m.Encrypted || m.User != "" {
		t.Errorf("got %+v", m)
	}
}

func TestWaitForReturnsTheMatchThatComesLater(t *testing.T) {
	sink := smtpsink.New(t, smtpsink.Options{})
	sent := make(chan error, 1)
	go func() {
		sent <- errors.Join(send(t, sink, "first", mail.WithTLSPolicy(mail.NoTLS)), send(t, sink, "second", mail.WithTLSPolicy(mail.NoTLS)))
	}()
	m := sink.WaitFor(t, func(m smtpsink.Message) bool { return m.Subject() == "second" })
	if err := <-sent; err != nil || m.Subject() != "second" {
		t.Fatalf("got %q, %v", m.Subject(), err)
	}
}

func TestEncryptionAndPassword(t *testing.T) {
	login := []mail.Option{mail.WithSMTPAuth(mail.SMTPAuthPlain), mail.WithUsername("user"), mail.WithPassword("secret")}
	wrong := []mail.Option{mail.WithSMTPAuth(mail.SMTPAuthPlain), mail.WithUsername("user"), mail.WithPassword("guess")}
	for _, test := range []struct {
		name, mode string
		client     []mail.Option
		ok         bool
	}{
		{"STARTTLS", "starttls", append(login, mail.WithTLSPolicy(mail.TLSMandatory)), true},
		{"implicit TLS", "tls", append(login, mail.WithSSL()), true},
		{"wrong password", "starttls", append(wrong, mail.WithTLSPolicy(mail.TLSMandatory)), false},
		{"no password", "starttls", []mail.Option{mail.WithTLSPolicy(mail.TLSMandatory)}, false},
		{"no encryption", "starttls", []mail.Option{mail.WithTLSPolicy(mail.NoTLS)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			sink := smtpsink.New(t, smtpsink.Options{TLS: test.mode, Username: "user", Password: "secret"})
			err := send(t, sink, "hello", test.client...)
			if (err == nil) != test.ok {
				t.Fatalf("sending: %v", err)
			}
			messages := sink.Messages()
			if test.ok && (!messages[0].Encrypted || messages[0].User != "user") {
				t.Errorf("got %+v", messages)
			}
		})
	}
}

func TestMisbehaves(t *testing.T) {
	for _, test := range []struct {
		name      string
		behaviour smtpsink.Behaviour
		kept      int
		temporary bool
		code      int
	}{
		{"refused connection", smtpsink.Refuse, 0, false, 0},
		{"temporary at RCPT", smtpsink.RejectRcpt(450), 0, true, 450},
		{"permanent at RCPT", smtpsink.RejectRcpt(550), 0, false, 550},
		{"temporary at DATA", smtpsink.RejectData(451), 0, true, 451},
		{"permanent at DATA", smtpsink.RejectData(554), 0, false, 554},
		{"dropped after DATA", smtpsink.DropAfterData, 1, false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			sink := smtpsink.New(t, smtpsink.Options{})
			sink.Next(test.behaviour)
			err := send(t, sink, "hello", mail.WithTLSPolicy(mail.NoTLS))
			if err == nil {
				t.Fatal("the client did not notice")
			}
			var failure *mail.SendError
			if test.code != 0 && (!errors.As(err, &failure) || failure.IsTemp() != test.temporary || failure.ErrorCode() != test.code) {
				t.Errorf("client saw %v", err)
			}
			got := len(sink.Messages())
			if got != test.kept {
				t.Errorf("kept %d messages, want %d", got, test.kept)
			}
			if err := send(t, sink, "after", mail.WithTLSPolicy(mail.NoTLS)); err != nil {
				t.Errorf("the next message: %v", err)
			}
		})
	}
}

func TestHangsUntilTheClientGivesUp(t *testing.T) {
	sink := smtpsink.New(t, smtpsink.Options{})
	sink.Always(smtpsink.Hang)
	err := send(t, sink, "hello", mail.WithTLSPolicy(mail.NoTLS), mail.WithTimeout(100*time.Millisecond))
	if err == nil || len(sink.Messages()) != 0 {
		t.Fatalf("sent: %v", err)
	}
}

func send(t *testing.T, sink *smtpsink.Sink, subject string, opts ...mail.Option) error {
	t.Helper()
	message := mail.NewMsg()
	if err := errors.Join(message.From("from@example.org"), message.To("to@example.org")); err != nil {
		return err
	}
	message.Subject(subject)
	message.SetBodyString(mail.TypeTextPlain, "plain ä")
	message.AddAlternativeString(mail.TypeTextHTML, "<p>rich ä</p>")
	opts = append([]mail.Option{
		mail.WithPort(sink.Port()), mail.WithTimeout(10 * time.Second),
		mail.WithTLSConfig(&tls.Config{RootCAs: sink.Roots(), ServerName: sink.Host(), MinVersion: tls.VersionTLS12}),
	}, opts...)
	client, err := mail.NewClient(sink.Host(), opts...)
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(context.WithoutCancel(t.Context()), message)
}
