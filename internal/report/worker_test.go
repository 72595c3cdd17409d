package report

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/templates"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// reader is a user with a check, and a worker that mails them.
type reader struct {
	*testing.T
	*Worker
	store *store.Store
	clock *testdb.Clock
	store.Account
}

// eachReader runs the test on both engines, at noon of Sunday, 1 March 2026.
func eachReader(t *testing.T, test func(r *reader)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		test(&reader{T: t, Worker: workerOn(t, s), store: s, clock: clock, Account: testdb.Account(t, s)})
	})
}

// workerOn is a worker without an SMTP server: mails are kept.
func workerOn(t *testing.T, s *store.Store) *Worker {
	t.Helper()
	sender, err := mail.NewSender(mail.Settings{From: "Punctual <punctual@example.org>"})
	if err != nil {
		t.Fatal(err)
	}
	composer, err := mail.NewComposer(templates.FS, mail.Site{Name: "Punctual", Root: "https://punctual.example.org"}, sender.Domain())
	if err != nil {
		t.Fatal(err)
	}
	return NewWorker(Config{
		Store: s, Composer: composer, SiteRoot: "https://punctual.example.org", Log: slog.New(slog.DiscardHandler),
		Queue:       mail.NewQueue(mail.QueueConfig{Outbox: s, Sender: sender, Now: s.Now, Log: slog.New(slog.DiscardHandler)}),
		Unsubscribe: func(user uuid.UUID, at time.Time) string { return fmt.Sprintf("/unsub/%s-%d/", user, at.Unix()) },
	})
}

