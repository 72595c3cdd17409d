package monitor_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/schedule"
)

// A history is what truly happened: a job that ran or did not, when Punctual could not hear
// it, and what people did. The tests below play thousands of them at watchers and recorders
// of all speeds.
type history struct {
	check  monitor.Check
	pings  []monitor.Ping
	acts   []personActs
	blinds []monitor.Blind
	end    time.Time
	// when the job pinged, whether that was heard or not
	ran []time.Time
	// from then on it does not run
	diedAt time.Time
}

type personActs struct {
	at time.Time
	do func(*monitor.Check, time.Time) *monitor.Flip
}

// randomHistory makes one. Times are whole seconds, so that much falls together.
func randomHistory(r *rand.Rand) *history {
	h := &history{check: monitor.NewCheck(uuid.Nil, t0), end: at(6 * 3600)}
	c := &h.check
	c.ID = 1
	c.Timeout = time.Duration(1+r.IntN(30)) * time.Minute
	c.Grace = time.Duration(1+r.IntN(10)) * time.Minute
	if r.IntN(3) == 0 {
		c.Kind = schedule.Cron
		c.Schedule = fmt.Sprintf("*/%d * * * *", []int{5, 10, 15, 30}[r.IntN(4)])
		c.Timeout = time.Duration(5) * time.Minute
	}
	for from := r.IntN(3600); r.IntN(3) > 0; from += 1 + r.IntN(7200) {
		until := from + r.IntN(1+r.IntN(3600))
		h.blinds = append(h.blinds, blind(from, until))
		from = until
	}
	h.diedAt = at(r.IntN(10 * 3600))
	h.job(r)
	if r.IntN(3) == 0 {
		h.person(r)
	}
	return h
}

// job lets the job run: mostly in time, sometimes late, with starts and failures.
func (h *history) job(r *rand.Rand) {
	now := t0.Add(time.Duration(r.IntN(300)) * time.Second)
	for now.Before(h.diedAt) && now.Before(h.end.Add(-2*time.Minute)) {
		kind := monitor.PingSuccess
		if r.IntN(12) == 0 {
			kind = monitor.PingFail
		}
		if r.IntN(4) == 0 {
			h.send(now, monitor.PingStart)
			now = now.Add(time.Duration(r.IntN(90)) * time.Second)
		}
		h.send(now, kind)
		period := h.check.Timeout
		if h.check.Kind == schedule.Cron {
			s, _ := schedule.Parse(h.check.Kind, h.check.Schedule, "UTC")
			next, _ := s.Next(now)
			period = next.Sub(now)
		}
		pause := period + time.Duration(r.IntN(20))*time.Second
		if r.IntN(15) == 0 {
			pause += h.check.Grace + time.Duration(r.IntN(1200))*time.Second
		}
		now = now.Add(pause)
	}
}

func (h *history) send(t time.Time, kind monitor.PingKind) {
	h.ran = append(h.ran, t)
	for _, b := range h.blinds {
		if !t.Before(b.From) && !t.After(b.Until) {
			return
		}
	}
	h.pings = append(h.pings, monitor.Ping{N: int64(len(h.pings) + 1), CreatedAt: t, Kind: kind})
}

// person pauses, resumes and edits now and then, never at the very moment of a ping.
func (h *history) person(r *rand.Rand) {
	for now := r.IntN(7200); now < 6*3600; now += 60 + r.IntN(7200) {
		t := at(now).Add(500 * time.Millisecond)
		grace := time.Duration(1+r.IntN(10)) * time.Minute
		do := monitor.Pause
		switch r.IntN(3) {
		case 1:
			do = monitor.Resume
		case 2:
			do = func(c *monitor.Check, t time.Time) *monitor.Flip {
				c.Grace = grace
				c.Recompute(t)
				return nil
			}
		}
		h.acts = append(h.acts, personActs{t, do})
	}
}

// known are the intervals as they are known when everything until t is.
func (h *history) known(t time.Time) []monitor.Blind {
	var out []monitor.Blind
	for _, b := range h.blinds {
		if b.From.After(t) {
			continue
		}
		if b.Until.After(t) {
			b.Until = time.Time{}
		}
		out = append(out, b)
	}
	return out
}

// verdicts are the flips and unknown runs of a play.
type verdicts struct {
	lines []string
	downs []*monitor.Flip
	lost  []*monitor.UnknownRun
}

func (v *verdicts) add(j monitor.Judged) {
	for _, f := range j.Flips {
		v.flip(f)
	}
	for _, u := range j.Unknown {
		v.lost = append(v.lost, u)
		v.lines = append(v.lines, fmt.Sprintf("%s unknown, due %s", u.Deadline.Format(time.TimeOnly), u.Due.Format(time.TimeOnly)))
	}
}

func (v *verdicts) flip(f *monitor.Flip) {
	if f == nil {
		return
	}
	if f.Reason == monitor.ReasonTimeout {
		v.downs = append(v.downs, f)
	}
	v.lines = append(v.lines, fmt.Sprintf("%s %s -> %s %s", f.CreatedAt.Format("15:04:05.000"), f.Old, f.New, f.Reason))
}

