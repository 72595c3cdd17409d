package smtpd_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/smtpd"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const domain = "hc.example.org"

// listener is a server over a real store with one account.
type listener struct {
	*testing.T
	store *store.Store
	clock *testdb.Clock
	addr  string
	*smtpd.Server
	store.Account
}

func each(t *testing.T, test func(l *listener), change ...func(*smtpd.Config)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		log := slog.New(slog.DiscardHandler)
		rec := ping.NewRecorder(s, ping.Limits{}, log, ping.Observe{})
		t.Cleanup(rec.Close)
		cfg := smtpd.Config{Domain: domain, Checks: s, Recorder: rec, Now: s.Now, Log: log}
		for _, f := range change {
			f(&cfg)
		}
		l := &listener{T: t, store: s, clock: clock, Account: testdb.Account(t, s)}
		l.Server, l.addr = serve(t, cfg)
		test(l)
	})
}

// serve starts a server that the test stops at its end.
func serve(t testing.TB, cfg smtpd.Config) (*smtpd.Server, string) {
	t.Helper()
	srv, err := smtpd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(nl) }()
	t.Cleanup(func() {
		if err := srv.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return srv, nl.Addr().String()
}

func withLimits(l smtpd.Limits) func(*smtpd.Config) { return func(c *smtpd.Config) { c.Limits = l } }

// client speaks SMTP line by line.
type client struct {
	testing.TB
	raw  net.Conn
	text *textproto.Conn
}

// dial connects and reads the greeting.
func dial(t testing.TB, addr string) *client {
	t.Helper()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	_ = raw.SetDeadline(time.Now().Add(2 * time.Minute))
	return &client{TB: t, raw: raw, text: textproto.NewConn(raw)}
}

// hello is dial and EHLO.
func hello(t testing.TB, addr string) *client {
	t.Helper()
	c := dial(t, addr)
	c.expect("220 ")
	c.command("EHLO client.example.org", "250 ")
	return c
}

// answer is the last line of the next answer.
func (c *client) answer() string {
	c.Helper()
	for {
		line, err := c.text.ReadLine()
		if err != nil {
			return err.Error()
		}
		if len(line) < 4 || line[3] != '-' {
			return line
		}
	}
}

func (c *client) expect(prefix string) {
	c.Helper()
	got := c.answer()
	if !strings.HasPrefix(got, prefix) {
		c.Fatalf("the server says %q, want %q", got, prefix)
	}
}

// command sends a line and holds the answer.
func (c *client) command(line, want string) {
	c.Helper()
	c.send(line + "\r\n")
	c.expect(want)
}

func (c *client) send(text string) {
	c.Helper()
	_, err := io.WriteString(c.raw, text)
	if err != nil {
		c.Fatal(err)
	}
}

// mail sends a message to all of the addresses and returns the answer to it.
func (c *client) mail(message string, to ...string) string {
	c.Helper()
	c.command("MAIL FROM:<cron@host.example>", "250 ")
	for _, address := range to {
		c.command("RCPT TO:<"+address+">", "250 ")
	}
	c.command("DATA", "354 ")
	c.send(strings.ReplaceAll(message, "\n", "\r\n") + "\r\n.\r\n")
	return c.answer()
}

func (l *listener) address() string { return l.Check.Code.String() + "@" + domain }

func (l *listener) slugAddress() string {
	return l.Project.PingKey + "+" + l.Check.Slug + "@" + domain
}

func (l *listener) check(code uuid.UUID) *monitor.Check {
	l.Helper()
	c, err := l.store.CheckByCode(l.Context(), code)
	if err != nil {
		l.Fatal(err)
	}
	return c
}

func (l *listener) last() *monitor.Ping {
	l.Helper()
	c := l.check(l.Check.Code)
	p, err := l.store.Ping(l.Context(), c.ID, c.NPings)
	if err != nil {
		l.Fatal(err)
	}
	return p
}

// another adds a check to the project.
func (l *listener) another(slug string) *monitor.Check {
	l.Helper()
	c := monitor.NewCheck(l.Project.ID, l.clock.Now())
	c.Name = slug
	c.Slug = slug
	if err := l.store.CreateCheck(l.Context(), &c, store.Channels{}); err != nil {
		l.Fatal(err)
	}
	return &c
}

// docs/contract.md §7 item 46, docs/conformance.md §11.
func TestAMailIsAPing(t *testing.T) {
	each(t, func(l *listener) {
		const message = "From: cron@host.example\nSubject: done\n\n.dot\nall well"
		got := hello(l, l.addr).mail(strings.ReplaceAll(message, "\n.dot", "\n..dot"), l.address())
		if got != "250 OK" {
			t.Errorf("answer %q", got)
		}
		p := l.last()
		want := monitor.Ping{
			CheckID: p.CheckID, N: 1, CreatedAt: l.clock.Now(), Kind: monitor.PingSuccess, Scheme: "email",
			UserAgent: "Email from cron@host.example", RemoteAddr: "127.0.0.1", Body: []byte(strings.ReplaceAll(message, "\n", "\r\n") + "\r\n"),
		}
		if got := *p; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			l.Errorf("recorded\n%+v, want\n%+v", got, want)
		}
		c := l.check(l.Check.Code)
		if c.Status != monitor.StatusUp {
			l.Errorf("the check is %s", c.Status)
		}
	})
}

