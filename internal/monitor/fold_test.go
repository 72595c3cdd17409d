package monitor_test

import (
	"testing"

	"punctual/internal/monitor"
)

// late is a check that pinged at 0 and 125: its deadline of 120 is not judged yet.
func late(t *testing.T) (*monitor.Check, []monitor.Ping) {
	t.Helper()
	c := minute("new")
	play(c, step{"success", 0, none})
	p := monitor.Ping{Kind: monitor.PingSuccess, CreatedAt: at(125)}
	if flip := monitor.Take(c, &p); flip != nil {
		t.Fatalf("the recorder stores %+v", flip)
	}
	if c.Status != monitor.StatusUp || !c.LastPing.Equal(at(125)) || c.FirstUnjudged() != 2 {
		t.Fatalf("%+v", c.State)
	}
	return c, []monitor.Ping{p}
}

func TestAPingAfterTheDeadlineIsDownAndUp(t *testing.T) {
	c, pings := late(t)
	got := c.Fold(pings, at(126), nil)
	if len(got.Flips) != 2 || !got.Flips[0].CreatedAt.Equal(at(120)) || !got.Flips[1].CreatedAt.Equal(at(125)) {
		t.Fatalf("%+v", got)
	}
	if got.Flips[0].New != monitor.StatusDown || got.Flips[1].New != monitor.StatusUp {
		t.Errorf("%+v", got)
	}
	if c.Unjudged != "" || c.NPings != 2 || !c.WatchAt.Equal(at(245)) || c.RecentRuns != "umu" {
		t.Errorf("%+v", c.State)
	}
}

// Another process may hold a ping that arrived in time.
func TestAPingThatIsKnownLaterCountsAtItsTime(t *testing.T) {
	c, pings := late(t)
	if got := c.Fold(pings, at(119), nil); len(got.Flips)+len(got.Unknown) != 0 || c.Unjudged == "" || !c.WatchAt.Equal(at(120)) {
		t.Fatalf("judged before everything is known: %+v, watched at %v", got, c.WatchAt)
	}
	other := monitor.Ping{Kind: monitor.PingSuccess, CreatedAt: at(118)}
	monitor.Take(c, &other)
	if got := c.Fold(append(pings, other), at(130), nil); len(got.Flips) != 0 || c.Unjudged != "" {
		t.Fatalf("%+v, %q", got, c.Unjudged)
	}
	if !c.LastPing.Equal(at(125)) || c.NPings != 3 {
		t.Errorf("%+v", c.State)
	}
}

func TestAPingAfterAHiddenDeadline(t *testing.T) {
	c, pings := late(t)
	got := c.Fold(pings, at(126), []monitor.Blind{blind(100, 121)})
	if len(got.Flips) != 0 || len(got.Unknown) != 1 || c.RecentRuns != "u?u" {
		t.Errorf("%+v, %q", got, c.RecentRuns)
	}
}

// A person who pauses a check whose deadline has passed a moment ago: people are told of both.
func TestAPauseAfterTheDeadline(t *testing.T) {
	c := minute("new")
	play(c, step{"success", 0, none})
	before := *c
	flip := c.Acted(&before, monitor.Pause(c, at(121)), at(121))
	if flip != nil || c.Status != monitor.StatusPaused {
		t.Fatalf("%+v, %s", flip, c.Status)
	}
	got := c.Fold(nil, at(122), nil)
	if len(got.Flips) != 2 || got.Flips[0].New != monitor.StatusDown {
		t.Fatalf("%+v", got)
	}
	if got.Flips[1].Old != monitor.StatusDown || got.Flips[1].New != monitor.StatusPaused {
		t.Errorf("%+v", got.Flips[1])
	}
	early := minute("new")
	play(early, step{"success", 0, none})
	before = *early
	if flip := early.Acted(&before, monitor.Pause(early, at(119)), at(119)); flip == nil || early.Unjudged != "" {
		t.Errorf("in time: %+v, %q", flip, early.Unjudged)
	}
}

// A check that somebody has spoiled goes on.
func TestAnUnreadableUnjudgedIsDropped(t *testing.T) {
	c := minute("new")
	play(c, step{"success", 0, none})
	c.Unjudged = "{"
	if got := c.Fold(nil, at(130), nil); len(got.Flips) != 1 || c.Unjudged != "" {
		t.Errorf("%+v, %q", got, c.Unjudged)
	}
}
