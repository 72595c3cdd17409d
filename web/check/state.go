package check

import (
	"fmt"
	"strings"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/web/ui/checkstate"
	"punctual/web/ui/human"
)

// situation is the state of a check in words.
type situation struct {
	State checkstate.State
	// "Down for 2 hours, 14 minutes"
	Head string
	// one or two sentences
	Why   string
	Since time.Time
	// the schedule cannot be computed
	Trouble string
}

// describe says how check c is at time now, for a reader in zone tz, and why.
// flips are its newest ones, newest first; lastEnd is its last success or
// failure, nil when it is not kept any more.
func describe(c *monitor.Check, now time.Time, tz *time.Location, flips []monitor.Flip, lastEnd *monitor.Ping) situation {
	s := situation{State: checkstate.At(c, now)}
	if c.ScheduleError != "" {
		s.Trouble = "When the next ping is due cannot be computed: " + c.ScheduleError + "."
	}
	t := teller{c: c, now: now, tz: tz}
	switch s.State {
	case checkstate.Down:
		t.down(&s, flips, lastEnd)
	case checkstate.Started:
		s.Since = c.LastStart
		s.Head = "Running for " + t.length(now.Sub(c.LastStart))
		s.Why = fmt.Sprintf("Started %s. It goes down if it has not finished by %s (grace %s).",
			t.at(c.LastStart), t.moment(c.LastStart.Add(c.Grace)), human.Duration(c.Grace))
	case checkstate.Late:
		s.Since = c.DueAt
		s.Head = "Late by " + t.length(now.Sub(c.DueAt))
		s.Why = fmt.Sprintf("No ping since %s, expected %s. It goes down %s (grace %s).",
			t.moment(c.LastPing), t.expectation(), t.at(c.AlertAt), human.Duration(c.Grace))
	case checkstate.Up:
		s.Head = "Up"
		s.Since = sinceFlip(flips, monitor.StatusUp)
		if !s.Since.IsZero() {
			s.Head += " for " + t.length(now.Sub(s.Since))
		}
		s.Why = t.up()
	case checkstate.Paused:
		s.Head = "Paused"
		s.Since = sinceFlip(flips, monitor.StatusPaused)
		if !s.Since.IsZero() {
			s.Head += " for " + t.length(now.Sub(s.Since))
		}
		s.Why = "Nobody is told while it is paused. The next ping ends the pause."
		if c.ManualResume {
			s.Why = "Nobody is told while it is paused, and pings are ignored until somebody resumes it."
		}
	default:
		s.Head = "Waiting for the first ping"
		s.Why = fmt.Sprintf("The watching begins with the first ping; from then on one is expected %s, grace %s.",
			t.expectation(), human.Duration(c.Grace))
	}
	return s
}

// teller finds the words.
type teller struct {
	c   *monitor.Check
	now time.Time
	tz  *time.Location
}

func (t *teller) up() string {
	if t.c.DueAt.IsZero() {
		return fmt.Sprintf("The last ping came %s. The schedule has no further time, so none is expected.", t.at(t.c.LastPing))
	}
	// the moment says what the schedule says
	if t.c.Kind != schedule.Simple {
		return fmt.Sprintf("The last ping came %s. The next one is expected %s, grace %s.",
			t.at(t.c.LastPing), t.at(t.c.DueAt), human.Duration(t.c.Grace))
	}
	return fmt.Sprintf("The last ping came %s. One is expected %s: the next by %s, grace %s.",
		t.at(t.c.LastPing), t.expectation(), t.moment(t.c.DueAt), human.Duration(t.c.Grace))
}

