package kinds_test

import (
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"punctual/internal/auth"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/smtpsink"
	"punctual/internal/testkit/testdb"
	"punctual/templates"
)

const root = "https://punctual.example.org"

// mailer is the notifier in front of a mail server.
func mailer(t *testing.T, s *store.Store, settings mail.Settings) kindtest.Bound {
	t.Helper()
	settings.From = "punctual@example.org"
	sender, err := mail.NewSender(settings)
	if err != nil {
		t.Fatal(err)
	}
	composer, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: root}, sender.Domain())
	if err != nil {
		t.Fatal(err)
	}
	queue := mail.NewQueue(mail.QueueConfig{Outbox: s, Sender: sender, Now: s.Now, Log: slog.New(slog.DiscardHandler)})
	env := notify.Env{Mail: queue, Composer: composer, Unsubscribe: auth.NewSigner("secret").UnsubscribePath, SiteRoot: root, Now: s.Now}
	return kindtest.Bind(kindtest.Registry(env, nil), "email")
}

func toSink(sink *smtpsink.Sink) mail.Settings {
	return mail.Settings{Host: sink.Host(), Port: sink.Port(), TLS: mail.TLSNone, Timeout: 5 * time.Second}
}

const emailConfig = `{"address":"ops@example.net","up":true,"down":true}`

// Exit statuses of Windows are negative: they are a reason like others, and none
// is no reason.
func TestAnAlertShowsAnExitStatusOfWindows(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		ev := event(monitor.StatusDown, emailConfig)
		ev.Flip.Reason = monitor.ReasonFail
		const shown = "-1073741510 (0xC000013A), unsigned 3221225786"
		status := -1073741510
		ev.LastPing.ExitStatus = &status
		n := mailer(t, s, toSink(sink))
		_, err := n.Send(soon(t), ev)
		if err != nil {
			t.Fatal(err)
		}
		ev.LastPing.ExitStatus = nil
		if _, err := n.Send(soon(t), ev); err != nil {
			t.Fatal(err)
		}
		got := sink.Wait(t, 2)
		for _, part := range []string{"The job reported a failure: exit status " + shown + ".", "1 hour ago, exit status " + shown} {
			if !strings.Contains(got[0].Text, part) || !strings.Contains(got[0].HTML, part) {
				t.Errorf("%q is not in the mail:\n%.1500s", part, got[0].Text)
			}
		}
		if strings.Contains(got[1].Text, "exit status") {
			t.Errorf("a failure without an exit status has one:\n%.1500s", got[1].Text)
		}
	})
}

func TestADownAlertHasWhatAReaderNeeds(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		ev := event(monitor.StatusDown, emailConfig)
		ev.Check.Kind = schedule.Cron
		ev.Check.Schedule = "0 2 * * *"
		ev.Check.TZ = "Europe/Berlin"
		ev.Check.Description = "See the runbook."
		ev.Flip.Reason = monitor.ReasonFail
		ev.LastPing.Body = append([]byte("start"+strings.Repeat("x", 10000)), "\x00 end \xff"...)
		ev.OtherDown = []monitor.Check{{Name: "Mirror", State: monitor.State{LastPing: noon.Add(-72 * time.Hour)}}, {Slug: "certs"}}
		ev.OtherDownTotal = 12
		if _, err := mailer(t, s, toSink(sink)).Send(soon(t), ev); err != nil {
			t.Fatal(err)
		}
		got := sink.Wait(t, 1)[0]
		if got.Subject() != `DOWN | Nightly "dump"` || !got.SentTo("ops@example.net") {
			t.Errorf("%q to %v", got.Subject(), got.To)
		}
		for _, part := range []string{
			"The job reported a failure: exit status 3.", "Sunday, 1 March 2026, 13:00:00 CET", root + "/cloaked/" + tag + "/", "See the runbook.",
			"Project: Operations", "Tags: db, prod", "0 2 * * *", "Time zone: Europe/Berlin", "Grace time: 1 hour",
			"Total pings: 412, since 28 February 2026",
			"Last ping: failure, 1 hour ago, exit status 3, from 192.0.2.7", "xx end \uFFFD", "Mirror (last ping 3 days ago)",
			"certs (never pinged)", "and 10 more",
		} {
			if !strings.Contains(got.Text, part) {
				t.Errorf("%q is not in the text:\n%.1500s", part, got.Text)
			}
		}
		if strings.Contains(got.Text, "start") || strings.Contains(got.Text+got.HTML, ev.Check.Code.String()) {
			t.Error("the body is not cut, or the ping URL is given away")
		}
		unsubscribe := root + auth.NewSigner("secret").UnsubscribePath(ev.Channel.ID)
		h := got.Header.Get("List-Unsubscribe")
		if h != "<"+unsubscribe+">" || !strings.Contains(got.Text, unsubscribe) || !strings.Contains(got.HTML, unsubscribe) {
			t.Errorf("List-Unsubscribe: %s", h)
		}
		id := got.Header.Get("Message-Id")
		if id != "<the-key@example.org>" {
			t.Errorf("message id %s", id)
		}
		records, err := s.Emails(t.Context(), store.EmailFilter{})
		if err != nil || len(records) != 1 || records[0].Kind != "alert" || records[0].Status != monitor.EmailSent ||
			!records[0].SentAt.Equal(clock.Now()) {
			t.Errorf("records %+v, %v", records, err)
		}
	})
}

