package prune

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestJobsComeRegularlyOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		began := time.Now()
		first := map[string]time.Duration{}
		count := map[string]int{}
		running := 0
		work := func(name string, every time.Duration, err error) job {
			return job{name, every, func(context.Context) (Result, error) {
				if running++; running > 1 {
					t.Error("two at once")
				}
				if count[name]++; count[name] == 1 {
					first[name] = time.Since(began)
				}
				time.Sleep(time.Second) //nolint:forbidigo // of the bubble's clock: it takes no time
				running--
				return Result{{"rows", 1}}, err
			}}
		}
		runJobs(ctx, slog.New(slog.DiscardHandler), func() float64 { return 0.5 },
			work("often", 10*time.Minute, nil), work("hourly", time.Hour, errors.New("the database is away")), work("daily", 24*time.Hour, nil))
		if count["daily"] != 1 || count["hourly"] != 24 || count["often"] < 140 || count["often"] > 144 {
			t.Errorf("in a day: %v", count)
		}
		for name, after := range first {
			if after > firstWithin+3*time.Second {
				t.Errorf("%s came first after %v", name, after)
			}
		}
	})
}
