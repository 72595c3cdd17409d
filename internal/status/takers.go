package status

import (
	"context"
	"fmt"
	"strings"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/text"
)

// Takers looks whether there is a process for each way in which pings have been taken,
// whether one of them is silent, and how far their marks are behind.
func Takers(open Open) Check {
	return Check{Name: "takers", Title: "Taking pings", Labels: []string{labelWorker},
		Run: reading(open, func(ctx context.Context, s *store.Store) Finding {
			h, err := s.Hearing(ctx)
			if err != nil {
				return unread(ctx, err)
			}
			dayAgo := h.Now.Add(-24 * time.Hour)
			blind, err := s.BlindSince(ctx, dayAgo)
			if err != nil {
				return unread(ctx, err)
			}
			unknown, err := s.UnknownSince(ctx, dayAgo)
			if err != nil {
				return unread(ctx, err)
			}
			f := hear(&h)
			f.Fields = append(f.Fields, Field{"blind_seconds_24h", seconds(blind.Total)}, Field{"unknown_runs_24h", unknown})
			return f
		})}
}

// hear is what is to be said of the takers.
func hear(h *store.Hearing) Finding {
	counting := 0
	var behind, silent *monitor.Taker
	for i := range h.Takers {
		t := &h.Takers[i]
		if t.Counts {
			counting++
		}
		if t.Counts && (behind == nil || t.MarkAt.Before(behind.MarkAt)) {
			behind = t
		}
		if !writes(h, t) && (silent == nil || t.SeenAt.After(silent.SeenAt)) {
			silent = t
		}
	}
	var lag time.Duration
	if behind != nil {
		lag = since(behind.MarkAt, h.Now)
	}
	f := Healthy("taking pings", Field{"takers", counting}, Field{"mark_lag_seconds", seconds(lag)})
	untaken := untakenWays(h)
	switch {
	case len(untaken) > 0:
		f.Severity = Error
		f.Fact = strings.Join(untaken, "; ")
	case silent != nil:
		f.Severity = Warning
		f.Fact = fmt.Sprintf("%s on %s has been silent for %s: see its log, or run `punctual takers forget %s` if it will not come back",
			silent.Role, silent.Host, text.Duration(since(silent.SeenAt, h.Now)), silent.ID)
	case lag > store.TakerTimeout:
		f.Severity = Warning
		f.Fact = fmt.Sprintf("the mark of %s on %s is %s behind: no later deadline is judged", behind.Role, behind.Host, text.Duration(lag))
	case len(h.Takers) == 0:
		f.Fact = "no process has taken pings yet"
	}
	return f
}

// writes tells whether a taker counts and has written lately.
func writes(h *store.Hearing, t *monitor.Taker) bool {
	return t.Counts && h.Now.Sub(t.SeenAt) <= store.TakerTimeout
}

// untakenWays tells, in words, in which ways pings come that nobody takes, although they
// were taken before.
func untakenWays(h *store.Hearing) (facts []string) {
	for _, way := range []monitor.Ways{monitor.WayHTTP, monitor.WayMail} {
		last, taken := lastTaken(h, way)
		if taken || last.IsZero() {
			continue
		}
		command := "punctual serve"
		if way == monitor.WayMail {
			command = "punctual smtpd"
		}
		facts = append(facts, fmt.Sprintf("no process has taken pings by %s for %s: start `%s`", way, text.Duration(since(last, h.Now)), command))
	}
	return facts
}

// lastTaken tells whether a process takes pings that way, else until when one did; zero
// where none ever did.
func lastTaken(h *store.Hearing, way monitor.Ways) (last time.Time, taken bool) {
	last = h.OpenSince(way)
	for i := range h.Takers {
		t := &h.Takers[i]
		if !t.Counts || !t.Ways.Meet(way) {
			continue
		}
		if writes(h, t) {
			return time.Time{}, true
		}
		if last.IsZero() || t.MarkAt.After(last) {
			last = t.MarkAt
		}
	}
	return last, false
}
