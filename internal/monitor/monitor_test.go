package monitor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return t0.Add(time.Duration(seconds) * time.Second) }

// minute is a check with a period and a grace time of a minute each.
func minute(status monitor.Status) *monitor.Check {
	c := monitor.NewCheck(uuid.Nil, t0)
	c.ID = 1
	c.Timeout = time.Minute
	c.Grace = time.Minute
	c.Status = status
	return &c
}

var (
	ridA = uuid.NullUUID{UUID: uuid.MustParse("aaaaaaaa-0000-4000-8000-000000000000"), Valid: true}
	ridB = uuid.NullUUID{UUID: uuid.MustParse("bbbbbbbb-0000-4000-8000-000000000000"), Valid: true}
	none = uuid.NullUUID{}
)

type step struct {
	kind monitor.PingKind
	// seconds
	at  int
	rid uuid.NullUUID
}

func play(c *monitor.Check, steps ...step) (flips []monitor.Flip) {
	for _, s := range steps {
		p := monitor.Ping{Kind: s.kind, CreatedAt: at(s.at), RID: s.rid}
		f := monitor.Apply(c, &p)
		if f != nil {
			flips = append(flips, *f)
		}
	}
	return flips
}

// docs/contract.md §1.7: the table of what a ping does.
func TestApply(t *testing.T) {
	cases := []struct {
		name     string
		from     monitor.Status
		manual   bool
		steps    []step
		status   monitor.Status
		started  bool
		duration time.Duration
		// "old>new:reason …"
		flips string
	}{
		{"first success", "new", false, []step{{"success", 0, none}}, "up", false, 0, "new>up:"},
		{"success while up", "up", false, []step{{"success", 0, none}}, "up", false, 0, ""},
		{"failure", "up", false, []step{{"fail", 0, none}}, "down", false, 0, "up>down:fail"},
		{"failure while down", "down", false, []step{{"fail", 0, none}}, "down", false, 0, ""},
		{"recovery", "down", false, []step{{"success", 0, none}}, "up", false, 0, "down>up:"},
		{"log and ign change nothing", "new", false, []step{{"log", 0, none}, {"ign", 1, none}}, "new", false, 0, ""},
		{"start leaves the status", "new", false, []step{{"start", 0, none}}, "new", true, 0, ""},
		{"start while paused", "paused", false, []step{{"start", 0, none}}, "paused", true, 0, ""},
		{"success ends a pause", "paused", false, []step{{"success", 0, none}}, "up", false, 0, "paused>up:"},
		{"manual resume ignores", "paused", true, []step{{"success", 0, none}, {"fail", 1, none}, {"start", 2, none}}, "paused", false, 0, ""},
		{"run measured", "up", false, []step{{"start", 0, none}, {"success", 7, none}}, "up", false, 7 * time.Second, ""},
		{"run with id measured", "up", false, []step{{"start", 0, ridA}, {"success", 7, ridA}}, "up", false, 7 * time.Second, ""},
		{"second start counts", "up", false, []step{{"start", 0, none}, {"start", 5, none}, {"success", 7, none}}, "up", false, 2 * time.Second,
			""},
		{"another run's success", "up", false, []step{{"start", 0, ridA}, {"success", 7, ridB}}, "up", true, 0, ""},
		{"success without id ends it", "up", false, []step{{"start", 0, ridA}, {"success", 7, none}}, "up", false, 0, ""},
		{"success with id, start without", "up", false, []step{{"start", 0, none}, {"success", 7, ridA}}, "up", true, 0, ""},
		{"another run's failure ends it", "up", false, []step{{"start", 0, ridA}, {"fail", 7, ridB}}, "down", false, 0, "up>down:fail"},
		{"failed run measured", "up", false, []step{{"start", 0, ridA}, {"fail", 7, ridA}}, "down", false, 7 * time.Second, "up>down:fail"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := minute(tc.from)
			c.ManualResume = tc.manual
			var flips []string
			for _, f := range play(c, tc.steps...) {
				flips = append(flips, string(f.Old)+">"+string(f.New)+":"+string(f.Reason))
			}
			if c.Status != tc.status || c.Started() != tc.started || c.LastDuration != tc.duration || strings.Join(flips, " ") != tc.flips {
				t.Errorf("status %s, started %v, duration %v, flips %q", c.Status, c.Started(), c.LastDuration, flips)
			}
			if c.NPings != int64(len(tc.steps)) {
				t.Errorf("%d pings counted, want %d", c.NPings, len(tc.steps))
			}
		})
	}
}

