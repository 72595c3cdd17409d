package alert

import (
	"context"
	"time"

	"punctual/internal/monitor"
)

// Road tells whether jobs can reach us; see internal/road.
type Road struct {
	// Known tells whether our public ping address is known to work, so that its silence
	// says something. It asks nobody.
	Known func() bool
	// Ask asks it now, for ten seconds at most. Where it fails, an interval has begun when
	// Ask returns, and deadlines are judged with it in mind. nil: the road is not looked at.
	Ask func(context.Context)
}

// silence notices when so many checks are silent at once that it may be us: then flips
// wait until our own public address has been asked.
type silence struct {
	cfg Config
	// deadlines of the last minute that this process has judged and that were met
	met []monitor.Passed
	// those that were missed, whoever has judged them
	missed []monitor.Passed
	// when our address was asked last, by the clock of this process
	asked time.Time
	// when missed was loaded last, by the same clock
	loaded time.Time
}

// roadProof is how long what our address has answered is good for.
const roadProof = time.Second

// waits tells whether flips wait, where deadlines have passed as given.
func (s *silence) waits(passed []monitor.Passed) bool {
	if time.Since(s.asked) < roadProof || !s.cfg.Road.Known() {
		return false
	}
	since := s.cfg.Store.Now().Add(-monitor.SilenceSpan)
	var all []monitor.Passed
	for _, list := range [][]monitor.Passed{s.met, s.missed, passed} {
		all = append(all, after(list, since)...)
	}
	return monitor.Silent(all)
}

// ask asks our address, once for what waits.
func (s *silence) ask(ctx context.Context) {
	s.cfg.Log.Warn("many checks are silent at once, our own public ping address is asked")
	s.cfg.Road.Ask(ctx)
	s.asked = time.Now()
}

// note takes what has been judged. Once something was missed it looks for what other
// processes have judged.
func (s *silence) note(ctx context.Context, passed []monitor.Passed) {
	since := s.cfg.Store.Now().Add(-monitor.SilenceSpan)
	s.met = after(s.met, since)
	s.missed = after(s.missed, since)
	for _, p := range passed {
		if p.Missed {
			s.missed = append(s.missed, p)
		} else {
			s.met = append(s.met, p)
		}
	}
	if len(s.missed) == 0 || s.cfg.Road.Ask == nil || time.Since(s.loaded) < roadProof {
		return
	}
	s.loaded = time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	missed, err := s.cfg.Store.RecentMisses(ctx, since)
	if err == nil {
		s.missed = missed
	}
}

// after are those of the deadlines that are later than since.
func after(passed []monitor.Passed, since time.Time) []monitor.Passed {
	var out []monitor.Passed
	for _, p := range passed {
		if p.At.After(since) {
			out = append(out, p)
		}
	}
	return out
}
