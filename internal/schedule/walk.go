package schedule

import (
	"math"
	"time"
)

// maxShift is more than two wall clocks of one zone were ever apart.
const maxShift = 26 * 60 * 60

// segment is a stretch of time in which a zone keeps one distance from UTC.
// Neighbours may have the same distance. Times are Unix seconds.
type segment struct {
	// start <= t < end
	start, end int64
	offset     int64
}

func segmentAt(loc *time.Location, unix int64) segment {
	t := time.Unix(unix, 0).In(loc)
	_, offset := t.Zone()
	s := segment{start: math.MinInt64 / 2, end: math.MaxInt64 / 2, offset: int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		s.start = start.Unix()
	}
	if !end.IsZero() {
		s.end = end.Unix()
	}
	if s.end <= unix {
		// Behind the last tabled change Go ends each year after 365 days, so
		// the last day of a leap year seems to lie outside: end it at midnight.
		s.end = (floorDiv(unix, secondsPerDay) + 1) * secondsPerDay
	}
	return s
}

// instant finds the moment a wall clock first shows the given time. Where the
// clock jumps over it, real is false and the moment is the jump. near is any
// segment of the zone; the answer is cheap when it lies inside.
func instant(loc *time.Location, wall int64, near segment) (unix int64, at segment, real bool) {
	u := wall - near.offset
	if u-near.start > maxShift && u < near.end || near.start == math.MinInt64/2 && u < near.end {
		return u, near, true
	}
	for at = segmentAt(loc, wall-maxShift); ; at = segmentAt(loc, at.end) {
		switch u := wall - at.offset; {
		case u < at.start:
			return at.start, at, false
		case u < at.end:
			return u, at, true
		}
	}
}

// nextOnWallClock walks the wall clock of a zone: a repeated time occurs in
// its first pass only. A time the clock jumps over occurs at the jump when
// shift is set (docs/contract.md §1.9), else not at all (§1.10).
func (p *pattern) nextOnWallClock(loc *time.Location, after int64, shift bool) (int64, bool) {
	here := segmentAt(loc, after)
	wall := after + here.offset + 1
	if after-here.start < maxShift {
		// In the second pass all repeated times are over already.
		before := segmentAt(loc, here.start-1)
		wall = max(wall, here.start+before.offset)
	}
	for {
		found, ok := p.next(wall)
		if !ok {
			return 0, false
		}
		unix, at, real := instant(loc, found, here)
		if unix > after && (real || shift) {
			return unix, true
		}
		wall = found + 1
		if !real {
			wall = at.start + at.offset
		}
	}
}

// nextOnAnyClock visits every moment whose wall clock fits: times the clock
// jumps over do not occur, repeated times occur twice (docs/contract.md §1.9).
func (p *pattern) nextOnAnyClock(loc *time.Location, after int64) (int64, bool) {
	from := after + 1
	lowest := int64(math.MaxInt64)
	found := int64(math.MinInt64)
	for {
		here := segmentAt(loc, from)
		// What was found for an earlier segment holds as long as it is ahead.
		wall := from + here.offset
		if wall < lowest || wall > found {
			var ok bool
			found, ok = p.next(wall)
			if !ok {
				return 0, false
			}
			lowest = wall
		}
		unix := found - here.offset
		if unix < here.end {
			return p.throughOddShift(loc, after, unix, here)
		}
		from = here.end
	}
}
