package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func update(t *testing.T, s *store.Store, c *monitor.Check, change func(*store.CheckChange)) *monitor.Check {
	t.Helper()
	got, err := s.UpdateCheck(t.Context(), c.Code, func(c *store.CheckChange) error { change(c); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func load(t *testing.T, s *store.Store, c *monitor.Check) *monitor.Check {
	t.Helper()
	got, err := s.CheckByID(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func mustChecks(t *testing.T, s *store.Store, project uuid.UUID) []monitor.Check {
	t.Helper()
	checks, err := testdb.ChecksOf(t.Context(), s, project)
	if err != nil {
		t.Fatal(err)
	}
	return checks
}

func TestAnEditIsStoredWithItsDeadline(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		signal(t, s, a.Check, monitor.PingSuccess)
		got := update(t, s, a.Check, func(c *store.CheckChange) {
			c.Name = "Ünï"
			c.Slug = "uni"
			c.Tags = "a b"
			c.Description = "long\ntext"
			c.Kind = schedule.Cron
			c.Schedule = "30 5 * * *"
			c.TZ = "Europe/Riga"
			c.Grace = 10 * time.Minute
			c.Filter = monitor.Filter{Methods: "POST", Subject: true, Body: true, HTTPBody: true, DefaultFail: true, StartKW: "s", SuccessKW: "ok",
				FailureKW: "bad"}
			c.ManualResume = true
		})
		due := time.Date(2026, 3, 2, 3, 30, 0, 0, time.UTC)
		if !got.DueAt.Equal(due) || !got.AlertAt.Equal(due.Add(10*time.Minute)) {
			t.Errorf("due %v, deadline %v; want %v and ten minutes later", got.DueAt, got.AlertAt, due)
		}
		diff := cmp.Diff(got, load(t, s, a.Check))
		if diff != "" {
			t.Errorf("check (-returned +loaded):\n%s", diff)
		}
		if got.Timeout != a.Check.Timeout || got.NPings != 1 || got.Filter.FailureKW != "bad" {
			t.Errorf("what was not to change: %+v", got)
		}
		_, err := s.UpdateCheck(t.Context(), uuid.New(), func(*store.CheckChange) error { return nil })
		wantKind(t, "an unknown check", err, errs.NotFound)
	})
}

func TestAnEditThatFailsLeavesAllAsItWas(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		before := load(t, s, a.Check)
		refused := errors.New("refused")
		_, err := s.UpdateCheck(t.Context(), a.Check.Code, func(c *store.CheckChange) error {
			c.Name = "Changed"
			c.Channels = &store.Channels{}
			c.Flip = monitor.Pause(c.Check, c.Now)
			return refused
		})
		if !errors.Is(err, refused) {
			t.Errorf("got %v, want the error of the change", err)
		}
		_, err = s.UpdateCheck(t.Context(), a.Check.Code, func(c *store.CheckChange) error {
			c.Name = "Changed"
			c.Flip = monitor.Pause(c.Check, c.Now)
			c.Channels = &store.Channels{IDs: []uuid.UUID{uuid.New()}}
			return nil
		})
		if err == nil {
			t.Error("a channel that is not there was assigned")
		}
		diff := cmp.Diff(before, load(t, s, a.Check))
		if diff != "" {
			t.Errorf("check (-before +after):\n%s", diff)
		}
		n := len(watchedThrough(t, s, a.Check))
		flips := count(t, s, "flips", "1 = 1")
		if n != 1 || flips != 0 {
			t.Errorf("%d channels, %d flips; want 1 and 0", n, flips)
		}
	})
}

func TestAFlipInAnEditIsReportedUnlessSilent(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		down := func(silent bool) func(*store.CheckChange) {
			return func(c *store.CheckChange) {
				c.Flip = &monitor.Flip{CheckID: c.ID, CreatedAt: c.Now, Old: c.Status, New: monitor.StatusDown, Reason: monitor.ReasonTimeout}
				c.Status = monitor.StatusDown
				c.Silent = silent
			}
		}
		for _, step := range []struct {
			change                   func(*store.CheckChange)
			wantFlips, wantDelivered int
		}{
			{func(c *store.CheckChange) { c.Flip = monitor.Pause(c.Check, c.Now) }, 1, 0},
			{func(c *store.CheckChange) { c.Flip = monitor.Resume(c.Check, c.Now) }, 2, 0},
			{down(true), 3, 0},
			{func(c *store.CheckChange) { c.Flip = monitor.Pause(c.Check, c.Now) }, 4, 0},
			{down(false), 5, 1},
		} {
			clock.Advance(time.Minute)
			update(t, s, a.Check, step.change)
			flips := count(t, s, "flips", "1 = 1")
			delivered := count(t, s, "deliveries", "status = 'pending'")
			if flips != step.wantFlips || delivered != step.wantDelivered {
				t.Errorf("%d flips and %d deliveries, want %d and %d", flips, delivered, step.wantFlips, step.wantDelivered)
			}
		}
	})
}

