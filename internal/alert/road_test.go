package alert_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/alert"
	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// publicRoad is the road from jobs to us, as it is asked.
type publicRoad struct {
	*fixture
	taker *monitor.Taker
	// what is asked does not arrive
	cut bool
	// how often the watcher has had it asked
	asked int
}

const publicAddress = "https://ping.example.org/"

func (f *fixture) road() *publicRoad { return &publicRoad{fixture: f, taker: f.taker("web")} }

// probe asks the address.
func (r *publicRoad) probe() {
	r.Helper()
	began := r.Now()
	if _, err := r.ClaimRoad(r.Context(), store.RoadOwn, publicAddress, 0); err != nil {
		r.Fatal(err)
	}
	if !r.cut {
		if err := r.RoadWorks(r.Context(), store.RoadOwn, began); err != nil {
			r.Fatal(err)
		}
		return
	}
	r.sign(r.taker)
	stored, err := r.RoadFailed(r.Context(), store.RoadOwn, began, "no answer")
	if err != nil || !stored {
		r.Fatalf("a failure is not stored: %v", err)
	}
}

func (r *publicRoad) known() bool {
	states, err := r.RoadStates(r.Context())
	return err == nil && len(states) == 1 && states[0].Known(r.Now())
}

// watched is a configuration in which flips wait for the road.
func (r *publicRoad) watched() alert.Config {
	cfg := r.config()
	// it is asked within the transaction of the watcher, so that it must not ask the database
	known := r.known()
	cfg.Road = alert.Road{Known: func() bool { return known }, Ask: func(context.Context) { r.asked++; r.probe() }}
	return cfg
}

// look judges what can be judged.
func (r *publicRoad) look() alert.Round {
	r.Helper()
	r.sign(r.taker)
	round, err := alert.NewWatcher(r.watched()).RunOnce(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return round
}

// downAt is when the check went down first; zero: it has not.
func (f *fixture) downAt(code uuid.UUID) (at time.Time) {
	f.Helper()
	c, err := f.CheckByCode(f.Context(), code)
	if err != nil {
		f.Fatal(err)
	}
	flips, err := f.Flips(f.Context(), c.ID, store.FlipFilter{})
	if err != nil {
		f.Fatal(err)
	}
	for _, flip := range flips {
		if flip.New == monitor.StatusDown && (at.IsZero() || flip.CreatedAt.Before(at)) {
			at = flip.CreatedAt
		}
	}
	return at
}

// unknownOf is how many runs of the check are unknown.
func (f *fixture) unknownOf(code uuid.UUID) (n int) {
	f.Helper()
	err := f.DB().QueryRow(f.Context(), `SELECT count(*) FROM unknown_runs r JOIN checks c ON c.id = r.check_id WHERE c.code = $1`, code).Scan(&n)
	if err != nil {
		f.Fatal(err)
	}
	return n
}

// roadBlinds are the intervals that failures of the address have begun, the oldest first.
func (f *fixture) roadBlinds() (out []monitor.Blind) {
	f.Helper()
	var b monitor.Blind
	err := f.DB().Each(f.Context(), []any{db.Time(&b.From), db.Time(&b.Until), &b.Ways}, func() { out = append(out, b) },
		`SELECT b.began_at, b.ended_at, b.ways FROM blind_intervals b WHERE b.cause = $1 ORDER BY b.began_at`, string(monitor.CauseUnreachable))
	if err != nil {
		f.Fatal(err)
	}
	return out
}

func (f *fixture) grace(codes []uuid.UUID, grace time.Duration) {
	f.Helper()
	for _, code := range codes {
		_, err := f.UpdateCheck(f.Context(), code, func(c *store.CheckChange) error { c.Grace = grace; return nil })
		if err != nil {
			f.Fatal(err)
		}
	}
}

// life lets jobs run every minute for a time: in steps of five seconds the jobs that are
// due ping where the road is open, it is asked every 30 s, and the watcher looks.
func (r *publicRoad) life(d time.Duration, alive []uuid.UUID, each func()) {
	r.Helper()
	for end := r.Now().Add(d); r.Now().Before(end); {
		now := r.clock.Advance(5 * time.Second)
		if each != nil {
			each()
		}
		if now.Second() == 10 && !r.cut {
			r.ping(monitor.PingSuccess, alive...)
		}
		if now.Second()%30 == 0 {
			r.probe()
		}
		r.look()
	}
}

// The road is cut for three minutes, at every moment of a minute: no job that is alive is
// told down, and each that is not is, soon.
func TestARoadThatIsCutIsNoFalseAlarm(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for offset := time.Duration(0); offset < time.Minute; offset += 20 * time.Second {
			alive := f.checks(30, f.Now().Add(time.Minute))
			f.grace(alive[15:], 10*time.Minute)
			dead := f.checks(2, f.Now().Add(time.Minute))
			f.grace(dead[1:], 10*time.Minute)
			r := f.road()
			before := len(f.roadBlinds())
			all := append(append([]uuid.UUID(nil), alive...), dead...)
			r.life(3*time.Minute, all, nil)
			r.life(offset, all, nil)
			lastGood := f.Now().Truncate(30 * time.Second)
			r.cut = true
			r.life(3*time.Minute, alive, nil)
			r.cut = false
			r.life(30*time.Second, alive, nil)
			blinds := f.roadBlinds()[before:]
			if len(blinds) != 1 || !blinds[0].From.Equal(lastGood) || blinds[0].Until.IsZero() || blinds[0].Ways != monitor.WayHTTP {
				t.Fatalf("cut %v after a minute: intervals %+v, the last good answer was at %v", offset, blinds, lastGood)
			}
			r.life(15*time.Minute, alive, nil)
			for i, code := range alive {
				if at := f.downAt(code); !at.IsZero() {
					t.Errorf("cut %v after a minute: job %d is alive and was told down at %v", offset, i, at)
				}
			}
			for _, code := range dead {
				if f.downAt(code).IsZero() {
					t.Errorf("cut %v after a minute: a dead job was not told within 15 minutes, %d runs are unknown", offset, f.unknownOf(code))
				}
			}
		}
	})
}

