package schedule

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// units are the units of a period, the largest first.
var units = [...]struct {
	name  string
	short string
	size  time.Duration
}{
	{"week", "w", 7 * 24 * time.Hour},
	{"day", "d", 24 * time.Hour},
	{"hour", "h", time.Hour},
	{"minute", "m", time.Minute},
	{"second", "s", time.Second},
}

// ParsePeriod reads a period as people write it: "90" (seconds), "5m",
// "1h30m", "1d", "2w", "5 minutes", "1 hour, 30 minutes". It is positive and
// whole seconds; anything else gives a *SyntaxError.
func ParsePeriod(s string) (time.Duration, error) {
	wrong := func(reason string) (time.Duration, error) {
		return 0, &SyntaxError{Field: "period", Text: s, Reason: reason}
	}
	rest := strings.ToLower(strings.TrimSpace(s))
	if rest == "" {
		return 0, &SyntaxError{Field: "period", Reason: "a period is missing"}
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err == nil && isNumber(rest) && n > 0 && n <= math.MaxInt64/int64(time.Second) {
		return time.Duration(n) * time.Second, nil
	}
	var total time.Duration
	for rest != "" {
		number, tail := split(rest, isDigit)
		unit, tail := split(strings.TrimLeft(tail, " \t"), isLetter)
		rest = strings.TrimLeft(tail, " \t,")
		n, err := strconv.ParseInt(number, 10, 64)
		size := unitSize(unit)
		if err != nil || size == 0 || rest == "" && strings.HasSuffix(tail, ",") {
			return wrong(`is not a period such as "90" (seconds), "5m", "1h30m", "1d" or "2 weeks"`)
		}
		if n > int64(math.MaxInt64-total)/int64(size) {
			return wrong("is too long")
		}
		total += time.Duration(n) * size
	}
	if total == 0 {
		return wrong("must be longer than zero")
	}
	return total, nil
}

// unitSize knows a unit by its letter and by its name in singular and plural;
// an unknown one is 0. Other short forms are left out on purpose: "5min" is a
// time span in systemd, where only calendar events are schedules.
func unitSize(word string) time.Duration {
	for _, u := range units {
		if word == u.short || word == u.name || word == u.name+"s" {
			return u.size
		}
	}
	return 0
}

// split cuts s behind its leading bytes that belong.
func split(s string, belongs func(byte) bool) (head, tail string) {
	i := 0
	for i < len(s) && belongs(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }

func isNumber(s string) bool {
	_, tail := split(s, isDigit)
	return s != "" && tail == ""
}
