package check

import (
	"fmt"
	"html/template"
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
	// "Down for", before the length of time since Since; "Waiting for the first ping"
	// where there is none
	Head string
	// when the state began; zero: not known
	Since time.Time
	// of a check that is down: when a run began that is under way since; zero: none is
	Retry time.Time
	// one or two sentences
	Why template.HTML
	// about the last run while that is unknown, else ""
	Unheard template.HTML
	// the schedule cannot be computed
	Trouble string

	now time.Time
}

// Counter is how long ago t was, as an element that a script lets count on.
func (s *situation) Counter(t time.Time) template.HTML {
	return template.HTML(fmt.Sprintf(`<time class="num" datetime="%s" data-since aria-live="off">%s</time>`, //nolint:gosec // all ours
		t.UTC().Format("2006-01-02T15:04:05.000Z"), elapsed(s.now.Sub(t))))
}

// elapsed is a length of time that goes on: with seconds below two minutes, else
// without. static/js/app.js does the same.
func elapsed(d time.Duration) string {
	if d < 2*time.Minute {
		return human.Duration(d.Truncate(time.Second))
	}
	return human.Duration(d.Truncate(time.Minute))
}

// sentence is fmt.Sprintf for HTML: strings among args are escaped.
func sentence(format string, args ...any) template.HTML {
	for i, a := range args {
		text, ok := a.(string)
		if ok {
			args[i] = template.HTMLEscapeString(text)
		}
	}
	return template.HTML(fmt.Sprintf(format, args...)) //nolint:gosec // escaped
}

// describe says how check c is, read at a time, for a reader in zone tz, and why.
// flips are its newest ones, newest first; lastEnd is its last success or
// failure, nil when it is not kept any more.
func describe(c *monitor.Check, at monitor.Reading, tz *time.Location, flips []monitor.Flip, lastEnd *monitor.Ping) situation {
	s := situation{State: checkstate.At(c, at), now: at.Now}
	if c.ScheduleError != "" {
		s.Trouble = "When the next ping is due cannot be computed: " + c.ScheduleError + "."
	}
	d := describer{c: c, now: at.Now, tz: tz}
	switch s.State {
	case checkstate.Down:
		d.down(&s, flips, lastEnd)
	case checkstate.Started:
		s.Head = "Running for"
		s.Since = c.LastStart
		s.Why = sentence("Started %s. It goes down if it has not finished by %s (grace %s).",
			d.at(c.LastStart), d.moment(c.LastStart.Add(c.Grace)), human.Duration(c.Grace))
		d.unjudged(&s, c.LastStart.Add(c.Grace), at)
	case checkstate.Late:
		s.Head = "Late by"
		s.Since = c.DueAt
		s.Why = sentence("No ping since %s, expected %s. It goes down %s (grace %s).",
			d.moment(c.LastPing), d.expectation(), d.at(c.AlertAt), human.Duration(c.Grace))
		d.unjudged(&s, c.AlertAt, at)
	case checkstate.Up:
		s.since("Up", sinceFlip(flips, monitor.StatusUp))
		s.Why = d.up()
	case checkstate.Paused:
		s.since("Paused", sinceFlip(flips, monitor.StatusPaused))
		s.Why = "No alerts are sent while it is paused. The next ping ends the pause."
		if c.ManualResume {
			s.Why = "No alerts are sent while it is paused, and pings are ignored until somebody resumes it."
		}
	default:
		d.waiting(&s, flips)
	}
	return s
}

// unjudged says why the check is not down, where a deadline has passed already.
func (d *describer) unjudged(s *situation, deadline time.Time, at monitor.Reading) {
	if !d.now.Before(deadline) {
		s.Why = sentence("Its deadline was %s. Not all pings are known yet that have come since %s, so it is not judged.",
			d.at(deadline), d.moment(at.Heard))
	}
}

// since sets Head and Since; the zero time is not known.
func (s *situation) since(word string, t time.Time) {
	s.Head = word
	s.Since = t
	if !t.IsZero() {
		s.Head += " for"
	}
}

// describer describes a check and its times as they are at one moment, for a reader
// in one zone.
type describer struct {
	c   *monitor.Check
	now time.Time
	tz  *time.Location
}

