package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// outage is a time in which nobody listens: what is unknown by it is judged.
func outage(t *testing.T, s *store.Store, clock *testdb.Clock, lasts time.Duration) {
	t.Helper()
	sign := func(taker *monitor.Taker) {
		if err := s.SignTaker(t.Context(), taker, store.Sign{Mark: clock.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	before := &monitor.Taker{ID: uuid.New(), Place: "a", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
	sign(before)
	if err := s.TakerStopped(t.Context(), before, store.Sign{Mark: clock.Now()}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(lasts)
	after := &monitor.Taker{ID: uuid.New(), Place: "a", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now()}
	sign(after)
	if _, err := s.JudgeOverdue(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if err := s.TakerStopped(t.Context(), after, store.Sign{Mark: clock.Now()}); err != nil {
		t.Fatal(err)
	}
}

func TestVerdictsOfUnknownRuns(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		c := makeCheck(t, s, testdb.Account(t, s), func(c *monitor.Check) {
			c.Timeout = time.Minute
			c.Grace = time.Minute
		})
		ping := func() {
			t.Helper()
			signal(t, s, c, monitor.PingSuccess)
		}
		ping()
		began := clock.Now()
		outage(t, s, clock, 30*time.Minute)
		clock.Advance(time.Second)
		ping()
		clock.Advance(time.Second)
		outage(t, s, clock, 30*time.Minute)
		runs, err := s.UnknownRuns(t.Context(), c.ID, time.Time{}, time.Time{}, 0)
		if err != nil || len(runs) != 2 || !runs[0].Deadline.After(runs[1].Deadline) {
			t.Fatalf("%+v, %v", runs, err)
		}
		first := runs[1]
		if first.Cause != monitor.CauseStopped || !first.BlindFrom.Equal(began) || !first.BlindUntil.Equal(began.Add(30*time.Minute)) ||
			!first.Due.Equal(began.Add(time.Minute)) {
			t.Errorf("%+v", first)
		}
		for _, f := range []struct {
			from, until time.Time
			limit, want int
		}{{first.Deadline, runs[0].Deadline, 0, 1}, {runs[0].Deadline, time.Time{}, 0, 1}, {time.Time{}, time.Time{}, 1, 1},
			{time.Time{}, first.Deadline, 0, 0}} {
			got, err := s.UnknownRuns(t.Context(), c.ID, f.from, f.until, f.limit)
			if err != nil || len(got) != f.want {
				t.Errorf("%+v: %d runs, %v", f, len(got), err)
			}
		}
		before, err := s.CheckByID(t.Context(), c.ID)
		if err != nil || before.RecentRuns != "u?u?" || !before.LastRunUnknown() {
			t.Fatalf("%q, %v", before.RecentRuns, err)
		}
		said, err := s.SetVerdict(t.Context(), first.ID, monitor.VerdictFail, "jane@example.org")
		if err != nil || said.Verdict != monitor.VerdictFail || said.VerdictBy != "jane@example.org" || !said.VerdictAt.Equal(clock.Now()) {
			t.Errorf("%+v, %v", said, err)
		}
		again, err := s.SetVerdict(t.Context(), first.ID, monitor.VerdictSuccess, "joe@example.org")
		if errs.KindOf(err) != errs.Conflict || again == nil || again.VerdictBy != "jane@example.org" {
			t.Errorf("said twice: %+v, %v", again, err)
		}
		_, err = s.SetVerdict(t.Context(), 12345, monitor.VerdictFail, "jane@example.org")
		wantKind(t, "a run that is not there", err, errs.NotFound)
		after, of, err := s.UnknownRun(t.Context(), first.ID)
		if err != nil || *after != *said || of.ID != c.ID {
			t.Errorf("%+v, %v, want %+v", after, err, said)
		}
		if of.RecentRuns != "udu?" || of.Status != before.Status || !of.DueAt.Equal(before.DueAt) {
			t.Errorf("the check is %+v after the verdict", of.State)
		}
		if flips, err := s.Flips(t.Context(), c.ID, store.FlipFilter{}); err != nil || len(flips) != 1 {
			t.Errorf("flips %+v, %v", flips, err)
		}
		h, err := s.History(t.Context(), c.ID, 1, 100)
		if err != nil || len(h.Unknown) != 2 || h.Unknown[0].ID != first.ID {
			t.Errorf("the history has %+v, %v", h.Unknown, err)
		}
		if err := s.ClearEvents(t.Context(), c.Code); err != nil {
			t.Fatal(err)
		}
		if left, err := s.UnknownRuns(t.Context(), c.ID, time.Time{}, time.Time{}, 0); err != nil || len(left) != 0 {
			t.Errorf("cleared, and there are %+v, %v", left, err)
		}
	})
}