// Where the address was never seen to work from here, nothing waits: one message tells of
// all that are silent.
func TestARoadThatNobodyKnowsHoldsNothingUp(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		codes := f.checks(30, f.Now())
		f.sink.digests = true
		f.channel(sinkConfig{To: "sink"})
		r := f.road()
		r.cut = true
		r.probe()
		f.clock.Advance(time.Minute)
		if round := r.look(); round.Flips != 30 || r.asked != 0 {
			t.Fatalf("round %+v, the address was asked %d times", round, r.asked)
		}
		if blinds := f.roadBlinds(); len(blinds) != 0 {
			t.Errorf("intervals %+v", blinds)
		}
		f.dispatch(f.config())
		f.until("all are told", func() bool { return f.backlog() == 0 })
		if messages := f.sink.digested(); len(messages) != 1 || len(messages[0]) != 30 {
			t.Errorf("%d messages, the first of %d checks; want one of 30", len(messages), len(messages[0]))
		}
		for _, code := range codes {
			if f.downAt(code).IsZero() {
				t.Error("a check is not down")
			}
		}
	})
}

func TestOneDeadJobAsksNobody(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		r := f.road()
		for range 4 {
			f.checks(1, f.Now())
			r.probe()
			f.clock.Advance(time.Minute)
			if round := r.look(); round.Flips != 1 {
				t.Fatalf("round %+v", round)
			}
			f.clock.Advance(2 * time.Minute)
		}
		if r.asked != 0 {
			t.Errorf("the address was asked %d times", r.asked)
		}
	})
}