func TestRecipients(t *testing.T) {
	each(t, func(l *listener) {
		code := l.Check.Code.String()
		c := hello(l, l.addr)
		c.command("MAIL FROM:<>", "250 ")
		for address, want := range map[string]string{
			l.address():     "250 ",
			l.slugAddress(): "250 ",
			strings.ToUpper(code) + "@HC.Example.ORG": "250 ",
			// not told from one that is there
			uuid.NewString() + "@" + domain:                "250 ",
			strings.Repeat("x", 22) + "+no-such@" + domain: "250 ",
			code + "@" + domain + ".":                      "250 ",
			code + "@example.org":                          "550 5.1.1 Recipient rejected",
			code + "@sub." + domain:                        "550 5.1.1 Recipient rejected",
			"postmaster@" + domain:                         "550 5.1.1 Invalid mailbox",
			// version 1
			"6ba7b810-9dad-11d1-80b4-00c04fd430c8@" + domain: "550 5.1.1 Invalid mailbox",
			strings.ReplaceAll(code, "-", "") + "@" + domain: "550 5.1.1 Invalid mailbox",
			strings.Repeat("x", 21) + "+slug@" + domain:      "550 5.1.1 Invalid mailbox",
			strings.Repeat("x", 22) + "+Slug@" + domain:      "550 5.1.1 Invalid mailbox",
			strings.Repeat("x", 22) + "+@" + domain:          "550 5.1.1 Invalid mailbox",
			strings.Repeat("x", 22) + "+a+b@" + domain:       "550 5.1.1 Invalid mailbox",
			strings.Repeat("x", 21) + "/+slug@" + domain:     "550 5.1.1 Invalid mailbox",
			strings.Repeat("x", 22) + "@" + domain:           "550 5.1.1 Invalid mailbox",
			"\"" + code + "@example.org\"@" + domain:         "550 5.1.1 Invalid mailbox",
			"{" + code + "}@" + domain:                       "550 5.1.1 Invalid mailbox",
		} {
			c.command("RCPT TO:<"+address+">", want)
		}
		n := l.check(l.Check.Code).NPings
		if n != 0 {
			l.Errorf("%d pings before a message", n)
		}
	})
}

func TestSeveralRecipients(t *testing.T) {
	each(t, func(l *listener) {
		other := l.another("other")
		// the slug is ambiguous now
		twin := l.another("other")
		to := []string{
			// one check, one ping
			l.address(), l.address(), strings.ToUpper(l.Check.Code.String()) + "@" + domain,
			other.Code.String() + "@" + domain,
			l.Project.PingKey + "+other@" + domain, uuid.NewString() + "@" + domain, strings.Repeat("x", 22) + "+no-such@" + domain,
		}
		got := hello(l, l.addr).mail("Subject: x\n\ny", to...)
		if got != "250 OK" {
			l.Errorf("answer %q", got)
		}
		for code, want := range map[uuid.UUID]int64{l.Check.Code: 1, other.Code: 1, twin.Code: 0} {
			n := l.check(code).NPings
			if n != want {
				l.Errorf("%s has %d pings, want %d", code, n, want)
			}
		}
		if got := hello(l, l.addr).mail("only to nobody", uuid.NewString()+"@"+domain); got != "250 OK" {
			l.Errorf("to an unknown check: %q", got)
		}
	})
}

