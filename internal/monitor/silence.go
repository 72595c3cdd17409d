package monitor

import (
	"math"
	"strings"
	"time"
)

// Passed is a deadline that has passed: the run was heard of before it, or not.
type Passed struct {
	At     time.Time
	Missed bool
	// how often the check misses its deadline, 0 to 1; see Check.MissRate
	MissRate float64
}

const (
	// SilenceSpan is how far back deadlines count that are looked at together.
	SilenceSpan = time.Minute

	// leastExpected is how many deadlines there must be at least, for anything to be
	// concluded from their silence.
	leastExpected = 5
	// silenceRisk: silence that is less likely than that is not chance.
	silenceRisk = 1e-6
	// leastMissRate is counted for a check that has never missed, or hardly.
	leastMissRate = 0.005
	// tailWork bounds the multiplications for the exact likelihood. Beyond it, with
	// thousands of deadlines, the bound decides alone.
	tailWork = 4e6
)

// MissRate is how often c has missed its deadline, as far as its recent runs tell: 0 to 1,
// at least 0.5 %. Unknown runs do not count.
func (c *Check) MissRate() float64 {
	missed := strings.Count(c.RecentRuns, string(RunMissed))
	known := len(c.RecentRuns) - strings.Count(c.RecentRuns, string(RunUnknown))
	if known == 0 {
		return leastMissRate
	}
	return max(leastMissRate, float64(missed)/float64(known))
}

// Silent tells whether so many of the deadlines were missed that it is not chance: at
// least five deadlines passed, and as many misses or more were less likely than one in a
// million, were each check to miss as often as it does, whatever the others do. Then
// something that all checks have in common keeps their pings away.
func Silent(passed []Passed) bool {
	if len(passed) < leastExpected {
		return false
	}
	missed := 0
	expected := 0.0
	for i := range passed {
		if passed[i].Missed {
			missed++
		}
		expected += passed[i].MissRate
	}
	k := float64(missed)
	if k <= expected {
		return false
	}
	// Chernoff's bound: the likelihood is at most that.
	if expected-k+k*math.Log(k/expected) > -math.Log(silenceRisk) {
		return true
	}
	return k*float64(len(passed)) <= tailWork && atLeast(missed, passed) < silenceRisk
}

// atLeast is how likely it is that missed deadlines or more are missed, each with the
// likelihood of its check: the upper tail of the Poisson binomial distribution.
func atLeast(missed int, passed []Passed) float64 {
	// the likelihoods of 0 to missed-1 misses among the deadlines looked at so far
	fewer := make([]float64, missed)
	fewer[0] = 1
	tail := 0.0
	for i := range passed {
		p := passed[i].MissRate
		tail += fewer[missed-1] * p
		for n := missed - 1; n > 0; n-- {
			fewer[n] = fewer[n]*(1-p) + fewer[n-1]*p
		}
		fewer[0] *= 1 - p
	}
	return tail
}