// Many fall silent at once. Where the address answers they are down in the same round;
// where it does not, nobody is.
func TestManySilentAtOnceAskTheRoad(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		r := f.road()
		f.checks(6, f.Now())
		r.probe()
		f.clock.Advance(time.Minute)
		if round := r.look(); round.Flips != 6 || r.asked != 1 {
			t.Fatalf("round %+v, the address was asked %d times", round, r.asked)
		}
		f.clock.Advance(10 * time.Minute)
		r.probe()
		f.clock.Advance(time.Second)
		hidden := f.checks(6, f.Now().Add(-time.Minute))
		r.cut = true
		if round := r.look(); round.Flips != 0 || r.asked != 2 {
			t.Fatalf("round %+v, the address was asked %d times", round, r.asked)
		}
		if round := r.look(); round.Flips+round.Unknown != 0 {
			t.Fatalf("while the interval goes on: %+v", round)
		}
		f.clock.Advance(10 * time.Second)
		r.cut = false
		r.probe()
		if round := r.look(); round.Flips != 0 || round.Unknown != 6 {
			t.Errorf("afterwards: %+v", round)
		}
		f.clock.Advance(2*time.Minute - time.Second)
		if round := r.look(); round.Flips != 0 {
			t.Errorf("before the next deadline: %+v", round)
		}
		f.clock.Advance(time.Second)
		if round := r.look(); round.Flips != 6 || !f.downAt(hidden[0]).Equal(f.Now()) {
			t.Errorf("at the next deadline: %+v", round)
		}
	})
}

// What other processes have judged counts, too.
func TestSilenceIsThatOfTheWholeInstance(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		r := f.road()
		r.probe()
		f.checks(4, f.Now().Add(-time.Minute))
		r.sign(r.taker)
		if _, err := alert.NewWatcher(f.config()).RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		w := alert.NewWatcher(r.watched())
		for i := range 2 {
			f.clock.Advance(time.Second)
			f.checks(1, f.Now().Add(-time.Minute))
			r.sign(r.taker)
			if round, err := w.RunOnce(t.Context()); err != nil || round.Flips != 1 || r.asked != i {
				t.Fatalf("round %+v, asked %d times, %v", round, r.asked, err)
			}
		}
	})
}

// The address fails for ever, or now and then: at most an hour of any two is hidden, and
// what is dead is named.
func TestARoadThatFailsHidesNobodyForLong(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for name, cut := range map[string]func(minute int) bool{
			"for ever":                  func(int) bool { return true },
			"every other minute":        func(minute int) bool { return minute%2 == 0 },
			"for ten minutes of eleven": func(minute int) bool { return minute%11 != 0 },
		} {
			before := len(f.roadBlinds())
			dead := f.checks(1, f.Now().Add(10*time.Second))[0]
			r := f.road()
			r.probe()
			began := f.Now()
			for minute := range 240 {
				r.cut = cut(minute)
				f.clock.Advance(time.Minute)
				r.probe()
				r.look()
				if minute == 16 && f.unknownOf(dead) == 0 && f.downAt(dead).IsZero() {
					t.Errorf("%s: the dead job is not named after %v", name, f.Now().Sub(began))
				}
				if minute == 80 && f.downAt(dead).IsZero() {
					t.Errorf("%s: the dead job is not down after %v", name, f.Now().Sub(began))
				}
			}
			blinds := f.roadBlinds()[before:]
			if len(blinds) == 0 {
				t.Fatalf("%s: no interval", name)
			}
			for end := began; end.Before(f.Now()); end = end.Add(time.Minute) {
				if hidden := hiddenIn(blinds, end.Add(-2*time.Hour), end); hidden > time.Hour {
					t.Fatalf("%s: %v of the two hours before %v are hidden", name, hidden, end)
				}
			}
			r.cut = false
			f.clock.Advance(3 * time.Hour)
			r.probe()
		}
	})
}

// hiddenIn is how much of a time lies in the intervals, which do not overlap.
func hiddenIn(blinds []monitor.Blind, from, until time.Time) (sum time.Duration) {
	for _, b := range blinds {
		begin := b.From
		if begin.Before(from) {
			begin = from
		}
		end := b.Until
		if end.IsZero() || end.After(until) {
			end = until
		}
		if end.After(begin) {
			sum += end.Sub(begin)
		}
	}
	return sum
}
