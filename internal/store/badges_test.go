package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// ping records pings of a check, one after the other, now.
func record(t *testing.T, s *store.Store, c *monitor.Check, pings ...monitor.Ping) {
	t.Helper()
	for _, p := range pings {
		p.CreatedAt = s.Now()
		a := &store.Arrival{Code: c.Code, Ping: p, Classify: func(*monitor.Filter) monitor.PingKind { return p.Kind }}
		if err := s.RecordPings(t.Context(), []*store.Arrival{a}); err != nil {
			t.Fatal(err)
		}
	}
}

// makeCheck stores a check of the account's project after change.
func makeCheck(t *testing.T, s *store.Store, a store.Account, change func(*monitor.Check)) *monitor.Check {
	t.Helper()
	c := monitor.NewCheck(a.Project.ID, s.Now())
	change(&c)
	if err := s.CreateCheck(t.Context(), &c, store.Channels{}); err != nil {
		t.Fatal(err)
	}
	return &c
}

// The database counts what monitor would have counted, at every moment of every
// kind of check: two texts of one rule must not drift apart.
func TestStatusCountsAreThoseOfMonitor(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		success := monitor.Ping{Kind: monitor.PingSuccess}
		fail := monitor.Ping{Kind: monitor.PingFail}
		start := monitor.Ping{Kind: monitor.PingStart}
		for tags, pings := range map[string][]monitor.Ping{
			"none": nil, "up": {success}, "down": {fail}, "started new": {start}, "started up": {success, start}, "started down": {fail, start},
			"": {success},
		} {
			for _, kind := range []schedule.Kind{schedule.Simple, schedule.Cron} {
				c := makeCheck(t, s, a, func(c *monitor.Check) {
					c.Tags = tags
					c.Kind = kind
					c.Timeout = 2 * time.Minute
					c.Grace = 2 * time.Minute
					c.Schedule = "*/2 * * * *"
				})
				record(t, s, c, pings...)
			}
		}
		paused := makeCheck(t, s, a, func(c *monitor.Check) {
			c.Tags = "paused"
			c.Status = monitor.StatusPaused
		})
		record(t, s, paused, start)
		broken := makeCheck(t, s, a, func(c *monitor.Check) {
			c.Tags = "broken"
			c.Kind = schedule.Cron
			c.Schedule = "* * * * *"
			c.TZ = "No/Where"
		})
		record(t, s, broken, success)

		for range 8 {
			checks, err := testdb.ChecksOf(t.Context(), s, a.Project.ID)
			if err != nil {
				t.Fatal(err)
			}
			want := make(map[store.StatusCount]int)
			for i := range checks {
				want[store.StatusCount{Tags: checks[i].Tags, Status: checks[i].StatusAt(s.Reading())}]++
			}
			counts, err := s.StatusCounts(t.Context(), a.Project.BadgeKey)
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[store.StatusCount]int)
			for _, c := range counts {
				got[store.StatusCount{Tags: c.Tags, Status: c.Status}] += c.N
			}
			diff := cmp.Diff(want, got)
			if diff != "" {
				t.Errorf("at %s (-want +got):\n%s", s.Now().Format(time.TimeOnly), diff)
			}
			clock.Advance(40 * time.Second)
		}
		counts, err := s.StatusCounts(t.Context(), "unknown")
		if err != nil || len(counts) != 0 {
			t.Errorf("of no project: %v, %v", counts, err)
		}
	})
}

func TestTagsOf(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		other := testdb.Account(t, s, "other@example.org")
		for _, tags := range []string{"prod db", "", "db  web", "prod db", "ünïcödé"} {
			makeCheck(t, s, a, func(c *monitor.Check) { c.Tags = tags })
		}
		makeCheck(t, s, other, func(c *monitor.Check) { c.Tags = "theirs" })
		got, err := s.TagsOf(t.Context(), a.Project.ID)
		want := []string{"db", "prod", "web", "ünïcödé"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("tags %q, %v; want %q", got, err, want)
		}
	})
}

// Ten thousand checks may have half a million tags.
func TestTagsOfAProjectAreBounded(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		for i := range 50 {
			makeCheck(t, s, a, func(c *monitor.Check) {
				for j := range 60 {
					c.Tags += fmt.Sprintf("t%04d ", j*50+i)
				}
			})
		}
		got, err := s.TagsOf(t.Context(), a.Project.ID)
		if err != nil || len(got) != 1000 || got[0] != "t0000" || got[999] != "t0999" {
			t.Errorf("%d tags, %v", len(got), err)
		}
	})
}

func TestCheckByBadgeKey(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, _ *testdb.Clock) {
		a := testdb.Account(t, s)
		c, err := s.CheckByBadgeKey(t.Context(), a.Check.BadgeKey)
		if err != nil || c.Code != a.Check.Code {
			t.Errorf("by its badge key: %v, %v", c, err)
		}
		for _, key := range []uuid.UUID{uuid.New(), a.Check.Code} {
			_, err := s.CheckByBadgeKey(t.Context(), key)
			if errs.KindOf(err) != errs.NotFound {
				t.Errorf("by another uuid: %v, want not found", err)
			}
		}
	})
}

