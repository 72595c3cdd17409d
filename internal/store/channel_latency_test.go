package store_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// The whole way counts, from the deadline or the signal until the other side has accepted.
func TestTheLatencyOfChannels(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		addChannel(t, s, a.Project.ID, asIs)
		tell := func(took time.Duration, o store.Outcome) {
			t.Helper()
			signal(t, s, a.Check, monitor.PingFail)
			clock.Advance(took)
			for _, d := range claimDeliveries(t, s, store.Claim{Limit: 10}) {
				if d.ChannelID == a.Channel.ID {
					finish(t, s, d, o)
				} else {
					finish(t, s, d, store.Outcome{Verdict: store.Failed})
				}
			}
			clock.Advance(time.Minute)
			signal(t, s, a.Check, monitor.PingSuccess)
			for _, d := range claimDeliveries(t, s, store.Claim{Limit: 10}) {
				finish(t, s, d, store.Outcome{Verdict: store.Failed})
			}
		}
		sent := store.Outcome{Verdict: store.Sent, Tried: true}
		tell(time.Hour, sent)
		since := clock.Advance(time.Minute)
		for _, took := range []time.Duration{4 * time.Second, time.Second, 2 * time.Second, 3 * time.Second} {
			tell(took, sent)
		}
		tell(time.Hour, store.Outcome{Verdict: store.Sent, Tried: true, WaitsFor: monitor.WaitsToSettle})
		tell(time.Hour, store.Outcome{Verdict: store.Failed, Tried: true})
		got, err := s.ChannelsLatency(t.Context(), a.Project.ID, since)
		want := store.ChannelLatency{N: 4, Median: 2 * time.Second, P99: 4 * time.Second, Max: 4 * time.Second}
		if err != nil || len(got) != 1 || got[a.Channel.ID] != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	})
}
