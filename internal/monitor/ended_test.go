package monitor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// A script is "kind rid minute", one ping each; rid is a letter, "-" for none.
// The kinds that come of it are told in order.
func TestStartsThatComeAfterTheEndOfTheirRun(t *testing.T) {
	for name, tt := range map[string]struct{ script, kinds string }{
		"delayed":                  {"success A 0, start A 1", "success ign"},
		"repeated":                 {"start A 0, success A 1, start A 2", "start success ign"},
		"after a failure":          {"fail A 0, start A 1", "fail ign"},
		"repeated twice":           {"start A 0, success A 1, start A 2, start A 3", "start success ign ign"},
		"ten minutes":              {"success A 0, start A 10", "success ign"},
		"longer than ten minutes":  {"success A 0, start A 10.001", "success start"},
		"of another run":           {"success A 0, start B 1", "success start"},
		"without an id":            {"success - 0, start - 1", "success start"},
		"without an id, after one": {"success A 0, start - 1", "success start"},
		"with an id, after none":   {"success - 0, start A 1", "success start"},
		"the fourth last": {"success A 0, success B 1, success C 2, success D 3, start A 4",
			"success success success success ign"},
		"the fifth last": {"success A 0, success B 1, success C 2, success D 3, success E 4, start A 5",
			"success success success success success start"},
		"what ends again is the newest": {"success A 0, success B 1, success C 2, success D 3, success A 4, success E 5, start A 6",
			"success success success success success success ign"},
		"while another run is under way": {"success A 0, start B 1, start A 2, success B 3", "success start ign success"},
		"log is no end":                  {"start A 0, log A 1, start A 2", "start log start"},
		"one id, hours apart": {"start A 0, success A 1, start A 60, success A 61, start A 62, success A 63, start A 64",
			"start success start success start success start"},
		"one id, minutes apart": {"start A 0, success A 1, start A 5, success A 6, start A 10, success A 11, start A 15",
			"start success ign success start success start"},
		"one id, failing":               {"start A 0, fail A 1, start A 60, fail A 61, start A 62", "start fail start fail start"},
		"one id, without starts before": {"success A 0, success A 60, start A 61", "success success start"},
		"the end repeated":              {"start A 0, success A 1, success A 1.5, start A 2", "start success success ign"},
		"one id among others": {"start A 0, success A 1, success B 2, start A 60, success A 61, success C 62, start A 63",
			"start success success start success success start"},
		"the id of zeros is an id":        {"success 0 0, start 0 1", "success ign"},
		"a clock that was set back":       {"success A 5, start A 4", "success ign"},
		"the start comes before the end":  {"start A 0, start A 1, success A 2", "start start success"},
		"of a run that was never started": {"fail A 0, success B 1, start A 2, start B 3", "fail success ign ign"},
	} {
		c := monitor.NewCheck(uuid.New(), time.Time{})
		var kinds []string
		for step := range strings.SplitSeq(tt.script, ", ") {
			var kind, rid string
			var minute float64
			_, err := fmt.Sscan(step, &kind, &rid, &minute)
			if err != nil {
				t.Fatal(step, err)
			}
			p := monitor.Ping{Kind: monitor.PingKind(kind), RID: ridOf(rid), CreatedAt: noon.Add(time.Duration(minute * float64(time.Minute)))}
			before := c
			flip := monitor.Apply(&c, &p)
			if p.Kind == monitor.PingIgn {
				left := c.State
				left.NPings = before.NPings
				left.EndedRuns = before.EndedRuns
				if flip != nil || left != before.State || c.NPings != before.NPings+1 {
					t.Errorf("%s: %q had an effect: %+v", name, step, c.State)
				}
			}
			kinds = append(kinds, string(p.Kind))
		}
		got := strings.Join(kinds, " ")
		if got != tt.kinds {
			t.Errorf("%s: %q gives\n%s, want\n%s", name, tt.script, got, tt.kinds)
		}
		if len(c.EndedRuns) > 134 {
			t.Errorf("%s: %d characters are remembered", name, len(c.EndedRuns))
		}
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ridOf(name string) uuid.NullUUID {
	switch name {
	case "-":
		return uuid.NullUUID{}
	case "0":
		return uuid.NullUUID{Valid: true}
	}
	return uuid.NullUUID{UUID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)), Valid: true}
}

// What the check is told by a person does not bring a late start back.
func TestALateStartIsIgnoredAfterAPauseAndAReset(t *testing.T) {
	for name, person := range map[string]func(c *monitor.Check){
		"paused":  func(c *monitor.Check) { monitor.Pause(c, noon) },
		"resumed": func(c *monitor.Check) { monitor.Pause(c, noon); monitor.Resume(c, noon) },
		"cleared": func(c *monitor.Check) { monitor.Reset(c, noon) },
	} {
		c := monitor.NewCheck(uuid.New(), noon)
		monitor.Apply(&c, &monitor.Ping{Kind: monitor.PingSuccess, RID: ridOf("A"), CreatedAt: noon})
		person(&c)
		start := monitor.Ping{Kind: monitor.PingStart, RID: ridOf("A"), CreatedAt: noon.Add(time.Minute)}
		monitor.Apply(&c, &start)
		if start.Kind != monitor.PingIgn || c.Started() {
			t.Errorf("%s: the late start is a %s", name, start.Kind)
		}
	}
}

// What is remembered in a form that cannot be read is forgotten, no more.
func TestUnreadableEndedRuns(t *testing.T) {
	for _, text := range []string{"?", "AAAA", strings.Repeat("A", 33), strings.Repeat("x", 5000)} {
		c := monitor.NewCheck(uuid.New(), noon)
		c.EndedRuns = text
		for _, kind := range []monitor.PingKind{monitor.PingStart, monitor.PingSuccess} {
			monitor.Apply(&c, &monitor.Ping{Kind: kind, RID: ridOf("A"), CreatedAt: noon})
		}
		if c.Status != monitor.StatusUp || len(c.EndedRuns) > 134 {
			t.Errorf("%.10q: %s, %d characters", text, c.Status, len(c.EndedRuns))
		}
	}
}

// BenchmarkApply is the part of recording that is ours: a run without and with
// an id.
func BenchmarkApply(b *testing.B) {
	for _, name := range []string{"-", "A"} {
		b.Run("rid="+name, func(b *testing.B) {
			b.ReportAllocs()
			c := monitor.NewCheck(uuid.New(), noon)
			rid := ridOf(name)
			for i := range b.N {
				at := noon.Add(time.Duration(i) * time.Minute)
				monitor.Apply(&c, &monitor.Ping{Kind: monitor.PingStart, RID: rid, CreatedAt: at})
				monitor.Apply(&c, &monitor.Ping{Kind: monitor.PingSuccess, RID: rid, CreatedAt: at})
			}
		})
	}
}