// docs/contract.md §1.8: the displayed status is a matter of the moment; bounds
// count.
func TestStatusAt(t *testing.T) {
	cases := []struct {
		name  string
		from  monitor.Status
		steps []step
		at    int
		want  monitor.Status
		// seconds, -1 = none
		due int
	}{
		{"in time", "new", []step{{"success", 0, none}}, 59, "up", 60},
		{"late at the second", "new", []step{{"success", 0, none}}, 60, "grace", 60},
		{"still late", "new", []step{{"success", 0, none}}, 119, "grace", 60},
		{"down at the second", "new", []step{{"success", 0, none}}, 120, "down", 60},
		{"new stays new", "new", nil, 9999, "new", -1},
		{"paused stays paused", "paused", nil, 9999, "paused", -1},
		{"running", "new", []step{{"success", 0, none}, {"start", 30, none}}, 59, "up", 30},
		{"running and late", "new", []step{{"success", 0, none}, {"start", 30, none}}, 60, "grace", 30},
		{"overrun", "new", []step{{"success", 0, none}, {"start", 30, none}}, 90, "down", 30},
		{"overrun of a new check", "new", []step{{"start", 0, none}}, 60, "down", 0},
		{"overrun of a paused check", "paused", []step{{"start", 0, none}}, 60, "down", 0},
		{"start while down is no due time", "down", []step{{"start", 0, none}}, 30, "down", -1},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := minute(tc.from)
			play(c, tc.steps...)
			got := c.StatusAt(monitor.AllHeard(at(tc.at)))
			if got != tc.want {
				t.Errorf("status %s, want %s", got, tc.want)
			}
			want := time.Time{}
			if tc.due >= 0 {
				want = at(tc.due)
			}
			if !c.DueAt.Equal(want) {
				t.Errorf("due %v, want %v", c.DueAt, want)
			}
		})
	}
}

func TestOverdue(t *testing.T) {
	c := minute("new")
	play(c, step{"success", 0, none})
	if f := overdue(c, at(119)); f != nil {
		t.Fatalf("down before the deadline: %+v", f)
	}
	f := overdue(c, at(500))
	if f == nil || !f.CreatedAt.Equal(at(120)) || f.Old != "up" || f.New != "down" || f.Reason != monitor.ReasonTimeout || !f.Notifies() {
		t.Fatalf("flip %+v, want one stamped with the deadline", f)
	}
	if c.Status != "down" || !c.DueAt.IsZero() || !c.AlertAt.IsZero() || c.RecentRuns != "um" {
		t.Errorf("after the flip: %+v", c.State)
	}
	if overdue(c, at(600)) != nil {
		t.Error("a check that is down went down again")
	}

	running := minute("new")
	play(running, step{"start", 0, none})
	if f := overdue(running, at(60)); f == nil || !f.CreatedAt.Equal(at(60)) || !running.Started() {
		t.Errorf("overrun: %+v, started %v", f, running.Started())
	}
}

// Pings put the deadline off but not the moment the watcher looks: that one is
// indexed, and an index that changes with every ping is the dearest part of it.
func TestPingsLeaveTheWatcherAlone(t *testing.T) {
	c := minute("new")
	play(c, step{"success", 0, none}, step{"success", 30, none}, step{"success", 90, none})
	if !c.WatchAt.Equal(at(120)) || !c.AlertAt.Equal(at(210)) {
		t.Fatalf("watched at %v, deadline %v", c.WatchAt, c.AlertAt)
	}
	f := overdue(c, at(120))
	if f != nil || !c.WatchAt.Equal(at(210)) {
		t.Errorf("the look before the deadline: flip %+v, next look at %v", f, c.WatchAt)
	}
	play(c, step{"start", 100, none})
	if !c.WatchAt.Equal(at(160)) {
		t.Errorf("an earlier deadline is watched at %v", c.WatchAt)
	}
	monitor.Pause(c, at(101))
	if f := overdue(c, at(160)); f != nil || !c.WatchAt.IsZero() {
		t.Errorf("a paused check: flip %+v, next look at %v", f, c.WatchAt)
	}
}

func TestScheduledChecks(t *testing.T) {
	c := minute("new")
	c.Kind = schedule.Cron
	c.Schedule = "0 3 * * *"
	c.TZ = "Europe/Riga"
	// 2026-03-01 14:00 in Riga
	play(c, step{"success", 0, none})
	want := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
	if !c.DueAt.Equal(want) || !c.AlertAt.Equal(want.Add(time.Minute)) {
		t.Errorf("due %v, deadline %v", c.DueAt, c.AlertAt)
	}
	c.Kind = schedule.OnCalendar
	c.Schedule = "2020-01-01"
	c.Recompute(at(0))
	if !c.DueAt.IsZero() || c.StatusAt(monitor.AllHeard(at(1e9))) != monitor.StatusUp {
		t.Error("a schedule that has ended must leave the check up for ever")
	}
}

// A schedule that cannot be computed is put aside for an hour.
func TestABrokenScheduleIsPutAside(t *testing.T) {
	c := minute("up")
	c.LastPing = t0
	c.Kind = schedule.Cron
	c.Schedule = "nonsense"
	f := overdue(c, at(1e6))
	if f != nil {
		t.Fatalf("flip of a check nobody can judge: %+v", f)
	}
	if c.ScheduleError == "" || !c.DueAt.IsZero() || !c.AlertAt.Equal(at(1e6).Add(time.Hour)) ||
		c.StatusAt(monitor.AllHeard(at(2e6))) != monitor.StatusUp {
		t.Errorf("%+v", c.State)
	}
	c.Kind = schedule.Simple
	if f := overdue(c, at(1e6+3600)); f == nil || c.ScheduleError != "" {
		t.Errorf("mended schedule: flip %+v, error %q", f, c.ScheduleError)
	}
}

