package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func minuteCheck(t *testing.T, s *store.Store) *monitor.Check {
	t.Helper()
	return makeCheck(t, s, testdb.Account(t, s), func(c *monitor.Check) {
		c.Timeout = time.Minute
		c.Grace = time.Minute
	})
}

func judges(t *testing.T, s *store.Store) store.Round {
	t.Helper()
	got, err := s.JudgeOverdue(t.Context(), 500)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func pingAt(t *testing.T, s *store.Store, c *monitor.Check, kind monitor.PingKind, scheme string, at time.Time) {
	t.Helper()
	a := &store.Arrival{Code: c.Code, Ping: monitor.Ping{CreatedAt: at, Kind: kind, Scheme: scheme}}
	err := s.RecordPings(t.Context(), []*store.Arrival{a})
	if err != nil || a.Err != nil {
		t.Fatal(err, a.Err)
	}
}

// A link signed for an unknown run must never hold for that of somebody else: the number
// of a run that is gone is not given again.
func TestTheNumberOfAnUnknownRunIsNotGivenAgain(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		lost := func(c *monitor.Check) int64 {
			t.Helper()
			signal(t, s, c, monitor.PingSuccess)
			outage(t, s, clock, 30*time.Minute)
			runs, err := s.UnknownRuns(t.Context(), c.ID, time.Time{}, time.Time{}, 0)
			if err != nil || len(runs) != 1 {
				t.Fatalf("%+v, %v", runs, err)
			}
			return runs[0].ID
		}
		mine := minuteCheck(t, s)
		first := lost(mine)
		if _, err := s.DeleteCheck(t.Context(), mine.Code); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Second)
		theirs := makeCheck(t, s, testdb.Account(t, s, "other@example.org"), func(c *monitor.Check) {
			c.Timeout = time.Minute
			c.Grace = time.Minute
		})
		if second := lost(theirs); second == first {
			t.Errorf("run %d of a deleted check and that of another owner have the same number", first)
		}
	})
}

// A ping that arrived behind the deadline by the clock of the taker is not forgotten when the
// watcher, whose clock is behind, looks before the deadline.
func TestAPingAheadOfTheWatchersClockIsNotForgotten(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := minuteCheck(t, s)
		start := clock.Now()
		pingAt(t, s, c, monitor.PingSuccess, "http", start)
		// the deadline moves on to +3 min, the look stays at +2 min
		pingAt(t, s, c, monitor.PingSuccess, "http", start.Add(time.Minute))
		// the clock of the taker is 2 s ahead
		pingAt(t, s, c, monitor.PingSuccess, "http", start.Add(3*time.Minute+time.Second))
		clock.Set(start.Add(3*time.Minute - time.Second))
		judges(t, s)
		after, err := s.CheckByID(t.Context(), c.ID)
		if err != nil || after.LastPing.Before(start.Add(3*time.Minute)) {
			t.Errorf("the last ping is forgotten: %s, %v", after.LastPing, err)
		}
		clock.Set(start.Add(3*time.Minute + 10*time.Second))
		judges(t, s)
		after, err = s.CheckByID(t.Context(), c.ID)
		if err != nil || after.Status != monitor.StatusUp {
			t.Errorf("%s, %v: a job that has just pinged", after.Status, err)
		}
	})
}

// A check that was pinged by mail, too, is not left unjudged when mail is taken no more.
func TestACheckIsJudgedAlthoughNobodyTakesMailAnyMore(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := minuteCheck(t, s)
		serve := newTaker(s, "serve", monitor.WayHTTP)
		smtpd := newTaker(s, "smtpd", monitor.WayMail)
		signs(t, s, serve)
		signs(t, s, smtpd)
		pingAt(t, s, c, monitor.PingSuccess, "email", clock.Now())
		clock.Advance(time.Second)
		pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
		clock.Advance(time.Second)
		signs(t, s, smtpd)
		stops(t, s, smtpd)
		found := 0
		for range 48 {
			clock.Advance(time.Hour)
			signs(t, s, serve)
			got := judges(t, s)
			found += len(got.Flips) + len(got.Unknown)
		}
		if found == 0 {
			t.Error("the job is dead for two days: neither down nor unknown, nobody is told")
		}
	})
}

