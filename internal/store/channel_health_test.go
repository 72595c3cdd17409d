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
			// too long ago
			{Verdict: store.Failed, Tried: true, ChannelOutcome: store.ChannelOutcome{Error: "refused"}},
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
		finish(t, s, waiting[0], store.Outcome{Verdict: store.Retry, Tried: true, NextTry: clock.Now().Add(time.Hour),
			ChannelOutcome: store.ChannelOutcome{Error: "busy"}})

		got, err := s.ChannelsHealth(t.Context(), a.Project.ID, since)
		want := (store.ChannelHealth{Sent: 2, Failed: 1, Waiting: 1})
		if err != nil || len(got) != 1 || got[a.Channel.ID] != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	})
}

// Each way a channel can be disabled tells since when; the first moment counts.
func TestAChannelKnowsSinceWhenItIsDisabled(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		since := func(what string, want time.Time) {
			t.Helper()
			got, err := s.ChannelByID(t.Context(), a.Channel.ID)
			if err != nil || !got.DisabledAt.Equal(want) || got.Disabled != !want.IsZero() {
				t.Errorf("%s: disabled %t since %s, %v; want %s", what, got.Disabled, got.DisabledAt, err, want)
			}
		}
		update := func(disabled bool) {
			t.Helper()
			a.Channel.Disabled = disabled
			if err := testdb.PutChannel(t.Context(), s, a.Channel); err != nil {
				t.Fatal(err)
			}
		}
		note := func(disable bool) {
			t.Helper()
			o := store.ChannelOutcome{At: clock.Now(), Error: "gone", Disable: disable}
			if err := s.NoteChannelOutcome(t.Context(), a.Channel.ID, o); err != nil {
				t.Fatal(err)
			}
		}
		since("at first", time.Time{})
		note(false)
		since("an error that may pass", time.Time{})
		clock.Advance(time.Hour)
		first := clock.Now()
		note(true)
		clock.Advance(time.Hour)
		note(true)
		update(true)
		since("a permanent error, twice", first)
		update(false)
		since("repaired", time.Time{})
		clock.Advance(time.Hour)
		update(true)
		since("unsubscribed", clock.Now())
		update(false)

		signal(t, s, a.Check, monitor.PingFail)
		got := claimDeliveries(t, s, store.Claim{})
		finish(t, s, got[0], store.Outcome{Verdict: store.Failed, Tried: true,
			ChannelOutcome: store.ChannelOutcome{At: clock.Now(), Error: "gone", Disable: true}})
		since("refused", clock.Now())
		update(false)
		clock.Advance(time.Minute)
		_, err := s.NoteUndelivered(t.Context(), got[0].Code, store.Bounce{Reason: "bounced", Disable: true, MaxAge: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		since("bounced", clock.Now())
	})
}
