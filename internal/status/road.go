package status

import (
	"context"
	"fmt"
	"time"

	"punctual/internal/store"
	"punctual/internal/text"
)

// roadStale is after how long without a question nothing is said any more of our public
// address: those that ask it do so every 30 seconds.
const roadStale = 5 * time.Minute

// PublicAddress looks whether our own public ping address answers, as the processes that
// send alerts have found. One that was never seen to answer is no failure: many networks
// have no way back to themselves.
func PublicAddress(open Open) Check {
	return Check{Name: "public-address", Title: "Public ping address", Labels: []string{labelWorker},
		Run: reading(open, func(ctx context.Context, s *store.Store) Finding {
			states, err := s.RoadStates(ctx)
			if err != nil {
				return unread(ctx, err)
			}
			return reached(states, s.Now())
		})}
}

// reached is what is to be said of our public address; the worst finding counts.
func reached(states []store.RoadState, now time.Time) Finding {
	f := Healthy("it has not been asked yet")
	for i := range states {
		r := &states[i]
		whom := ""
		by := ""
		if r.Source == store.RoadPeer {
			whom = " the peer"
			by = " by the peer"
		}
		f.Fields = append(f.Fields, Field{string(r.Source) + "_known", !r.GoodAt.IsZero()})
		fact := "answers" + whom
		severity := OK
		switch {
		case now.Sub(r.AskedAt) > roadStale:
			fact = "has not been asked for " + text.Duration(now.Sub(r.AskedAt))
		case r.GoodAt.IsZero():
			fact = "has never answered" + whom + ": whether jobs can reach it is not known from there"
			if r.Error != "" {
				fact += " (" + r.Error + ")"
			}
		case !r.FailingAt.IsZero():
			severity = Error
			fact = fmt.Sprintf("has not answered%s for %s: %s", whom, text.Duration(since(r.GoodAt, now)), r.Error)
		case now.Sub(r.GoodAt) > roadStale:
			severity = Warning
			fact = fmt.Sprintf("could not be asked%s for %s: %s", by, text.Duration(since(r.GoodAt, now)), r.Error)
		}
		switch {
		case i == 0 || severity > f.Severity:
			f.Severity = severity
			f.Fact = fact
		case severity == f.Severity && fact != f.Fact:
			f.Fact += "; " + fact
		}
	}
	return f
}
