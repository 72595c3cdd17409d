package monitor_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// blind is an interval in seconds; until < 0: it goes on.
func blind(from, until int) monitor.Blind {
	b := monitor.Blind{From: at(from), Ways: monitor.WayHTTP, Cause: monitor.CauseStopped}
	if until >= 0 {
		b.Until = at(until)
	}
	return b
}

// A check with a minute's period and a minute's grace, pinged at 0: due at 60, its
// deadline is 120, and its window begins 30 s before it is due.
func TestAHiddenRunIsUnknown(t *testing.T) {
	const never = 0
	daily := func(c *monitor.Check) {
		c.Timeout = 24 * time.Hour
		c.Grace = time.Hour
	}
	cron := func(c *monitor.Check) {
		c.Kind = schedule.Cron
		c.Schedule = "*/5 * * * *"
		c.TZ = "UTC"
	}
	const day = 24 * 3600
	for _, tc := range []struct {
		name   string
		change func(*monitor.Check)
		// of a success after the first, 0 = none
		pinged int
		blinds []monitor.Blind
		// when all is known
		heard   int
		unknown int
		// when it goes down if nothing comes any more
		down int
	}{
		{"no interval", nil, never, nil, 1000, 0, 120},
		{"over before the window", nil, never, []monitor.Blind{blind(0, 29)}, 1000, 0, 120},
		{"over as the window begins", nil, never, []monitor.Blind{blind(0, 30)}, 1000, 1, 150},
		{"in the window", nil, never, []monitor.Blind{blind(70, 80)}, 1000, 1, 200},
		{"an instant", nil, never, []monitor.Blind{blind(90, 90)}, 1000, 1, 210},
		{"begins with the deadline", nil, never, []monitor.Blind{blind(120, 500)}, 1000, 1, 620},
		{"begins after the deadline", nil, never, []monitor.Blind{blind(121, 500)}, 1000, 0, 120},
		{"over the deadline", nil, never, []monitor.Blind{blind(50, 500)}, 1000, 1, 620},
		{"pinged after it", nil, 65, []monitor.Blind{blind(50, 60)}, 1000, 0, 185},
		{"the last of two counts", nil, never, []monitor.Blind{blind(50, 100), blind(70, 90)}, 1000, 1, 220},
		{"the next run is hidden, too", nil, never, []monitor.Blind{blind(50, 100), blind(170, 300)}, 1000, 2, 420},
		{"what comes later does not move the deadline", nil, never, []monitor.Blind{blind(50, 100), blind(221, 300)}, 1000, 1, 220},
		{"a long period, the deadline hidden", daily, never, []monitor.Blind{blind(day+3000, day+4000)}, 3 * day, 1, 2*day + 4000 + 3600},
		{"a long period, an hour before it is due", daily, never, []monitor.Blind{blind(day-3700, day-3600)}, 3 * day, 1, 2*day - 3600 + 3600},
		{"a long period, long before it is due", daily, never, []monitor.Blind{blind(day-9000, day-3601)}, 3 * day, 0, day + 3600},
		{"cron", cron, never, []monitor.Blind{blind(290, 365)}, 1000, 1, 660},
		{"cron, a minute before", cron, never, []monitor.Blind{blind(200, 240)}, 1000, 1, 660},
		{"cron, earlier", cron, never, []monitor.Blind{blind(200, 239)}, 1000, 0, 360},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := minute("new")
			if tc.change != nil {
				tc.change(c)
			}
			play(c, step{"success", 0, none})
			if tc.pinged > 0 {
				play(c, step{"success", tc.pinged, none})
			}
			got := c.Judge(at(tc.heard), tc.blinds)
			if len(got.Unknown) != tc.unknown {
				t.Errorf("unknown %+v, want %d", got.Unknown, tc.unknown)
			}
			flips := append(got.Flips, c.Judge(at(tc.down), tc.blinds).Flips...)
			if len(flips) != 1 || !flips[0].CreatedAt.Equal(at(tc.down)) {
				t.Errorf("flips %+v, want one at %v", flips, at(tc.down))
			}
		})
	}
}