// down tells the reason of the flip, or, before the worker has noticed, of the
// deadline that has passed.
func (t *teller) down(s *situation, flips []monitor.Flip, lastEnd *monitor.Ping) {
	c := t.c
	reason := monitor.ReasonTimeout
	overrun := c.Started() && !t.now.Before(c.LastStart.Add(c.Grace))
	s.Since = c.AlertAt
	if c.Status == monitor.StatusDown {
		s.Since = time.Time{}
		if len(flips) > 0 && flips[0].New == monitor.StatusDown {
			s.Since = flips[0].CreatedAt
			reason = flips[0].Reason
		}
	} else if overrun {
		s.Since = c.LastStart.Add(c.Grace)
	}
	s.Head = "Down"
	if !s.Since.IsZero() {
		s.Head += " for " + t.length(t.now.Sub(s.Since))
	}
	switch {
	case reason == monitor.ReasonFail:
		s.Why = "A failure signal came " + t.at(s.Since)
		if lastEnd != nil && lastEnd.Kind == monitor.PingFail && lastEnd.ExitStatus != nil {
			s.Why += " with exit status " + monitor.ExitStatusText(*lastEnd.ExitStatus)
		}
		s.Why += "."
	case overrun:
		s.Why = fmt.Sprintf("The run that started %s has not finished within the grace time of %s.", t.at(c.LastStart), human.Duration(c.Grace))
	case c.LastPing.IsZero():
		s.Why = fmt.Sprintf("No ping came in time, expected %s, grace %s.", t.expectation(), human.Duration(c.Grace))
	default:
		s.Why = fmt.Sprintf("No ping since %s, expected %s, grace %s.", t.moment(c.LastPing), t.expectation(), human.Duration(c.Grace))
	}
}

// expectation is the schedule inside a sentence: "every day", "at 03:00 on
// Monday (Europe/Riga)".
func (t *teller) expectation() string {
	text, err := describeSchedule(t.c)
	if err != nil {
		return "by a schedule that cannot be read"
	}
	return lowerFirst(text)
}

// describeSchedule says when pings are expected, as a sentence without a full
// stop: "Every 5 minutes", "At 03:00 (Europe/Riga)".
func describeSchedule(c *monitor.Check) (string, error) {
	if c.Kind == schedule.Simple {
		return schedule.Every(c.Timeout).Describe(), nil
	}
	s, err := schedule.Parse(c.Kind, c.Schedule, c.TZ)
	if err != nil {
		return "", err
	}
	return s.Describe() + " (" + c.TZ + ")", nil
}

// at is a moment as an adverb: "at 03:00", "yesterday at 03:00", "on 2 January
// at 03:00".
func (t *teller) at(m time.Time) string {
	day, clock := t.parts(m)
	switch day {
	case "":
		return "at " + clock
	case "yesterday", "tomorrow":
		return day + " at " + clock
	default:
		return "on " + day + " at " + clock
	}
}

// moment is a moment after since and by: "03:00", "yesterday 03:00".
func (t *teller) moment(m time.Time) string {
	day, clock := t.parts(m)
	return strings.TrimSpace(day + " " + clock)
}

// parts writes the day of m, as short as its distance allows, and its time.
func (t *teller) parts(m time.Time) (day, clock string) {
	m = m.In(t.tz)
	now := t.now.In(t.tz)
	clock = m.Format("15:04")
	if m.Second() != 0 {
		clock = m.Format("15:04:05")
	}
	switch days := dayNumber(m) - dayNumber(now); {
	case days == 0:
		return "", clock
	case days == -1:
		return "yesterday", clock
	case days == 1:
		return "tomorrow", clock
	case m.Year() == now.Year():
		return m.Format("2 January"), clock
	default:
		return m.Format("2 January 2006"), clock
	}
}

// dayNumber counts calendar days, whatever a clock change does to their length.
func dayNumber(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

func (t *teller) length(d time.Duration) string { return human.Duration(d.Truncate(time.Second)) }

// sinceFlip is when the newest flip led to the status, zero when it did not.
func sinceFlip(flips []monitor.Flip, to monitor.Status) time.Time {
	if len(flips) > 0 && flips[0].New == to {
		return flips[0].CreatedAt
	}
	return time.Time{}
}

func lowerFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToLower(s[:1]) + s[1:]
}
