package mail_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"punctual/internal/mail"
	"punctual/internal/monitor"
)

// scripted is an SMTP server that answers a command, or a whole line, or "" for the
// greeting, as the script says, and everything else as a server without extensions would. What it was
// sent comes out of the channel when the session ends.
func scripted(t *testing.T, script map[string]string) (port int, heard <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	lines := make(chan string, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			lines <- session(conn, script)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port, lines
}

func session(conn net.Conn, script map[string]string) string {
	defer conn.Close()
	var heard strings.Builder
	answer := func(command, otherwise string) {
		text, ok := script[command]
		if !ok {
			text = otherwise
		}
		fmt.Fprintf(conn, "%s\r\n", strings.ReplaceAll(text, "\n", "\r\n"))
	}
	answer("", "220 mx.example.net ESMTP")
	lines := bufio.NewScanner(conn)
	data := false
	for lines.Scan() {
		line := lines.Text()
		heard.WriteString(line + "\n")
		command, _, _ := strings.Cut(line, " ")
		command, _, _ = strings.Cut(command, ":")
		switch {
		case data && line == ".":
			data = false
			answer("body", "250 OK")
		case data:
		case command == "DATA":
			data = true
			answer("DATA", "354 go on")
		case command == "QUIT":
			answer("QUIT", "221 bye")
			return heard.String()
		case script[line] != "":
			answer(line, "")
		default:
			answer(command, "250 OK")
		}
	}
	return heard.String()
}

func TestAServersAnswerIsNotTakenForMoreThanItIs(t *testing.T) {
	const permanent, badAddress, operator, unclear = 1, 2, 4, 8
	for _, c := range []struct {
		command, answer string
		want            int
	}{
		{"RCPT", "550 5.1.1 User unknown", permanent | badAddress},
		{"RCPT", "550 User unknown", permanent | badAddress},
		{"RCPT", "550 No such user here", permanent | badAddress},
		{"RCPT", "553 5.1.2 No such domain", permanent | badAddress},
		{"RCPT", "556 5.1.10 Recipient address has null MX", permanent | badAddress},
		{"RCPT", "550 relay not permitted", operator},
		{"RCPT", "554 5.7.1 Relay access denied", operator},
		{"RCPT", "550 5.7.1 User unknown or blocked by policy", unclear},
		{"RCPT", "550 Sender blocked: no such user in our whitelist", operator},
		{"RCPT", "550 Requested action not taken: mailbox unavailable", unclear},
		{"RCPT", "550 5.7.1 Client was not authenticated", operator},
		{"RCPT", "552 5.2.2 Mailbox full", 0},
		{"RCPT", "552 Mailbox full", 0},
		{"RCPT", "550 5.2.1 The mailbox is disabled", 0},
		{"RCPT", "550 no", unclear},
		{"RCPT", "450 4.2.0 Greylisted", 0},
		{"RCPT", "451 User unknown in local recipient table", 0},
		{"MAIL", "550 5.1.1 Sender unknown", operator},
		{"MAIL", "550 5.7.1 Sender not allowed", operator},
		{"MAIL", "530 5.7.0 Authentication required", operator},
		{"body", "554 5.7.1 Spam", unclear},
		{"body", "550 5.1.1 User unknown", permanent | badAddress},
		{"body", "552 5.3.4 Too big", permanent},
		{"body", "554 5.6.0 Malformed", permanent},
		{"body", "554 Rejected", unclear},
		{"body", "452 4.3.1 Full", 0},
	} {
		for _, extensions := range []string{"250 mx", "250-mx\n250 ENHANCEDSTATUSCODES"} {
			port, _ := scripted(t, map[string]string{"EHLO": extensions, c.command: c.answer})
			s := sender(t, mail.Settings{Host: "127.0.0.1", Port: port, TLS: mail.TLSNone})
			err := s.Send(soon(t), note("a@example.net"))
			e, ok := errors.AsType[*mail.SendError](err)
			if !ok {
				t.Errorf("%s: %s: %v", c.command, c.answer, err)
				continue
			}
			got := 0
			for bit, is := range map[int]bool{permanent: e.Permanent, badAddress: e.BadAddress, operator: e.Operator, unclear: e.Unclear} {
				if is {
					got |= bit
				}
			}
			if got != c.want {
				t.Errorf("%s: %s (%s): %+v", c.command, c.answer, extensions, e)
			}
		}
	}
}

func TestEachTroubleWithTheServerNamesItsSetting(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct {
		script   map[string]string
		settings mail.Settings
		want     string
	}{
		"refused": {nil, mail.Settings{Port: closed.Addr().(*net.TCPAddr).Port},
			"cannot be reached: check PUNCTUAL_SMTP_HOST and PUNCTUAL_SMTP_PORT"},
		"no such name":     {nil, mail.Settings{Host: "no-such-host.invalid", Port: 25}, "is unknown: check PUNCTUAL_SMTP_HOST"},
		"greeting refused": {map[string]string{"": "554 no service for you"}, mail.Settings{}, "refuses this machine with code 554"},
		"greeting busy":    {map[string]string{"": "421 too many connections"}, mail.Settings{}, "refuses this machine with code 421"},
		"no STARTTLS":      {nil, mail.Settings{TLS: mail.TLSStart}, "does not offer STARTTLS: set PUNCTUAL_SMTP_TLS"},
		"no TLS":           {nil, mail.Settings{TLS: mail.TLSFull}, "does not speak TLS on this port: check PUNCTUAL_SMTP_TLS"},
		"no login":         {nil, mail.Settings{Username: "u", Password: "p"}, "offers no login: leave PUNCTUAL_SMTP_USERNAME empty"},
		"wrong password": {
			map[string]string{"EHLO": "250-mx\n250 AUTH PLAIN", "AUTH": "535 5.7.8 wrong"}, mail.Settings{Username: "u", Password: "p"},
			"refuses the login: check PUNCTUAL_SMTP_USERNAME and PUNCTUAL_SMTP_PASSWORD",
		},
		"logins cannot be checked": {
			map[string]string{"EHLO": "250-mx\n250 AUTH PLAIN", "AUTH": "454 4.7.0 try later"}, mail.Settings{Username: "u", Password: "p"},
			"cannot check logins right now",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.settings.Port == 0 {
				c.settings.Port, _ = scripted(t, c.script)
			}
			if c.settings.Host == "" {
				c.settings.Host = "127.0.0.1"
			}
			if c.settings.TLS == "" {
				c.settings.TLS = mail.TLSNone
			}
			err := sender(t, c.settings).Probe(soon(t))
			e, ok := errors.AsType[*mail.SendError](err)
			if !ok || !strings.Contains(e.Message, c.want) || e.Permanent || e.BadAddress || !e.Operator {
				t.Errorf("got %+v, want %q", e, c.want)
			}
			if name != "refused" && strings.Contains(err.Error(), "cannot be reached") {
				t.Errorf("it was reached: %v", err)
			}
		})
	}
}