// event is a ping or an act, in the order of time.
type event struct {
	at   time.Time
	ping *monitor.Ping
	act  *personActs
}

func (h *history) events() []event {
	var out []event
	for i := range h.pings {
		out = append(out, event{h.pings[i].CreatedAt, &h.pings[i], nil})
	}
	for i := range h.acts {
		out = append(out, event{h.acts[i].at, nil, &h.acts[i]})
	}
	slices.SortStableFunc(out, func(a, b event) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	return out
}

// play lets the history happen. A watcher looks after each pause that look gives, and knows
// then of everything until heard says. The eager one, nil, looks just before anything happens.
func (h *history) play(look func() time.Duration, heard func(now time.Time) time.Time) (monitor.Check, verdicts) {
	c := h.check
	var v verdicts
	var recorded []monitor.Ping
	judge := func(now time.Time) {
		until := heard(now)
		if c.Unjudged != "" {
			var pings []monitor.Ping
			for _, p := range recorded {
				if p.N >= c.FirstUnjudged() {
					pings = append(pings, p)
				}
			}
			v.add(c.Fold(pings, until, h.known(until)))
			return
		}
		v.add(c.Judge(until, h.known(until)))
	}
	eager := look == nil
	if eager {
		look = func() time.Duration { return 7 * time.Hour }
	}
	next := t0.Add(look())
	for _, e := range h.events() {
		if eager {
			judge(e.at)
		}
		for ; !next.After(e.at); next = next.Add(look()) {
			judge(next)
		}
		if e.ping != nil {
			p := *e.ping
			v.flip(monitor.Take(&c, &p))
			recorded = append(recorded, p)
			continue
		}
		before := c
		v.flip(c.Acted(&before, e.act.do(&c, e.at), e.at))
	}
	for ; next.Before(h.end); next = next.Add(look()) {
		judge(next)
	}
	// at last everything is known
	heard = func(now time.Time) time.Time { return now }
	judge(h.end)
	return c, v
}

// histories is how many random histories are played.
const histories = 10000

// Whatever the speed of the watchers, and whenever they are away, the same history gives
// the same flips and the same unknown runs.
func TestTruthDoesNotDependOnTheSpeedOfWatchers(t *testing.T) {
	for seed := range uint64(histories) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a seed that can be repeated
		h := randomHistory(r)
		everything := func(now time.Time) time.Time { return now }
		fast, want := h.play(nil, everything)
		slow := func() time.Duration { return time.Duration(1+r.IntN(1+r.IntN(5000))) * time.Second }
		behind := func(now time.Time) time.Time { return now.Add(-time.Duration(r.IntN(40)) * time.Second) }
		late, got := h.play(slow, behind)
		slices.Sort(want.lines)
		slices.Sort(got.lines)
		if !slices.Equal(want.lines, got.lines) {
			t.Fatalf("seed %d: %s %v grace %v %q\nblinds %v\neager: %q\nslow:  %q", seed, h.check.Kind, h.check.Timeout, h.check.Grace,
				h.check.Schedule, h.blinds, want.lines, got.lines)
		}
		fast.WatchAt = time.Time{}
		late.WatchAt = time.Time{}
		if fast.State != late.State {
			t.Fatalf("seed %d:\neager %+v\nslow  %+v", seed, fast.State, late.State)
		}
	}
}

// No job that ran is down because its ping was lost, and each that did not is down, or
// named as unknown.
func TestTruthOfRandomHistories(t *testing.T) {
	lost := 0
	for seed := range uint64(histories) {
		r := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // a seed that can be repeated
		h := randomHistory(r)
		h.acts = nil
		c, v := h.play(nil, func(now time.Time) time.Time { return now })
		lost += len(v.lost)
		for _, f := range v.downs {
			if why := h.ranInTime(f.CreatedAt); why != "" {
				t.Fatalf("seed %d: down at %s although %s\n%q", seed, f.CreatedAt.Format(time.TimeOnly), why, v.lines)
			}
		}
		// dead for long enough: it is down, or its last run is unknown and it will be
		silent := h.end.Sub(h.diedAt)
		if len(h.pings) > 0 && silent > 2*(time.Hour+c.Grace) && c.Status != monitor.StatusDown {
			named := len(v.lost) > 0 && v.lost[len(v.lost)-1].Deadline.After(h.diedAt.Add(-time.Hour))
			if !named {
				t.Fatalf("seed %d: dead since %s, and %s\n%q", seed, h.diedAt.Format(time.TimeOnly), c.Status, v.lines)
			}
		}
	}
	if lost < histories/10 {
		t.Errorf("%d unknown runs in %d histories: these try little", lost, histories)
	}
}

// ranInTime says how the job ran in the window of a deadline unheard, "" = it did not.
func (h *history) ranInTime(deadline time.Time) string {
	due := deadline.Add(-h.check.Grace)
	for _, t := range h.ran {
		if t.After(deadline) || t.Before(due) {
			continue
		}
		for _, b := range h.blinds {
			if !t.Before(b.From) && !t.After(b.Until) {
				return "it pinged unheard at " + t.Format(time.TimeOnly)
			}
		}
	}
	return ""
}