func (d *describer) up() template.HTML {
	c := d.c
	if c.DueAt.IsZero() {
		return sentence("The last ping came %s. The schedule has no further time, so none is expected.", d.at(c.LastPing))
	}
	// the moment says what the schedule says
	if c.Kind != schedule.Simple {
		return sentence("The last ping came %s. The next one is expected %s, grace %s.",
			d.at(c.LastPing), d.at(c.DueAt), human.Duration(c.Grace))
	}
	return sentence("The last ping came %s. One is expected %s: the next by %s, grace %s.",
		d.at(c.LastPing), d.expectation(), d.moment(c.DueAt), human.Duration(c.Grace))
}

// waiting is about a check that is new, again new after a pause, or new because
// somebody has cleared its events.
func (d *describer) waiting(s *situation, flips []monitor.Flip) {
	s.Head = "Waiting for the first ping"
	if d.c.NPings > 0 {
		s.Head = "Waiting for the next ping"
	}
	begins := sentence("The watching begins with it")
	if len(flips) > 0 && flips[0].New == monitor.StatusNew && flips[0].Old == monitor.StatusPaused {
		begins = sentence("Resumed %s; the next ping starts the watching again", d.at(flips[0].CreatedAt))
	}
	s.Why = sentence("%s. From then on one is expected %s, grace %s.", begins, d.expectation(), human.Duration(d.c.Grace))
}

// down gives the reason of the flip, or, before the worker has noticed, of the
// deadline that has passed.
func (d *describer) down(s *situation, flips []monitor.Flip, lastEnd *monitor.Ping) {
	c := d.c
	reason := monitor.ReasonTimeout
	overrun := c.Started() && !d.now.Before(c.LastStart.Add(c.Grace))
	since := c.AlertAt
	if c.Status == monitor.StatusDown {
		since = sinceFlip(flips, monitor.StatusDown)
		if !since.IsZero() {
			reason = flips[0].Reason
		}
		if c.Started() && c.LastStart.After(since) {
			s.Retry = c.LastStart
			overrun = false
		}
	} else if overrun {
		since = c.LastStart.Add(c.Grace)
	}
	s.since("Down", since)
	switch {
	case reason == monitor.ReasonFail:
		s.Why = d.failure(since, lastEnd)
	case overrun:
		s.Why = sentence("The run that started %s has not finished within the grace time of %s.", d.at(c.LastStart), human.Duration(c.Grace))
	case c.LastPing.IsZero():
		s.Why = sentence("No ping came in time, expected %s, grace %s.", d.expectation(), human.Duration(c.Grace))
	default:
		s.Why = sentence("No ping since %s, expected %s, grace %s.", d.moment(c.LastPing), d.expectation(), human.Duration(c.Grace))
	}
}

// failure is the sentence about a failure signal.
func (d *describer) failure(at time.Time, lastEnd *monitor.Ping) template.HTML {
	if lastEnd != nil && lastEnd.Kind == monitor.PingFail && lastEnd.ExitStatus != nil {
		return sentence("A failure signal came %s with exit status %s.", d.at(at), monitor.ExitStatusText(*lastEnd.ExitStatus))
	}
	return sentence("A failure signal came %s.", d.at(at))
}

// expectation is the schedule inside a sentence: "every day", "at 03:00 on
// Monday (Europe/Riga)".
func (d *describer) expectation() string {
	text, err := describeSchedule(d.c)
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
func (d *describer) at(m time.Time) template.HTML {
	day, clock := d.parts(m)
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
func (d *describer) moment(m time.Time) template.HTML {
	day, clock := d.parts(m)
	if day == "" {
		return clock
	}
	return day + " " + clock
}

// parts writes the day of m, as short as its distance allows, and its time with
// its zone.
func (d *describer) parts(m time.Time) (day, clock template.HTML) {
	m = m.In(d.tz)
	now := d.now.In(d.tz)
	layout := "15:04"
	if m.Second() != 0 {
		layout = "15:04:05"
	}
	clock = sentence("%s%s", m.Format(layout), zoneTag(m))
	switch days := dayNumber(m) - dayNumber(now); {
	case days == 0:
		return "", clock
	case days == -1:
		return "yesterday", clock
	case days == 1:
		return "tomorrow", clock
	case m.Year() == now.Year():
		return sentence("%s", m.Format("2 January")), clock
	default:
		return sentence("%s", m.Format("2 January 2006")), clock
	}
}

// dayNumber counts calendar days, whatever a clock change does to their length.
func dayNumber(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

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
