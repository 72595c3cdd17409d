package api_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// delivered makes the check go down and its alert go out, with nothing left of
// earlier ones, and returns the delivery's code.
func (c *client) delivered() uuid.UUID {
	c.Helper()
	if err := c.store.ClearEvents(c.Context(), c.mine.Check.Code); err != nil {
		c.Fatal(err)
	}
	if err := testdb.PutChannel(c.Context(), c.store, c.mine.Channel); err != nil {
		c.Fatal(err)
	}
	c.notified = nil
	c.ping(monitor.Ping{Kind: monitor.PingSuccess})
	c.ping(monitor.Ping{Kind: monitor.PingFail})
	claimed := c.claim()
	c.finish(store.Outcome{ID: claimed.ID, Attempt: claimed.Attempts, Channel: claimed.ChannelID, Verdict: store.Sent, Tried: true,
		ChannelOutcome: store.ChannelOutcome{At: c.clock.Now()}})
	return claimed.Code
}

var worker = uuid.MustParse("11111111-1111-4111-8111-111111111111")

func (c *client) claim() *store.Claimed {
	c.Helper()
	claimed, err := c.store.ClaimDeliveries(c.Context(), store.Claim{Worker: worker, Limit: 10, PerChannel: 10, Lease: time.Minute})
	if err != nil || len(claimed) != 1 {
		c.Fatalf("%d deliveries, %v; want one", len(claimed), err)
	}
	return claimed[0]
}

func (c *client) finish(o store.Outcome) {
	c.Helper()
	_, err := c.store.FinishDeliveries(c.Context(), worker, []store.Outcome{o})
	if err != nil {
		c.Fatal(err)
	}
}

// wants compares what is stored of the only delivery and of its channel.
func (c *client) wants(what string, status monitor.DeliveryStatus, reason string, disabled bool) {
	c.Helper()
	d, err := c.store.DeliveriesOf(c.Context(), c.mine.Check.ID, store.DeliveryFilter{})
	if err != nil || len(d) != 1 {
		c.Fatalf("%d deliveries, %v", len(d), err)
	}
	h, err := c.store.ChannelByID(c.Context(), c.mine.Channel.ID)
	if err != nil {
		c.Fatal(err)
	}
	if d[0].Status != status || d[0].LastError != reason || h.LastError != reason || h.Disabled != disabled {
		c.Errorf("%s: delivery %s %q, channel %q, disabled %v; want %s %q %v", what, d[0].Status, d[0].LastError, h.LastError, h.Disabled, status,
			reason, disabled)
	}
}

func (c *client) form(path, body string) (int, string) {
	c.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := c.request(r)
	return w.Code, w.Body.String()
}

// docs/contract.md §5: what a provider says later about a message it had accepted.
func TestDeliveryCallbacks(t *testing.T) {
	const failed, sent = monitor.DeliveryFailed, monitor.DeliverySent
	cases := map[string]struct {
		wait     time.Duration
		body     string
		status   monitor.DeliveryStatus
		reason   string
		disabled bool
	}{
		"an error":                      {0, "error=Bad+number", failed, "Bad number", false},
		"an error for good":             {0, "error=Bad+number&mark_disabled=1", failed, "Bad number", true},
		"a long one":                    {0, "error=" + strings.Repeat("%C3%BC", 300), failed, strings.Repeat("ü", 200), false},
		"a broken one":                  {0, "error=a%FFb%00c", failed, "a\uFFFDbc", false},
		"no error":                      {0, "error=&mark_disabled=1", sent, "", false},
		"Twilio: failed":                {0, "MessageStatus=failed", failed, "Delivery failed (status=failed).", false},
		"Twilio: undelivered":           {0, "MessageStatus=undelivered", failed, "Delivery failed (status=undelivered).", false},
		"Twilio: delivered":             {0, "MessageStatus=delivered", sent, "", false},
		"Twilio: a call failed":         {0, "CallStatus=failed", failed, "Delivery failed (status=failed).", false},
		"Twilio: a call was not taken":  {0, "CallStatus=no-answer", sent, "", false},
		"just in time":                  {time.Hour - time.Second, "error=x", failed, "x", false},
		"too late":                      {time.Hour, "error=x", sent, "", false},
		"nothing":                       {0, "", sent, "", false},
		"a form that is much too large": {0, strings.Repeat("x", 1<<20) + "&error=x", sent, "", false},
	}
	each(t, func(c *client) {
		for name, k := range cases {
			code := c.delivered()
			c.clock.Advance(k.wait)
			status, text := c.form("/api/v3/notifications/"+code.String()+"/status", k.body)
			if status != 200 || text != "" {
				c.Errorf("%s: %d %q, want an empty 200", name, status, text)
			}
			c.wants(name, k.status, k.reason, k.disabled)
			if (len(c.notified) == 1) != k.disabled {
				c.Errorf("%s: the owner was told %d times", name, len(c.notified))
			}
		}
	})
}

