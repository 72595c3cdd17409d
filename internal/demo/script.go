package demo

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// dice are the chance of one thing in the demo, always the same.
type dice struct {
	*rand.Rand
	source *rand.ChaCha8
}

func diceOf(what string) dice {
	source := rand.NewChaCha8(sha256.Sum256([]byte("punctual demo: " + what)))
	return dice{rand.New(source), source} //nolint:gosec // nothing in a demo is secret
}

func (d dice) uuid() uuid.UUID {
	// it never fails
	return uuid.Must(uuid.NewRandomFromReader(d.source))
}

// span is a duration between low and high.
func (d dice) span(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(d.Int64N(int64(high-low)))
}

// between is a number from low to high, both included.
func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

func (d dice) chance(p float64) bool { return d.Float64() < p }

// run is one run of a job, for what it prints.
type run struct {
	dice
	job    *job
	at     time.Time
	took   time.Duration
	failed bool
	// 0 at the beginning of the demo's history, 1 today
	grown float64
}

// script gives the pings of a job one after the other: first the past, then on
// and on.
type script struct {
	job  *job
	dice dice
	// the beginning of its history
	since time.Time
	// the moment the demo begins
	now time.Time

	next func(after time.Time) time.Time
	// between two runs, about
	pause time.Duration
	// of the next run; zero: there is none
	slot time.Time
	// slot of the last run of a late job
	final time.Time
	queue []*monitor.Ping

	// nothing runs before, in an incident
	quietUntil time.Time
	// runs that are still to fail, in an incident
	failing int
}

// newScript fails when the expression of the job cannot be read.
func newScript(j *job, since, now time.Time) (*script, error) {
	s := &script{job: j, dice: diceOf("runs of " + j.slug), since: since, now: now}
	if j.end == fresh {
		return s, nil
	}
	if period, err := time.ParseDuration(j.every); err == nil {
		s.periodic(period)
		return s, nil
	}
	plan, err := schedule.Parse(schedule.Detect(j.every), j.every, j.tz)
	if err != nil {
		return nil, fmt.Errorf("demo job %s: %w", j.slug, err)
	}
	s.next = func(after time.Time) time.Time {
		at, ok := plan.Next(after)
		if !ok {
			return time.Time{}
		}
		return at
	}
	s.slot = s.next(since)
	s.pause = s.next(s.slot).Sub(s.slot)
	return s, nil
}

// periodic makes the job run a bit more often than it has to, as jobs with a
// period do that are not to be late; and one of the runs begin at job.ago.
func (s *script) periodic(period time.Duration) {
	s.pause = period - max(min(period/50, minute), s.job.takes/5)
	last := s.now.Add(-s.job.ago)
	if s.job.end == late {
		last = s.now.Add(-period - s.job.grace/4)
		s.final = last
	}
	s.slot = last.Add(-last.Sub(s.since).Truncate(s.pause))
	s.next = func(after time.Time) time.Time { return after.Add(s.pause) }
}

// peek returns the next ping without taking it, nil when the job is silent
// from now on.
func (s *script) peek() *monitor.Ping {
	for !s.slot.IsZero() && (len(s.queue) == 0 || s.slot.Before(s.queue[0].CreatedAt)) {
		s.enter()
	}
	if len(s.queue) == 0 {
		return nil
	}
	return s.queue[0]
}

func (s *script) take() { s.queue = s.queue[1:] }

// enter puts the pings of the run of the next slot into the queue.
func (s *script) enter() {
	slot := s.slot
	last := false
	s.slot = s.next(slot)
	switch s.job.end {
	case silent, paused:
		if slot.After(s.now.Add(-s.job.ago)) {
			s.slot = time.Time{}
			return
		}
	case failing:
		last = s.slot.Add(2 * s.job.takes).After(s.now)
	case late:
		last = !slot.Before(s.final)
	default:
	}
	if last {
		s.slot = time.Time{}
	}
	s.add(slot, last)
}

// add puts the pings of a run into the queue. The last one of all ends as the
// story wants it.
func (s *script) add(slot time.Time, last bool) {
	r := s.roll(slot)
	switch {
	case last:
		r.failed = s.job.end == failing
	case slot.Before(s.quietUntil) || s.incident(slot):
		return
	case s.failing > 0:
		s.failing--
		r.failed = true
	}
	if r.failed {
		r.took = max(r.took/3, second)
	}
	var rid uuid.NullUUID
	if s.job.rids {
		rid = uuid.NullUUID{UUID: s.dice.uuid(), Valid: true}
	}
	end := r.at
	if s.job.takes > 0 {
		s.put(&monitor.Ping{CreatedAt: r.at, Kind: monitor.PingStart, RID: rid})
		end = r.at.Add(r.took)
	}
	p := &monitor.Ping{CreatedAt: end, Kind: monitor.PingSuccess, RID: rid}
	if r.failed {
		p.Kind = monitor.PingFail
	}
	if s.job.prints != nil {
		text, exit := s.job.prints(r)
		p.Body = []byte(text)
		if s.job.from.scheme != "email" {
			p.ExitStatus = &exit
		}
	}
	s.put(p)
}

// roll says when a run begins and how long it takes.
func (s *script) roll(slot time.Time) *run {
	r := &run{dice: s.dice, job: s.job}
	r.grown = max(0, float64(slot.Sub(s.since))/float64(s.now.Sub(s.since)))
	r.took = time.Duration(float64(s.job.takes) * (1 + s.job.drift*min(r.grown, 1.5)) * (0.92 + 0.16*s.dice.Float64()))
	if s.dice.chance(0.02) {
		r.took = r.took * 7 / 5
	}
	r.took = r.took.Truncate(time.Millisecond)
	r.at = slot.Add(s.dice.span(200*time.Millisecond, min(3*second, s.pause/60))).Truncate(time.Microsecond)
	return r
}

// incident lets things go wrong now and then: runs that fail, or that do not
// come until people have been told. The last runs before the demo begins are
// left alone, so that it begins as its jobs say.
func (s *script) incident(slot time.Time) bool {
	calm := max(8*s.pause, s.job.grace*5)
	if s.failing > 0 || slot.After(s.now.Add(-calm)) && !slot.After(s.now) {
		return false
	}
	if !s.dice.chance(s.job.woes * float64(s.pause) / float64(30*day)) {
		return false
	}
	if s.dice.chance(0.55) {
		s.failing = s.dice.between(1, 2)
		return false
	}
	s.quietUntil = slot.Add(s.dice.span(0, s.pause) + s.dice.span(s.job.grace*5/4, s.job.grace*3))
	return true
}

// put keeps the queue in order: runs may overlap.
func (s *script) put(p *monitor.Ping) {
	from := s.job.from
	p.Scheme = from.scheme
	p.Method = from.method
	p.UserAgent = from.ua
	p.RemoteAddr = from.addr
	at, _ := slices.BinarySearchFunc(s.queue, p, func(a, b *monitor.Ping) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for at < len(s.queue) && s.queue[at].CreatedAt.Equal(p.CreatedAt) {
		at++
	}
	s.queue = slices.Insert(s.queue, at, p)
}
