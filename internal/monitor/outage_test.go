package monitor_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// A check with a minute's period or schedule and a minute's grace, pinged at 0.
func TestSilenceDuringAnOutageOfOurs(t *testing.T) {
	out := func(began, ended int) monitor.Outage { return monitor.Outage{Began: at(began), Ended: at(ended)} }
	daily := func(c *monitor.Check) {
		c.Timeout = 24 * time.Hour
		c.Grace = time.Hour
	}
	for _, tc := range []struct {
		name   string
		change func(*monitor.Check)
		// after the outage, 0 = not
		pinged  int
		outages []monitor.Outage
		// when it goes down
		want int
	}{
		{"none", nil, 0, nil, 120},
		{"long before the ping", nil, 0, []monitor.Outage{out(-500, -100)}, 120},
		{"over before the deadline, yet a ping may be lost in it", nil, 0, []monitor.Outage{out(50, 100)}, 220},
		{"over the deadline", nil, 0, []monitor.Outage{out(50, 500)}, 620},
		{"after the deadline", nil, 0, []monitor.Outage{out(121, 500)}, 120},
		{"pinged since", nil, 510, []monitor.Outage{out(50, 500)}, 630},
		{"two", nil, 0, []monitor.Outage{out(50, 100), out(150, 300)}, 420},
		{"a deadline later than a further period needs no help", func(c *monitor.Check) { c.Grace = 10 * time.Minute }, 0,
			[]monitor.Outage{out(1, 32)}, 692},
		{"long period, deadline in the outage", daily, 0, []monitor.Outage{out(25*3600-60, 25*3600+60)}, 25*3600 + 60 + 900},
		{"long period, deadline after it", daily, 0, []monitor.Outage{out(24*3600-60, 24*3600+60)}, 25 * 3600},
		{"cron", func(c *monitor.Check) {
			c.Kind = schedule.Cron
			c.Schedule = "*/5 * * * *"
			c.TZ = "UTC"
		}, 0, []monitor.Outage{out(290, 365)}, 660},
	} {
		c := minute("new")
		if tc.change != nil {
			tc.change(c)
		}
		play(c, step{"success", 0, none})
		if tc.pinged > 0 {
			play(c, step{"success", tc.pinged, none})
		}
		f := c.Overdue(at(tc.want-1), tc.outages)
		if f != nil {
			t.Errorf("%s: down at %v, want %v", tc.name, f.CreatedAt, at(tc.want))
			continue
		}
		s := c.StatusAt(at(tc.want - 1))
		if s == monitor.StatusDown {
			t.Errorf("%s: reads down a second before it goes down", tc.name)
		}
		if !c.WatchAt.Equal(at(tc.want)) {
			t.Errorf("%s: watched at %v, want %v", tc.name, c.WatchAt, at(tc.want))
		}
		if f := c.Overdue(at(tc.want), tc.outages); f == nil || !f.CreatedAt.Equal(at(tc.want)) {
			t.Errorf("%s: flip %+v, want one at %v", tc.name, f, at(tc.want))
		}
	}
	running := minute("up")
	play(running, step{"start", 0, none})
	f := running.Overdue(at(119), []monitor.Outage{out(50, 100)})
	if f != nil {
		t.Errorf("a run whose end may be lost: down at %v", f.CreatedAt)
	}
}