// look lets the worker look once and returns the mails that came of it, oldest first.
func (r *reader) look() (mails []monitor.Email) {
	r.Helper()
	before := r.mails()
	_, err := r.RunOnce(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return r.mails()[len(before):]
}

func (r *reader) mails() (oldestFirst []monitor.Email) {
	r.Helper()
	mails, err := r.store.Emails(r.Context(), store.EmailFilter{})
	if err != nil {
		r.Fatal(err)
	}
	for i := len(mails) - 1; i >= 0; i-- {
		oldestFirst = append(oldestFirst, mails[i])
	}
	return oldestFirst
}

func (r *reader) user() *monitor.User {
	r.Helper()
	u, err := r.store.UserByID(r.Context(), r.User.ID)
	if err != nil {
		r.Fatal(err)
	}
	return u
}

func (r *reader) change(change func(*monitor.User)) {
	r.Helper()
	_, err := r.store.ChangeUser(r.Context(), r.User.ID, func(u *monitor.User) error { change(u); return nil })
	if err != nil {
		r.Fatal(err)
	}
}

func (r *reader) ping(kind monitor.PingKind) {
	r.Helper()
	a := &store.Arrival{Code: r.Check.Code, Ping: monitor.Ping{CreatedAt: r.store.Now(), Scheme: "http", Method: "GET"},
		Classify: func(*monitor.Filter) monitor.PingKind { return kind }}
	if err := r.store.RecordPings(r.Context(), []*store.Arrival{a}); err != nil || a.Err != nil {
		r.Fatal(err, a.Err)
	}
}

func TestAMonthlyReportComesOnce(t *testing.T) {
	eachReader(t, func(r *reader) {
		if mails := r.look(); len(mails) != 0 {
			t := mails[0]
			r.Fatalf("a new account is mailed at once: %s", t.Subject)
		}
		date := r.user().NextReportAt
		if date.Format("2006-01-02") != "2026-04-01" || !date.Equal(Next(r.User, r.clock.Now())) {
			r.Fatalf("the first report is planned for %s", date)
		}
		r.ping(monitor.PingSuccess)
		r.clock.Advance(10 * time.Hour)
		r.ping(monitor.PingFail)
		r.clock.Advance(2 * time.Hour)
		r.ping(monitor.PingSuccess)
		r.clock.Set(date.Add(-time.Second))
		if mails := r.look(); len(mails) != 0 {
			r.Fatal("a report before its time")
		}
		r.clock.Set(date)
		mails := r.look()
		if len(mails) != 1 {
			r.Fatalf("%d mails at the time of the report", len(mails))
		}
		m := mails[0]
		if m.Subject != "Monthly report: 1 check is down now · 1 check had 1 downtime event" || m.To != r.User.Email || m.Kind != "report" ||
			!strings.Contains(m.Text, "1 check is down now. In March, 1 check had 1 downtime event.") ||
			!strings.Contains(m.Text, "March: 1 downtime, 2 hours") || strings.Contains(m.Text, "February:") {
			r.Errorf("%s to %s:\n%s", m.Subject, m.To, m.Text)
		}
		want := fmt.Sprintf("<https://punctual.example.org/unsub/%s-%d/>", r.User.ID, date.Unix())
		if m.Headers["List-Unsubscribe"] != want || m.Headers["List-Unsubscribe-Post"] == "" {
			r.Errorf("headers %v, want List-Unsubscribe: %s", m.Headers, want)
		}
		next := r.user().NextReportAt
		if next.Format("2006-01-02") != "2026-05-01" {
			r.Errorf("the next report is planned for %s", next)
		}
		if mails := r.look(); len(mails) != 0 {
			r.Error("the report comes again")
		}
	})
}

// A worker that was away for months sends one report, not one for each.
func TestALateReportComesOnce(t *testing.T) {
	eachReader(t, func(r *reader) {
		r.ping(monitor.PingSuccess)
		r.look()
		r.clock.Advance(100 * day)
		mails := r.look()
		if len(mails) != 1 || !strings.Contains(mails[0].Text, "In May, ") {
			r.Errorf("mails: %+v", mails)
		}
		next := r.user().NextReportAt
		if next.Format("2006-01-02") != "2026-07-01" {
			r.Errorf("the next report is planned for %s", next)
		}
	})
}

func TestAnEmptyReportIsLeftOut(t *testing.T) {
	eachReader(t, func(r *reader) {
		r.look()
		r.clock.Set(r.user().NextReportAt)
		mails := r.look()
		if len(mails) != 0 {
			r.Errorf("a report about checks that were never pinged: %s", mails[0].Text)
		}
		next := r.user().NextReportAt
		if next.Format("2006-01-02") != "2026-05-01" {
			r.Errorf("the next report is planned for %s", next)
		}
	})
}

func TestNagsComeWhileSomethingIsDown(t *testing.T) {
	eachReader(t, func(r *reader) {
		r.change(func(u *monitor.User) {
			u.Reports = monitor.ReportsOff
			u.NagEvery = time.Hour
		})
		r.ping(monitor.PingSuccess)
		r.look()
		next := r.user().NextNagAt
		if !next.IsZero() {
			r.Fatalf("a nag is planned for %s while all is up", next)
		}
		r.ping(monitor.PingFail)
		r.clock.Advance(20 * time.Second)
		mails := r.look()
		if len(mails) != 0 {
			r.Fatal("a nag at once")
		}
		for n := 1; n <= 3; n++ {
			r.clock.Advance(time.Hour - time.Second)
			if mails := r.look(); len(mails) != 0 {
				r.Fatalf("nag %d comes early", n)
			}
			r.clock.Advance(time.Second)
			mails := r.look()
			if len(mails) != 1 || mails[0].Subject != "Reminder: 1 check still down" ||
				!strings.Contains(mails[0].Text, fmt.Sprintf("down for %s", lasting(time.Duration(n)*time.Hour+20*time.Second))) ||
				mails[0].Headers["List-Unsubscribe-Post"] == "" {
				r.Fatalf("nag %d: %+v", n, mails)
			}
		}
		r.ping(monitor.PingSuccess)
		r.look()
		if next := r.user().NextNagAt; !next.IsZero() {
			r.Errorf("all is up, and a nag is planned for %s", next)
		}
		r.clock.Advance(day)
		if mails := r.look(); len(mails) != 0 {
			r.Error("a nag while all is up")
		}
	})
}

func TestANagIsCalledOffAtItsTimeWhenAllIsUp(t *testing.T) {
	eachReader(t, func(r *reader) {
		r.change(func(u *monitor.User) {
			u.Reports = monitor.ReportsOff
			u.NagEvery = 24 * time.Hour
		})
		r.ping(monitor.PingFail)
		r.look()
		r.clock.Advance(day)
		r.ping(monitor.PingSuccess)
		mails := r.look()
		if len(mails) != 0 || !r.user().NextNagAt.IsZero() {
			r.Errorf("mails %+v, next nag %s", mails, r.user().NextNagAt)
		}
	})
}

func TestWorkersShareTheMails(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		const users = 30
		for i := range users {
			r := &reader{T: t, store: s, clock: clock, Account: testdb.Account(t, s, fmt.Sprintf("user%d@example.org", i))}
			r.ping(monitor.PingFail)
			r.change(func(u *monitor.User) {
				u.Reports = monitor.ReportsDaily
				u.NextReportAt = clock.Now().Add(-time.Minute)
				u.NagEvery = time.Hour
				u.NextNagAt = clock.Now().Add(-time.Minute)
			})
		}
		var all sync.WaitGroup
		var rounds [4]Round
		for i := range rounds {
			all.Go(func() {
				var err error
				rounds[i], err = workerOn(t, s).RunOnce(t.Context())
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		var reports, nags int
		for _, r := range rounds {
			reports = reports + r.Reports
			nags = nags + r.Nags
		}
		mails, err := s.Emails(t.Context(), store.EmailFilter{})
		perUser := map[string]int{}
		for _, m := range mails {
			perUser[m.Kind+" "+m.To]++
		}
		if err != nil || len(mails) != 2*users || len(perUser) != 2*users || reports != users || nags != users {
			t.Errorf("%d mails of %d kinds (%d reports, %d nags by their own count), %v; want one of each for %d users", len(mails), len(perUser),
				reports, nags, err, users)
		}
	})
}