// docs/contract.md §1.6 and §1.11.
func TestFilters(t *testing.T) {
	const html = "Subject: =?utf-8?B?QmFja3VwIOKckw==?=\nContent-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: " +
		"quoted-printable\n\n<style>ERR</style><p>caf=E9 <a href='http://x/ERR'>fi<b>ne</b></a>"
	each(t, func(l *listener) {
		for _, tt := range []struct {
			name    string
			filter  monitor.Filter
			message string
			want    monitor.PingKind
		}{
			{"no filter", monitor.Filter{FailureKW: "ERR"}, "Subject: ERR\n\nERR", monitor.PingSuccess},
			{"the filter of HTTP", monitor.Filter{HTTPBody: true, Methods: "POST", FailureKW: "ERR"}, "Subject: ERR\n\nERR", monitor.PingSuccess},
			{"failure beats success", monitor.Filter{Subject: true, FailureKW: "bad", SuccessKW: "good"}, "Subject: good bad\n\n", monitor.PingFail},
			{"success beats start", monitor.Filter{Subject: true, SuccessKW: "good", StartKW: "go"}, "Subject: good\n\n", monitor.PingSuccess},
			{"start", monitor.Filter{Subject: true, SuccessKW: "good", StartKW: "begin, start"}, "Subject: start\n\n", monitor.PingStart},
			{"the case of letters", monitor.Filter{Subject: true, FailureKW: "err"}, "Subject: ERR\n\n", monitor.PingIgn},
			{"none, ignored", monitor.Filter{Subject: true, Body: true, SuccessKW: "good"}, "Subject: x\n\ny", monitor.PingIgn},
			{"none, failure", monitor.Filter{Subject: true, Body: true, SuccessKW: "good", DefaultFail: true}, "Subject: x\n\ny", monitor.PingFail},
			{"the subject only", monitor.Filter{Subject: true, SuccessKW: "good"}, "Subject: x\n\ngood", monitor.PingIgn},
			{"the body only", monitor.Filter{Body: true, SuccessKW: "good"}, "Subject: good\n\nx", monitor.PingIgn},
			{"decoded subject", monitor.Filter{Subject: true, SuccessKW: "✓"}, html, monitor.PingSuccess},
			{"decoded HTML", monitor.Filter{Body: true, SuccessKW: "café fine", FailureKW: "ERR"}, html, monitor.PingSuccess},
			{"no raw text", monitor.Filter{Body: true, SuccessKW: "iso-8859"}, html, monitor.PingIgn},
		} {
			_, err := l.store.UpdateCheck(l.Context(), l.Check.Code, func(c *store.CheckChange) error {
				c.Filter = tt.filter
				return nil
			})
			if err != nil {
				l.Fatal(err)
			}
			hello(l, l.addr).mail(tt.message, l.address())
			got := l.last().Kind
			if got != tt.want {
				l.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		}
	})
}

func TestTheBeginningOfALargeMessageIsKept(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		message := "Subject: x\n\n" + strings.Repeat("0123456789012345678901234567890123456789\n", 5000)
		got := hello(l, l.addr).mail(message, l.address())
		if got != "250 OK" {
			l.Errorf("answer %q", got)
		}
		want := []byte(strings.ReplaceAll(message, "\n", "\r\n"))[:100_000]
		if got := l.last().Body; !bytes.Equal(got, want) {
			l.Errorf("%d bytes kept", len(got))
		}

		c := hello(l, l.addr)
		if got := c.mail(strings.Repeat(message, 3), l.address()); !strings.HasPrefix(got, "552 5.3.4") {
			l.Errorf("too large: %q", got)
		}
		c.command("MAIL FROM:<cron@host.example> SIZE=500001", "552 5.3.4")
		// and the connection is in step
		c.command("NOOP", "250 ")
		n := l.check(l.Check.Code).NPings
		if n != 1 {
			l.Errorf("%d pings, want 1", n)
		}
		if got := c.mail("", l.address()); got != "250 OK" {
			l.Errorf("an empty message: %q", got)
		}
	}, withLimits(smtpd.Limits{Message: 500_000, Keep: 100_000}))
}

