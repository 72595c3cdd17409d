package monitor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
)

// replaySite is a check with a period and a grace time of ten minutes, of which a ping was
// kept somewhere.
type replaySite struct {
	*testing.T
	check monitor.Check
	past  monitor.Past
}

func newReplaySite(t *testing.T) *replaySite {
	s := &replaySite{T: t, check: monitor.NewCheck(uuid.Nil, t0)}
	s.check.ID = 1
	s.check.Timeout = 10 * time.Minute
	s.check.Grace = 10 * time.Minute
	s.take(0, monitor.PingSuccess)
	return s
}

// take records a ping the usual way.
func (s *replaySite) take(seconds int, kind monitor.PingKind) {
	p := monitor.Ping{CreatedAt: at(seconds), Kind: kind}
	s.stored(monitor.Take(&s.check, &p))
	if kind != monitor.PingStart {
		s.past.Ends = append(s.past.Ends, p)
	}
}

func (s *replaySite) judge(seconds int, blinds ...monitor.Blind) {
	j := s.check.Judge(at(seconds), blinds)
	s.stored(j.Flips...)
	s.past.Unknown = append(s.past.Unknown, j.Unknown...)
}

func (s *replaySite) stored(flips ...*monitor.Flip) {
	for _, f := range flips {
		if f != nil {
			s.past.Flips = append(s.past.Flips, f)
		}
	}
}

// replay records a ping of a time, and returns the flips: "600 up -> down".
func (s *replaySite) replay(now, seconds int, kind monitor.PingKind) (flips []string, settled *monitor.UnknownRun) {
	r := monitor.Replay(&s.check, &monitor.Ping{CreatedAt: at(seconds), Kind: kind}, &s.past, at(now))
	for _, f := range r.Flips {
		flips = append(flips, f.CreatedAt.Sub(t0).String()+" "+string(f.Old)+" -> "+string(f.New))
	}
	return flips, r.Settled
}

func (s *replaySite) want(status monitor.Status, last int, runs string, flips []string, want ...string) {
	s.Helper()
	if s.check.Status != status || !s.check.LastPing.Equal(at(last)) || s.check.RecentRuns != runs || !slices.Equal(flips, want) {
		s.Errorf("%s, last ping %s, runs %s, flips %q; want %s, %s, %s, %q", s.check.Status, s.check.LastPing.Sub(t0), s.check.RecentRuns, flips,
			status, at(last).Sub(t0), runs, want)
	}
}

// What is the newest, and not judged yet, is as if it had never been kept.
func TestAKeptPingInOrderIsAPing(t *testing.T) {
	s := newReplaySite(t)
	flips, _ := s.replay(2000, 600, monitor.PingSuccess)
	s.want(monitor.StatusUp, 600, "uu", flips)
	if s.check.Unjudged != "" {
		t.Error("nothing is to be folded: the ping came in time")
	}
	flips, _ = s.replay(2000, 700, monitor.PingFail)
	s.want(monitor.StatusDown, 700, "uud", flips, "11m40s up -> down")
	flips, _ = s.replay(2000, 800, monitor.PingSuccess)
	s.want(monitor.StatusUp, 800, "uudu", flips, "13m20s down -> up")
}

// A failure that a success has followed is added, and the success stays the last ping.
func TestAKeptFailureBeforeASuccessIsAdded(t *testing.T) {
	s := newReplaySite(t)
	s.take(600, monitor.PingSuccess)
	flips, _ := s.replay(900, 300, monitor.PingFail)
	s.want(monitor.StatusUp, 600, "udu", flips, "5m0s up -> down", "10m0s down -> up")
	// its neighbour says the same of the same time
	flips, _ = s.replay(900, 310, monitor.PingFail)
	s.want(monitor.StatusUp, 600, "uddu", flips)
}

// A success or a start that another has followed changes nothing but the record of runs.
func TestAKeptPingThatAnotherHasFollowed(t *testing.T) {
	s := newReplaySite(t)
	s.take(600, monitor.PingSuccess)
	flips, _ := s.replay(900, 300, monitor.PingStart)
	s.want(monitor.StatusUp, 600, "uu", flips)
	if s.check.Started() {
		t.Error("a run is under way that has ended")
	}
	flips, _ = s.replay(900, 310, monitor.PingSuccess)
	s.want(monitor.StatusUp, 600, "uuu", flips)
	if s.check.NPings != 4 {
		t.Errorf("%d pings", s.check.NPings)
	}
}

