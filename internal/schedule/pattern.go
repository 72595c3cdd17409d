package schedule

import (
	"math/bits"
	"time"
)

const (
	secondsPerDay = 24 * 60 * 60

	// The years a calendar may name (docs/contract.md §1.10), and the furthest a
	// search without a set of years looks (docs/contract.md §1.9).
	firstYear, lastYear = 1970, 2199
	cronHorizon         = 50
	// No pattern looks outside these years, whatever time it starts from.
	minYear, maxYear = 1, 9999
)

// pattern is what a cron expression or an OnCalendar line compiles to: bit
// sets over the fields of a wall clock, bit n for the value n. Wall-clock
// times are counted in seconds since 1970-01-01 00:00 of that clock.
type pattern struct {
	seconds, minutes, hours uint64
	months                  uint64
	days                    dayRule
	// nil: any year
	years *yearSet
}

// dayRule selects days of a month. A day must be chosen by its place in the
// month and by its weekday, or by only one of them where either is set
// (docs/contract.md §1.9).
type dayRule struct {
	// bit n: the n-th day
	fromStart uint32
	// bit n: the n-th last day
	fromEnd uint32
	// the last day from Monday to Friday
	lastWorkday bool
	// bit n: this weekday, Sunday is 0
	weekdays uint8
	// nth[1..5]: this weekday, the n-th of the month
	nth [6]uint8
	// this weekday, the last of the month
	last   uint8
	either bool
}

const (
	everyDay     = uint32(1<<32 - 2)
	everyWeekday = uint8(1<<7 - 1)
)

// yearSet is a set of years from firstYear to lastYear.
type yearSet [(lastYear - firstYear + 64) / 64]uint64

func (s *yearSet) add(year int) { s[(year-firstYear)/64] |= 1 << ((year - firstYear) % 64) }

// next is the first year of the set from the given one on, or lastYear+1.
func (s *yearSet) next(year int) int {
	for year = max(year, firstYear); year <= lastYear; year++ {
		if s[(year-firstYear)/64]&(1<<((year-firstYear)%64)) != 0 {
			return year
		}
	}
	return lastYear + 1
}

// next returns the first wall-clock time of the pattern that is not before
// from. It looks through at most a few thousand months.
func (p *pattern) next(from int64) (int64, bool) {
	from = max(from, time.Date(minYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
	start := time.Unix(from, 0).UTC()
	year, month, day := start.Date()
	if year > maxYear {
		return 0, false
	}
	last := min(year+cronHorizon, maxYear)
	if p.years != nil {
		last = lastYear
	}
	second := int(from - startOfMonth(year, month) - int64(day-1)*secondsPerDay)
	for ; year <= last; year, month, day, second = year+1, time.January, 1, 0 {
		if p.years != nil {
			y := p.years.next(year)
			if y > year {
				if y > last {
					break
				}
				year = y
				month = time.January
				day = 1
				second = 0
			}
		}
		t, ok := p.nextInYear(year, month, day, second)
		if ok {
			return t, true
		}
	}
	return 0, false
}

// nextInYear looks from the given second of the given day to the year's end.
func (p *pattern) nextInYear(year int, month time.Month, day, second int) (int64, bool) {
	for m := from(p.months, int(month)); m != 0; m &= m - 1 {
		at := time.Month(bits.TrailingZeros64(m))
		if at != month {
			month = at
			day = 1
			second = 0
		}
		start := startOfMonth(year, month)
		days := p.days.in(start, daysIn(year, month)) >> day << day
		for ; days != 0; days &= days - 1 {
			at := bits.TrailingZeros32(days)
			if at != day {
				day = at
				second = 0
			}
			t, ok := p.timeOfDay(second)
			if ok {
				return start + int64(day-1)*secondsPerDay + int64(t), true
			}
		}
	}
	return 0, false
}

// timeOfDay is the first time of the pattern from this second of a day on.
func (p *pattern) timeOfDay(second int) (int, bool) {
	hour := second / 3600
	minute := second / 60 % 60
	second = second % 60
	for h := from(p.hours, hour); h != 0; h &= h - 1 {
		at := bits.TrailingZeros64(h)
		if at != hour {
			hour = at
			minute = 0
			second = 0
		}
		for m := from(p.minutes, minute); m != 0; m &= m - 1 {
			at := bits.TrailingZeros64(m)
			if at != minute {
				minute = at
				second = 0
			}
			s := from(p.seconds, second)
			if s != 0 {
				return hour*3600 + minute*60 + bits.TrailingZeros64(s), true
			}
		}
	}
	return 0, false
}

// from drops the values below low from a set.
func from(set uint64, low int) uint64 { return set >> low << low }

// in is the set of chosen days of a month, given by its first second and its
// length.
func (r *dayRule) in(start int64, length int) uint32 {
	all := uint32(1)<<(length+1) - 2
	// 1970-01-01 was a Thursday
	first := int((floorDiv(start, secondsPerDay)%7 + 7 + 4) % 7)
	byPlace := r.fromStart & all
	if r.fromEnd != 0 {
		// The n-th last day is day length+1-n: the set read backwards.
		byPlace |= uint32(bits.Reverse64(uint64(r.fromEnd))>>(62-length)) & all
	}
	if r.lastWorkday {
		byPlace |= 1 << lastWorkday(first, length)
	}
	byWeekday := eachWeek(r.weekdays, first)
	if r.last != 0 {
		byWeekday |= eachWeek(r.last, first) >> (length - 6) << (length - 6)
	}
	for n := 1; n < len(r.nth); n++ {
		if r.nth[n] != 0 {
			byWeekday |= eachWeek(r.nth[n], first) & (0x7f << (7*n - 6))
		}
	}
	byWeekday &= all
	if r.either {
		return byPlace | byWeekday
	}
	return byPlace & byWeekday
}

// eachWeek is the set of days of a month that fall on the given weekdays,
// when the month's first day is the weekday first.
func eachWeek(weekdays uint8, first int) uint32 {
	week := uint64(weekdays) | uint64(weekdays)<<7
	week = week >> first & 0x7f
	return uint32((week | week<<7 | week<<14 | week<<21 | week<<28) << 1)
}

func lastWorkday(first, length int) int {
	switch (first + length - 1) % 7 {
	case int(time.Saturday):
		return length - 1
	case int(time.Sunday):
		return length - 2
	}
	return length
}

func startOfMonth(year int, month time.Month) int64 {
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Unix()
}

func daysIn(year int, month time.Month) int {
	switch {
	case month == time.April || month == time.June || month == time.September || month == time.November:
		return 30
	case month != time.February:
		return 31
	case year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	}
	return 28
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