func TestAnUpAlertHasHowLongItWasDown(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		ev := event(monitor.StatusUp, emailConfig)
		ev.LastPing = nil
		ev.Test = true
		_, err := mailer(t, s, toSink(sink)).Send(soon(t), ev)
		if err != nil {
			t.Fatal(err)
		}
		got := sink.Wait(t, 1)[0]
		if got.Subject() != `UP | Nightly "dump"` {
			t.Errorf("subject %q", got.Subject())
		}
		for _, part := range []string{"It was down for 2 hours, 5 minutes.", "Last ping: 1 hour ago", "No other check of the project is down",
			"This is a test notification", "Period: 1 day"} {
			if !strings.Contains(got.Text, part) {
				t.Errorf("%q is not in the text:\n%s", part, got.Text)
			}
		}
	})
}

func TestFailuresOfAnEmailChannel(t *testing.T) {
	s := testdb.Open(t, "sqlite", testdb.NewClock())
	for name, tc := range map[string]struct {
		behaviour smtpsink.Behaviour
		class     notify.Class
		away      notify.Away
	}{
		"unknown address": {smtpsink.RejectRcpt(550), notify.Dead, notify.NotAway},
		"refused mail":    {smtpsink.RejectData(554), notify.Later, notify.NotAway},
		"too large":       {smtpsink.RejectData(552), notify.Reject, notify.NotAway},
		"busy server":     {smtpsink.RejectData(451), notify.Later, notify.NotAway},
		"closed":          {smtpsink.Refuse, notify.Later, notify.KindAway},
	} {
		sink := smtpsink.New(t, smtpsink.Options{})
		sink.Next(tc.behaviour)
		n := mailer(t, s, toSink(sink))
		_, err := n.Send(soon(t), event(monitor.StatusDown, emailConfig))
		e := failure(t, err)
		if e.Class != tc.class || e.Away != tc.away || !strings.HasPrefix(e.Message, "The mail server") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestAnAddressThatHasNotAgreedGetsNothing(t *testing.T) {
	s := testdb.Open(t, "sqlite", testdb.NewClock())
	sink := smtpsink.New(t, smtpsink.Options{})
	ev := event(monitor.StatusDown, emailConfig)
	ev.Channel.Verified = false
	_, err := mailer(t, s, toSink(sink)).Send(soon(t), ev)
	e := failure(t, err)
	if e.Class != notify.Reject || e.Message != "The address is not confirmed yet." {
		t.Errorf("got %+v", e)
	}
	if len(sink.Messages()) != 0 {
		t.Error("it was sent all the same")
	}
}

func TestWithoutAServerAnAlertIsKept(t *testing.T) {
	s := testdb.Open(t, "sqlite", testdb.NewClock())
	for range 2 {
		_, err := mailer(t, s, mail.Settings{}).Send(soon(t), event(monitor.StatusDown, emailConfig))
		if err != nil {
			t.Fatal(err)
		}
	}
	records, err := s.Emails(t.Context(), store.EmailFilter{Status: monitor.EmailKept})
	if err != nil || len(records) != 1 {
		t.Errorf("%d records, %v", len(records), err)
	}
}

func TestTheFormOfAnEmailChannel(t *testing.T) {
	n := offered()["email"]
	c := roundTrip(t, n, url.Values{"value": {" Ops@Example.net "}, "up": {"1"}}, url.Values{"value": {"Ops@Example.net"}, "up": {"on"}})
	if n.Destination(c) != "example.net" || n.Summary(c) != "Ops@Example.net" {
		t.Errorf("%s to %s", n.Summary(c), n.Destination(c))
	}
	if n.Wants(c, monitor.Flip{New: monitor.StatusDown}) || !n.Wants(c, monitor.Flip{New: monitor.StatusUp}) {
		t.Error("wants the wrong alerts")
	}
	for _, address := range []string{"", "nobody", "a@b@c", "Ops <ops@example.net>", "a@example.net, b@example.net",
		"a@example.net\nBcc: b@example.net", strings.Repeat("a", 100) + "@example.net"} {
		wantInvalid(t, n, "value", url.Values{"value": {address}, "down": {"on"}})
	}
	wantInvalid(t, n, "down", url.Values{"value": {"a@example.net"}})
}

// What the mail server says when it accepts an alert is kept, with its name.
func TestAnAlertHasTheWordsOfTheMailServer(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		res, err := mailer(t, s, toSink(sink)).Send(soon(t), event(monitor.StatusDown, emailConfig))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(res.Said, sink.Host()+" 250 ") || len(res.Said) < len(sink.Host()+" 250 OK") {
			t.Errorf("said %q", res.Said)
		}
	})
}