func TestAServerOfAnotherNameIsNamed(t *testing.T) {
	other := httptest.NewTLSServer(nil)
	defer other.Close()
	certificate := other.TLS.Certificates[0]
	roots := x509.NewCertPool()
	roots.AddCert(other.Certificate())
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go session(conn, nil)
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	err = sender(t, mail.Settings{Host: "localhost", Port: port, TLS: mail.TLSFull, Roots: roots}).Probe(soon(t))
	if err == nil || !strings.Contains(err.Error(), "is for another name: PUNCTUAL_SMTP_HOST") {
		t.Errorf("another name: %v", err)
	}
	err = sender(t, mail.Settings{Host: "127.0.0.1", Port: port, TLS: mail.TLSFull}).Probe(soon(t))
	if err == nil || !strings.Contains(err.Error(), "is not trusted: SSL_CERT_FILE") {
		t.Errorf("not trusted: %v", err)
	}
}

func TestSMTPUTF8OnlyWhereAnAddressNeedsIt(t *testing.T) {
	for to, want := range map[string]string{
		"a@example.net":                  "MAIL FROM:<punctual@example.org>",
		"grüße@example.net":              "MAIL FROM:<punctual@example.org> SMTPUTF8",
		"a@bücher.example":               "RCPT TO:<a@xn--bcher-kva.example>",
		"Jörg Müller <j@BÜCHER.example>": "RCPT TO:<j@xn--bcher-kva.example>",
	} {
		port, heard := scripted(t, map[string]string{"EHLO": "250-mx\n250-8BITMIME\n250 SMTPUTF8"})
		s := sender(t, mail.Settings{Host: "127.0.0.1", Port: port, TLS: mail.TLSNone})
		if err := s.Send(soon(t), note(to)); err != nil {
			t.Errorf("%s: %v", to, err)
		}
		session := <-heard
		asked := strings.Contains(session, "SMTPUTF8")
		if asked != strings.Contains(want, "SMTPUTF8") {
			t.Errorf("%s: SMTPUTF8 asked for: %v", to, asked)
		}
		if !strings.Contains(session, strings.TrimSuffix(want, " SMTPUTF8")) {
			t.Errorf("%s: no %q in\n%s", to, want, session)
		}
	}
}

func TestOperatorsHearOfARelayThatRefuses(t *testing.T) {
	port, _ := scripted(t, map[string]string{"RCPT": "550 relay not permitted"})
	var log strings.Builder
	q := mail.NewQueue(mail.QueueConfig{
		Sender: sender(t, mail.Settings{Host: "127.0.0.1", Port: port, TLS: mail.TLSNone}),
		Now:    time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	err := q.Deliver(soon(t), &mail.Message{Email: monitor.Email{MessageID: "x@example.org", To: "a@example.net", Subject: "s", Text: "t"}})
	if err == nil || !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "relay not permitted") {
		t.Errorf("%v; the log: %s", err, log.String())
	}
}

// Users with bad addresses do not report to the operators; a server that refuses
// everybody is reported, once.
func TestOperatorsHearOfRefusalsThatAreEverybodys(t *testing.T) {
	port, heard := scripted(t, map[string]string{"RCPT": "550 no", "RCPT TO:<good@three.example>": "250 OK"})
	var log strings.Builder
	q := mail.NewQueue(mail.QueueConfig{
		Outbox: nowhere{}, Sender: sender(t, mail.Settings{Host: "127.0.0.1", Port: port, TLS: mail.TLSNone}),
		Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	send := func(to string, want int) {
		t.Helper()
		_ = q.Deliver(soon(t), &mail.Message{Email: monitor.Email{MessageID: "x@example.org", To: to, Subject: "s", Text: "t"}})
		<-heard
		got := strings.Count(log.String(), "level=ERROR")
		if got != want {
			t.Errorf("%d errors after the mail to %s, not %d:\n%s", got, to, want, log.String())
		}
	}
	for i := range 10 {
		send(fmt.Sprintf("nobody-%d@one.example", i), 0)
	}
	send("a@two.example", 0)
	send("good@three.example", 0)
	send("a@one.example", 0)
	send("a@TWO.example", 0)
	send("b@two.example", 0)
	send("a@three.example", 1)
	send("a@four.example", 1)
}

// nowhere takes every record.
type nowhere struct{ mail.Outbox }

func (nowhere) RecordEmail(context.Context, *monitor.Email) error { return nil }