func TestLongLinesAreTakenUpToALimit(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		got := hello(l, l.addr).mail("Subject: x\n\n"+strings.Repeat("x", 50_000), l.address())
		if got != "250 OK" {
			l.Errorf("answer %q", got)
		}
		if got := hello(l, l.addr).mail("Subject: x\n\n"+strings.Repeat("x", 200_000), l.address()); !strings.HasPrefix(got, "554 5.6.0") {
			l.Errorf("answer %q", got)
		}
		n := l.check(l.Check.Code).NPings
		if n != 1 {
			l.Errorf("%d pings, want 1", n)
		}
	})
}

// All commands in one packet, as PIPELINING allows, and chunks instead of DATA.
func TestPipelinesAndChunks(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		other := l.another("other")
		c := hello(l, l.addr)
		c.send("MAIL FROM:<a@b>\r\nRCPT TO:<" + l.address() + ">\r\nRCPT TO:<nobody@" + domain + ">\r\nRCPT TO:<" + other.Code.String() + "@" +
			domain + ">\r\nDATA\r\n")
		for _, want := range []string{"250", "250", "550 5.1.1", "250", "354"} {
			c.expect(want)
		}
		c.send("Subject: x\r\n\r\ny\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<" + l.address() +
			">\r\nBDAT 10\r\nSubject: zBDAT 4 LAST\r\n\r\n\r\nQUIT\r\n")
		for _, want := range []string{"250 OK", "250", "250", "250", "250 OK", "221"} {
			c.expect(want)
		}
		got := string(l.last().Body)
		if got != "Subject: z\r\n\r\n" {
			l.Errorf("in chunks: %q", got)
		}
		n := l.check(other.Code).NPings
		if n != 1 {
			l.Errorf("%d pings, want 1", n)
		}
	})
}

func TestNoRelayNoLogin(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		c := hello(l, l.addr)
		c.command("AUTH PLAIN AGEAYg==", "5")
		c.command("STARTTLS", "502")
		c.command("DATA", "502")
		c.command("MAIL FROM:<me@"+domain+">", "250")
		c.command("RCPT TO:<somebody@example.com>", "550 5.1.1 Recipient rejected")
		c.command("DATA", "502")
	})
}

func TestASlowSenderIsCutOff(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		c := hello(l, l.addr)
		c.command("MAIL FROM:<a@b>", "250")
		c.command("RCPT TO:<"+l.address()+">", "250")
		c.command("DATA", "354")
		c.send("Subject: x\r\n\r\nthe beg")
		c.expect("421 4.4.2")
		c.expect("421 4.4.2")
		c.expect("EOF")
		n := l.check(l.Check.Code).NPings
		if n != 0 {
			l.Errorf("%d pings of half a message", n)
		}
		idle := dial(l, l.addr)
		idle.expect("220")
		idle.expect("421 4.4.2")
	}, withLimits(smtpd.Limits{Read: 300 * time.Millisecond}))
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		first := hello(l, l.addr)
		hello(l, l.addr)
		dial(l, l.addr).expect("421 4.7.0")
		first.command("QUIT", "221")
		first.expect("EOF")
		third := hello(l, l.addr)
		third.command("MAIL FROM:<a@b>", "250")
		for range 3 {
			third.command("RCPT TO:<"+uuid.NewString()+"@"+domain+">", "250")
		}
		third.command("RCPT TO:<"+uuid.NewString()+"@"+domain+">", "452 4.5.3")
	}, withLimits(smtpd.Limits{Connections: 2, Recipients: 3}))
}

func TestStopWaitsForTheMessageUnderWay(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		idle := hello(l, l.addr)
		busy := hello(l, l.addr)
		busy.command("MAIL FROM:<a@b>", "250")
		busy.command("RCPT TO:<"+l.address()+">", "250")
		busy.command("DATA", "354")
		busy.send("Subject: x\r\n\r\nhalf ")
		stopped := make(chan error, 1)
		go func() { stopped <- l.Stop(context.Background()) }()
		idle.expect("421 4.4.2")
		idle.expect("EOF")
		select {
		case err := <-stopped:
			l.Fatalf("stopped in the middle of a message: %v", err)
		default:
		}
		busy.send("and half\r\n.\r\n")
		busy.expect("250 OK")
		busy.expect("421 4.4.2")
		busy.expect("EOF")
		if err := <-stopped; err != nil {
			l.Error(err)
		}
		got := string(l.last().Body)
		if got != "Subject: x\r\n\r\nhalf and half\r\n" {
			l.Errorf("recorded %q", got)
		}
		c, err := net.Dial("tcp", l.addr)
		if err == nil {
			c.Close()
			l.Error("it still listens")
		}
	})
}

func TestStopCutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	each(t, func(l *listener) {
		c := hello(l, l.addr)
		c.command("MAIL FROM:<a@b>", "250")
		c.command("RCPT TO:<"+l.address()+">", "250")
		c.command("DATA", "354")
		c.send("Subject: x\r\n\r\nhalf ")
		if err := l.Stop(context.Background()); err != nil {
			l.Error(err)
		}
		got := c.answer()
		if strings.HasPrefix(got, "2") {
			l.Errorf("answer %q", got)
		}
		n := l.check(l.Check.Code).NPings
		if n != 0 {
			l.Errorf("%d pings of half a message", n)
		}
	}, withLimits(smtpd.Limits{Finish: 100 * time.Millisecond}))
}

// The clocks of tests stand still; certificates look at the real one.
func (c *client) startTLS(roots *x509.CertPool) *x509.Certificate {
	c.Helper()
	c.command("STARTTLS", "220")
	secure := tls.Client(c.raw, &tls.Config{RootCAs: roots, ServerName: domain})
	if err := secure.Handshake(); err != nil {
		c.Fatal(err)
	}
	c.raw = secure
	c.text = textproto.NewConn(secure)
	c.command("EHLO again", "250")
	return secure.ConnectionState().PeerCertificates[0]
}

// Too many pings of a check are put off, and none of the message's others is
// recorded twice for it.
func TestOneTooManyIsPutOff(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		log := slog.New(slog.DiscardHandler)
		rec := ping.NewRecorder(s, ping.Limits{Rates: ping.Rates{Check: 1}}, log, ping.Observe{})
		t.Cleanup(rec.Close)
		_, addr := serve(t, smtpd.Config{Domain: domain, Checks: s, Recorder: rec, Now: s.Now, Log: log})
		one := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		c := hello(t, addr)
		if got := c.mail("Subject: x\n\ny", one.Check.Code.String()+"@"+domain); got != "250 OK" {
			t.Fatal(got)
		}
		got := c.mail("Subject: x\n\ny", other.Check.Code.String()+"@"+domain, one.Check.Code.String()+"@"+domain)
		if !strings.HasPrefix(got, "451 4.7.1 Too many pings of this check.") {
			t.Errorf("answered %q", got)
		}
		for _, a := range []store.Account{one, other} {
			c, err := s.CheckByCode(t.Context(), a.Check.Code)
			want := map[bool]int64{true: 1}[a.Check == one.Check]
			if err != nil || c.NPings != want {
				t.Errorf("%d pings, want %d, %v", c.NPings, want, err)
			}
		}
	})
}

// Beyond the limit of an account a mail is a ping all the same, and means what its
// words say, but is not kept.
func TestTheBodyOfAMailCounts(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		log := slog.New(slog.DiscardHandler)
		bodies := ping.NewBodies(s, 300, log)
		rec := ping.NewRecorder(s, ping.Limits{Bodies: bodies}, log, ping.Observe{})
		t.Cleanup(rec.Close)
		_, addr := serve(t, smtpd.Config{Domain: domain, Checks: s, Recorder: rec, Now: s.Now, Log: log})
		a := testdb.Account(t, s)
		_, err := s.UpdateCheck(t.Context(), a.Check.Code, func(c *store.CheckChange) error {
			c.Filter = monitor.Filter{Body: true, FailureKW: "broken", SuccessKW: "fine"}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// they have been counted then
		bodies.Full(t.Context(), a.Project.ID)
		c := hello(t, addr)
		for _, text := range []string{"all is fine", "all is broken"} {
			message := "Subject: x\n\n" + text + strings.Repeat(" and so on", 15)
			got := c.mail(message, a.Check.Code.String()+"@"+domain)
			if got != "250 OK" {
				t.Fatal(got)
			}
		}
		check, err := s.CheckByCode(t.Context(), a.Check.Code)
		if err != nil || check.NPings != 2 || check.Status != monitor.StatusDown {
			t.Fatalf("%d pings, %s, %v", check.NPings, check.Status, err)
		}
		for n, want := range map[int64]bool{1: true, 2: false} {
			p, err := s.Ping(t.Context(), check.ID, n)
			if err != nil || len(p.Body) > 0 != want {
				t.Errorf("ping %d has %d bytes, %v", n, len(p.Body), err)
			}
		}
	})
}
