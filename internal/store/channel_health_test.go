package store_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestTheHealthOfChannels(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		outcomes := []store.Outcome{
			{Verdict: store.Failed, Tried: true, ChannelOutcome: store.ChannelOutcome{Error: "refused"}}, // too long ago
			{Verdict: store.Sent, Tried: true},
			{Verdict: store.Unwanted},
			{Verdict: store.Failed, Tried: true, ChannelOutcome: store.ChannelOutcome{Error: "refused"}},
			{Verdict: store.Sent, Tried: true},
		}
		since := clock.Now().Add(time.Minute)
		for i, o := range outcomes {
			kind := monitor.PingFail
			if i%2 == 1 {
				kind = monitor.PingSuccess
			}
			signal(t, s, a.Check, kind)
			got := claimDeliveries(t, s, store.Claim{})
			if len(got) != 1 {
				t.Fatalf("round %d: %d deliveries", i, len(got))
			}
			finish(t, s, got[0], o)
			clock.Advance(time.Hour)
		}
		signal(t, s, a.Check, monitor.PingSuccess)
		waiting := claimDeliveries(t, s, store.Claim{})
		finish(t, s, waiting[0], store.Outcome{Verdict: store.Retry, Tried: true, NextTry: clock.Now().Add(time.Hour), ChannelOutcome: store.ChannelOutcome{Error: "busy"}})

		got, err := s.ChannelsHealth(t.Context(), a.Project.ID, since)
		if want := (store.ChannelHealth{Sent: 2, Failed: 1, Waiting: 1}); err != nil || len(got) != 1 || got[a.Channel.ID] != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	})
}
