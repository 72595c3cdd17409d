package e2e

import (
	"net"
	"net/smtp"
	"strings"
	"testing"

	"punctual/internal/db"
	"punctual/internal/monitor"
)

// Issue 4, "E-mail pings": site and mail listener as processes of their own. A
// mail turns the check up; one that was under way at SIGTERM is recorded when
// it was acknowledged.
func TestPingsByEmail(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		port := freePort(t)
		e := newEnv(t, engine).with(env{"PUNCTUAL_SMTPD_LISTEN": "127.0.0.1:" + port, "PUNCTUAL_PING_EMAIL_DOMAIN": "hc.example.org"})
		code, _, stderr := e.run(t, "migrate", "up")
		if code != 0 {
			t.Fatal(stderr)
		}
		web := e.start(t, "serve")
		mail := e.start(t, "smtpd")
		mail.waitFor("taking pings by e-mail")
		b := e.browser(t)
		ping := signUp(b, "me@example.org", func() string {
			return web.waitFor(`(http://127\.0\.0\.1:\d+/accounts/check_token/[^\s"\\]+)`)[1]
		})
		address := ping[len(ping)-36:] + "@hc.example.org"
		s := e.store(t)

		send := func(message string) error {
			return smtp.SendMail("127.0.0.1:"+port, nil, "cron@host.example", []string{address}, []byte(message))
		}
		must(t, send("Subject: done\r\n\r\nall well\r\n"))
		check := checkOf(t, s, ping)
		if check.Status != monitor.StatusUp || check.NPings != 1 {
			t.Fatalf("after an acknowledged mail: %s, %d pings", check.Status, check.NPings)
		}
		details := "/checks/" + check.Code.String()
		_, page, _ := b.get(details + "/details/")
		if !strings.Contains(page, address) {
			t.Error("the page of the check does not show its address")
		}
		if _, page, _ := b.get(details + "/pings/1/"); !strings.Contains(page, "all well") || !strings.Contains(page, "cron@host.example") {
			t.Errorf("the page of the ping does not show the mail:\n%s", page)
		}

		c, err := smtp.Dial("127.0.0.1:" + port)
		must(t, err)
		must(t, c.Mail("cron@host.example"))
		must(t, c.Rcpt(address))
		w, err := c.Data()
		must(t, err)
		_, err = w.Write([]byte("Subject: half\r\n\r\n"))
		must(t, err)
		exit := make(chan int, 1)
		go func() { exit <- mail.terminate() }()
		eventually(t, "it listens no more", func() bool {
			conn, err := net.Dial("tcp", "127.0.0.1:"+port)
			if err == nil {
				conn.Close()
			}
			return err != nil
		})
		_, err = w.Write([]byte("and half\r\n"))
		must(t, err)
		// 250
		must(t, w.Close())
		if code := <-exit; code != 0 {
			t.Errorf("exit code %d after SIGTERM", code)
		}
		n := checkOf(t, s, ping).NPings
		if n != 2 {
			t.Errorf("%d pings, want 2", n)
		}
		if err := send("Subject: x\r\n\r\n"); err == nil {
			t.Error("it still listens")
		}
	})
}
