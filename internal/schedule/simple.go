package schedule

import (
	"time"

	"punctual/internal/text"
)

type every time.Duration

// Every is the schedule of kind Simple: one occurrence a period after the last
// ping (docs/contract.md §1.8). A period that is not positive never occurs.
func Every(period time.Duration) Schedule { return every(period) }

// Next is the period after the given time.
func (e every) Next(after time.Time) (time.Time, bool) {
	if e <= 0 {
		return time.Time{}, false
	}
	return after.UTC().Add(time.Duration(e)), true
}

// Describe is "Every 5 minutes"; a single unit is "Every day".
func (e every) Describe() string {
	for _, u := range units {
		if time.Duration(e) == u.size {
			return "Every " + u.name
		}
	}
	return "Every " + text.Duration(time.Duration(e))
}