// Step by step: nothing is decided before everything is known, nor while an interval goes on.
func TestNothingIsJudgedBeforeItIsKnown(t *testing.T) {
	c := minute("new")
	play(c, step{"success", 0, none})
	if got := c.Judge(at(119), nil); len(got.Flips) != 0 || !c.WatchAt.Equal(at(120)) {
		t.Errorf("at 119: %+v, watched at %v", got, c.WatchAt)
	}
	if got := c.Judge(at(500), []monitor.Blind{blind(100, -1)}); len(got.Flips)+len(got.Unknown) != 0 || !c.WatchAt.Equal(at(120)) {
		t.Errorf("while it goes on: %+v, watched at %v", got, c.WatchAt)
	}
	got := c.Judge(at(500), []monitor.Blind{blind(100, 450)})
	if len(got.Flips) != 0 || len(got.Unknown) != 1 || c.Status != monitor.StatusUp || !c.DueAt.Equal(at(510)) || !c.WatchAt.Equal(at(570)) {
		t.Errorf("after it: %+v, %+v", got, c.State)
	}
	run := got.Unknown[0]
	if !run.Due.Equal(at(60)) || !run.Deadline.Equal(at(120)) || !run.BlindFrom.Equal(at(100)) || !run.BlindUntil.Equal(at(450)) {
		t.Errorf("the run %+v", run)
	}
	if c.RecentRuns != "u?" {
		t.Errorf("recent runs %q", c.RecentRuns)
	}
	// a ping counts again
	play(c, step{"success", 520, none})
	if !c.DueAt.Equal(at(580)) {
		t.Errorf("due at %v", c.DueAt)
	}
}

// A run under way whose end may be lost is forgotten.
func TestAHiddenRunUnderWayIsUnknown(t *testing.T) {
	c := minute("up")
	play(c, step{"success", 0, none}, step{"start", 30, none})
	got := c.Judge(at(90), []monitor.Blind{blind(60, 70)})
	if len(got.Unknown) != 1 || !got.Unknown[0].Due.Equal(at(30)) || c.Started() {
		t.Errorf("%+v, started %v", got, c.Started())
	}
	fresh := minute("new")
	play(fresh, step{"start", 0, none})
	if got := fresh.Judge(at(60), []monitor.Blind{blind(10, 20)}); len(got.Unknown) != 1 || fresh.Status != monitor.StatusNew {
		t.Errorf("the first run: %+v, %s", got, fresh.Status)
	}
	before := minute("up")
	play(before, step{"success", 0, none}, step{"start", 30, none})
	if got := before.Judge(at(90), []monitor.Blind{blind(10, 29)}); len(got.Flips) != 1 {
		t.Errorf("hidden before its start: %+v", got)
	}
}

func TestReadingCountsADeadlineOnlyWhenItIsKnown(t *testing.T) {
	c := minute("new")
	play(c, step{"success", 0, none})
	for _, tc := range []struct {
		now, heard int
		want       monitor.Status
	}{
		{59, 59, monitor.StatusUp},
		{60, 10, monitor.StatusGrace},
		{120, 120, monitor.StatusDown},
		{120, 119, monitor.StatusGrace},
		{9000, 100, monitor.StatusGrace},
	} {
		if got := c.StatusAt(monitor.Reading{Now: at(tc.now), Heard: at(tc.heard)}); got != tc.want {
			t.Errorf("at %d, heard until %d: %s, want %s", tc.now, tc.heard, got, tc.want)
		}
	}
}

func TestWays(t *testing.T) {
	if monitor.WayHTTP.Meet(monitor.WayMail) || !monitor.WayBoth.Meet(monitor.WayMail) || monitor.Ways("").Meet(monitor.WayBoth) {
		t.Error("Meet")
	}
	if got := monitor.WayBoth.Without(monitor.WayMail); got != monitor.WayHTTP {
		t.Errorf("without mail: %q", got)
	}
	if got := monitor.WayBoth.Without(); got != monitor.WayBoth {
		t.Errorf("without nothing: %q", got)
	}
}
