package monitor

import (
	"slices"
	"time"
)

// FlipsKept is how long flips are kept at least, and so how far
// back the history of a check is known for sure.
const FlipsKept = 93 * 24 * time.Hour

// Spell is a time in which the stored status of a check stayed the same.
type Spell struct {
	// from inclusive, until exclusive
	From, Until time.Time
	Status      Status
}

// Spells are what became of a check that was made at created and has the status
// current now: oldest first, without gaps, up to now. flips are its newest ones,
// newest first; all says that older ones were not left out.
//
// The first spell begins where knowledge does: with the check, or, where older
// flips may have been left out or pruned, with the oldest one given, or FlipsKept
// before now when that is earlier and none was left out.
func Spells(flips []Flip, all bool, current Status, created, now time.Time) []Spell {
	from := knownFrom(flips, all, created, now)
	spells := make([]Spell, 0, len(flips)+1)
	until := now
	status := current
	for i := range flips {
		at := flips[i].CreatedAt
		// a clock was set back
		if at.After(until) {
			at = until
		}
		if at.Before(from) {
			break
		}
		if at.Before(until) {
			spells = append(spells, Spell{at, until, flips[i].New})
		}
		until = at
		status = flips[i].Old
	}
	if from.Before(until) {
		spells = append(spells, Spell{from, until, status})
	}
	slices.Reverse(spells)
	return spells
}

func knownFrom(flips []Flip, all bool, created, now time.Time) time.Time {
	known := now.Add(-FlipsKept)
	n := len(flips)
	if n > 0 {
		oldest := flips[n-1].CreatedAt
		if !all || oldest.Before(known) {
			known = oldest
		}
	}
	if created.After(known) {
		return created
	}
	return known
}

// LeaveOut takes out of the spells, oldest first, the times in which a run could not be
// heard and of which nobody has said that it ran: there the check is neither up nor down.
// runs are those unknown, in any order.
func LeaveOut(spells []Spell, runs []UnknownRun) []Spell {
	hidden := hiddenTimes(runs)
	if len(hidden) == 0 {
		return spells
	}
	var out []Spell
	for _, s := range spells {
		for len(hidden) > 0 && !hidden[0].Until.After(s.From) {
			hidden = hidden[1:]
		}
		for _, h := range hidden {
			if s.Status != StatusUp || !h.From.Before(s.Until) {
				break
			}
			if s.From.Before(h.From) {
				out = append(out, Spell{s.From, h.From, s.Status})
			}
			end := earlier(s.Until, h.Until)
			out = append(out, Spell{later(s.From, h.From), end, StatusNew})
			s.From = end
		}
		if s.From.Before(s.Until) {
			out = append(out, s)
		}
	}
	return out
}

// hiddenTimes are the times in which runs could not be heard, in their order, those that
// overlap as one.
func hiddenTimes(runs []UnknownRun) []Spell {
	var all []Spell
	for i := range runs {
		u := &runs[i]
		if u.Verdict != VerdictSuccess && u.BlindFrom.Before(u.BlindUntil) {
			all = append(all, Spell{From: u.BlindFrom, Until: u.BlindUntil})
		}
	}
	slices.SortFunc(all, func(a, b Spell) int { return a.From.Compare(b.From) })
	var out []Spell
	for _, h := range all {
		n := len(out)
		if n > 0 && !h.From.After(out[n-1].Until) {
			out[n-1].Until = later(out[n-1].Until, h.Until)
			continue
		}
		out = append(out, h)
	}
	return out
}

// Tally is how a check did in a span of time.
type Tally struct {
	// how much of it the check was up or down: not new, not paused, and known
	Watched time.Duration
	Down    time.Duration
	// that touch it; one that goes over its border counts on both sides
	Downtimes int
}

// TallyOf counts what of the spells, oldest first, lies between from (inclusive)
// and until (exclusive).
func TallyOf(spells []Spell, from, until time.Time) Tally {
	var t Tally
	first, _ := slices.BinarySearchFunc(spells, from, func(s Spell, at time.Time) int {
		if s.Until.After(at) {
			return 1
		}
		return -1
	})
	for _, s := range spells[first:] {
		if !s.From.Before(until) {
			break
		}
		d := earlier(s.Until, until).Sub(later(s.From, from))
		switch s.Status {
		case StatusUp:
			t.Watched += d
		case StatusDown:
			t.Watched += d
			t.Down += d
			t.Downtimes++
		}
	}
	return t
}

// Midnight is when a day begins in a zone; where clocks skip midnight it is the
// first moment after. Month and day may be out of their range, as in time.Date.
func Midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	if t.Day() != time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Day() {
		// normalised into the day before
		return time.Date(year, month, day, 1, 0, 0, 0, zone)
	}
	return t
}

// Uptime is the part of the watched time that the check was not down, in
// hundredths of a per cent, rounded down: only 10000 is without any downtime. It
// is false when the check was not watched at all.
func (t Tally) Uptime() (hundredths int, ok bool) {
	if t.Watched <= 0 {
		return 0, false
	}
	return int(float64(t.Watched-t.Down) / float64(t.Watched) * 10000), true
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Percentile is the shortest of the durations that at least p of a hundred do
// not exceed (nearest rank); 0 < p <= 100. There must be at least one; their
// order does not matter and stays.
func Percentile(durations []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(durations))
	return sorted[(len(sorted)*p+99)/100-1]
}
