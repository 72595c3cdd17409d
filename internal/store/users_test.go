package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// count asks the database for a number of rows.
func count(t *testing.T, s *store.Store, table, where string, args ...any) (n int) {
	t.Helper()
	if err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE `+where, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func wantKind(t *testing.T, what string, err error, kind errs.Kind) {
	t.Helper()
	if err == nil || errs.KindOf(err) != kind {
		t.Errorf("%s: %v, want an error of kind %q", what, err, kind)
	}
}

func TestAUserComesBackAsStored(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		u := a.User
		u.Email = "new@example.org"
		u.PasswordHash = "hash"
		u.IsActive = false
		u.IsSuperuser = true
		u.TZ = "Europe/Riga"
		u.Theme = "dark"
		u.DateFormat = "iso"
		u.Sort = "name"
		u.CheckLimit = 7
		u.PingLogLimit = 1000
		u.Reports = monitor.ReportsWeekly
		u.NextReportAt = clock.Now()
		u.NagEvery = time.Hour
		u.NextNagAt = clock.Now().Add(time.Minute)
		if err := testdb.PutUser(t.Context(), s, u); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
		if err := s.NoteLogin(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		u.LastLoginAt = clock.Now()
		u.LastActiveAt = clock.Advance(time.Minute)
		if err := s.NoteActive(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		byEmail, err := s.UserByEmail(t.Context(), "new@example.org")
		diff := cmp.Diff(u, byEmail)
		if diff != "" || err != nil {
			t.Errorf("%v, by address (-stored +loaded):\n%s", err, diff)
		}
		byID, err := s.UserByID(t.Context(), u.ID)
		if diff := cmp.Diff(u, byID); diff != "" || err != nil {
			t.Errorf("%v, by id (-stored +loaded):\n%s", err, diff)
		}
	})
}

func TestUsersThatAreNotThereOrTwice(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		first := testdb.Account(t, s, "first@example.org")
		second := testdb.Account(t, s, "second@example.org")
		second.User.Email = first.User.Email
		wantKind(t, "taking somebody's address", testdb.PutUser(t.Context(), s, second.User), errs.Conflict)
		_, err := s.UserByEmail(t.Context(), "nobody@example.org")
		wantKind(t, "an unknown address", err, errs.NotFound)
		_, err = s.UserByID(t.Context(), uuid.New())
		wantKind(t, "an unknown id", err, errs.NotFound)
		wantKind(t, "deleting nobody", s.DeleteUser(t.Context(), uuid.New(), nil), errs.NotFound)
		wantKind(t, "changing nobody", testdb.PutUser(t.Context(), s, &monitor.User{ID: uuid.New(), Email: "x@example.org"}), errs.NotFound)
	})
}

func TestAFailedSignUpLeavesNothing(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		first := testdb.Account(t, s, "first@example.org")
		err := s.CreateAccount(t.Context(), store.Account{
			User: &monitor.User{Email: "second@example.org", TZ: "UTC"},
			// taken
			Project: &monitor.Project{Name: "Mine", PingKey: first.Project.PingKey},
		})
		if err == nil {
			t.Fatal("two projects have one ping key")
		}
		_, err = s.UserByEmail(t.Context(), "second@example.org")
		wantKind(t, "the user of the failed sign-up", err, errs.NotFound)
	})
}

func TestDeletingAUserTakesEverythingAlong(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		for _, c := range []*monitor.Check{a.Check, other.Check} {
			signal(t, s, c, monitor.PingSuccess)
			signal(t, s, c, monitor.PingFail)
		}
		session := &store.Session{IDHash: []byte("h"), UserID: a.User.ID, Data: []byte{}, CreatedAt: clock.Now(), LastUsedAt: clock.Now(),
			ExpiresAt: clock.Now().Add(time.Hour)}
		if err := s.SaveSession(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		if err := s.CreateLoginToken(t.Context(), []byte("token"), a.User.ID, clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteUser(t.Context(), a.User.ID, nil); err != nil {
			t.Fatal(err)
		}
		for table, want := range map[string]int{
			"users": 1, "projects": 1, "checks": 1, "channels": 1, "check_channels": 1, "sessions": 0, "login_tokens": 0, "pings": 2, "flips": 2,
			"deliveries": 1,
		} {
			n := count(t, s, table, "1 = 1")
			if n != want {
				t.Errorf("%d rows are left in %s, want the other user's %d", n, table, want)
			}
		}
	})
}

func TestUsersAreFoundByPartOfTheirAddress(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		for _, address := range []string{"under_score@example.org", "under.score@example.org", "hundred%@example.org", "wow!@example.net"} {
			testdb.Account(t, s, address)
			clock.Advance(time.Minute)
		}
		for search, want := range map[string][]string{
			"":             {"wow!@example.net", "hundred%@example.org", "under.score@example.org", "under_score@example.org"},
			"_":            {"under_score@example.org"},
			"%@":           {"hundred%@example.org"},
			"!":            {"wow!@example.net"},
			"UNDER_":       {"under_score@example.org"},
			"example.net":  {"wow!@example.net"},
			`\`:            nil,
			"' OR 1 = 1--": nil,
		} {
			rows, err := s.Users(t.Context(), search, 10, 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows {
				got = append(got, r.Email)
				if r.Projects != 1 || r.Checks != 1 {
					t.Errorf("%s has %d projects and %d checks, want one each", r.Email, r.Projects, r.Checks)
				}
			}
			diff := cmp.Diff(want, got)
			if diff != "" {
				t.Errorf("search %q (-want +got):\n%s", search, diff)
			}
		}
		page, err := s.Users(t.Context(), "", 2, 1)
		if err != nil || len(page) != 2 || page[0].Email != "hundred%@example.org" {
			t.Errorf("the second to third: %v, %v", page, err)
		}
	})
}

func TestACheckOfTheWelcomePageBecomesTheirs(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		demo := monitor.NewCheck(uuid.Nil, clock.Now())
		if err := s.CreateCheck(t.Context(), &demo, store.Channels{}); err != nil {
			t.Fatal(err)
		}
		signal(t, s, &demo, monitor.PingSuccess)
		signUp := func(email string) store.Account {
			check := demo
			check.Name = "My first check"
			check.Slug = "my-first-check"
			a := store.Account{
				User:    &monitor.User{Email: email, IsActive: true, TZ: "UTC", CheckLimit: 10, PingLogLimit: 100},
				Project: &monitor.Project{},
				Check:   &check,
				Channel: &monitor.Channel{Kind: "email", Config: "{}", Verified: true},
			}
			if err := s.CreateAccount(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			return a
		}
		first := signUp("first@example.org")
		second := signUp("second@example.org")

		adopted, err := s.CheckByCode(t.Context(), demo.Code)
		if err != nil || adopted.ProjectID != first.Project.ID || adopted.Name != "My first check" || adopted.NPings != 1 ||
			adopted.Status != monitor.StatusUp {
			t.Errorf("the adopted check: %+v, %v", adopted, err)
		}
		fresh, err := s.CheckByID(t.Context(), second.Check.ID)
		if err != nil || fresh.Code == demo.Code || fresh.ProjectID != second.Project.ID || fresh.NPings != 0 {
			t.Errorf("who comes second gets %+v, %v; want a new check", fresh, err)
		}
		for _, a := range []store.Account{first, second} {
			channels, err := s.ChannelsOfCheck(t.Context(), a.Check.ID)
			if err != nil || len(channels) != 1 || channels[0].ID != a.Channel.ID {
				t.Errorf("channels of %s: %v, %v", a.User.Email, channels, err)
			}
		}
	})
}
