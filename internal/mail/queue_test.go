package mail_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/smtpsink"
	"punctual/internal/testkit/testdb"
)

func newQueue(s *store.Store, sender *mail.Sender) *mail.Queue {
	return mail.NewQueue(mail.QueueConfig{Outbox: s, Sender: sender, Now: s.Now, Log: discard()})
}

func enqueue(t *testing.T, q *mail.Queue, m *mail.Message) {
	t.Helper()
	if err := q.Enqueue(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func sendDue(t *testing.T, q *mail.Queue, want int) {
	t.Helper()
	n, err := q.SendDue(soon(t))
	if err != nil || n != want {
		t.Fatalf("attempted %d, %v; want %d", n, err, want)
	}
}

func stored(t *testing.T, s *store.Store, id int64) *monitor.Email {
	t.Helper()
	e, err := s.EmailByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAQueuedMailIsSentOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		q := newQueue(s, plain(t, sink))
		m := login(t, "a@example.net")
		enqueue(t, q, m)
		sendDue(t, q, 1)
		sendDue(t, q, 0)
		got := sink.Wait(t, 1)[0]
		if !strings.Contains(got.Text, m.Link) || !strings.Contains(got.HTML, m.Link) {
			t.Errorf("the link is missing: %s", got.Text)
		}
		e := stored(t, s, m.ID)
		if e.Status != monitor.EmailSent || !e.SentAt.Equal(clock.Now()) {
			t.Errorf("stored %+v", e)
		}
	})
}

func TestATemporaryFailureIsTriedAgainForADay(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		sink.Always(smtpsink.RejectData(451))
		q := newQueue(s, plain(t, sink))
		m := login(t, "a@example.net")
		enqueue(t, q, m)
		start := clock.Now()
		sendDue(t, q, 1)
		// the pause has begun
		sendDue(t, q, 0)
		e := stored(t, s, m.ID)
		for e.Status == monitor.EmailQueued {
			clock.Set(e.NextTryAt)
			sendDue(t, q, 1)
			e = stored(t, s, m.ID)
		}
		took := clock.Now().Sub(start)
		if e.Status != monitor.EmailFailed || took < 20*time.Hour || took > 26*time.Hour {
			t.Errorf("%s after %v", e.Status, took)
		}
		if !strings.Contains(e.LastError, "451") {
			t.Errorf("last error %q", e.LastError)
		}
	})
}

func TestAMailTheServerRefusesForGoodIsGivenUp(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		sink.Next(smtpsink.RejectRcpt(550))
		q := newQueue(s, plain(t, sink))
		m := login(t, "gone@example.net")
		enqueue(t, q, m)
		sendDue(t, q, 1)
		e := stored(t, s, m.ID)
		if e.Status != monitor.EmailFailed || e.Attempts != 1 {
			t.Errorf("stored %+v", e)
		}
	})
}

// A crash between the server's yes and our note of it.
func TestALostYesLeadsToTheSameMailAgain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		sink.Next(smtpsink.DropAfterData)
		q := newQueue(s, plain(t, sink))
		enqueue(t, q, login(t, "a@example.net"))
		sendDue(t, q, 1)
		clock.Advance(time.Minute)
		sendDue(t, q, 1)
		got := sink.Wait(t, 2)
		a := got[0].Header.Get("Message-Id")
		b := got[1].Header.Get("Message-Id")
		if a != b {
			t.Errorf("message ids %s and %s", a, b)
		}
	})
}

func TestRunnersSideBySideSendEachMailOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		const n = 30
		q := newQueue(s, plain(t, sink))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		for range 3 {
			go func() { done <- newQueue(s, plain(t, sink)).Run(ctx, s.DB().Watch(ctx, db.TopicEmails)) }()
		}
		for i := range n {
			enqueue(t, q, login(t, fmt.Sprintf("user%d@example.net", i)))
		}
		sink.Wait(t, n)
		stop()
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		var to []string
		for _, m := range sink.Messages() {
			to = append(to, m.To...)
		}
		slices.Sort(to)
		got := len(slices.Compact(to))
		if len(sink.Messages()) != n || got != n {
			t.Errorf("%d mails to %d people, want %d", len(sink.Messages()), got, n)
		}
	})
}

func TestWithoutAServerMailIsKeptAndItsLinkLogged(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		var link string
		q := mail.NewQueue(mail.QueueConfig{Outbox: s, Sender: sender(t, mail.Settings{}), Now: s.Now, Log: discard(),
			OnKept: func(e monitor.Email, to string) { link = e.Kind + " " + e.To + " " + to }})
		m := login(t, "a@example.net")
		enqueue(t, q, m)
		want := "login a@example.net " + m.Link
		if link != want {
			t.Errorf("logged %q, want %q", link, want)
		}
		e := stored(t, s, m.ID)
		if e.Status != monitor.EmailKept {
			t.Errorf("stored as %s", e.Status)
		}
		sendDue(t, q, 0)
	})
}

func TestDeliverSendsAtOnceAndLeavesARecord(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		sink := smtpsink.New(t, smtpsink.Options{})
		sink.Next(smtpsink.RejectData(451))
		q := newQueue(s, plain(t, sink))
		m := login(t, "a@example.net")
		e, ok := errors.AsType[*mail.SendError](q.Deliver(soon(t), m))
		if !ok || e.Permanent {
			t.Fatalf("first attempt: %v", e)
		}
		// the second stands for a crash before the delivery was finished
		for range 2 {
			if err := q.Deliver(soon(t), m); err != nil {
				t.Fatal(err)
			}
		}
		all, err := s.Emails(t.Context(), store.EmailFilter{})
		if err != nil || len(all) != 1 || all[0].Status != monitor.EmailSent || !all[0].SentAt.Equal(clock.Now()) {
			t.Errorf("records: %+v, %v", all, err)
		}
		sendDue(t, q, 0)
	})
}