func TestMetricsOf(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		made := s.Now()
		one := 1
		seven := 7
		unused := makeCheck(t, s, a, func(*monitor.Check) {})
		failing := makeCheck(t, s, a, func(c *monitor.Check) { c.Name = "failing" })
		mended := makeCheck(t, s, a, func(c *monitor.Check) { c.Name = "mended" })
		veteran := makeCheck(t, s, a, func(c *monitor.Check) {
			c.Name = "veteran"
			c.Status = monitor.StatusUp
			c.CreatedAt = made.AddDate(-2, 0, 0)
		})

		fail := monitor.Ping{Kind: monitor.PingFail, ExitStatus: &seven}
		record(t, s, failing, monitor.Ping{Kind: monitor.PingSuccess}, monitor.Ping{Kind: monitor.PingStart})
		failed := clock.Advance(time.Minute)
		record(t, s, failing, fail)
		clock.Advance(time.Minute)
		record(t, s, failing, fail, monitor.Ping{Kind: monitor.PingIgn, ExitStatus: &one}, monitor.Ping{Kind: monitor.PingLog},
			monitor.Ping{Kind: monitor.PingStart})
		record(t, s, mended, fail, monitor.Ping{Kind: monitor.PingSuccess})

		got, err := s.MetricsOf(t.Context(), a.Project.ID)
		if err != nil {
			t.Fatal(err)
		}
		type row struct {
			Code   uuid.UUID
			Status monitor.Status
			// -1 = none
			Exit  int
			Since time.Time
		}
		rows := make([]row, 0, len(got))
		for _, m := range got {
			r := row{m.Code, m.Status, -1, m.StateSince}
			if m.ExitStatus != nil {
				r.Exit = *m.ExitStatus
			}
			rows = append(rows, r)
		}
		now := s.Now()
		want := []row{
			{a.Check.Code, monitor.StatusNew, -1, made},
			{unused.Code, monitor.StatusNew, -1, made},
			// by the first failure; the later pings end no run
			{failing.Code, monitor.StatusDown, 7, failed},
			{mended.Code, monitor.StatusUp, -1, now},
			// its flips have been pruned
			{veteran.Code, monitor.StatusUp, -1, now.Add(-93 * 24 * time.Hour)},
		}
		diff := cmp.Diff(want, rows)
		if diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		full, err := s.CheckByID(t.Context(), got[2].ID)
		if err != nil {
			t.Fatal(err)
		}
		part := &got[2].Check
		if part.StatusAt(s.Reading()) != full.StatusAt(s.Reading()) || part.Started() != full.Started() ||
			part.LastDuration != full.LastDuration ||
			!part.LastPing.Equal(full.LastPing) || !part.DueAt.Equal(full.DueAt) {
			t.Errorf("the check of a scrape is not the check: %+v, %+v", part, full)
		}
	})
}

// BenchmarkBadges1000 is what badges and a scrape of a project with a thousand
// checks of a hundred pings each ask of the database.
func BenchmarkBadges1000(b *testing.B) {
	for _, engine := range testdb.Engines {
		b.Run(string(engine), func(b *testing.B) {
			s := testdb.Open(b, engine, nil)
			a := testdb.Account(b, s)
			fill(b, s, a)
			b.Run("StatusCounts", func(b *testing.B) {
				for b.Loop() {
					_, err := s.StatusCounts(b.Context(), a.Project.BadgeKey)
					if err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("MetricsOf", func(b *testing.B) {
				for b.Loop() {
					list, err := s.MetricsOf(b.Context(), a.Project.ID)
					if err != nil || len(list) != 1001 {
						b.Fatal(len(list), err)
					}
				}
			})
		})
	}
}

func fill(b *testing.B, s *store.Store, a store.Account) {
	b.Helper()
	err := s.DB().InTx(b.Context(), func(tx *db.Tx) error {
		for range 1000 {
			_, err := tx.Exec(b.Context(),
				`INSERT INTO checks (code, project_id, badge_key, created_at, status, tags, last_ping_at, due_at, alert_at)
				VALUES ($1, $2, $3, $4, 'up', 'prod db', $4, $5, $5)`, uuid.New(), a.Project.ID, uuid.New(), tx.Now(), tx.Now().Add(time.Hour))
			if err != nil {
				return err
			}
		}
		for n := range 50 {
			for i, kind := range []string{"start", "success"} {
				_, err := tx.Exec(b.Context(), `INSERT INTO pings (check_id, n, created_at, kind, scheme, method, ua, body)
					SELECT c.id, $1, $2, $3, 'https', 'POST', 'curl', $4 FROM checks c`, 2*n+i, tx.Now(), kind, make([]byte, 500))
				if err != nil {
					return err
				}
			}
		}
		_, err := tx.Exec(b.Context(),
			`INSERT INTO flips (check_id, created_at, old_status, new_status) SELECT c.id, $1, 'new', 'up' FROM checks c`, tx.Now())
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}
