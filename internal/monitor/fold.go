package monitor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"punctual/internal/schedule"
)

// A ping, or an act of a person, may come when a deadline has passed that nobody has
// judged yet: others may hold pings that arrived before it. What comes is then applied
// as if the deadline were none, so that pages and the API show it at once, and no flip
// is made. Check.Unjudged keeps how the check was before, and the acts. Once the
// deadline can be judged, Fold begins there and plays everything anew in the order of
// time; so the flips are the same whoever was faster.

// settings are what a deadline depends on, beside the state.
type settings struct {
	Kind         schedule.Kind
	Timeout      time.Duration
	Grace        time.Duration
	Schedule     string
	TZ           string
	ManualResume bool
}

func settingsOf(c *Check) settings {
	return settings{c.Kind, c.Timeout, c.Grace, c.Schedule, c.TZ, c.ManualResume}
}

func (s *settings) to(c *Check) {
	c.Kind = s.Kind
	c.Timeout = s.Timeout
	c.Grace = s.Grace
	c.Schedule = s.Schedule
	c.TZ = s.TZ
	c.ManualResume = s.ManualResume
}

// unjudged is what Check.Unjudged holds, as JSON.
type unjudged struct {
	// before the first that is not folded yet
	Settings settings
	State    State
	Acts     []act `json:",omitempty"`
}

// act is what a person has done.
type act struct {
	At time.Time
	// that the person has brought about: paused, new = resumed, down = by other settings;
	// "" = none
	Status Status `json:",omitempty"`
	// from then on; nil = as they were
	Settings *settings `json:",omitempty"`
}

// deadlinePassed tells whether a deadline has passed by time t that nobody has judged.
func (c *Check) deadlinePassed(t time.Time) bool {
	return c.Status != StatusDown && !c.DueAt.IsZero() && !t.Before(c.AlertAt)
}

// keepUnjudged keeps how c is now, where a deadline has passed by time t; it tells
// whether flips are left to Fold.
func (c *Check) keepUnjudged(t time.Time) bool {
	if c.Unjudged != "" {
		return true
	}
	if !c.deadlinePassed(t) {
		return false
	}
	c.setUnjudged(unjudged{Settings: settingsOf(c), State: c.State})
	return true
}

func (c *Check) setUnjudged(u unjudged) {
	u.State.Unjudged = ""
	text, err := json.Marshal(u)
	if err != nil {
		// there is nothing in it that cannot be written
		panic(fmt.Sprintf("keep the state of a check: %v", err))
	}
	c.Unjudged = string(text)
}

// Acted is to be called when a person has changed before, at time t, and c has become
// of it, with the flip of that or nil. It returns the flip to be stored: none where a
// deadline had passed that nobody has judged, for Fold makes it then.
func (c *Check) Acted(before *Check, flip *Flip, t time.Time) *Flip {
	if before.Unjudged == "" && !before.deadlinePassed(t) {
		return flip
	}
	u := unjudged{Settings: settingsOf(before), State: before.State}
	if before.Unjudged != "" {
		if err := json.Unmarshal([]byte(before.Unjudged), &u); err != nil {
			return flip
		}
	}
	a := act{At: t}
	if flip != nil {
		a.Status = flip.New
	}
	to := settingsOf(c)
	if to != settingsOf(before) {
		a.Settings = &to
	}
	if a.Status != "" || a.Settings != nil {
		u.Acts = append(u.Acts, a)
	}
	c.setUnjudged(u)
	return nil
}

// JudgedFrom is since when what is known matters for judging c at a time: where the window
// begins of the run whose deadline has passed. passed is false where none has.
func (c *Check) JudgedFrom(now time.Time) (from time.Time, passed bool) {
	was := *c
	if c.Unjudged != "" {
		var u unjudged
		if err := json.Unmarshal([]byte(c.Unjudged), &u); err == nil {
			was.State = u.State
			u.Settings.to(&was)
		}
	}
	was.Recompute(now)
	if !was.deadlinePassed(now) {
		return time.Time{}, false
	}
	from, _ = was.Window()
	return from, true
}

// FirstUnjudged is the n from which on the pings of c are to be given to Fold.
func (c *Check) FirstUnjudged() int64 {
	var u unjudged
	if err := json.Unmarshal([]byte(c.Unjudged), &u); err != nil {
		return c.NPings + 1
	}
	return u.State.NPings + 1
}

// Fold plays what has come since the deadline passed that Unjudged tells of: pings are
// those with n from FirstUnjudged on, in any order, without bodies. heard and blinds are
// as for Judge. Where a deadline that has passed cannot be judged yet, only WatchAt is
// changed, to that deadline.
//
// The state afterwards is as if each deadline had been judged the moment it passed. A
// check whose Unjudged cannot be read goes on as it is.
func (c *Check) Fold(pings []Ping, heard time.Time, blinds []Blind) Judged {
	var u unjudged
	if err := json.Unmarshal([]byte(c.Unjudged), &u); err != nil {
		c.Unjudged = ""
		return c.Judge(heard, blinds)
	}
	f := folding{check: *c, heard: heard, blinds: blinds}
	f.check.State = u.State
	u.Settings.to(&f.check)
	// which starts were late has been decided, with or without the deadline
	f.check.EndedRuns = ""
	slices.SortStableFunc(pings, func(a, b Ping) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.N, b.N))
	})
	acts := u.Acts
	for i := range pings {
		if pings[i].CreatedAt.Before(u.State.LastPing) || pings[i].CreatedAt.Before(u.State.ActedAt) {
			// it came late: what was the last word then is so still
			continue
		}
		for len(acts) > 0 && acts[0].At.Before(pings[i].CreatedAt) {
			f.act(&acts[0])
			acts = acts[1:]
		}
		p := pings[i]
		f.passTime(p.CreatedAt)
		f.flip(Apply(&f.check, &p))
	}
	for i := range acts {
		f.act(&acts[i])
	}
	if !f.stuck.IsZero() {
		c.WatchAt = f.stuck
		return Judged{}
	}
	after := c.State
	settingsNow := settingsOf(c)
	c.State = f.check.State
	settingsNow.to(c)
	c.NPings = after.NPings
	c.EndedRuns = after.EndedRuns
	c.HasConfirmation = after.HasConfirmation
	c.Unjudged = ""
	out := f.out
	out.add(c.Judge(heard, blinds))
	return out
}

// folding is a Fold under way.
type folding struct {
	check  Check
	heard  time.Time
	blinds []Blind
	out    Judged
	// the first deadline that cannot be judged yet
	stuck time.Time
}

// passTime judges the deadlines up to t, as far as that is possible.
func (f *folding) passTime(t time.Time) {
	if !f.check.deadlinePassed(t) {
		return
	}
	until := t
	if f.heard.Before(t) {
		until = f.heard
	}
	f.out.add(f.check.Judge(until, f.blinds))
	if f.check.deadlinePassed(t) && f.stuck.IsZero() {
		f.stuck = f.check.AlertAt
	}
}

func (f *folding) flip(flip *Flip) {
	if flip != nil {
		f.out.Flips = append(f.out.Flips, flip)
	}
}

func (f *folding) act(a *act) {
	f.passTime(a.At)
	if a.Settings != nil {
		a.Settings.to(&f.check)
		f.check.Recompute(a.At)
	}
	switch a.Status {
	case StatusPaused:
		f.flip(Pause(&f.check, a.At))
	case StatusNew:
		f.flip(Resume(&f.check, a.At))
	case StatusDown:
		f.flip(Rescheduled(&f.check, a.At))
	}
}
