package project

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/web/ui/checkstate"
)

func TestWallOfMore(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	check := func(status monitor.Status, due, alert time.Duration) store.WallCheck {
		c := store.WallCheck{Check: monitor.NewCheck([16]byte{1}, now.Add(-time.Hour)), StateSince: now.Add(-time.Hour)}
		c.Status = status
		c.LastPing = now.Add(-time.Hour)
		c.DueAt = now.Add(due)
		c.AlertAt = now.Add(alert)
		return c
	}
	up := check("up", time.Hour, 2*time.Hour)
	late := check("up", -time.Minute, time.Hour)
	over := check("up", -2*time.Hour, -3*time.Minute)
	paused := check("paused", 0, 0)
	fresh := store.WallCheck{Check: monitor.NewCheck([16]byte{2}, now)}
	for _, c := range []struct {
		checks  []store.WallCheck
		state   checkstate.State
		summary string
		since   string
	}{
		{nil, checkstate.New, "No checks", ""},
		{[]store.WallCheck{up, paused}, checkstate.Up, "All up", ""},
		{[]store.WallCheck{fresh, fresh, paused}, checkstate.New, "No check has been pinged yet", ""},
		{[]store.WallCheck{fresh, up, fresh, paused}, checkstate.Up, "2 of 4 checks have never been pinged", ""},
		{[]store.WallCheck{fresh, up}, checkstate.Up, "1 of 2 checks has never been pinged", ""},
		{[]store.WallCheck{fresh, late}, checkstate.Late, "1 late", "1 min"},
		{[]store.WallCheck{paused}, checkstate.Paused, "All paused", ""},
		{[]store.WallCheck{up, late}, checkstate.Late, "1 late", "1 min"},
		{[]store.WallCheck{late, over, up}, checkstate.Down, "1 down, 1 late", "3 min"},
	} {
		got := newWallProject("", c.checks, monitor.AllHeard(now))
		since := ""
		if len(got.Trouble) > 0 {
			since = got.Trouble[0].Since
		}
		if got.State != c.state || got.Summary != c.summary || since != c.since {
			t.Errorf("%s, %q, since %q; want %s, %q, %q", got.State, got.Summary, since, c.state, c.summary, c.since)
		}
	}
	got := newWallProject("x", make([]store.WallCheck, 50), monitor.AllHeard(now))
	if got.More != 10 || len(got.Calm) != maxWallRows {
		t.Errorf("%d named, %d more", len(got.Calm), got.More)
	}
}
