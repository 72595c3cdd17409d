package prune_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

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
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("dry run %v (-want +got):\n%s", dry, diff)
		}
	}
	if diff := cmp.Diff(lines[0], lines[1]); diff != "" {
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
	if _, err := s.DB().Exec(t.Context(), query, args...); err != nil {
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
		quiet := monitor.NewCheck(a.Project.ID, s.Now()) // never pinged
		if err := s.CreateCheck(t.Context(), &quiet, store.Channels{}); err != nil {
			t.Fatal(err)
		}
		visitor := monitor.NewCheck(uuid.Nil, s.Now()) // nobody's: the limit is 100
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
		exec(t, s, `UPDATE deliveries SET status = 'sent' WHERE id > (SELECT min(id) FROM deliveries)`) // the oldest still waits
		want := prune.Result{{Name: "pings", Count: 5}, {Name: "deliveries", Count: 4}, {Name: "flips"}}
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
		clock.Advance(93*day - 4*day) // 93 days after the first four flips and more
		both(t, s, prune.Pings, prune.Result{{Name: "pings"}, {Name: "deliveries", Count: 1}, {Name: "flips", Count: 4}})
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
		if want := []string{"3 checks without a project, the oldest made at 2026-03-01T12:00:00Z"}; !slices.Equal(lines, want) {
			t.Errorf("reported %q", lines)
		}
		for _, code := range []uuid.UUID{a.Check.Code, young.Code} {
			if ok, err := s.CheckExists(t.Context(), code); !ok || err != nil {
				t.Errorf("check %v: %v, %v", code, ok, err)
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
			if _, _, err := s.TakeToken(t.Context(), string(hash), 3, time.Hour); err != nil {
				t.Fatal(err)
			}
			if err := s.Heartbeat(t.Context(), &monitor.Node{ID: uuid.New(), Role: "serve", StartedAt: s.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		leave('a', time.Hour)
		leave('b', time.Hour)
		leave('c', 30*day) // lives on, only its limit and node are old
		clock.Advance(7*day + time.Microsecond)
		mail("5", monitor.EmailSent)
		leave('d', time.Hour)
		both(t, s, prune.Emails, prune.Result{{Name: "emails", Count: 3}, {Name: "sessions", Count: 2}, {Name: "login tokens", Count: 2},
			{Name: "rate limits", Count: 3}, {Name: "nodes", Count: 3}})
	})
}

func TestUsersRemovesAccountsThatNobodyUses(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		accounts := map[string]store.Account{}
		add := func(name string) store.Account {
			t.Helper()
			accounts[name] = testdb.Account(t, s, name+"@example.org")
			return accounts[name]
		}
		login := func(name string) {
			t.Helper()
			if err := s.NoteLogin(t.Context(), add(name).User.ID); err != nil {
				t.Fatal(err)
			}
		}
		withoutChecks := func(name string) {
			t.Helper()
			exec(t, s, `DELETE FROM checks WHERE project_id = $1`, accounts[name].Project.ID)
		}
		member := func(name, of string) {
			t.Helper()
			exec(t, s, `INSERT INTO members (user_id, project_id, role, created_at) VALUES ($1, $2, 'w', $3)`, accounts[name].User.ID, accounts[of].Project.ID, s.Now())
		}
		add("never")
		login("left")
		withoutChecks("left")
		login("has-checks")
		add("member")
		member("member", "has-checks")
		login("team-owner")
		withoutChecks("team-owner")
		member("member", "team-owner")
		admin := add("admin").User
		admin.IsSuperuser = true
		if err := testdb.PutUser(t.Context(), s, admin); err != nil {
			t.Fatal(err)
		}
		pinged := add("pinged")
		clock.Advance(30*day + time.Microsecond)
		ping(t, s, pinged.Check.Code, monitor.PingSuccess)
		add("new")

		lines := both(t, s, prune.Users, prune.Result{{Name: "users", Count: 2}})
		slices.Sort(lines)
		want := []string{"left@example.org, made 2026-03-01, last logged in 2026-03-01", "never@example.org, made 2026-03-01, never logged in"}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("reported (-want +got):\n%s", diff)
		}
		if ok, err := s.CheckExists(t.Context(), accounts["never"].Check.Code); ok || err != nil {
			t.Errorf("the check of a removed account: %v, %v", ok, err)
		}
	})
}
