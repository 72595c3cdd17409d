package demo

import (
	"time"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// history is how far back a job goes: those that run often have more pings in
// a month than are kept.
func (j *job) history(now time.Time) time.Time {
	switch period, err := time.ParseDuration(j.every); {
	case j.end == fresh:
		return now.Add(-j.ago)
	case err == nil && period < hour:
		return now.Add(-35 * day)
	default:
		return now.Add(-100 * day)
	}
}

// check is the check of a job, before anything has happened to it.
func (j *job) check(project *monitor.Project, created time.Time) *monitor.Check {
	c := monitor.NewCheck(project.ID, created)
	d := diceOf("check " + j.slug)
	c.Code = d.uuid()
	c.BadgeKey = d.uuid()
	c.Name = j.name
	c.Slug = j.slug
	c.Tags = j.tags
	c.Description = j.about
	c.Grace = j.grace
	period, err := time.ParseDuration(j.every)
	if err == nil {
		c.Timeout = period
	} else {
		c.Kind = schedule.Detect(j.every)
		c.Schedule = j.every
		c.TZ = j.tz
	}
	if j.from.scheme == "email" {
		c.Filter = monitor.Filter{Subject: true, SuccessKW: "Success", FailureKW: "Failed", DefaultFail: true}
	}
	return &c
}

// play lets everything that s tells of the time up to until happen to c, in
// order: pings, and deadlines that pass. It returns the newest pings, as many as
// are kept, and all flips.
func play(c *monitor.Check, s *script, until time.Time) (pings []*monitor.Ping, flips []monitor.Flip) {
	note := func(f *monitor.Flip) {
		if f != nil {
			flips = append(flips, *f)
		}
	}
	passTime := func(to time.Time) {
		if !c.WatchAt.IsZero() && !c.WatchAt.After(to) {
			for _, f := range c.Judge(to, nil).Flips {
				note(f)
			}
		}
	}
	end := until
	if s.job.end == paused {
		// somebody clicks
		end = until.Add(-s.job.ago).Add(minute)
	}
	for p := s.peek(); p != nil && !p.CreatedAt.After(end); p = s.peek() {
		s.take()
		passTime(p.CreatedAt)
		note(monitor.Apply(c, p))
		pings = append(pings, p)
		// not to hold hundreds of thousands
		if len(pings) >= 2*pingsKept {
			pings = append(pings[:0], pings[len(pings)-pingsKept:]...)
		}
	}
	passTime(end)
	if s.job.end == paused {
		note(monitor.Pause(c, end))
	}
	return pings[max(0, len(pings)-pingsKept):], flips
}
