package conformance

import (
	"errors"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
)

const mailDomain = "ping.example.net"

// mailTo sends a message to recipients that must all be taken.
func (c *client) mailTo(message string, to ...string) {
	c.Helper()
	message = strings.ReplaceAll(message, "\n", "\r\n")
	for i := range to {
		to[i] = c.fill(to[i])
	}
	if err := smtp.SendMail(c.site.mail, nil, "cron@example.org", to, []byte(message)); err != nil {
		c.Fatalf("mail to %v: %v", to, err)
	}
}

// rcpt asks whether a recipient is taken; it returns the code and the text.
func (c *client) rcpt(to string) (int, string) {
	c.Helper()
	s, err := smtp.Dial(c.site.mail)
	if err != nil {
		c.Fatal(err)
	}
	defer s.Close()
	if err := s.Mail("cron@example.org"); err != nil {
		c.Fatal(err)
	}
	err = s.Rcpt(c.fill(to))
	var refusal *textproto.Error
	if errors.As(err, &refusal) {
		return refusal.Code, refusal.Msg
	}
	if err != nil {
		c.Fatal(err)
	}
	return 250, ""
}

const plainMail = "From: cron@example.org\nTo: check\nSubject: Backup finished\n\nAll is well.\n"

func emailPings(c *client) {
	k := c.own()
	for to, want := range map[string]string{
		"{U}@" + mailDomain: "", "{NONE}@" + mailDomain: "", strings.ToUpper(k.code) + "@" + mailDomain: "", "{U}@PING.example.net": "",
		"{PK}+nightly-dump@" + mailDomain: "", "{PK}+not-there@" + mailDomain: "", strings.Repeat("aB-_9", 5)[:22] + "+x_1-y@" + mailDomain: "",
		"{U}@example.org": "5.1.1 Recipient rejected", "{U}@sub." + mailDomain: "5.1.1 Recipient rejected",
		"nonsense@" + mailDomain: "5.1.1 Invalid mailbox", "{PK}@" + mailDomain: "5.1.1 Invalid mailbox",
		"{PK}+@" + mailDomain:              "5.1.1 Invalid mailbox",
		"{PK}x+nightly-dump@" + mailDomain: "5.1.1 Invalid mailbox", "{PK}+Nightly@" + mailDomain: "5.1.1 Invalid mailbox",
		strings.ReplaceAll(k.code, "-", "") + "@" + mailDomain: "5.1.1 Invalid mailbox",
		// not of version 4
		"4b1f0c2e-7a55-1d1b-9f6e-0d2f7c1a9e33@" + mailDomain: "5.1.1 Invalid mailbox",
	} {
		code, text := c.rcpt(to)
		if (want == "") != (code == 250) || want != "" && (code != 550 || text != want) {
			c.Errorf("%s: %d %s, want 550 %s or none", to, code, text, want)
		}
	}

	c.mailTo(plainMail, "{U}@"+mailDomain)
	k.shows("status", "up", "n_pings", 1, "last_ping", c.now(0))
	p := k.last()
	p.shows(c, "type", "success", "scheme", "email", "method", "", "ua", "Email from cron@example.org", "remote_addr", "127.0.0.1", "rid", nil)
	address, _ := p["body_url"].(string)
	body := c.get(strings.TrimPrefix(address, siteRoot)).is("200").body
	if !strings.HasSuffix(body, strings.ReplaceAll(plainMail, "\n", "\r\n")) {
		c.Errorf("the body is %q", body)
	}
	// 250, and nothing happens
	c.mailTo(plainMail, "{NONE}@"+mailDomain)

	second := c.make(`{"slug":"second"}`)
	c.mailTo(plainMail, "{PK}+nightly-dump@"+mailDomain, "{PK}+second@"+mailDomain, "{PK}+third@"+mailDomain)
	k.shows("n_pings", 2)
	second.shows("n_pings", 1)
	c.make(`{"slug":"second"}`)
	c.mailTo(plainMail, "{PK}+second@"+mailDomain)
	second.shows("n_pings", 1)

	for _, step := range []struct{ settings, mail, want string }{
		{`"filter_subject":true,"success_kw":"finished"`, plainMail, "success"},
		{`"filter_subject":true,"failure_kw":"finished","success_kw":"Backup"`, plainMail, "fail"},
		{`"filter_subject":true,"start_kw":"Backup"`, plainMail, "start"},
		{`"filter_subject":true,"success_kw":"well"`, plainMail, "ign"},
		{`"filter_subject":true,"success_kw":"well","filter_default_fail":true`, plainMail, "fail"},
		{`"filter_body":true,"success_kw":"well"`, plainMail, "success"},
		{`"filter_body":true,"success_kw":"finished"`, plainMail, "ign"},
		{`"filter_subject":true,"filter_body":true,"success_kw":"nothing, well"`, plainMail, "success"},
		{`"filter_subject":true,"success_kw":"Äpfel"`, "Subject: =?utf-8?B?w4RwZmVs?=\n\nx\n", "success"},
		{`"filter_body":true,"success_kw":"Größe"`,
			"Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=F6=DFe\n", "success"},
		{`"filter_body":true,"success_kw":"all done"`,
			"Subject: x\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<p>It is <b>all</b> done</p>\n", "success"},
		{`"filter_body":true,"success_kw":"in html"`,
			"Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nin " +
				"text\n--b\nContent-Type: text/html\n\n<i>in html</i>\n--b--\n", "success"},
		{`"filter_http_body":true,"failure_kw":"well"`, plainMail, "success"},
		{`"methods":"POST"`, plainMail, "success"},
	} {
		k := c.make("{" + step.settings + "}")
		c.mailTo(step.mail, k.code+"@"+mailDomain)
		c.same(step.settings, k.kinds(), step.want)
	}
	k = c.make(`{"manual_resume":true}`).paused()
	c.mailTo(plainMail, k.code+"@"+mailDomain)
	c.same("paused", k.kinds(), "ign")
}

// freeAddress is an address nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