func TestACallbackNobodyWaitsFor(t *testing.T) {
	each(t, func(c *client) {
		code := c.delivered()
		for path, want := range map[string]int{
			"/api/v1/notifications/" + uuid.NewString() + "/status":                 200,
			"/api/v1/notifications/x/status":                                        404,
			"/api/v1/notifications/" + code.String() + "/status/":                   404,
			"/api/v1/notifications/" + code.String() + "/status?error=in+the+query": 200,
		} {
			status, _ := c.form(path, "mark_disabled=1")
			if status != want {
				c.Errorf("%s: %d, want %d", path, status, want)
			}
		}
		c.wants("after that", monitor.DeliverySent, "", false)
		w := c.request(httptest.NewRequest("GET", "/api/v2/notifications/"+code.String()+"/status", nil))
		if w.Code != 405 || w.Header().Get("Allow") != "POST" || w.Header().Get("Access-Control-Allow-Origin") != "" {
			c.Errorf("GET: %d, allowed %q", w.Code, w.Header().Get("Allow"))
		}
	})
}

// An attempt whose answer got lost may have reached the provider: what that says
// must not keep the alert from being tried again.
func TestACallbackDoesNotEndRetries(t *testing.T) {
	each(t, func(c *client) {
		c.ping(monitor.Ping{Kind: monitor.PingFail})
		claimed := c.claim()
		c.finish(store.Outcome{ID: claimed.ID, Attempt: 1, Channel: claimed.ChannelID, Verdict: store.Retry,
			NextTry: c.clock.Now().Add(time.Minute), ChannelOutcome: store.ChannelOutcome{At: c.clock.Now(), Error: "Connection timed out"}})
		c.form("/api/v3/notifications/"+claimed.Code.String()+"/status", "error=x")
		c.wants("in between", monitor.DeliveryPending, "x", false)
		c.clock.Advance(2 * time.Minute)
		again := c.claim()
		if again.Code != claimed.Code {
			c.Errorf("claimed %v, want the same again", again.Code)
		}
	})
}

// A report of a mail server (RFC 3464).
const report = `Return-Path: <>
From: MAILER-DAEMON@mx.example.net
To: %s
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=x-unknown

I am sorry to say
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; owner@example.org
Action: %s
Status: %s
%s
--b
Content-Type: message/rfc822

Status: 9.9.9
Action: none

Hello
--b--
`

// docs/contract.md §5: mails that came back.
func TestBounces(t *testing.T) {
	const failed, sent = monitor.DeliveryFailed, monitor.DeliverySent
	const diagnostic = "Diagnostic-Code: smtp; 550 5.1.1 <owner@example.org>:\n    no such user\n"
	cases := map[string]struct {
		age                      time.Duration
		action, code, diagnostic string
		answer                   string
		status                   monitor.DeliveryStatus
		reason                   string
		disabled                 bool
	}{
		"for good": {0, "failed", "5.1.1", diagnostic, "OK", failed,
			"Delivery failed (smtp; 550 5.1.1 <owner@example.org>: no such user)", true},
		"for good, without a reason":    {0, "failed", "5.0.0", "", "OK", failed, "Delivery failed (SMTP status code: 5.0.0)", true},
		"a comment behind the code":     {0, "failed", "5.2.1 (disabled)", "", "OK", failed, "Delivery failed (SMTP status code: 5.2.1)", true},
		"for now":                       {0, "delayed", "4.4.1", "", "OK", failed, "Delivery failed (SMTP status code: 4.4.1)", false},
		"a domain that cannot be found": {0, "failed", "5.4.4", "", "OK", failed, "Delivery failed (SMTP status code: 5.4.4)", false},
		"a long reason": {0, "failed", "4.0.0", "Diagnostic-Code: " + strings.Repeat("x", 500) + "\n", "OK", failed,
			"Delivery failed (" + strings.Repeat("x", 183), false},
		"it has arrived": {0, "delivered", "2.0.0", "", "OK (ignored)", sent, "", false},
		"no code":        {0, "failed", "", "", "OK (ignored)", sent, "", false},
		"no action":      {0, "", "5.1.1", "", "OK (ignored)", sent, "", false},
		"just in time": {48*time.Hour - time.Second, "failed", "5.1.1", "", "OK", failed,
			"Delivery failed (SMTP status code: 5.1.1)", true},
		"too late": {48*time.Hour + time.Second, "failed", "5.1.1", "", "OK (bad signature)", sent, "", false},
	}
	each(t, func(c *client) {
		for name, k := range cases {
			code := c.delivered()
			address := returnPaths.Address(mail.AboutDelivery, code, c.clock.Now())
			c.clock.Advance(k.age)
			status, text := c.callAs("", "POST", "/api/v3/bounces/", fmt.Sprintf(report, address, k.action, k.code, k.diagnostic))
			if status != 200 || text != k.answer {
				c.Errorf("%s: %d %q, want %q", name, status, text, k.answer)
			}
			c.wants(name, k.status, k.reason, k.disabled)
			if k.disabled && (len(c.notified) != 1 || c.notified[0].Check != "Nightly dump" || c.notified[0].Status != monitor.StatusDown ||
				c.notified[0].Owner.Email != "owner@example.org") {
				c.Errorf("%s: told the owner %+v", name, c.notified)
			}
		}
	})
}

