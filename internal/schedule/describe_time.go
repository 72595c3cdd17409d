package schedule

import (
	"fmt"
	"strings"
)

// maxTimes is how many times of day are listed one by one.
const maxTimes = 6

// describeTime writes the hours, minutes and seconds: "At 03:00", "Every 5
// minutes from 09:00 through 17:55".
func (p *pattern) describeTime() string {
	h := shapeOf(p.hours, 0, 23)
	m := shapeOf(p.minutes, 0, 59)
	s := shapeOf(p.seconds, 0, 59)
	if s.single() && h.n*m.n <= maxTimes && !regularHours(h, m, s) {
		return "At " + listTimes(h, m, s)
	}
	if p.seconds != 1 {
		return describeSeconds(h, m, s)
	}
	switch {
	case m.single() && h.all():
		return pastEvery(m.first, "hour")
	case m.single() && h.steps() && h.whole():
		return pastEvery(m.first, number(h.step)+" hours")
	case m.single() && h.isRange():
		return "Every hour from " + clock(h.first, m.first) + " through " + clock(h.last, m.first)
	case m.single() && h.steps():
		return "Every " + number(h.step) + " hours from " + clock(h.first, m.first) + " through " + clock(h.last, m.first)
	}
	every := everyUnit(m, "minute")
	if every != "" {
		switch {
		case h.all() && (m.all() || m.whole()):
			return every
		case h.single():
			return every + " from " + clock(h.first, m.first) + " through " + clock(h.first, m.last)
		case h.isRange() && !h.all() && (m.all() || m.whole()):
			return every + " from " + clock(h.first, m.first) + " through " + clock(h.last, m.last)
		}
		return every + withinUnit(m) + ofHours(h)
	}
	return "At " + m.list(number) + " minutes past " + hoursPhrase(h)
}

// regularHours: a phrase with "every" reads better than the list of times.
func regularHours(h, m, s shape) bool {
	if s.set != 1 {
		return false
	}
	return h.n > 2 && h.step > 0 && m.single() || h.single() && m.n > 2 && m.step > 0
}

// pastEvery is "Every hour", "At 5 minutes past every hour".
func pastEvery(minute int, hours string) string {
	switch minute {
	case 0:
		return "Every " + hours
	case 1:
		return "At 1 minute past every " + hours
	}
	if hours == "hour" {
		return "At " + number(minute) + " minutes past every hour"
	}
	return "Every " + hours + " at " + number(minute) + " minutes past the hour"
}

// everyUnit is "Every minute" or "Every 5 minutes" for ranges and steps, and
// nothing for other sets.
func everyUnit(s shape, unit string) string {
	switch {
	case s.all() || s.isRange():
		return "Every " + unit
	case s.steps():
		return "Every " + number(s.step) + " " + unit + "s"
	}
	return ""
}

// withinUnit adds the bounds that everyUnit left out.
func withinUnit(s shape) string {
	if s.all() || s.whole() {
		return ""
	}
	return fmt.Sprintf(" from :%02d through :%02d", s.first, s.last)
}

// ofHours is " of every 2nd hour", " of the hours 03:00 and 07:00".
func ofHours(h shape) string {
	phrase := hoursPhrase(h)
	if !strings.HasPrefix(phrase, "every") {
		phrase = "the hour" + plural(h) + " " + phrase
	}
	return " of " + phrase
}

// hoursPhrase follows "past".
func hoursPhrase(h shape) string {
	switch {
	case h.all():
		return "every hour"
	case h.steps() && h.whole():
		return "every " + ordinal(h.step) + " hour"
	case h.steps():
		return "every " + ordinal(h.step) + " hour from " + hour(h.first) + " through " + hour(h.last)
	case h.isRange():
		return "every hour from " + hour(h.first) + " through " + hour(h.last)
	}
	return h.list(hour)
}

// describeSeconds is for schedules that do not fall on full minutes.
func describeSeconds(h, m, s shape) string {
	text := everyUnit(s, "second")
	if text != "" {
		text += withinUnit(s)
	} else {
		text = "At second" + plural(s) + " " + s.list(number)
	}
	if m.all() && h.all() {
		if text == "Every second" || s.whole() {
			return text
		}
		return text + " of every minute"
	}
	switch {
	case m.all():
		text += " of every minute"
	case m.steps() && m.whole():
		text += " of every " + ordinal(m.step) + " minute"
	default:
		return text + " of minute" + plural(m) + " " + m.list(number) + " past " + hoursPhrase(h)
	}
	return text + ofHours(h)
}

func plural(s shape) string {
	if s.single() {
		return ""
	}
	return "s"
}

// listTimes is "08:00, 12:30 and 17:00".
func listTimes(h, m, s shape) string {
	var parts []string
	for hour := range 24 {
		for minute := range 60 {
			if h.set>>hour&1 == 0 || m.set>>minute&1 == 0 {
				continue
			}
			text := clock(hour, minute)
			if s.first != 0 {
				text += fmt.Sprintf(":%02d", s.first)
			}
			parts = append(parts, text)
		}
	}
	return enumerate(parts)
}

func clock(hour, minute int) string { return fmt.Sprintf("%02d:%02d", hour, minute) }
func hour(h int) string             { return clock(h, 0) }