// Where the mark of one way is a moment behind that of another, its checks are not put off
// for a second.
func TestAWayAMomentBehindIsJudgedAtOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := minuteCheck(t, s)
		serve := newTaker(s, "serve", monitor.WayHTTP)
		smtpd := newTaker(s, "smtpd", monitor.WayMail)
		signs(t, s, serve)
		signs(t, s, smtpd)
		pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
		clock.Advance(2*time.Minute - time.Millisecond)
		signs(t, s, serve)
		clock.Advance(2 * time.Millisecond)
		signs(t, s, smtpd)
		judges(t, s)
		clock.Advance(20 * time.Millisecond)
		signs(t, s, serve)
		signs(t, s, smtpd)
		if got := judges(t, s); len(got.Flips) != 1 {
			t.Errorf("%d flips 21 ms behind the deadline, all pings known", len(got.Flips))
		}
	})
}

// A start whose commit took long must not begin a run that has ended.
func TestAStartCommittedBehindItsSuccessBeginsNoRun(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := minuteCheck(t, s)
		start := clock.Now()
		pingAt(t, s, c, monitor.PingSuccess, "http", start)
		// taken by two processes, the second of which was faster
		pingAt(t, s, c, monitor.PingSuccess, "http", start.Add(40*time.Second))
		pingAt(t, s, c, monitor.PingStart, "http", start.Add(30*time.Second))
		clock.Set(start.Add(91 * time.Second))
		if got := judges(t, s); len(got.Flips) != 0 {
			t.Errorf("false: %+v", got.Flips[0])
		}
	})
}

// A success whose commit took long must not end a failure that came behind it.
func TestASuccessCommittedBehindAFailureDoesNotEndIt(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := minuteCheck(t, s)
		start := clock.Now()
		pingAt(t, s, c, monitor.PingSuccess, "http", start)
		pingAt(t, s, c, monitor.PingFail, "http", start.Add(40*time.Second))
		pingAt(t, s, c, monitor.PingSuccess, "http", start.Add(30*time.Second))
		after, err := s.CheckByID(t.Context(), c.ID)
		if err != nil || after.Status != monitor.StatusDown || after.LastPing.Before(start.Add(40*time.Second)) {
			t.Errorf("%s, last ping %s: its last word was a failure", after.Status, after.LastPing.Sub(start))
		}
	})
}

// A process that ends again and again in a place that is new each time, as containers have
// it, leaves no row behind that each look at the deadlines reads.
func TestTakersThatAreGoneAreNotReadForEver(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		for i := range 200 {
			crash := &monitor.Taker{ID: uuid.New(), Place: fmt.Sprint("container ", i), Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
			signs(t, s, crash)
			clock.Advance(40 * time.Second)
			falls(t, s, stored(t, s, crash))
		}
		if h := hearingOf(t, s); len(h.Takers) > 100 {
			t.Errorf("%d takers are read by each look", len(h.Takers))
		}
	})
}

// A machine that loses its power takes its watcher with it: nobody has noted that its taker is
// silent when it is back, in a place that is new, for the kernel has another boot id.
func TestAnOutageThatNobodyWatchedIsBlindUntilSomebodyListened(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := makeCheck(t, s, testdb.Account(t, s), func(c *monitor.Check) {
			c.Timeout = 10 * time.Minute
			c.Grace = time.Minute
		})
		before := newTaker(s, "boot 1", monitor.WayHTTP)
		pingAt(t, s, c, monitor.PingSuccess, "http", clock.Now())
		signs(t, s, before)
		clock.Advance(20 * time.Minute)
		after := newTaker(s, "boot 2", monitor.WayHTTP)
		signs(t, s, after)
		clock.Advance(31 * time.Second)
		signs(t, s, after)
		falls(t, s, stored(t, s, before))
		if got := judges(t, s); len(got.Flips) != 0 || len(got.Unknown) != 1 {
			t.Errorf("%d flips, %d unknown: the run fell into 20 minutes in which nobody listened", len(got.Flips), len(got.Unknown))
		}
	})
}

// A process that closes its listeners and takes a while to end is blind until the next one
// listened, although that one is there when it signs off.
func TestAnOrderlyStopIsBlindUntilTheNextOneListened(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		before := newTaker(s, "a", monitor.WayHTTP)
		signs(t, s, before)
		closed := clock.Advance(time.Minute)
		clock.Advance(15 * time.Second)
		after := newTaker(s, "b", monitor.WayHTTP)
		signs(t, s, after)
		clock.Advance(5 * time.Second)
		if err := s.TakerStopped(t.Context(), before, store.Sign{Mark: closed}); err != nil {
			t.Fatal(err)
		}
		wantBlinds(t, s, monitor.Blind{From: closed, Until: after.BeganAt, Ways: monitor.WayHTTP, Cause: monitor.CauseStopped})
	})
}
