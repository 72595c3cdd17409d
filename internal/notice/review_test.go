package notice_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notice"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/templates"
)

// Whoever gets alerts of a check need not be a member of its project: no mail tells them the
// secret in its ping address.
func TestANoticeDoesNotGiveThePingAddressAway(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		composer, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: "https://example.com"}, "example.com")
		if err != nil {
			t.Fatal(err)
		}
		w := notice.NewWorker(notice.Config{Store: s, Composer: composer, SiteRoot: "https://example.com",
			Verdict: func(int64, string, string, time.Time) string { return "" }, Log: slog.New(slog.DiscardHandler)})
		a := testdb.Account(t, s)
		outsider := kinds.EmailChannel("list@elsewhere.example")
		outsider.ID = uuid.New()
		outsider.ProjectID = a.Project.ID
		outsider.CreatedAt = clock.Now()
		if err := s.CreateChannel(t.Context(), outsider); err != nil {
			t.Fatal(err)
		}
		_, err = s.UpdateCheck(t.Context(), a.Check.Code, func(c *store.CheckChange) error {
			c.Channels = &store.Channels{All: true}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		sign := func() *monitor.Taker {
			t.Helper()
			taker := &monitor.Taker{ID: uuid.New(), Place: "here", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
			if err := s.SignTaker(t.Context(), taker, store.Sign{Mark: clock.Now()}); err != nil {
				t.Fatal(err)
			}
			return taker
		}
		first := sign()
		ping := &store.Arrival{Code: a.Check.Code, Ping: monitor.Ping{CreatedAt: clock.Now(), Kind: monitor.PingSuccess, Scheme: "http"}}
		if err := s.RecordPings(t.Context(), []*store.Arrival{ping}); err != nil {
			t.Fatal(err)
		}
		if err := s.TakerStopped(t.Context(), first, store.Sign{Mark: clock.Now()}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(a.Check.Timeout + a.Check.Grace)
		sign()
		got, err := s.JudgeOverdue(t.Context(), 10)
		if err != nil || len(got.Unknown) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		clock.Advance(5 * time.Minute)
		_, err = w.RunOnce(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		mails, err := s.Emails(t.Context(), store.EmailFilter{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		told := false
		for _, m := range mails {
			if m.To != "list@elsewhere.example" {
				continue
			}
			told = true
			if strings.Contains(m.Text, a.Check.Code.String()) {
				t.Errorf("with this mail anybody can ping the check:\n%s", m.Text)
			}
		}
		if !told {
			t.Error("the address was not told")
		}
	})
}

// One account with many unknown runs, whose address was told a short time ago, does not keep
// the notices of others back.
func TestManyRunsOfOneAccountKeepNobodyElseWaiting(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		composer, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: "https://example.com"}, "example.com")
		if err != nil {
			t.Fatal(err)
		}
		w := notice.NewWorker(notice.Config{Store: s, Composer: composer, SiteRoot: "https://example.com",
			Verdict: func(int64, string, string, time.Time) string { return "" }, Log: slog.New(slog.DiscardHandler)})
		unknown := func(check int64, n int) {
			t.Helper()
			for i := range n {
				at := clock.Now().Add(time.Duration(i) * time.Microsecond)
				_, err := s.DB().Exec(t.Context(), `INSERT INTO unknown_runs (check_id, due_at, deadline_at, blind_from, blind_until, cause, decided_at)
					VALUES ($1, $2, $2, $2, $2, 'stopped', $3)`, check, at, clock.Now())
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		big := testdb.Account(t, s)
		small := testdb.Account(t, s, "small@example.org")
		unknown(big.Check.ID, 1)
		clock.Advance(6 * time.Minute)
		sent, err := w.RunOnce(t.Context())
		if err != nil || sent != 1 {
			t.Fatal(sent, err)
		}
		unknown(big.Check.ID, 5000)
		clock.Advance(time.Second)
		unknown(small.Check.ID, 1)
		clock.Advance(15 * time.Minute)
		sent, err = w.RunOnce(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			n, err := w.RunOnce(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sent += n
		}
		if sent != 1 {
			t.Errorf("%d notices after 15 minutes, the other account is not told", sent)
		}
	})
}
