package monitor_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
)

func TestSettlingAnUnknownRun(t *testing.T) {
	for _, tc := range []struct {
		runs    string
		later   int
		verdict monitor.Verdict
		want    string
	}{
		{"u?", 0, monitor.VerdictSuccess, "uu"},
		{"u?u?d", 0, monitor.VerdictFail, "u?udd"},
		{"u?u?d", 1, monitor.VerdictMissed, "umu?d"},
		// it is not among the last any more
		{"u?u", 1, monitor.VerdictSuccess, "u?u"},
		{"", 0, monitor.VerdictSuccess, ""},
	} {
		c := monitor.Check{State: monitor.State{RecentRuns: tc.runs}}
		c.Settle(tc.later, tc.verdict)
		if c.RecentRuns != tc.want {
			t.Errorf("%s, %d unknown ones later, %s: %s, want %s", tc.runs, tc.later, tc.verdict, c.RecentRuns, tc.want)
		}
	}
}

// While a deadline has passed that nobody has judged, what people say of a run before it
// is kept.
func TestAVerdictIsKeptWhenPingsAreFolded(t *testing.T) {
	c := minute("new")
	play(c, step{"success", 0, none})
	blind := monitor.Blind{From: at(20), Until: at(200), Ways: monitor.WayHTTP}
	if got := c.Judge(at(200), []monitor.Blind{blind}); len(got.Unknown) != 1 || !c.LastRunUnknown() {
		t.Fatalf("%+v, %q", got, c.RecentRuns)
	}
	// after the next deadline, which nobody has judged
	p := &monitor.Ping{Kind: monitor.PingSuccess, CreatedAt: c.AlertAt.Add(time.Second)}
	monitor.Take(c, p)
	if c.Unjudged == "" {
		t.Fatal("there is nothing to be folded")
	}
	c.Settle(0, monitor.VerdictSuccess)
	c.Fold([]monitor.Ping{*p}, p.CreatedAt, []monitor.Blind{blind})
	if c.RecentRuns != "uumu" {
		t.Errorf("after folding: %q", c.RecentRuns)
	}
}

func TestUnknownRunsAmongTheOutcomes(t *testing.T) {
	t.Parallel()
	c, h := lived(t, "success 1m, success 61m, success 181m")
	// of the run of 02:00
	hidden := monitor.UnknownRun{Deadline: time.Date(2026, 3, 1, 2, 20, 0, 0, time.UTC)}
	h.Flips = nil
	c.RecentRuns = "uu?u"
	h.Unknown = []monitor.UnknownRun{hidden}
	for verdict, want := range map[monitor.Verdict]string{
		monitor.VerdictNone:    "u 03:01 #3, ? 02:20, u 01:01 #2, u 00:01 #1",
		monitor.VerdictSuccess: "u 03:01 #3, u 02:20, u 01:01 #2, u 00:01 #1",
		monitor.VerdictFail:    "u 03:01 #3, d 02:20, u 01:01 #2, u 00:01 #1",
		monitor.VerdictMissed:  "u 03:01 #3, m 02:20, u 01:01 #2, u 00:01 #1",
	} {
		h.Unknown[0].Verdict = verdict
		c.RecentRuns = "uu" + string(verdict.Outcome()) + "u"
		if got := formatOutcomes(monitor.Outcomes(c, h)); got != want {
			t.Errorf("%q: %s, want %s", verdict, got, want)
		}
	}
	// its row is gone
	c.RecentRuns = "uu?u"
	h.Unknown = nil
	if got := formatOutcomes(monitor.Outcomes(c, h)); got != "u 03:01 #3, ?, u 01:01 #2, u 00:01 #1" {
		t.Error(got)
	}
}