func TestOnlyReadyChannelsGetDeliveries(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		addChannel(t, s, a.Project.ID, func(c *monitor.Channel) { c.Disabled = true })
		addChannel(t, s, a.Project.ID, func(c *monitor.Channel) { c.Verified = false })
		signal(t, s, a.Check, monitor.PingFail)
		n := count(t, s, "deliveries", "channel_id = $1", a.Channel.ID)
		if n != 1 || count(t, s, "deliveries", "1 = 1") != 1 {
			t.Errorf("%d deliveries through the channel that is ready, want 1 and no others", n)
		}
	})
}

func TestACheckIsWatchedThroughTheChannelsNamed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		clock.Advance(time.Minute)
		second := addChannel(t, s, a.Project.ID, asIs)
		c := monitor.NewCheck(a.Project.ID, s.Now())
		if err := s.CreateCheck(t.Context(), &c, store.Channels{All: true}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			channels *store.Channels
			want     []uuid.UUID
		}{
			{nil, []uuid.UUID{a.Channel.ID, second.ID}},
			{&store.Channels{IDs: []uuid.UUID{second.ID, second.ID}}, []uuid.UUID{second.ID}},
			{&store.Channels{}, nil},
			{&store.Channels{All: true}, []uuid.UUID{a.Channel.ID, second.ID}},
		} {
			update(t, s, &c, func(c *store.CheckChange) { c.Channels = step.channels })
			diff := cmp.Diff(step.want, watchedThrough(t, s, &c))
			if diff != "" {
				t.Errorf("after %+v (-want +got):\n%s", step.channels, diff)
			}
		}
	})
}

// atOnce runs work n times at the same time and counts the errors of the kind;
// any other error fails the test.
func atOnce(t *testing.T, n int, kind errs.Kind, work func(i int) error) (failed int) {
	t.Helper()
	var mu sync.Mutex
	var workers sync.WaitGroup
	for i := range n {
		workers.Go(func() {
			err := work(i)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && errs.KindOf(err) == kind {
				failed++
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	return failed
}

func TestTheLimitOfChecksHoldsForManyAtOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		second := addProject(t, s, a.User.ID, "The limit is the owner's, not the project's")
		// one is there
		a.User.CheckLimit = 4
		if err := testdb.PutUser(t.Context(), s, a.User); err != nil {
			t.Fatal(err)
		}
		refused := atOnce(t, 6, errs.Conflict, func(i int) error {
			c := monitor.NewCheck([]uuid.UUID{a.Project.ID, second.ID}[i%2], s.Now())
			return s.CreateCheck(t.Context(), &c, store.Channels{All: true})
		})
		n, err := testdb.CountChecks(t.Context(), s, a.User.ID)
		if n != 4 || refused != 3 || err != nil {
			t.Errorf("%d checks, %d refused, %v; want 4 and 3", n, refused, err)
		}
		// Pings may make checks up to twice the limit.
		refused = atOnce(t, 6, errs.NotFound, func(i int) error {
			_, _, err := s.EnsureSlug(t.Context(), a.Project.PingKey, string(rune('a'+i)), nil)
			return err
		})
		if n, _ := testdb.CountChecks(t.Context(), s, a.User.ID); n != 8 || refused != 2 {
			t.Errorf("%d checks, %d refused; want 8 and 2", n, refused)
		}
		c := monitor.NewCheck(uuid.New(), s.Now())
		wantKind(t, "a check of an unknown project", s.CreateCheck(t.Context(), &c, store.Channels{}), errs.NotFound)
	})
}

func TestAnUpsertFindsTheOldestCheckThatEquals(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		addCheck(t, s, other.Project.ID, "job", "job")
		clock.Advance(time.Minute)
		older := addCheck(t, s, a.Project.ID, "job", "job")
		clock.Advance(time.Minute)
		newer := addCheck(t, s, a.Project.ID, "job", "job")
		newer = update(t, s, newer, func(c *store.CheckChange) {
			c.Tags = "x"
			c.Timeout = time.Hour
			c.Grace = time.Minute
		})
		job := "job"
		tags := "x"
		hour := time.Hour
		minute := time.Minute
		for what, test := range map[string]struct {
			unique store.Unique
			want   int64
		}{
			"name":          {store.Unique{Name: &job}, older.ID},
			"slug":          {store.Unique{Slug: &job}, older.ID},
			"name and tags": {store.Unique{Name: &job, Tags: &tags}, newer.ID},
			"timeout":       {store.Unique{Timeout: &hour}, newer.ID},
			"grace":         {store.Unique{Grace: &minute, Slug: &job}, newer.ID},
		} {
			c, created, err := s.UpsertCheck(t.Context(), fresh(s, a.Project.ID), &test.unique, func(c *store.CheckChange) error {
				c.Description = what
				return nil
			})
			if err != nil || created || c.ID != test.want || load(t, s, c).Description != what {
				t.Errorf("by %s: created %v, %v, %+v; want check %d changed", what, created, err, c, test.want)
			}
		}
	})
}

