package text

import (
	"fmt"
	"time"
)

// units of a length of time, the largest first. There are no months and years:
// they are not all as long.
var units = [...]struct {
	one, several string
	size         time.Duration
}{
	{"week", "weeks", 7 * 24 * time.Hour},
	{"day", "days", 24 * time.Hour},
	{"hour", "hours", time.Hour},
	{"minute", "minutes", time.Minute},
	{"second", "seconds", time.Second},
}

// Duration is a length of time in its two largest units, rounded down: "1 day, 3
// hours", "5 minutes". From a week on it is in days, "30 days", unless it is weeks
// exactly. Below a second it is "0 seconds"; the sign is left out.
func Duration(d time.Duration) string {
	d = d.Abs()
	week := units[0].size
	if d > week && d%week != 0 {
		return Plural(int(d/units[1].size), "day", "days")
	}
	for i, u := range units {
		if d < u.size {
			continue
		}
		words := Plural(int(d/u.size), u.one, u.several)
		if i+1 == len(units) {
			return words
		}
		next := units[i+1]
		n := int(d % u.size / next.size)
		if n > 0 {
			words += ", " + Plural(n, next.one, next.several)
		}
		return words
	}
	return "0 seconds"
}

// Lag is a short length of time as it follows a moment: "0.04 s", "0.8 s", "12 s"; from
// two minutes on it is as of Duration. What is negative is 0.
func Lag(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	default:
		return Duration(d)
	}
}
