package monitor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// lived is a check that is expected at each full hour with 20 minutes of grace, after
// the pings, and its history.
func lived(t *testing.T, pings string) (*monitor.Check, monitor.History) {
	t.Helper()
	var h monitor.History
	c := monitor.NewCheck(uuid.New(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	c.Kind = schedule.Cron
	c.Schedule = "0 * * * *"
	c.Grace = 20 * time.Minute
	note := func(f *monitor.Flip) {
		if f != nil {
			h.Flips = append(h.Flips, *f)
		}
	}
	for _, p := range pingsFrom(t, pings) {
		if !c.AlertAt.IsZero() && !p.CreatedAt.Before(c.AlertAt) {
			note(overdue(&c, p.CreatedAt))
		}
		note(monitor.Apply(&c, p))
		h.Pings = append(h.Pings, *p)
	}
	return &c, h
}

func formatOutcomes(outcomes []monitor.Outcome) string {
	var out []string
	for _, o := range outcomes {
		text := string(o.Kind)
		if !o.At.IsZero() {
			text += o.At.Format(" 15:04")
		}
		if o.Ping > 0 {
			text += fmt.Sprintf(" #%d", o.Ping)
		}
		if o.Timed {
			text += " took " + o.Took.String()
		}
		if o.Late > 0 {
			text += " late by " + o.Late.String()
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func TestOutcomesAreThePingsAndDeadlinesOfTheRecentRuns(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, pings, want string }{
		{"successes", "success 1m, success 61m", "u 01:01 #2, u 00:01 #1"},
		{"how long a run took", "start 0m, success 2m3s", "u 00:02 #2 took 2m3s"},
		{"a failure", "success 1m, fail 61m", "d 01:01 #2, u 00:01 #1"},
		{"late without a start", "success 1m, success 75m", "l 01:15 #2 late by 15m0s, u 00:01 #1"},
		{"late by its start", "success 1m, start 74m, success 75m", "l 01:15 #3 took 1m0s late by 14m0s, u 00:01 #1"},
		{"a run that did not come", "success 1m, success 121m", "u 02:01 #2, m 01:20, u 00:01 #1"},
		{"log pings are no runs", "success 1m, log 30m, success 61m", "u 01:01 #3, u 00:01 #1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := formatOutcomes(monitor.Outcomes(lived(t, tc.pings)))
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func TestOutcomesWhosePingsAreGone(t *testing.T) {
	t.Parallel()
	c, h := lived(t, "success 1m, success 61m, fail 122m, success 181m")
	h.Pings = h.Pings[2:]
	got := formatOutcomes(monitor.Outcomes(c, h))
	if got != "u 03:01 #4, d 02:02 #3, u, u" {
		t.Error(got)
	}
	// a deadline passed because the schedule was changed
	later := h.Pings[1].CreatedAt.Add(time.Second)
	h.Flips = append(h.Flips, monitor.Flip{New: monitor.StatusDown, Reason: monitor.ReasonTimeout, CreatedAt: later})
	got = formatOutcomes(monitor.Outcomes(c, h))
	if got != "u 03:01 #4, d 02:02 #3, u, u" {
		t.Error(got)
	}
}
