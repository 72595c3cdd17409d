package monitor_test

import (
	"testing"
	"time"

	"punctual/internal/monitor"
)

// A check that only a person resumes stays paused, whenever the ping that was kept is
// recorded.
func TestAKeptPingDoesNotResumeWhatOnlyAPersonDoes(t *testing.T) {
	for _, kind := range []monitor.PingKind{monitor.PingSuccess, monitor.PingFail} {
		s := newReplaySite(t)
		s.check.ManualResume = true
		// the interval goes on beyond the pause: another process serves pages
		before := s.check
		flip := monitor.Pause(&s.check, at(1500))
		s.stored(s.check.Acted(&before, flip, at(1500)))
		j := s.check.Fold(nil, at(2000), []monitor.Blind{{From: at(600), Until: at(2000), Ways: monitor.WayHTTP}})
		s.stored(j.Flips...)
		s.past.Unknown = append(s.past.Unknown, j.Unknown...)
		if s.check.Status != monitor.StatusPaused || s.check.BlindUntil.IsZero() {
			t.Fatalf("%s, blind until %s", s.check.Status, s.check.BlindUntil)
		}
		flips, _ := s.replay(2100, 1600, kind)
		if s.check.Status != monitor.StatusPaused || len(flips) > 0 {
			t.Errorf("a %s that was kept: %s, flips %q; want paused", kind, s.check.Status, flips)
		}
	}
}

// A failure and a success that were both kept, and both older than what others have
// recorded: the check was down from the one to the other.
func TestAKeptFailureEndsWithTheKeptSuccess(t *testing.T) {
	s := newReplaySite(t)
	s.take(900, monitor.PingSuccess)
	var flips []string
	late := []monitor.Ping{{CreatedAt: at(300), Kind: monitor.PingFail}, {CreatedAt: at(400), Kind: monitor.PingSuccess}}
	s.past.Coming = []time.Time{at(400)}
	for _, p := range late {
		more, _ := s.replay(1000, int(p.CreatedAt.Sub(t0)/time.Second), p.Kind)
		flips = append(flips, more...)
	}
	s.want(monitor.StatusUp, 900, "uduu", flips, "5m0s up -> down", "6m40s down -> up")
}
