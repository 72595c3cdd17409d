package monitor_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"punctual/internal/monitor"
)

// passed are deadlines of checks that miss at a rate, the first of them missed.
func passed(n, missed int, rate float64) []monitor.Passed {
	out := make([]monitor.Passed, n)
	for i := range out {
		out[i] = monitor.Passed{Missed: i < missed, MissRate: rate}
	}
	return out
}

func TestSilenceThatIsNotChance(t *testing.T) {
	for _, tc := range []struct {
		what   string
		passed []monitor.Passed
		want   bool
	}{
		{"nothing was due", nil, false},
		{"one dead job", passed(1, 1, 0.005), false},
		{"four of four: too few", passed(4, 4, 0.005), false},
		{"five of five", passed(5, 5, 0.005), true},
		{"four of five: 3e-9", passed(5, 4, 0.005), true},
		{"three of five: 1.2e-6", passed(5, 3, 0.005), false},
		{"none of thirty", passed(30, 0, 0.005), false},
		{"four of thirty: 1.5e-5", passed(30, 4, 0.005), false},
		{"five of thirty: 4e-7, and the bound says 3e-6", passed(30, 5, 0.005), true},
		{"five of five that miss every other run", passed(5, 5, 0.5), false},
		{"twenty of twenty that miss every other run: 9.5e-7", passed(20, 20, 0.5), true},
		{"nineteen of nineteen: 1.9e-6", passed(19, 19, 0.5), false},
		{"five that never come", passed(5, 5, 1), false},
		{"five that never come, and five that do", append(passed(5, 5, 1), passed(5, 0, 0.005)...), false},
		{"five that never come, and four that always did", append(passed(5, 5, 1), passed(5, 4, 0.005)...), true},
		{"as many as ever", passed(100_000, 500, 0.005), false},
		{"half of very many", passed(100_000, 50_000, 0.005), true},
		{"a few more than ever", passed(1_000_000, 5_100, 0.005), false},
	} {
		if got := monitor.Silent(tc.passed); got != tc.want {
			t.Errorf("%s: %v", tc.what, got)
		}
	}
}

// What is called no chance is less likely than one in a million: all outcomes of a few
// checks with rates of all sorts are gone through.
func TestSilenceIsAsUnlikelyAsItIsCalled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := 1 + random.IntN(12)
		list := make([]monitor.Passed, n)
		for i := range list {
			list[i].MissRate = max(0.005, math.Pow(random.Float64(), 4))
		}
		// how likely each number of misses is
		likely := make([]float64, n+1)
		for outcome := range 1 << n {
			p := 1.0
			missed := 0
			for i := range list {
				if outcome>>i&1 == 1 {
					p *= list[i].MissRate
					missed++
				} else {
					p *= 1 - list[i].MissRate
				}
			}
			likely[missed] += p
		}
		tail := 0.0
		for missed := n; missed >= 0; missed-- {
			tail += likely[missed]
			for i := range list {
				list[i].Missed = i < missed
			}
			want := n >= 5 && tail < 1e-6
			if got := monitor.Silent(list); got != want && math.Abs(tail-1e-6) > 1e-12 {
				t.Fatalf("%d of %d, likelihood %g: %v", missed, n, tail, got)
			}
		}
	}
}

func TestHowOftenACheckMisses(t *testing.T) {
	for runs, want := range map[string]float64{
		"": 0.005, "u": 0.005, "????": 0.005, "uuum": 0.25, "um??": 0.5, "mmmm": 1, "udld": 0.005, strings.Repeat("u", 29) + "m": 1.0 / 30,
	} {
		c := monitor.Check{State: monitor.State{RecentRuns: runs}}
		if got := c.MissRate(); math.Abs(got-want) > 1e-9 {
			t.Errorf("%q: %v, want %v", runs, got, want)
		}
	}
}