func fresh(s *store.Store, project uuid.UUID) *monitor.Check {
	c := monitor.NewCheck(project, s.Now())
	return &c
}

func TestUpsertsAtOnceMakeOneCheck(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		name := "job"
		atOnce(t, 8, errs.Internal, func(int) error {
			_, _, err := s.UpsertCheck(t.Context(), fresh(s, a.Project.ID), &store.Unique{Name: &name}, func(c *store.CheckChange) error {
				c.Name = name
				c.Channels = &store.Channels{All: true}
				c.Description += "x"
				return nil
			})
			return err
		})
		checks := mustChecks(t, s, a.Project.ID)
		if len(checks) != 2 || checks[1].Description != "xxxxxxxx" {
			t.Errorf("%d checks, want one more; each edit counts: %+v", len(checks), checks)
		}
	})
}

func TestAnUpsertMakesNoCheckTooMany(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		upsert := func(unique *store.Unique, err error) (bool, error) {
			_, created, err := s.UpsertCheck(t.Context(), fresh(s, a.Project.ID), unique,
				func(c *store.CheckChange) error { c.Name = "job"; return err })
			return created, err
		}
		if created, err := upsert(nil, nil); !created || err != nil {
			t.Fatalf("without unique fields: created %v, %v", created, err)
		}
		refused := errs.Invalidf("name", "refused")
		_, err := upsert(nil, refused)
		wantKind(t, "a change that fails", err, errs.Invalid)
		a.User.CheckLimit = 2
		if err := testdb.PutUser(t.Context(), s, a.User); err != nil {
			t.Fatal(err)
		}
		name := "job"
		unknown := "unknown"
		_, err = upsert(nil, nil)
		wantKind(t, "one too many", err, errs.Conflict)
		_, err = upsert(&store.Unique{Name: &unknown}, nil)
		wantKind(t, "one too many by a name that is not there", err, errs.Conflict)
		if created, err := upsert(&store.Unique{Name: &name}, nil); created || err != nil {
			t.Errorf("a change at the limit: created %v, %v", created, err)
		}
		n := len(mustChecks(t, s, a.Project.ID))
		if n != 2 {
			t.Errorf("%d checks, want 2", n)
		}
	})
}

func TestDeletingACheckTakesItsHistoryAlong(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		other := addCheck(t, s, a.Project.ID, "other", "")
		for _, c := range []*monitor.Check{a.Check, other} {
			signal(t, s, c, monitor.PingFail)
		}
		gone, err := s.DeleteCheck(t.Context(), a.Check.Code)
		if err != nil || gone.Name != a.Check.Name || gone.NPings != 1 || gone.Status != monitor.StatusDown {
			t.Errorf("deleted %+v, %v; want it as it was", gone, err)
		}
		for table, want := range map[string]int{"checks": 1, "pings": 1, "flips": 1, "deliveries": 0, "check_channels": 0} {
			n := count(t, s, table, "1 = 1")
			if n != want {
				t.Errorf("%d rows are left in %s, want %d", n, table, want)
			}
		}
		_, err = s.DeleteCheck(t.Context(), a.Check.Code)
		wantKind(t, "deleting it twice", err, errs.NotFound)
		_, err = s.CheckByCode(t.Context(), a.Check.Code)
		wantKind(t, "the deleted check", err, errs.NotFound)
		if _, err := s.CheckByCode(t.Context(), other.Code); err != nil {
			t.Errorf("the other check: %v", err)
		}
	})
}

func TestClearedEventsDoNotComeBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		for _, kind := range []monitor.PingKind{monitor.PingStart, monitor.PingSuccess, monitor.PingFail} {
			signal(t, s, a.Check, kind)
		}
		if err := s.ClearEvents(t.Context(), a.Check.Code); err != nil {
			t.Fatal(err)
		}
		c := load(t, s, a.Check)
		diff := cmp.Diff(monitor.State{Status: monitor.StatusNew, NPings: 3, ActedAt: s.Now()}, c.State)
		if diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		n := count(t, s, "pings", "1 = 1") + count(t, s, "flips", "1 = 1") + count(t, s, "deliveries", "1 = 1")
		if n != 0 {
			t.Errorf("%d pings, flips and deliveries are left", n)
		}
		signal(t, s, a.Check, monitor.PingSuccess)
		p, err := s.Ping(t.Context(), a.Check.ID, 4)
		if err != nil || p.Kind != monitor.PingSuccess {
			t.Errorf("the next ping, number 4: %+v, %v", p, err)
		}
		wantKind(t, "an unknown check", s.ClearEvents(t.Context(), uuid.New()), errs.NotFound)
	})
}

func TestASlugMeansOneCheckOfItsProject(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		// both have a nightly-dump
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		for key, want := range map[string]uuid.UUID{a.Project.PingKey: a.Check.Code, other.Project.PingKey: other.Check.Code} {
			code, err := s.CodeBySlug(t.Context(), key, "nightly-dump")
			if err != nil || code != want {
				t.Errorf("got %v, %v; want %v", code, err, want)
			}
			if code, created, err := s.EnsureSlug(t.Context(), key, "nightly-dump", nil); err != nil || created || code != want {
				t.Errorf("ensured %v, created %v, %v; want %v", code, created, err, want)
			}
		}
		for _, pair := range [][2]string{{a.Project.PingKey, "nothing"}, {a.Project.PingKey, "NIGHTLY-DUMP"}, {"nobody", "nightly-dump"},
			{"", "nightly-dump"}} {
			_, err := s.CodeBySlug(t.Context(), pair[0], pair[1])
			wantKind(t, pair[0]+"/"+pair[1], err, errs.NotFound)
		}
		addCheck(t, s, a.Project.ID, "twin", "nightly-dump")
		_, err := s.CodeBySlug(t.Context(), a.Project.PingKey, "nightly-dump")
		if !errors.Is(err, store.ErrAmbiguousSlug) {
			t.Errorf("two checks of one slug: %v", err)
		}
		if _, created, err := s.EnsureSlug(t.Context(), a.Project.PingKey, "nightly-dump", nil); created ||
			!errors.Is(err, store.ErrAmbiguousSlug) {
			t.Errorf("two checks of one slug: created %v, %v", created, err)
		}
	})
}

func TestChecksAreFoundByWhatPeopleRemember(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		a.Check = update(t, s, a.Check, func(c *store.CheckChange) {
			c.Name = "Ärger 100%"
			c.Slug = "an_error"
		})
		orphan := monitor.NewCheck(uuid.Nil, s.Now())
		orphan.Name = "Demo"
		if err := s.CreateCheck(t.Context(), &orphan, store.Channels{}); err != nil {
			t.Fatal(err)
		}
		for search, want := range map[string][]int64{
			"":                         {orphan.ID, a.Check.ID},
			"Ärger":                    {a.Check.ID},
			"GER 100%":                 {a.Check.ID},
			"n_e":                      {a.Check.ID},
			"_":                        {a.Check.ID},
			"!":                        nil,
			"OWNER@":                   {a.Check.ID},
			"demo":                     {orphan.ID},
			orphan.Code.String()[:13]:  {orphan.ID},
			a.Check.Code.String()[19:]: {a.Check.ID},
		} {
			rows, err := s.Checks(t.Context(), search, 10, 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, r := range rows {
				got = append(got, r.ID)
			}
			diff := cmp.Diff(want, got)
			if diff != "" {
				t.Errorf("search %q (-want +got):\n%s", search, diff)
			}
		}
		rows, err := s.Checks(t.Context(), "", 1, 1)
		if err != nil || len(rows) != 1 || rows[0].ProjectName != a.Project.Name || rows[0].OwnerEmail != a.User.Email {
			t.Errorf("the second: %+v, %v", rows, err)
		}
	})
}
