package mail_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/testkit/smtpsink"
)

func TestAMailArrivesAsItWasMade(t *testing.T) {
	sink := smtpsink.New(t, smtpsink.Options{})
	e := note("Ops@example.net")
	e.Headers = map[string]string{"List-Unsubscribe": "<https://punctual.example.org/integrations/" + strings.Repeat("a", 80) + "/unsub/x/>"}
	if err := plain(t, sink).Send(soon(t), e); err != nil {
		t.Fatal(err)
	}
	got := sink.Wait(t, 1)[0]
	if got.From != "punctual@example.org" || !got.SentTo("ops@example.net") || got.Subject() != e.Subject {
		t.Errorf("from %s to %v: %q", got.From, got.To, got.Subject())
	}
	if strings.TrimSpace(got.Text) != "text" || strings.TrimSpace(got.HTML) != "<p>html</p>" {
		t.Errorf("text %q, html %q", got.Text, got.HTML)
	}
	for name, want := range map[string]string{
		"Message-Id":       "<m1@example.org>",
		"List-Unsubscribe": e.Headers["List-Unsubscribe"],
		"Auto-Submitted":   "auto-generated",
		"From":             `"Punctual" <punctual@example.org>`,
	} {
		got := got.Header.Get(name)
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestEachKindOfEncryptionLogsIn(t *testing.T) {
	for _, mode := range []string{mail.TLSNone, mail.TLSStart, mail.TLSFull} {
		t.Run(mode, func(t *testing.T) {
			sink := smtpsink.New(t, smtpsink.Options{TLS: mode, Username: "user", Password: "pass"})
			settings := mail.Settings{Host: sink.Host(), Port: sink.Port(), TLS: mode, Username: "user", Password: "pass", Roots: sink.Roots()}
			s := sender(t, settings)
			if err := s.Probe(soon(t)); err != nil {
				t.Fatalf("probe: %v", err)
			}
			if err := s.Send(soon(t), note("a@example.net")); err != nil {
				t.Fatal(err)
			}
			got := sink.Wait(t, 1)[0]
			if got.User != "user" || got.Encrypted != (mode != mail.TLSNone) {
				t.Errorf("user %q, encrypted %v", got.User, got.Encrypted)
			}
			settings.Password = "wrong"
			wantTemporary(t, sender(t, settings).Send(soon(t), note("a@example.net")))
		})
	}
}

func TestACertificateNobodyTrustsIsRefused(t *testing.T) {
	for _, mode := range []string{mail.TLSStart, mail.TLSFull} {
		sink := smtpsink.New(t, smtpsink.Options{TLS: mode})
		wantTemporary(t, sender(t, mail.Settings{Host: sink.Host(), Port: sink.Port(), TLS: mode}).Send(soon(t), note("a@example.net")))
		n := len(sink.Messages())
		if n != 0 {
			t.Errorf("%s: %d messages got through", mode, n)
		}
	}
}

func TestStarttlsIsNotGivenUpWhenTheServerLacksIt(t *testing.T) {
	sink := smtpsink.New(t, smtpsink.Options{})
	wantTemporary(t, sender(t, mail.Settings{Host: sink.Host(), Port: sink.Port()}).Send(soon(t), note("a@example.net")))
}

func wantTemporary(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*mail.SendError](err)
	if !ok || e.Permanent || e.BadAddress {
		t.Errorf("got %v (%+v), want a temporary failure", err, e)
	}
}

func TestFailuresAreDistinguished(t *testing.T) {
	for name, tc := range map[string]struct {
		behaviour             smtpsink.Behaviour
		permanent, badAddress bool
	}{
		"unknown recipient":    {smtpsink.RejectRcpt(550), true, true},
		"recipient is busy":    {smtpsink.RejectRcpt(450), false, false},
		"no reason is given":   {smtpsink.RejectRcpt(554), false, false},
		"mail is refused":      {smtpsink.RejectData(554), false, false},
		"mail is too large":    {smtpsink.RejectData(552), true, false},
		"server is full":       {smtpsink.RejectData(452), false, false},
		"connection is closed": {smtpsink.Refuse, false, false},
		"yes is lost":          {smtpsink.DropAfterData, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			sink := smtpsink.New(t, smtpsink.Options{})
			sink.Next(tc.behaviour)
			err := plain(t, sink).Send(soon(t), note("a@example.net"))
			e, ok := errors.AsType[*mail.SendError](err)
			if !ok || e.Permanent != tc.permanent || e.BadAddress != tc.badAddress {
				t.Errorf("got %v: %+v", err, e)
			}
		})
	}
}

func TestASilentServerIsLeftWhenTheContextEnds(t *testing.T) {
	t.Run("after the mail", func(t *testing.T) {
		sink := smtpsink.New(t, smtpsink.Options{})
		sink.Next(smtpsink.Hang)
		wantLeftEarly(t, plain(t, sink))
	})
	t.Run("before the greeting", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		wantLeftEarly(t, sender(t, mail.Settings{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: mail.TLSFull}))
	})
}

func wantLeftEarly(t *testing.T, s *mail.Sender) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := s.Send(ctx, note("a@example.net"))
	wantTemporary(t, err)
	took := time.Since(start)
	if took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	if !strings.Contains(err.Error(), "in time") {
		t.Errorf("got %v", err)
	}
}

func TestNothingSmugglesInAHeader(t *testing.T) {
	sink := smtpsink.New(t, smtpsink.Options{})
	for name, spoil := range map[string]func(e *monitor.Email){
		"recipient":    func(e *monitor.Email) { e.To = "a@example.net\r\nBcc: b@example.net" },
		"subject":      func(e *monitor.Email) { e.Subject = "Hi\r\nBcc: b@example.net" },
		"message id":   func(e *monitor.Email) { e.MessageID = "x>\nBcc: b@example.net" },
		"header value": func(e *monitor.Email) { e.Headers = map[string]string{"X-A": "1\r\nBcc: b@example.net"} },
		"header name":  func(e *monitor.Email) { e.Headers = map[string]string{"Bcc: b@example.net\r\nX-A": "1"} },
	} {
		e := note("a@example.net")
		spoil(e)
		err := plain(t, sink).Send(soon(t), e)
		se, ok := errors.AsType[*mail.SendError](err)
		if !ok || !se.Permanent {
			t.Errorf("%s: %v", name, err)
		}
	}
	n := len(sink.Messages())
	if n != 0 {
		t.Errorf("%d messages got through", n)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for _, s := range []mail.Settings{{From: "nobody"}, {From: from, TLS: "ssl"}} {
		_, err := mail.NewSender(s)
		if err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}
