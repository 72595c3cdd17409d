package channelstate_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/web/ui/channelstate"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ch      monitor.Channel
		offered bool
		want    channelstate.State
		why     string
	}{
		{monitor.Channel{Verified: true}, true, channelstate.Ready, ""},
		{monitor.Channel{}, true, channelstate.Unconfirmed, "its address has not been confirmed yet."},
		{monitor.Channel{Verified: true, Disabled: true}, true, channelstate.Disabled, "it is disabled."},
		{monitor.Channel{Verified: true, Disabled: true, LastError: "The key is not valid."}, true, channelstate.Disabled,
			"it is disabled: The key is not valid."},
		{monitor.Channel{Disabled: true, UnsubscribedAt: time.Unix(1, 0), LastError: monitor.ErrorUnsubscribed}, true, channelstate.Unsubscribed,
			"the recipient has unsubscribed."},
		{monitor.Channel{Verified: true, LastError: "Connection refused"}, true, channelstate.Failed,
			"the last message could not be delivered: Connection refused."},
		{monitor.Channel{Verified: true}, false, channelstate.Gone, "this site no longer offers integrations of this kind."},
	} {
		got := channelstate.Of(&c.ch, c.offered)
		if got != c.want || got.Why(c.ch.LastError) != c.why {
			t.Errorf("%+v: %s, %q, want %s, %q", c.ch, got, got.Why(c.ch.LastError), c.want, c.why)
		}
		if got.Works() != (c.want == channelstate.Ready) {
			t.Errorf("%s works: %t", got, got.Works())
		}
	}
}

func TestReachOf(t *testing.T) {
	t.Parallel()
	for counts, want := range map[[2]int]string{
		{0, 0}: "Nobody is told", {2, 0}: "All its integrations are broken", {2, 1}: "",
	} {
		got := channelstate.ReachOf(counts[0], counts[1]).Text()
		if got != want {
			t.Errorf("%v: %q, want %q", counts, got, want)
		}
	}
}
