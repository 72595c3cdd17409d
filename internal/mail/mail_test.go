package mail_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/testkit/smtpsink"
	"punctual/internal/testkit/testdb"
	"punctual/templates"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const from = "Punctual <punctual@example.org>"

func sender(t *testing.T, s mail.Settings) *mail.Sender {
	t.Helper()
	if s.From == "" {
		s.From = from
	}
	got, err := mail.NewSender(s)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// plain is a sender to the sink without encryption.
func plain(t *testing.T, sink *smtpsink.Sink) *mail.Sender {
	t.Helper()
	return sender(t, mail.Settings{Host: sink.Host(), Port: sink.Port(), TLS: mail.TLSNone, Timeout: 5 * time.Second})
}

func composer(t *testing.T) *mail.Composer {
	t.Helper()
	c, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: "https://punctual.example.org",
		SupportEmail: "help@example.org"}, "example.org")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func login(t *testing.T, to string) *mail.Message {
	t.Helper()
	m, err := composer(t).Login(to, "https://punctual.example.org/accounts/check_token/u/t/")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func note(to string) *monitor.Email {
	return &monitor.Email{
		MessageID: "m1@example.org", Kind: "login", To: to, Subject: "Grüße | Nightly", Text: "text", HTML: "<p>html</p>",
		CreatedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}
