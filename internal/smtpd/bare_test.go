package smtpd_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/smtpd"
)

// TestASenderWithoutADomain: cron and many a sendmail have none. What looks like the
// command within a message stays as it is.
func TestASenderWithoutADomain(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		body := "Subject: x\r\n\r\nMAIL FROM:<root>\r\n"
		c := hello(l, l.addr)
		c.command("MAIL FROM:<root>", "250")
		c.command("RCPT TO:<"+l.address()+">", "250")
		c.command("DATA", "354")
		c.send(body + ".\r\n")
		c.expect("250")
		p := l.last()
		if p.UserAgent != "Email from root" || !strings.Contains(string(p.Body), "\r\nMAIL FROM:<root>\r\n") {
			l.Errorf("%q, %q", p.UserAgent, p.Body)
		}

		c.send("mail from:<backup> SIZE=100\r\nRCPT TO:<" + l.address() + ">\r\nDATA\r\n")
		c.expect("250")
		c.expect("250")
		c.expect("354")
		c.send(body + ".\r\n")
		c.expect("250")
		if p := l.last(); p.UserAgent != "Email from backup" || !strings.Contains(string(p.Body), "\r\nMAIL FROM:<root>\r\n") {
			l.Errorf("pipelined: %q, %q", p.UserAgent, p.Body)
		}

		c.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<" + l.address() + ">\r\n" + fmt.Sprintf("BDAT %d LAST\r\n", len(body)) + body +
			"MAIL FROM: root\r\nRSET\r\n")
		for range 5 {
			c.expect("250")
		}
		if p := l.last(); p.UserAgent != "Email from a@example.org" || !strings.Contains(string(p.Body), "\r\nMAIL FROM:<root>\r\n") {
			l.Errorf("in chunks: %q, %q", p.UserAgent, p.Body)
		}
		c.command("MAIL FROM:<>", "250")
		c.command("RSET", "250")
		c.command("MAIL FROM:<a b>", "501")
	})
}

// TestAClientWithoutUsefulCommandsIsCutOffEarly: a connection without a recipient ends soon,
// however often it says NOOP; one with a recipient has its time.
func TestAClientWithoutUsefulCommandsIsCutOffEarly(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		busy := hello(l, l.addr)
		busy.command("MAIL FROM:<a@b>", "250")
		busy.command("RCPT TO:<"+l.address()+">", "250")
		idle := hello(l, l.addr)
		idle.command("NOOP", "250")
		idle.expect("421 4.4.2")
		busy.command("DATA", "354")
		busy.send("Subject: x\r\n\r\nx\r\n.\r\n")
		busy.expect("250")
	}, withLimits(smtpd.Limits{First: 300 * time.Millisecond}))
}

// TestAnInventedRecipientHoldsNoConnection: who names recipients, again and again,
// and never sends a text is cut off all the same.
func TestAnInventedRecipientHoldsNoConnection(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		c := hello(l, l.addr)
		patience := time.Now().Add(20 * time.Second)
		for n := 0; ; n++ {
			for _, line := range []string{"MAIL FROM:<a@b>", "RCPT TO:<" + uuid.NewString() + "@" + domain + ">", "NOOP", "RSET"} {
				// The server may close in the middle of a line.
				_, _ = io.WriteString(c.raw, line+"\r\n")
				got := c.answer()
				if !strings.HasPrefix(got, "250") {
					return
				}
				<-time.After(20 * time.Millisecond)
			}
			if time.Now().After(patience) {
				l.Fatalf("the connection is open after %d messages that never came", n)
			}
		}
	}, withLimits(smtpd.Limits{First: 300 * time.Millisecond, Read: 500 * time.Millisecond}))
}
