package mail_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/store"
	"punctual/internal/testkit/smtpsink"
	"punctual/internal/testkit/testdb"
	"punctual/templates"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestAReturnPathFitsIntoAnAddress(t *testing.T) {
	t.Parallel()
	paths := mail.NewReturnPaths("secret", "bounces.example.org")
	address := paths.Address(mail.AboutDelivery, uuid.New(), noon)
	local, domain, _ := strings.Cut(address, "@")
	if len(local) > 64 || domain != "bounces.example.org" {
		t.Errorf("%s: a local part of %d bytes, at most 64 are allowed", address, len(local))
	}
	if address := mail.NewReturnPaths("secret", "").Address(mail.AboutDelivery, uuid.New(), noon); address != "" {
		t.Errorf("without a domain: %q", address)
	}
}

func TestOnlyOurReturnPathsAreRead(t *testing.T) {
	t.Parallel()
	paths := mail.NewReturnPaths("secret", "bounces.example.org")
	id := uuid.New()
	ours := paths.Address(mail.AboutReport, id, noon)
	for _, k := range []struct {
		name, to string
		after    time.Duration
		ok       bool
	}{
		{"at once", ours, 0, true},
		{"after two days", ours, 48 * time.Hour, true},
		{"later", ours, 48*time.Hour + time.Second, false},
		{"in other letters", strings.ToUpper(ours), 0, true},
		{"with a name", "Bounce <" + ours + ">", 0, true},
		{"changed", strings.Replace(ours, "r.", "n.", 1), 0, false},
		{"of another instance", mail.NewReturnPaths("other", "x").Address(mail.AboutReport, id, noon), 0, false},
		{"not signed", "r." + id.String() + "@bounces.example.org", 0, false},
		{"without dots", "postmaster@bounces.example.org", 0, false},
		{"two headers", "x\r\nTo: " + ours, 0, false},
	} {
		b, err := paths.Read(strings.NewReader("To: "+k.to+"\r\n\r\n"), noon.Add(k.after))
		if (err == nil) != k.ok || k.ok && (b.About != mail.AboutReport || b.ID != id) {
			t.Errorf("%s: %+v, %v", k.name, b, err)
		}
	}
}

// Whatever comes in, reading ends and does not panic; nested parts are not
// followed for ever.
func FuzzRead(f *testing.F) {
	paths := mail.NewReturnPaths("secret", "b.example.org")
	to := "To: " + paths.Address(mail.AboutDelivery, uuid.Nil, noon) + "\n"
	f.Add([]byte(to + "Content-Type: message/delivery-status\n\nA: b\n\nStatus: 5.1.1\nAction: failed\nDiagnostic-Code: x\n y\n"))
	f.Add(
		[]byte(to +
			"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: " +
			"base64\n\nU3RhdHVzOiA0LjAuMApBY3Rpb246IHgK\n--b--\n"))
	f.Add([]byte(to + strings.Repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n", 50)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := paths.Read(bytes.NewReader(raw), noon)
		if err == nil && b.About != mail.AboutDelivery {
			t.Errorf("%+v", b)
		}
		if strings.ContainsAny(b.Diagnostic, "\r\n") || b.Permanent() && b.Transient() {
			t.Errorf("%+v", b)
		}
	})
}

// The envelope says where an alert comes back to, its headers do not change.
func TestAnAlertHasAReturnPath(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		sender := plain(t, sink)
		c, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: "https://p.example.org"}, sender.Domain())
		if err != nil {
			t.Fatal(err)
		}
		key := uuid.New()
		for i, domain := range []string{"", "bounces.example.org"} {
			paths := mail.NewReturnPaths("secret", domain)
			q := mail.NewQueue(mail.QueueConfig{Outbox: s, Sender: sender, ReturnPaths: paths, Now: s.Now, Log: discard()})
			m, err := c.Alert(mail.Alert{To: "ops@example.net", Key: key.String(), Name: "Nightly"})
			if err != nil {
				t.Fatal(err)
			}
			if err := q.Deliver(soon(t), m); err != nil {
				t.Fatal(err)
			}
			got := sink.Wait(t, i+1)[i]
			want := "punctual@example.org"
			if domain != "" {
				want = paths.Address(mail.AboutDelivery, key, clock.Now())
			}
			if got.From != want || got.Header.Get("Return-Path") != "" || !strings.Contains(got.Header.Get("From"), "punctual@example.org") {
				t.Errorf("domain %q: from %s, want %s; headers %v", domain, got.From, want, got.Header)
			}
		}
		// Mails that wait in the queue keep theirs; those about nothing have none.
		q := mail.NewQueue(mail.QueueConfig{Outbox: s, Sender: sender, ReturnPaths: mail.NewReturnPaths("secret", "bounces.example.org"),
			Now: s.Now, Log: discard()})
		report := login(t, "a@example.net")
		report.About = mail.AboutReport
		report.AboutID = key
		enqueue(t, q, report)
		enqueue(t, q, login(t, "b@example.net"))
		sendDue(t, q, 2)
		for _, got := range sink.Wait(t, 4)[2:] {
			ours := strings.HasPrefix(got.From, "r."+key.String())
			if ours != got.SentTo("a@example.net") {
				t.Errorf("to %v: from %s", got.To, got.From)
			}
		}
	})
}
