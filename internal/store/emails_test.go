package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func queued(id string) *monitor.Email {
	return &monitor.Email{
		MessageID: id + "@example.org", Kind: "login", To: id + "@example.net", Subject: "Your link " + id,
		Headers: map[string]string{"X-Mark": id}, Text: "text", HTML: "<p>html</p>",
	}
}

func enqueue(t *testing.T, s *store.Store, emails ...*monitor.Email) {
	t.Helper()
	for _, e := range emails {
		if err := s.EnqueueEmail(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func claim(t *testing.T, s *store.Store, limit int) []monitor.Email {
	t.Helper()
	got, err := s.ClaimEmails(t.Context(), limit, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAQueuedEmailComesBackAsItWas(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		e := queued("a")
		enqueue(t, s, e)
		got, err := s.EmailByID(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		diff := cmp.Diff(e, got)
		if diff != "" {
			t.Errorf("email (-stored +loaded):\n%s", diff)
		}
		if _, err := s.EmailByID(t.Context(), e.ID+1); errs.KindOf(err) != errs.NotFound {
			t.Errorf("unknown email: %v", err)
		}
	})
}

func TestAnEmailIsClaimedByOneUntilTheLeaseEnds(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		enqueue(t, s, queued("a"), queued("b"), &monitor.Email{MessageID: "kept", Kind: "login", To: "k@example.org", Status: monitor.EmailKept})
		first := claim(t, s, 1)
		second := claim(t, s, 9)
		if len(first) != 1 || len(second) != 1 || first[0].To != "a@example.net" || second[0].To != "b@example.net" || first[0].Attempts != 1 {
			t.Fatalf("claimed %v, then %v", first, second)
		}
		if again := claim(t, s, 9); len(again) != 0 {
			t.Errorf("claimed twice: %v", again)
		}
		clock.Advance(time.Minute)
		again := claim(t, s, 9)
		if len(again) != 2 || again[0].Attempts != 2 {
			t.Errorf("after the lease: %v", again)
		}
	})
}

func TestOnlyTheHolderOfTheLeaseFinishesAnEmail(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		enqueue(t, s, queued("a"))
		slow := claim(t, s, 1)[0]
		clock.Advance(time.Minute)
		quick := claim(t, s, 1)[0]
		slow.Status = monitor.EmailFailed
		slow.LastError = "too late"
		quick.Status = monitor.EmailSent
		quick.SentAt = clock.Now()
		for _, e := range []monitor.Email{slow, quick} {
			if err := s.FinishEmail(t.Context(), &e); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.EmailByID(t.Context(), quick.ID)
		if err != nil || got.Status != monitor.EmailSent || got.LastError != "" || !got.SentAt.Equal(clock.Now()) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestARecordOfALaterAttemptReplacesTheFirst(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		e := queued("alert")
		e.Status = monitor.EmailSent
		e.Attempts = 1
		e.SentAt = clock.Now()
		for range 2 {
			if err := s.RecordEmail(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		all, err := s.Emails(t.Context(), store.EmailFilter{})
		if err != nil || len(all) != 1 || all[0].Attempts != 2 || all[0].ID != e.ID {
			t.Errorf("got %+v, %v", all, err)
		}
	})
}

func TestEmailsAreFoundForSupport(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := queued("a")
		b := queued("b")
		c := queued("c_d")
		b.Kind = "alert"
		b.Subject = "DOWN | 100% Backup"
		enqueue(t, s, a)
		clock.Advance(time.Second)
		enqueue(t, s, b)
		clock.Advance(time.Second)
		enqueue(t, s, c)
		for name, tc := range map[string]struct {
			filter store.EmailFilter
			want   []string
		}{
			"all, newest first":   {store.EmailFilter{}, []string{c.To, b.To, a.To}},
			"recipient":           {store.EmailFilter{Search: "A@EXAMPLE"}, []string{a.To}},
			"subject, literally":  {store.EmailFilter{Search: "100% b"}, []string{b.To}},
			"no wildcards":        {store.EmailFilter{Search: "%_%"}, nil},
			"kind":                {store.EmailFilter{Kind: "alert"}, []string{b.To}},
			"status":              {store.EmailFilter{Status: monitor.EmailSent}, nil},
			"a page of the whole": {store.EmailFilter{Limit: 1, Offset: 1}, []string{b.To}},
		} {
			rows, err := s.Emails(t.Context(), tc.filter)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var got []string
			for _, e := range rows {
				got = append(got, e.To)
			}
			diff := cmp.Diff(tc.want, got)
			if diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestAFailedEmailCanBeSentAgain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		e := queued("a")
		e.Status = monitor.EmailFailed
		e.Attempts = 9
		enqueue(t, s, e)
		if err := s.ResendEmail(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		got := claim(t, s, 9)
		if len(got) != 1 || got[0].Attempts != 1 {
			t.Errorf("claimed %+v", got)
		}
		if err := s.ResendEmail(t.Context(), e.ID); errs.KindOf(err) != errs.NotFound {
			t.Errorf("sending again what is queued: %v", err)
		}
	})
}

func TestANoticeQueuedTwiceIsMailedOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		again := queued("a")
		again.Text = "later"
		enqueue(t, s, queued("a"), again)
		got := claim(t, s, 9)
		if len(got) != 1 || got[0].Text != "text" || again.ID != 0 {
			t.Errorf("claimed %+v", got)
		}
	})
}
