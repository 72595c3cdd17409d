package prune_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/prune"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const day = 24 * time.Hour

type pruner func(context.Context, *store.Store, prune.Options) (prune.Result, error)

// both does a dry run, which must change nothing, and then the real one, which
// must do what the dry run said. It returns the lines reported.
func both(t *testing.T, s *store.Store, p pruner, want prune.Result) []string {
	t.Helper()
	var lines [2][]string
	for i, dry := range []bool{true, false} {
		got, err := p(t.Context(), s, prune.Options{DryRun: dry, Batch: 2, Report: func(line string) { lines[i] = append(lines[i], line) }})
		if err != nil {
			t.Fatal(err)
		}
		diff := cmp.Diff(want, got)
		if diff != "" {
			t.Errorf("dry run %v (-want +got):\n%s", dry, diff)
		}
	}
	diff := cmp.Diff(lines[0], lines[1])
	if diff != "" {
		t.Errorf("reported (-dry run +real):\n%s", diff)
	}
	again, err := p(t.Context(), s, prune.Options{})
	if err != nil || again.Total() != 0 {
		t.Errorf("a second run removes %v, %v", again, err)
	}
	return lines[1]
}

func ping(t *testing.T, s *store.Store, code uuid.UUID, kind monitor.PingKind) {
	t.Helper()
	a := &store.Arrival{
		Code:     code,
		Ping:     monitor.Ping{CreatedAt: s.Now(), Scheme: "http", Method: "GET"},
		Classify: func(*monitor.Filter) monitor.PingKind { return kind },
	}
	if err := s.RecordPings(t.Context(), []*store.Arrival{a}); err != nil || a.Err != nil {
		t.Fatal(err, a.Err)
	}
}

func exec(t *testing.T, s *store.Store, query string, args ...any) {
	t.Helper()
	_, err := s.DB().Exec(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
}

func TestPingsKeepsTheNewestOfEachCheck(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		a.User.PingLogLimit = 3
		if err := testdb.PutUser(t.Context(), s, a.User); err != nil {
			t.Fatal(err)
		}
		// never pinged
		quiet := monitor.NewCheck(a.Project.ID, s.Now())
		if err := s.CreateCheck(t.Context(), &quiet, store.Channels{}); err != nil {
			t.Fatal(err)
		}
		// nobody's: the limit is 100
		visitor := monitor.NewCheck(uuid.Nil, s.Now())
		if err := s.CreateCheck(t.Context(), &visitor, store.Channels{}); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			ping(t, s, visitor.Code, monitor.PingSuccess)
		}
		// Flips and deliveries at the days 0 (fail), 1 (success) … 7, one ping each.
		for i := range 8 {
			ping(t, s, a.Check.Code, []monitor.PingKind{monitor.PingFail, monitor.PingSuccess}[i%2])
			clock.Advance(day)
		}
		// of the first and of the last day
		for _, at := range []time.Time{clock.Now().Add(-8 * day), clock.Now().Add(-day)} {
			exec(t, s, `INSERT INTO unknown_runs (check_id, due_at, deadline_at, blind_from, blind_until, cause, decided_at)
				VALUES ($1, $2, $2, $2, $2, 'stopped', $2)`, a.Check.ID, at)
		}
		// the oldest still waits
		exec(t, s, `UPDATE deliveries SET status = 'sent' WHERE id > (SELECT min(id) FROM deliveries)`)
		want := prune.Result{{Name: "pings", Count: 5}, {Name: "deliveries", Count: 4}, {Name: "flips"}, {Name: "unknown runs"}}
		both(t, s, prune.Pings, want)

		rows, err := s.Pings(t.Context(), a.Check.ID, store.PingFilter{Limit: 100})
		if err != nil || len(rows) != 3 || rows[2].N != 6 {
			t.Errorf("%d pings left, %v", len(rows), err)
		}
		left, err := s.DeliveriesOf(t.Context(), a.Check.ID, store.DeliveryFilter{})
		if err != nil || len(left) != 4 || left[3].Status != monitor.DeliveryPending {
			t.Errorf("%d deliveries left, %v; want the newest three and the one that waits", len(left), err)
		}

		exec(t, s, `UPDATE deliveries SET status = 'sent'`)
		// 93 days after the first four flips and more
		clock.Advance(93*day - 4*day)
		both(t, s, prune.Pings, prune.Result{{Name: "pings"}, {Name: "deliveries", Count: 1}, {Name: "flips", Count: 4},
			{Name: "unknown runs", Count: 1}})
		runs, err := s.UnknownRuns(t.Context(), a.Check.ID, time.Time{}, time.Time{}, 0)
		if err != nil || len(runs) != 1 {
			t.Errorf("unknown runs left: %+v, %v", runs, err)
		}
	})
}

func TestChecksRemovesWhatVisitorsLeave(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		for range 3 {
			c := monitor.NewCheck(uuid.Nil, s.Now())
			if err := s.CreateCheck(t.Context(), &c, store.Channels{}); err != nil {
				t.Fatal(err)
			}
		}
		clock.Advance(time.Hour)
		young := monitor.NewCheck(uuid.Nil, s.Now())
		if err := s.CreateCheck(t.Context(), &young, store.Channels{}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour + time.Microsecond)
		lines := both(t, s, prune.Checks, prune.Result{{Name: "checks", Count: 3}})
		want := []string{"3 checks without a project, the oldest made at 2026-03-01T12:00:00Z"}
		if !slices.Equal(lines, want) {
			t.Errorf("reported %q", lines)
		}
		for _, code := range []uuid.UUID{a.Check.Code, young.Code} {
			_, err := s.CheckByCode(t.Context(), code)
			if err != nil {
				t.Errorf("check %v: %v", code, err)
			}
		}
	})
}

