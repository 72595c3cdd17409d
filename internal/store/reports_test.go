package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// dueReports are the users that DueReports lists for one kind of mail.
func dueReports(t *testing.T, s *store.Store, nag bool) (users []uuid.UUID) {
	t.Helper()
	due, err := s.DueReports(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range due {
		if d.Nag == nag {
			users = append(users, d.User)
		}
	}
	return users
}

func setUser(t *testing.T, s *store.Store, u *monitor.User, change func(*monitor.User)) {
	t.Helper()
	changed, err := s.ChangeUser(t.Context(), u.ID, func(u *monitor.User) error { change(u); return nil })
	if err != nil {
		t.Fatal(err)
	}
	*u = *changed
}

func TestReportsAreDueAtTheirDateAndWhereTheyHaveNone(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		u := testdb.Account(t, s).User
		is := func(when string, want bool) {
			t.Helper()
			got := slices.Contains(dueReports(t, s, false), u.ID)
			if got != want {
				t.Errorf("%s: due is %t, want %t", when, got, want)
			}
		}
		if u.Reports != monitor.ReportsMonthly {
			t.Errorf("a new account gets reports %q, want monthly", u.Reports)
		}
		is("without a date", true)
		setUser(t, s, u, func(u *monitor.User) { u.NextReportAt = clock.Now().Add(time.Minute) })
		is("before the date", false)
		clock.Advance(time.Minute)
		is("at the date", true)
		setUser(t, s, u, func(u *monitor.User) { u.IsActive = false })
		is("of an account that is not active", false)
		setUser(t, s, u, func(u *monitor.User) { u.IsActive = true })
		if err := s.StopReports(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		is("switched off", false)
	})
}

func TestTheEarliestReportOrNagIsKnown(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		due := func(what string, want time.Time) {
			t.Helper()
			got, err := s.ReportsDue(t.Context())
			if err != nil || !got.Equal(want) {
				t.Errorf("%s: %s, %v; want %s", what, got, err, want)
			}
		}
		one := testdb.Account(t, s).User
		other := testdb.Account(t, s, "other@example.org").User
		due("no dates", time.Time{})
		first := clock.Now().Add(time.Hour)
		second := clock.Now().Add(2 * time.Hour)
		setUser(t, s, one, func(u *monitor.User) { u.NextReportAt = second })
		due("one report", second)
		setUser(t, s, other, func(u *monitor.User) {
			u.NagEvery = time.Hour
			u.NextNagAt = first
		})
		due("and a nag before it", first)
		setUser(t, s, other, func(u *monitor.User) { u.IsActive = false })
		due("of somebody who is not active", second)
	})
}

func TestNagsAreDueAtTheirDateAndWhenTheirReasonComesOrGoes(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		owner := testdb.Account(t, s)
		member := testdb.Account(t, s, "member@example.org").User
		stranger := testdb.Account(t, s, "stranger@example.org").User
		if err := s.AddMember(t.Context(), owner.Project.ID, member.ID, monitor.RoleReadonly); err != nil {
			t.Fatal(err)
		}
		people := []*monitor.User{owner.User, member, stranger}
		for _, u := range people {
			setUser(t, s, u, func(u *monitor.User) { u.NagEvery = time.Hour })
		}
		due := func(when string, want ...uuid.UUID) {
			t.Helper()
			got := dueReports(t, s, true)
			order := func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }
			slices.SortFunc(got, order)
			slices.SortFunc(want, order)
			diff := cmp.Diff(want, got)
			if diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		due("nothing is down")
		if err := s.RecordPings(t.Context(), []*store.Arrival{arrival(s, owner.Check.Code, monitor.PingFail)}); err != nil {
			t.Fatal(err)
		}
		due("a check is down", owner.User.ID, member.ID)
		down, err := s.DownChecks(t.Context(), member.ID)
		if err != nil || len(down) != 1 || down[0].ID != owner.Check.ID || down[0].Project != "Operations" ||
			!down[0].DownSince.Equal(clock.Now()) {
			t.Errorf("down checks of a member: %+v, %v", down, err)
		}
		for _, u := range people[:2] {
			mine, err := s.PlanNag(t.Context(), u, clock.Now().Add(time.Hour), nil)
			if !mine || err != nil {
				t.Fatalf("plan a nag: %t, %v", mine, err)
			}
		}
		due("planned")
		clock.Advance(time.Hour)
		due("at the date", owner.User.ID, member.ID)
		clock.Advance(-time.Minute)
		if err := s.RecordPings(t.Context(), []*store.Arrival{arrival(s, owner.Check.Code, monitor.PingSuccess)}); err != nil {
			t.Fatal(err)
		}
		due("up before the date: to be called off", owner.User.ID, member.ID)
	})
}

func TestAReportIsPlannedAndQueuedOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		u := testdb.Account(t, s).User
		setUser(t, s, u, func(u *monitor.User) {
			u.NextReportAt = clock.Now()
			u.NagEvery = time.Hour
			u.NextNagAt = clock.Now()
		})
		next := clock.Now().Add(24 * time.Hour)
		mail := func(id string) *monitor.Email {
			return &monitor.Email{MessageID: id + "@example.org", Kind: "report", To: u.Email, Subject: "s", Text: "t", HTML: "h"}
		}
		type plan func(u *monitor.User, id string) (bool, error)
		report := func(u *monitor.User, id string) (bool, error) { return s.PlanReport(t.Context(), u, next, mail(id)) }
		nag := func(u *monitor.User, id string) (bool, error) { return s.PlanNag(t.Context(), u, next, mail(id)) }
		for name, plan := range map[string]plan{"report": report, "nag": nag} {
			for i, want := range []bool{true, false} {
				mine, err := plan(u, name+"-first")
				if mine != want || err != nil {
					t.Errorf("%s, process %d: %t, %v; want %t", name, i+1, mine, err, want)
				}
			}
		}
		n := count(t, s, "emails", `status = 'queued'`)
		if n != 2 {
			t.Errorf("%d mails are queued, want 2", n)
		}
		now, err := s.UserByID(t.Context(), u.ID)
		if err != nil || !now.NextReportAt.Equal(next) || !now.NextNagAt.Equal(next) {
			t.Errorf("the next dates are %s and %s, %v; want %s", now.NextReportAt, now.NextNagAt, err, next)
		}
		for wish, change := range map[string]func(*monitor.User){
			"switched off": func(u *monitor.User) {
				u.Reports = monitor.ReportsOff
				u.NagEvery = 0
			},
			"other periods": func(u *monitor.User) {
				u.Reports = monitor.ReportsWeekly
				u.NagEvery = 24 * time.Hour
			},
			"account closed": func(u *monitor.User) { u.IsActive = false },
			"dates moved away": func(u *monitor.User) {
				u.NextReportAt = time.Time{}
				u.NextNagAt = time.Time{}
			},
		} {
			setUser(t, s, now, func(u *monitor.User) {
				u.IsActive = true
				u.Reports = monitor.ReportsMonthly
				u.NextReportAt = next
				u.NagEvery = time.Hour
				u.NextNagAt = next
			})
			before := *now
			setUser(t, s, now, change)
			for name, plan := range map[string]plan{"report": report, "nag": nag} {
				mine, err := plan(&before, name+wish)
				if mine || err != nil {
					t.Errorf("%s while it was composed: the %s is sent (%v)", wish, name, err)
				}
			}
		}
		if n := count(t, s, "emails", `1 = 1`); n != 2 {
			t.Errorf("%d mails in the end, want 2", n)
		}
	})
}

func TestAReportHasAllChecksAndFlipsThatItsReaderMaySee(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		mine := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		testdb.Account(t, s, "stranger@example.org")
		if err := s.AddMember(t.Context(), other.Project.ID, mine.User.ID, monitor.RoleReadonly); err != nil {
			t.Fatal(err)
		}
		from := clock.Advance(time.Hour)
		for range 3 {
			for _, c := range []*monitor.Check{mine.Check, other.Check} {
				for _, kind := range []monitor.PingKind{monitor.PingFail, monitor.PingSuccess} {
					if err := s.RecordPings(t.Context(), []*store.Arrival{arrival(s, c.Code, kind)}); err != nil {
						t.Fatal(err)
					}
					clock.Advance(time.Minute)
				}
			}
		}
		checks, err := s.ReportChecks(t.Context(), mine.User.ID)
		if err != nil || len(checks) != 2 || checks[0].ID != mine.Check.ID || checks[1].ID != other.Check.ID ||
			checks[0].Name != "Nightly dump" || checks[0].Status != monitor.StatusUp {
			t.Errorf("checks: %+v, %v", checks, err)
		}
		flips := func(from time.Time, limit int) map[int64]int {
			found := map[int64]int{}
			err := s.EachFlips(t.Context(), mine.User.ID, from, limit, func(check int64, flips []monitor.Flip) {
				found[check] += len(flips)
				if !slices.IsSortedFunc(flips, func(a, b monitor.Flip) int { return b.CreatedAt.Compare(a.CreatedAt) }) || flips[0].CheckID != check {
					t.Errorf("flips of check %d: %+v", check, flips)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		for _, tc := range []struct {
			from  time.Time
			limit int
			want  map[int64]int
		}{
			{from, 100, map[int64]int{mine.Check.ID: 6, other.Check.ID: 6}},
			{from, 4, map[int64]int{mine.Check.ID: 4, other.Check.ID: 4}},
			{from.Add(10 * time.Minute), 100, map[int64]int{other.Check.ID: 2}},
			{from.Add(time.Hour), 100, map[int64]int{}},
		} {
			diff := cmp.Diff(tc.want, flips(tc.from, tc.limit))
			if diff != "" {
				t.Errorf("flips since %s, %d at most (-want +got):\n%s", tc.from.Sub(from), tc.limit, diff)
			}
		}
	})
}