func TestPauseAndResume(t *testing.T) {
	c := minute("new")
	play(c, step{"success", 0, none}, step{"start", 1, none})
	f := monitor.Pause(c, at(2))
	if f == nil || f.Notifies() || c.Started() || !c.AlertAt.IsZero() || c.LastPing.IsZero() {
		t.Errorf("pause: %+v %+v", f, c.State)
	}
	if monitor.Pause(c, at(3)) != nil {
		t.Error("a second pause made a flip")
	}
	f = monitor.Resume(c, at(4))
	if f == nil || f.Notifies() || c.Status != "new" || !c.LastPing.IsZero() {
		t.Errorf("resume: %+v %+v", f, c.State)
	}
	if monitor.Resume(c, at(5)) != nil {
		t.Error("a second resume made a flip")
	}
}

func TestOnlyNewsIsSent(t *testing.T) {
	for _, c := range []struct {
		from, to monitor.Status
		want     bool
	}{{"new", "up", false}, {"paused", "up", false}, {"down", "up", true}, {"new", "down", true}, {"up", "down", true},
		{"paused", "down", true}, {"up", "paused", false}, {"paused", "new", false}} {
		f := monitor.Flip{Old: c.from, New: c.to}
		if f.Notifies() != c.want {
			t.Errorf("%s to %s: told %v, want %v", c.from, c.to, f.Notifies(), c.want)
		}
		may := c.to == "up" && c.from != "down"
		if f.MayNotify() != may {
			t.Errorf("%s to %s: may be told %v, want %v", c.from, c.to, f.MayNotify(), may)
		}
	}
}

func TestRecentRunsAreBounded(t *testing.T) {
	c := minute("new")
	for i := range 40 {
		play(c, step{"success", i, none})
	}
	// Due a minute after the ping before, with a minute's grace: late is its second half.
	play(c, step{"success", 39 + 60 + 30, none}, step{"success", 129 + 60 + 31, none}, step{"fail", 230, none})
	if len(c.RecentRuns) != monitor.MaxRecentRuns || !strings.HasSuffix(c.RecentRuns, "uuld") {
		t.Errorf("recent runs %q", c.RecentRuns)
	}
}

func TestConfirmationIsNoticed(t *testing.T) {
	for body, want := range map[string]bool{"please CONFIRM this": true, "conform": false, "": false, "confir": false, "xconfirmation": true} {
		c := minute("new")
		monitor.Apply(c, &monitor.Ping{Kind: monitor.PingLog, Body: []byte(body)})
		if c.HasConfirmation != want {
			t.Errorf("%q: %v, want %v", body, c.HasConfirmation, want)
		}
	}
}

func TestSlugify(t *testing.T) {
	for in, want := range map[string]string{
		"Nightly dump": "nightly-dump", "Ünïcödé Straße": "unicode-strae", "A.B/C": "abc", "日本語": "", " -_x_- ": "x", "a  -  b": "a-b",
		"snake_case": "snake_case",
	} {
		got := monitor.Slugify(in)
		if got != want || !monitor.ValidSlug(got) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for _, bad := range []string{"A", "a b", "a\n", "ä", strings.Repeat("a", 101)} {
		if monitor.ValidSlug(bad) {
			t.Errorf("%q counts as a slug", bad)
		}
	}
}

func TestUniqueKey(t *testing.T) {
	got := monitor.UniqueKey(uuid.MustParse("4b1f0c2e-7a55-4d1b-9f6e-0d2f7c1a9e33"))
	want := "6b0fcbd59650507ee65f62b4611c5b059107d6b7"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestClassifyEmail(t *testing.T) {
	f := monitor.Filter{Subject: true, SuccessKW: "[OK]", FailureKW: "[FAIL]"}
	got := monitor.ClassifyEmail(&f, "backup [OK]", "[FAIL]")
	if got != monitor.PingSuccess {
		t.Errorf("only the subject counts: %s", got)
	}
	f.Body = true
	if got := monitor.ClassifyEmail(&f, "backup [OK]", "[FAIL]"); got != monitor.PingFail {
		t.Errorf("failure words come first: %s", got)
	}
	if got := monitor.ClassifyEmail(&monitor.Filter{}, "x"); got != monitor.PingSuccess {
		t.Errorf("without filters: %s", got)
	}
}

// overdue is the flip of a deadline that has passed at a time at which everything is known.
func overdue(c *monitor.Check, now time.Time) *monitor.Flip {
	flips := c.Judge(now, nil).Flips
	if len(flips) == 0 {
		return nil
	}
	return flips[0]
}