func TestEmailsRemovesOldRecordsAndTraces(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		mail := func(id string, status monitor.EmailStatus) {
			t.Helper()
			if err := s.EnqueueEmail(t.Context(), &monitor.Email{MessageID: id, Kind: "login", To: "x@example.org", Status: status}); err != nil {
				t.Fatal(err)
			}
		}
		mail("1", monitor.EmailSent)
		mail("2", monitor.EmailKept)
		mail("3", monitor.EmailFailed)
		mail("4", monitor.EmailQueued)
		leave := func(hash byte, life time.Duration) {
			t.Helper()
			session := &store.Session{IDHash: []byte{hash}, Data: []byte{1}, CreatedAt: s.Now(), LastUsedAt: s.Now(), ExpiresAt: s.Now().Add(life)}
			if err := s.SaveSession(t.Context(), session); err != nil {
				t.Fatal(err)
			}
			if err := s.CreateLoginToken(t.Context(), []byte{hash}, a.User.ID, s.Now().Add(life)); err != nil {
				t.Fatal(err)
			}
			_, _, err := s.TakeToken(t.Context(), string(hash), 3, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Heartbeat(t.Context(), &monitor.Node{ID: uuid.New(), Role: "serve", StartedAt: s.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		leave('a', time.Hour)
		leave('b', time.Hour)
		// lives on, only its limit and node are old
		leave('c', 30*day)
		if err := s.BeginEmailChange(t.Context(), &store.EmailChange{UserID: a.User.ID, Email: "y@example.org",
			ExpiresAt: s.Now().Add(day)}); err != nil {
			t.Fatal(err)
		}
		for address, life := range map[string]time.Duration{"late@example.org": day, "in-time@example.org": 8 * day} {
			v := store.Invitation{ProjectID: a.Project.ID, Email: address, Role: monitor.RoleMember, By: a.User.ID, ExpiresAt: s.Now().Add(life)}
			if err := s.Invite(t.Context(), &v, []byte(address)); err != nil {
				t.Fatal(err)
			}
		}
		for _, ago := range []time.Duration{10 * day, 600 * day} {
			then := s.Now().Add(-ago)
			_, err := s.DB().Exec(t.Context(), `INSERT INTO blind_intervals (began_at, ended_at, ways, cause) VALUES ($1, $1, 'http', 'stopped')`, then)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.DB().Exec(t.Context(), `INSERT INTO unknown_runs (check_id, due_at, deadline_at, blind_from, blind_until, cause, decided_at)
				VALUES ($1, $2, $2, $2, $2, 'stopped', $2)`, a.Check.ID, then)
			if err != nil {
				t.Fatal(err)
			}
			exec(t, s, `INSERT INTO address_changes (code, changed_at) VALUES ($1, $2)`, a.Check.Code, then)
		}
		mail("6", monitor.EmailSent)
		mail("7", monitor.EmailFailed)
		clock.Advance(7*day + time.Microsecond)
		mail("5", monitor.EmailSent)
		// it waited for days
		exec(t, s, `UPDATE emails SET sent_at = $1 WHERE message_id = '6'`, s.Now())
		// given up just now
		exec(t, s, `UPDATE emails SET next_try_at = $1 WHERE message_id = '7'`, s.Now())
		leave('d', time.Hour)
		both(t, s, prune.Emails, prune.Result{{Name: "emails", Count: 3}, {Name: "sessions", Count: 2}, {Name: "login tokens", Count: 2},
			{Name: "changes of address", Count: 1}, {Name: "invitations", Count: 1}, {Name: "rate limits", Count: 3}, {Name: "nodes", Count: 3},
			{Name: "blind intervals", Count: 1}, {Name: "unknown runs", Count: 1},
			{Name: "changes of ping URLs", Count: 2}})
	})
}

// A mail that comes back finds its delivery, however often the check is pinged.
func TestDeliveriesAreKeptWhileTheirMailMayComeBack(t *testing.T) {
	if store.DeliveriesKept < mail.ReturnPathTime {
		t.Errorf("deliveries are kept for %v, mails come back within %v", store.DeliveriesKept, mail.ReturnPathTime)
	}
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		ping(t, s, a.Check.Code, monitor.PingFail)
		exec(t, s, `UPDATE deliveries SET status = 'failed'`)
		for range 101 {
			clock.Advance(time.Second)
			ping(t, s, a.Check.Code, monitor.PingLog)
		}
		clock.Advance(store.DeliveriesKept - 101*time.Second)
		both(t, s, prune.Pings, prune.Result{{Name: "pings", Count: 2}, {Name: "deliveries"}, {Name: "flips"}, {Name: "unknown runs"}})
		clock.Advance(time.Second)
		both(t, s, prune.Pings, prune.Result{{Name: "pings"}, {Name: "deliveries", Count: 1}, {Name: "flips"}, {Name: "unknown runs"}})
	})
}
