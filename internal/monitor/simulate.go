package monitor

import "time"

// History is what is stored of a check's past, each list oldest first.
type History struct {
	// bodies are not looked at
	Pings []Ping
	// pauses and their ends count, the rest is computed anew
	Flips []Flip
	// in which pings may have been lost
	Blinds []Blind
	// the runs that these have hidden
	Unknown []UnknownRun
}

// Simulation is what would have come of a history under some settings.
type Simulation struct {
	// the count begins here: at the time asked for, or at the oldest ping; zero: there is no ping
	From time.Time
	// those that people would have been told of, oldest first
	Downs []Flip
}

// Simulate replays a history on a check with the settings of c (its schedule,
// period, grace time and manual resume; its state is left alone) up to now, with
// the same code that takes pings and watches deadlines. It counts what would have
// happened from since on; older pings only lead to the state at that time. The
// check is taken as new before the oldest ping.
func Simulate(c *Check, h History, since, now time.Time) Simulation {
	var out Simulation
	if len(h.Pings) == 0 {
		return out
	}
	out.From = since
	first := h.Pings[0].CreatedAt
	if first.After(since) {
		out.From = first
	}
	replay := *c
	replay.State = State{Status: StatusNew}
	note := func(f *Flip) {
		if f != nil && f.New == StatusDown && f.Notifies() && !f.CreatedAt.Before(out.From) {
			out.Downs = append(out.Downs, *f)
		}
	}
	passTime := func(until time.Time) {
		if !replay.AlertAt.IsZero() && !replay.AlertAt.After(until) {
			for _, f := range replay.Judge(until, h.Blinds).Flips {
				note(f)
			}
		}
	}
	flips := h.Flips
	persons := func(until time.Time) {
		for ; len(flips) > 0 && !flips[0].CreatedAt.After(until); flips = flips[1:] {
			switch f := &flips[0]; {
			case f.New == StatusPaused:
				passTime(f.CreatedAt)
				Pause(&replay, f.CreatedAt)
			case f.Old == StatusPaused && f.New == StatusNew:
				Resume(&replay, f.CreatedAt)
			}
		}
	}
	for i := range h.Pings {
		// Apply changes it
		p := h.Pings[i]
		persons(p.CreatedAt)
		passTime(p.CreatedAt)
		note(Apply(&replay, &p))
	}
	persons(now)
	passTime(now)
	return out
}
