// Package human says lengths of time, moments and sizes as people read them.
package human

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"punctual/internal/text"
)

// DateLayouts are the ways a user may have dates written, by what is stored.
var DateLayouts = map[string]string{
	"":     "Mon, 2 Jan 2006, 15:04:05 MST",
	"iso":  "2006-01-02 15:04:05 MST",
	"dots": "02.01.2006 15:04:05 MST",
	"us":   "Jan 2, 2006, 3:04:05 PM MST",
}

// ClockLayout is how a reader who writes dates in the format (DateLayouts) reads a
// moment in the columns of a list.
func ClockLayout(format string, withYear bool) string {
	layouts := [2]string{"2 Jan 15:04:05", "2 Jan 2006 15:04:05"}
	switch format {
	case "iso":
		layouts = [2]string{"01-02 15:04:05", "2006-01-02 15:04:05"}
	case "dots":
		layouts = [2]string{"02.01. 15:04:05", "02.01.2006 15:04:05"}
	case "us":
		layouts = [2]string{"Jan 2, 3:04:05 PM", "Jan 2, 2006, 3:04:05 PM"}
	}
	if withYear {
		return layouts[1]
	}
	return layouts[0]
}

// Ago tells the distance of t from now in one unit; two between one and six
// hours, where half an hour matters. static/js/app.js does the same.
func Ago(now, t time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		text := distance(-d)
		if text != "" {
			return "in " + text
		}
		return "in a moment"
	}
	text := distance(d)
	if text != "" {
		return text + " ago"
	}
	return "just now"
}

func distance(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return ""
	case d < time.Hour, d >= time.Hour && d < 6*time.Hour:
		if d < time.Minute {
			return Duration(d.Truncate(time.Second))
		}
		return Duration(d.Truncate(time.Minute))
	case d < 24*time.Hour:
		return Duration(d.Truncate(time.Hour))
	case d < 60*24*time.Hour:
		return Duration(d.Truncate(24 * time.Hour))
	case d < 2*365*24*time.Hour:
		return text.Plural(int(d/(30*24*time.Hour)), "month", "months")
	default:
		return text.Plural(int(d/(365*24*time.Hour)), "year", "years")
	}
}

// units are from large to small. A length of a single unit is spelt out, one of
// two is short.
var units = []struct {
	size                time.Duration
	short, one, several string
}{
	{24 * time.Hour, "d", "day", "days"},
	{time.Hour, "hr", "hour", "hours"},
	{time.Minute, "min", "min", "min"},
	{time.Second, "sec", "sec", "sec"},
}

// Duration tells a length of time in its two largest units: "15 min", "1 hour",
// "3 hr 58 min". Fractions of a second show only below ten seconds.
func Duration(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	if d < 10*time.Second && d%time.Second != 0 {
		if d < time.Second {
			return fmt.Sprintf("%d ms", d.Milliseconds())
		}
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " sec"
	}
	for i, u := range units {
		n := int(d / u.size)
		if n == 0 && i < len(units)-1 {
			continue
		}
		if i+1 < len(units) {
			next := units[i+1]
			m := int(d % u.size / next.size)
			if m > 0 {
				return strconv.Itoa(n) + " " + u.short + " " + strconv.Itoa(m) + " " + next.short
			}
		}
		return text.Plural(n, u.one, u.several)
	}
	return ""
}

// Bytes is a number of bytes in words, in decimal units as settings have them:
// "10 GB", "1.5 kB", "1 byte".
func Bytes(n int64) string {
	if n < 1000 {
		return text.Plural(int(n), "byte", "bytes")
	}
	value := float64(n)
	unit := ""
	for _, unit = range []string{"kB", "MB", "GB", "TB"} {
		value /= 1000
		if value < 1000 {
			break
		}
	}
	return strconv.FormatFloat(math.Round(value*10)/10, 'f', -1, 64) + " " + unit
}

// Coarse drops the seconds of what took ten minutes and more.
func Coarse(d time.Duration) time.Duration {
	if d >= 10*time.Minute {
		return d.Truncate(time.Minute)
	}
	return d
}
