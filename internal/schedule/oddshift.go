package schedule

import (
	"math/bits"
	"time"
)

// The field's cron library walks the clock in steps of whole hours until the
// hour fits, and in one jump to the minute when there is only one. Where a
// zone changes by less than an hour (Lord Howe Island, 30 minutes) its steps
// stay beside the full hour for the rest of that day, and it misses matches.
// Users know those times, and the vectors hold them, so we walk as it does
// there, and only there: everywhere else both give the same answers.

// throughOddShift returns found, a match in the segment here, unless a change
// by a broken hour lies shortly before it: then the walk from after decides.
func (p *pattern) throughOddShift(loc *time.Location, after, found int64, here segment) (int64, bool) {
	if found-here.start >= maxShift {
		return found, true
	}
	before := segmentAt(loc, here.start-1)
	if (here.offset-before.offset)%3600 == 0 {
		return found, true
	}
	midnight := floorDiv(here.start+before.offset, secondsPerDay)*secondsPerDay - before.offset
	at := max(floorDiv(after, 60)*60+60, midnight)
	for steps := 0; at < here.start+maxShift; steps++ {
		if steps > 1000 {
			// clocks before 1900 changed in ways no walk expects
			return found, true
		}
		switch next, fits := p.stepLikeCron(loc, at); {
		case fits && at > after:
			return at, true
		case fits:
			return found, true
		default:
			at = next
		}
	}
	return p.nextOnAnyClock(loc, at-1)
}

// stepLikeCron takes the walk's next step from a full minute on, or tells that
// the minute fits.
func (p *pattern) stepLikeCron(loc *time.Location, at int64) (next int64, fits bool) {
	here := segmentAt(loc, at)
	wall := time.Unix(at+here.offset, 0).UTC()
	year, month, day := wall.Date()
	hour := wall.Hour()
	minute := wall.Minute()
	switch {
	case p.months>>month&1 == 0 || p.days.in(startOfMonth(year, month), daysIn(year, month))>>day&1 == 0:
		next, _, _ = instant(loc, time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC).Unix(), here)
		return next, false
	case p.hours>>hour&1 == 0:
		at, _, _ = instant(loc, wall.Unix()-int64(minute)*60, here)
		for steps := 0; steps == 0 || p.hours>>hour&1 == 0 && hour != 0; steps++ {
			at += 3600
			hour = time.Unix(at, 0).In(loc).Hour()
		}
		return at, false
	case p.minutes>>minute&1 == 0:
		if bits.OnesCount64(p.minutes) == 1 {
			at += int64(bits.TrailingZeros64(p.minutes)-minute+60) % 60 * 60
			minute = time.Unix(at, 0).In(loc).Minute()
		}
		for p.minutes>>minute&1 == 0 {
			at += 60
			minute = time.Unix(at, 0).In(loc).Minute()
			if minute == 0 {
				break
			}
		}
		return at, false
	}
	return at, true
}