// A success of before the deadline, of which people were told that it was missed, makes the
// check up again now; unless a later one is missed too.
func TestAKeptSuccessOfARunThatWasMissed(t *testing.T) {
	s := newReplaySite(t)
	s.judge(1300)
	s.want(monitor.StatusDown, 0, "um", nil)
	flips, _ := s.replay(1400, 700, monitor.PingSuccess)
	s.want(monitor.StatusUp, 700, "uu", flips, "23m20s down -> up")

	s = newReplaySite(t)
	s.judge(4000)
	flips, _ = s.replay(4000, 700, monitor.PingSuccess)
	s.want(monitor.StatusDown, 700, "uu", flips)
	flips, _ = s.replay(4000, 3900, monitor.PingSuccess)
	s.want(monitor.StatusUp, 3900, "uuu", flips, "1h5m0s down -> up")
}

func TestAKeptFailureOfARunThatWasMissed(t *testing.T) {
	s := newReplaySite(t)
	s.judge(1300)
	flips, _ := s.replay(1400, 700, monitor.PingFail)
	s.want(monitor.StatusDown, 700, "ud", flips)
}

// A ping settles the run that was unknown for want of it.
func TestAKeptPingSettlesAnUnknownRun(t *testing.T) {
	for kind, verdict := range map[monitor.PingKind]monitor.Verdict{
		monitor.PingSuccess: monitor.VerdictSuccess, monitor.PingFail: monitor.VerdictFail,
	} {
		s := newReplaySite(t)
		s.judge(1300, blind(600, 1250))
		s.want(monitor.StatusUp, 0, "u?", nil)
		flips, settled := s.replay(1400, 700, kind)
		if settled == nil || settled.Verdict != verdict || !settled.VerdictAt.Equal(at(1400)) {
			t.Fatalf("%s settles %+v", kind, settled)
		}
		if kind == monitor.PingSuccess {
			s.want(monitor.StatusUp, 700, "uu", flips)
			// the next run is expected from the end of the interval on
			if !s.check.DueAt.Equal(at(1250 + 600)) {
				t.Errorf("due at %s", s.check.DueAt.Sub(t0))
			}
			continue
		}
		s.want(monitor.StatusDown, 700, "ud", flips, "11m40s up -> down")
	}
}

// What came before a person has paused, resumed or cleared the check changes nothing.
func TestAKeptPingOfBeforeAnAct(t *testing.T) {
	s := newReplaySite(t)
	s.stored(monitor.Pause(&s.check, at(300)))
	flips, _ := s.replay(400, 200, monitor.PingFail)
	s.want(monitor.StatusPaused, 0, "u", flips)
	flips, _ = s.replay(400, 350, monitor.PingSuccess)
	s.want(monitor.StatusUp, 350, "uu", flips, "5m50s paused -> up")

	s = newReplaySite(t)
	monitor.Reset(&s.check, at(300))
	s.past = monitor.Past{}
	flips, _ = s.replay(400, 200, monitor.PingFail)
	if s.check.Status != monitor.StatusNew || len(flips) != 0 {
		t.Errorf("%s %q", s.check.Status, flips)
	}
}

// While a deadline is yet to be judged, Fold takes kept pings in their place.
func TestAKeptPingIsFolded(t *testing.T) {
	s := newReplaySite(t)
	// the deadline was at 1200, and nobody has judged it
	s.take(1300, monitor.PingSuccess)
	kept := monitor.Ping{CreatedAt: at(1100), Kind: monitor.PingSuccess}
	monitor.Replay(&s.check, &kept, &s.past, at(1400))
	if !s.check.LastPing.Equal(at(1300)) {
		t.Errorf("the last ping is shown as that of %s", s.check.LastPing.Sub(t0))
	}
	j := s.check.Fold([]monitor.Ping{{N: 2, CreatedAt: at(1300), Kind: monitor.PingSuccess}, kept}, at(1400), nil)
	if len(j.Flips) != 0 || s.check.RecentRuns != "ulu" || !s.check.LastPing.Equal(at(1300)) {
		t.Errorf("flips %+v, runs %s, last ping %s: the run was in time", j.Flips, s.check.RecentRuns, s.check.LastPing.Sub(t0))
	}
}
