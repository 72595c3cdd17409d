package notice_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notice"
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/templates"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// A daily job whose run is hidden by an outage of ours is told of by mail, once, soon
// after the end of the outage; and so is what else is hidden, but not more than once an
// hour.
func TestHiddenRunsAreToldOfByMail(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		composer, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: "https://example.com"}, "example.com")
		if err != nil {
			t.Fatal(err)
		}
		w := notice.NewWorker(notice.Config{Store: s, Composer: composer, SiteRoot: "https://example.com",
			Verdict: func(run int64, verdict, to string, _ time.Time) string {
				return fmt.Sprintf("/%d/%s/%s", run, verdict, to)
			}, Log: slog.New(slog.DiscardHandler)})
		round := func() int {
			t.Helper()
			n, err := w.RunOnce(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		a := testdb.Account(t, s)
		taker := func() *monitor.Taker {
			return &monitor.Taker{ID: uuid.New(), Place: "here", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
		}
		sign := func(tk *monitor.Taker) {
			t.Helper()
			if err := s.SignTaker(t.Context(), tk, store.Sign{Mark: clock.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		first := taker()
		sign(first)
		ping := &store.Arrival{Code: a.Check.Code, Ping: monitor.Ping{CreatedAt: clock.Now(), Kind: monitor.PingSuccess, Scheme: "http"}}
		if err := s.RecordPings(t.Context(), []*store.Arrival{ping}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(a.Check.Timeout - time.Minute)
		if err := s.TakerStopped(t.Context(), first, store.Sign{Mark: clock.Now()}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(10 * time.Minute)
		sign(taker())
		clock.Advance(a.Check.Grace)
		second := taker()
		sign(second)
		got, err := s.JudgeOverdue(t.Context(), 10)
		if err != nil || len(got.Flips) != 0 || len(got.Unknown) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		if n := round(); n != 0 {
			t.Fatalf("%d notices at once", n)
		}
		clock.Advance(5 * time.Minute)
		if n := round(); n != 1 {
			t.Fatalf("%d notices, want 1", n)
		}
		if n := round(); n != 0 {
			t.Errorf("%d notices more", n)
		}
		mails, err := s.Emails(t.Context(), store.EmailFilter{Limit: 10})
		if err != nil || len(mails) != 1 {
			t.Fatalf("%d mails, %v", len(mails), err)
		}
		link := notify.CloakedURL("https://example.com", a.Check)
		for _, want := range []string{a.Check.Title(), "Punctual was stopped or restarted", link, "/1/success/", "/1/fail/"} {
			if !strings.Contains(mails[0].Text, want) {
				t.Errorf("%q is not in the mail:\n%s", want, mails[0].Text)
			}
		}
	})
}

// Two processes that tell of the same run at once: one mail goes out.
func TestARunIsReportedOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		var run int64
		err := s.DB().InTx(t.Context(), func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), `INSERT INTO unknown_runs (check_id, due_at, deadline_at, blind_from, blind_until, cause, decided_at)
				VALUES ($1, $2, $2, $2, $2, 'stopped', $2) RETURNING id`, a.Check.ID, clock.Now()).Scan(&run)
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{true, false} {
			m := &monitor.Email{MessageID: uuid.NewString(), Kind: mail.KindBlind, To: "owner@example.org", Status: monitor.EmailQueued}
			if sent, err := s.SendNotice(t.Context(), m, "owner@example.org", []int64{run}); err != nil || sent != want {
				t.Errorf("process %d: %v, %v", i+1, sent, err)
			}
		}
		mails, err := s.Emails(t.Context(), store.EmailFilter{Limit: 10})
		if err != nil || len(mails) != 1 {
			t.Errorf("%d mails, %v", len(mails), err)
		}
	})
}