func TestMailsThatAreNoBouncesOfOurs(t *testing.T) {
	foreign := mail.NewReturnPaths("another secret", "bounces.example.org")
	each(t, func(c *client) {
		code := c.delivered()
		now := c.clock.Now()
		body := func(to string) string { return fmt.Sprintf(report, to, "failed", "5.1.1", "") }
		ours := func(id uuid.UUID) string { return returnPaths.Address(mail.AboutDelivery, id, now) }
		for _, k := range []struct{ what, body, want string }{
			{"signed by somebody else", body(foreign.Address(mail.AboutDelivery, code, now)), "OK (bad signature)"},
			{"signed for a report", body("r" + ours(code)[1:]), "OK (bad signature)"},
			{"no address", body(""), "OK (bad signature)"},
			{"no mail", "\x00\xff", "OK (bad signature)"},
			{"nothing", "", "OK (bad signature)"},
			{"no report", "To: " + ours(code) + "\n\nI am on holiday.", "OK (ignored)"},
			{"no such delivery", body(ours(uuid.New())), "OK (notification not found)"},
		} {
			status, text := c.callAs("", "POST", "/api/v1/bounces/", k.body)
			if status != 200 || text != k.want {
				c.Errorf("%s: %d %q, want %q", k.what, status, text, k.want)
			}
		}
		c.wants("after all that", monitor.DeliverySent, "", false)
		// Servers on the way write the address as they like, and twice is once.
		for range 2 {
			_, text := c.callAs("", "POST", "/api/v1/bounces/", body(`"Bounce" <`+strings.ToUpper(ours(code))+`>`))
			if text != "OK" {
				c.Errorf("in upper case: %q", text)
			}
		}
		if c.wants("at last", monitor.DeliveryFailed, "Delivery failed (SMTP status code: 5.1.1)", true); len(c.notified) != 1 {
			c.Errorf("the owner was told %d times", len(c.notified))
		}
		status, _ := c.callAs("", "GET", "/api/v1/bounces/", "")
		if status != 405 {
			c.Errorf("GET: %d", status)
		}
	})
}

// docs/contract.md §5: a report to an address that does not exist is the last one.
func TestBouncesOfReports(t *testing.T) {
	each(t, func(c *client) {
		bounce := func(user uuid.UUID, code, want string) {
			c.Helper()
			to := returnPaths.Address(mail.AboutReport, user, c.clock.Now())
			_, text := c.callAs("", "POST", "/api/v3/bounces/", fmt.Sprintf(report, to, "failed", code, ""))
			if text != want {
				c.Errorf("%q, want %q", text, want)
			}
		}
		reports := func() (kind string) {
			c.Helper()
			if err := c.store.DB().QueryRow(c.Context(), `SELECT reports FROM users WHERE id = $1`, c.mine.User.ID).Scan(&kind); err != nil {
				c.Fatal(err)
			}
			return kind
		}
		bounce(uuid.New(), "5.1.1", "OK (user not found)")
		bounce(c.mine.User.ID, "4.0.0", "OK")
		got := reports()
		if got != "monthly" {
			c.Errorf("reports are %s after a passing trouble", got)
		}
		bounce(c.mine.User.ID, "5.1.1", "OK")
		if got := reports(); got != "off" {
			c.Errorf("reports are %s, want off", got)
		}
	})
}
