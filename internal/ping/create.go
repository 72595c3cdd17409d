package ping

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/text"
)

// settings are what the query of a ping with create=1 says of the check to be
// made, an extension of ours: timeout and grace in seconds, schedule, tz, tags.
// Of a name given twice the last value counts. Only names that are in the query
// are in the map.
type settings map[string]string

// parseSettings reads a raw query. What cannot be decoded stays as it is, so
// that apply refuses it rather than a check being made without it.
func parseSettings(rawQuery string) settings {
	s := settings{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case "timeout", "grace", "schedule", "tz", "tags":
			decoded, err := url.QueryUnescape(value)
			if err != nil {
				// no setting may have it
				decoded = "\x00"
			}
			s[name] = decoded
		}
	}
	return s
}

// apply makes the settings those of c, by the rules of the Management API
// (docs/contract.md §2.5): a schedule wins over a timeout. A wrong value is an
// error of kind errs.Invalid that names it and what is allowed.
func (s settings) apply(c *monitor.Check) error {
	if err := s.seconds("timeout", &c.Timeout); err != nil {
		return err
	}
	if err := s.seconds("grace", &c.Grace); err != nil {
		return err
	}
	zone, sent := s["tz"]
	if sent {
		canonical, ok := schedule.CanonicalZone(zone)
		if !ok {
			return errs.Invalidf("tz", "tz is not a valid timezone, for example UTC or Europe/Riga")
		}
		c.TZ = canonical
	}
	if expr, sent := s["schedule"]; sent {
		kind := schedule.Detect(expr)
		_, err := schedule.Parse(kind, expr, c.TZ)
		if err != nil {
			return errs.Invalidf("schedule", "schedule is not a valid cron or OnCalendar expression of at most %d characters",
				monitor.MaxScheduleLength)
		}
		c.Kind = kind
		c.Schedule = expr
		c.Timeout = monitor.DefaultTimeout
	}
	tags := s["tags"]
	if !text.Storable(tags) || text.Longer(tags, monitor.MaxTagsLength) {
		return errs.Invalidf("tags", "tags are not a text of at most %d characters", monitor.MaxTagsLength)
	}
	c.Tags = tags
	return nil
}

// seconds takes a whole number of seconds into dst, where it is sent.
func (s settings) seconds(name string, dst *time.Duration) error {
	digits, sent := s[name]
	if !sent {
		return nil
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < monitor.MinSeconds || n > monitor.MaxSeconds {
		return errs.Invalidf(name, "%s is not a number of seconds from %d to %d", name, monitor.MinSeconds, monitor.MaxSeconds)
	}
	*dst = time.Duration(n) * time.Second
	return nil
}
