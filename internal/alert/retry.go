package alert

import "time"

// pauses are how long to wait after the first, second … failed attempt; with
// them the last attempt comes about 12 hours after the first.
var pauses = [...]time.Duration{
	10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 4 * time.Hour,
}

const (
	// that ended with their worker, before a delivery as old as maxAge is given up
	maxAttempts = 12
	// 12 hours and the jitter; past it a delivery is given up, whatever made it late
	maxAge        = 13 * time.Hour
	maxRetryAfter = 6 * time.Hour
)

// pauseAfter returns how long to wait before the next attempt, or false when
// there is to be none. attempt is the one that has just failed, 1 for the first,
// of a delivery that is age old. asked is the pause the other side asked for, 0
// for none; random, from 0 to 1, spreads those that failed together.
func pauseAfter(attempt int, age, asked time.Duration, random float64) (time.Duration, bool) {
	i := min(max(attempt, 1), len(pauses)) - 1
	pause := time.Duration(float64(pauses[i]) * (0.9 + 0.2*random))
	pause = max(pause, min(asked, maxRetryAfter))
	return pause, age+pause <= maxAge
}
