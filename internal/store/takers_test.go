package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// newTaker is a process that listens since now.
func newTaker(s *store.Store, place string, ways monitor.Ways) *monitor.Taker {
	return &monitor.Taker{ID: uuid.New(), Host: "host-" + place, Place: place, Role: "serve", Ways: ways, BeganAt: s.Now()}
}

// signs lets a taker tell that it has all pings until now.
func signs(t *testing.T, s *store.Store, taker *monitor.Taker) {
	t.Helper()
	if err := s.SignTaker(t.Context(), taker, store.Sign{Mark: s.Now()}); err != nil {
		t.Fatal(err)
	}
}

func stops(t *testing.T, s *store.Store, taker *monitor.Taker) {
	t.Helper()
	if err := s.TakerStopped(t.Context(), taker, store.Sign{Mark: s.Now()}); err != nil {
		t.Fatal(err)
	}
}

func hearingOf(t *testing.T, s *store.Store) store.Hearing {
	t.Helper()
	h, err := s.Hearing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// stored is a taker as it is stored, nil where it is not.
func stored(t *testing.T, s *store.Store, taker *monitor.Taker) *monitor.Taker {
	t.Helper()
	h := hearingOf(t, s)
	i := slices.IndexFunc(h.Takers, func(other monitor.Taker) bool { return other.ID == taker.ID })
	if i < 0 {
		return nil
	}
	return &h.Takers[i]
}

// falls stores that a taker is silent, by what is known of it.
func falls(t *testing.T, s *store.Store, known *monitor.Taker) bool {
	t.Helper()
	dropped, err := s.TakerSilent(t.Context(), known)
	if err != nil {
		t.Fatal(err)
	}
	return dropped
}

// wantBlinds compares all intervals that are stored, in the order they were in.
func wantBlinds(t *testing.T, s *store.Store, want ...monitor.Blind) {
	t.Helper()
	var got []monitor.Blind
	var b monitor.Blind
	err := s.DB().Each(t.Context(), []any{db.Time(&b.From), db.Time(&b.Until), &b.Ways, &b.CheckID, &b.Cause},
		func() { got = append(got, b) },
		`SELECT began_at, ended_at, ways, coalesce(check_id, 0), cause FROM blind_intervals ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	diff := cmp.Diff(want, got)
	if diff != "" {
		t.Errorf("intervals (-want +stored):\n%s", diff)
	}
}

// marksAmongPings is how many takers have left a mark in the table of pings.
func marksAmongPings(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	if err := s.DB().QueryRow(t.Context(), `SELECT count(*) FROM pings WHERE check_id = -1`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestATakerCountsFromItsFirstSign(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayBoth)
		clock.Advance(time.Second)
		signs(t, s, a)
		want := *a
		want.MarkAt = clock.Now()
		want.SeenAt = clock.Now()
		want.Counts = true
		diff := cmp.Diff(&want, stored(t, s, a))
		if diff != "" {
			t.Errorf("after the first sign (-want +stored):\n%s", diff)
		}
		mark := clock.Advance(5 * time.Second)
		clock.Advance(time.Second)
		if err := s.SignTaker(t.Context(), a, store.Sign{Mark: mark}); err != nil {
			t.Fatal(err)
		}
		want.MarkAt = mark
		want.SeenAt = clock.Now()
		diff = cmp.Diff(&want, stored(t, s, a))
		if diff != "" {
			t.Errorf("after the second (-want +stored):\n%s", diff)
		}
		if n := marksAmongPings(t, s); n != 1 {
			t.Errorf("%d rows among the pings, want 1", n)
		}
		wantBlinds(t, s)
	})
}

func TestTheFirstSignEndsIntervalsOfItsWays(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayBoth)
		signs(t, s, a)
		stopped := clock.Now()
		stops(t, s, a)
		clock.Advance(time.Minute)
		b := newTaker(s, "b", monitor.WayHTTP)
		clock.Advance(time.Second)
		signs(t, s, b)
		http := monitor.Blind{From: stopped, Until: b.BeganAt, Ways: monitor.WayHTTP, Cause: monitor.CauseStopped}
		mail := monitor.Blind{From: stopped, Ways: monitor.WayMail, Cause: monitor.CauseStopped}
		wantBlinds(t, s, http, mail)

		clock.Advance(time.Minute)
		signs(t, s, newTaker(s, "c", monitor.WayMail))
		mail.Until = clock.Now()
		wantBlinds(t, s, http, mail)
	})
}

// The new process listens already when the old one ends, but has not signed yet.
func TestAnIntervalEndsWhereItBeganIfSomebodyListenedAlready(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayHTTP)
		signs(t, s, a)
		b := newTaker(s, "b", monitor.WayHTTP)
		stopped := clock.Advance(time.Second)
		stops(t, s, a)
		clock.Advance(time.Second)
		signs(t, s, b)
		wantBlinds(t, s, monitor.Blind{From: stopped, Until: stopped, Ways: monitor.WayHTTP, Cause: monitor.CauseStopped})
	})
}

func TestAnOrderlyStopIsBlindOnlyWhereNobodyElseListens(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayBoth)
		b := newTaker(s, "b", monitor.WayHTTP)
		signs(t, s, a)
		signs(t, s, b)
		stopped := clock.Advance(time.Second)
		stops(t, s, a)
		mail := monitor.Blind{From: stopped, Ways: monitor.WayMail, Cause: monitor.CauseStopped}
		wantBlinds(t, s, mail)
		if stored(t, s, a) != nil || marksAmongPings(t, s) != 1 {
			t.Errorf("what has stopped is still there: %+v, %d rows among the pings", stored(t, s, a), marksAmongPings(t, s))
		}
		// a second time changes nothing
		stops(t, s, a)
		wantBlinds(t, s, mail)

		stopped = clock.Advance(time.Second)
		stops(t, s, b)
		wantBlinds(t, s, mail, monitor.Blind{From: stopped, Ways: monitor.WayHTTP, Cause: monitor.CauseStopped})
	})
}

func TestAnOrderlyStopDoesNotRelyOnOneThatMayBeDead(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		signs(t, s, newTaker(s, "b", monitor.WayHTTP))
		a := newTaker(s, "a", monitor.WayHTTP)
		stopped := clock.Advance(store.TakerTimeout + time.Microsecond)
		signs(t, s, a)
		stops(t, s, a)
		wantBlinds(t, s, monitor.Blind{From: stopped, Ways: monitor.WayHTTP, Cause: monitor.CauseStopped})
	})
}

func TestASecondTakerAtAPlaceEndsTheFirst(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayHTTP)
		other := newTaker(s, "other", monitor.WayHTTP)
		signs(t, s, a)
		mark := clock.Now()
		clock.Advance(10 * time.Second)
		signs(t, s, other)
		again := newTaker(s, "a", monitor.WayHTTP)
		clock.Advance(time.Second)
		signs(t, s, again)
		// pings were sent to that place, although another taker listened
		wantBlinds(t, s, monitor.Blind{From: mark, Until: again.BeganAt, Ways: monitor.WayHTTP, Cause: monitor.CauseKilled})
		if stored(t, s, a) != nil || stored(t, s, other) == nil || marksAmongPings(t, s) != 2 {
			t.Errorf("takers %+v, %d rows among the pings", hearingOf(t, s).Takers, marksAmongPings(t, s))
		}
	})
}

// One was killed, the watcher has not seen it yet, and the last one that listened stops:
// what goes on begins with the first.
func TestAnIntervalThatGoesOnBeginsWhereTheFirstDid(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayHTTP)
		b := newTaker(s, "b", monitor.WayHTTP)
		signs(t, s, a)
		mark := clock.Now()
		clock.Advance(store.TakerTimeout + time.Second)
		signs(t, s, b)
		stops(t, s, b)
		clock.Advance(time.Second)
		again := newTaker(s, "a", monitor.WayHTTP)
		signs(t, s, again)
		wantBlinds(t, s, monitor.Blind{From: mark, Until: again.BeganAt, Ways: monitor.WayHTTP, Cause: monitor.CauseStopped})
	})
}

func TestASecondTakerAtThePlaceOfASilentOneAddsNoInterval(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayHTTP)
		signs(t, s, a)
		mark := clock.Now()
		clock.Advance(store.TakerTimeout)
		falls(t, s, stored(t, s, a))
		clock.Advance(time.Minute)
		again := newTaker(s, "a", monitor.WayHTTP)
		signs(t, s, again)
		wantBlinds(t, s, monitor.Blind{From: mark, Until: again.BeganAt, Ways: monitor.WayHTTP, Cause: monitor.CauseSilent})
		if stored(t, s, a) != nil {
			t.Error("the silent one is still remembered")
		}
	})
}

func TestATakerIsSilentOnlyIfItHasNotWrittenSince(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayHTTP)
		signs(t, s, a)
		before := stored(t, s, a)
		clock.Advance(time.Microsecond)
		signs(t, s, a)
		if falls(t, s, before) || !stored(t, s, a).Counts {
			t.Error("it has written since, and does not count")
		}
		wantBlinds(t, s)
		mark := clock.Now()
		known := stored(t, s, a)
		clock.Advance(store.TakerTimeout)
		if !falls(t, s, known) || stored(t, s, a).Counts {
			t.Error("it has not written since, and counts")
		}
		if falls(t, s, known) {
			t.Error("it is stored as silent twice")
		}
		wantBlinds(t, s, monitor.Blind{From: mark, Ways: monitor.WayHTTP, Cause: monitor.CauseSilent})
	})
}

func TestASilentTakerIsBlindForAWhileWhereOthersListen(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayBoth)
		b := newTaker(s, "b", monitor.WayHTTP)
		signs(t, s, a)
		mark := clock.Now()
		clock.Advance(store.TakerTimeout + 2*time.Second)
		signs(t, s, b)
		falls(t, s, stored(t, s, a))
		wantBlinds(t, s,
			monitor.Blind{From: mark, Until: mark.Add(store.TakerTimeout), Ways: monitor.WayHTTP, Cause: monitor.CauseSilent},
			monitor.Blind{From: mark, Ways: monitor.WayMail, Cause: monitor.CauseSilent})
	})
}

func TestASilentTakerThatWritesAgainCounts(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayHTTP)
		signs(t, s, a)
		mark := clock.Now()
		clock.Advance(store.TakerTimeout)
		falls(t, s, stored(t, s, a))
		back := clock.Advance(time.Hour)
		signs(t, s, a)
		got := stored(t, s, a)
		if !got.Counts || !got.BeganAt.Equal(back) || !got.MarkAt.Equal(back) || !got.SeenAt.Equal(back) {
			t.Errorf("it is back: %+v", got)
		}
		wantBlinds(t, s, monitor.Blind{From: mark, Until: back, Ways: monitor.WayHTTP, Cause: monitor.CauseSilent})
	})
}

func TestRefusalsAreIntervalsOfTheirCheckAlone(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		one := testdb.Account(t, s)
		two := testdb.Account(t, s, "two@example.org")
		_, err := s.UpdateCheck(t.Context(), two.Check.Code, func(c *store.CheckChange) error { c.Slug = "backup"; return nil })
		if err != nil {
			t.Fatal(err)
		}
		a := newTaker(s, "a", monitor.WayBoth)
		signs(t, s, a)
		at := clock.Now()
		clock.Advance(time.Second)
		err = s.SignTaker(t.Context(), a, store.Sign{Mark: clock.Now(), Refused: []store.Refusal{
			{Code: one.Check.Code, First: at, Last: at, Way: monitor.WayHTTP},
			{Code: uuid.New(), First: at, Last: at, Way: monitor.WayHTTP},
			{PingKey: two.Project.PingKey, Slug: "backup", First: at.Add(time.Millisecond), Last: at.Add(time.Millisecond), Way: monitor.WayMail},
			{PingKey: two.Project.PingKey, Slug: "none", First: at, Last: at, Way: monitor.WayHTTP},
			{PingKey: one.Project.PingKey, Slug: "backup", First: at, Last: at, Way: monitor.WayHTTP},
		}})
		if err != nil {
			t.Fatal(err)
		}
		wantBlinds(t, s,
			monitor.Blind{From: at, Until: at, Ways: monitor.WayHTTP, CheckID: one.Check.ID, Cause: monitor.CauseRefused},
			monitor.Blind{From: at.Add(time.Millisecond), Until: at.Add(time.Millisecond), Ways: monitor.WayMail, CheckID: two.Check.ID,
				Cause: monitor.CauseRefused})
		if open := hearingOf(t, s).Open; len(open) != 0 {
			t.Errorf("open: %+v", open)
		}
	})
}

func TestGapsAreStoredWithTheMark(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayBoth)
		signs(t, s, a)
		asleep := monitor.Blind{From: clock.Now(), Until: clock.Advance(time.Minute), Ways: monitor.WayBoth, Cause: monitor.CauseSuspended}
		err := s.SignTaker(t.Context(), a, store.Sign{Mark: clock.Now(), Gaps: []monitor.Blind{asleep}})
		if err != nil {
			t.Fatal(err)
		}
		wantBlinds(t, s, asleep)
		deaf := monitor.Blind{From: clock.Now(), Until: clock.Advance(time.Second), Ways: monitor.WayBoth, Cause: monitor.CauseNotAccepting}
		if err := s.TakerStopped(t.Context(), a, store.Sign{Mark: clock.Now(), Gaps: []monitor.Blind{deaf}}); err != nil {
			t.Fatal(err)
		}
		wantBlinds(t, s, asleep, deaf,
			monitor.Blind{From: clock.Now(), Ways: monitor.WayHTTP, Cause: monitor.CauseStopped},
			monitor.Blind{From: clock.Now(), Ways: monitor.WayMail, Cause: monitor.CauseStopped})
	})
}

func TestOnlyATakerThatDoesNotCountIsForgotten(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayHTTP)
		b := newTaker(s, "b", monitor.WayHTTP)
		signs(t, s, a)
		clock.Advance(store.TakerTimeout)
		signs(t, s, b)
		forget := func(id uuid.UUID) bool {
			t.Helper()
			ok, err := s.ForgetTaker(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if forget(a.ID) || forget(uuid.New()) {
			t.Error("one that counts, or that is not there, was forgotten")
		}
		falls(t, s, stored(t, s, a))
		if !forget(a.ID) || forget(a.ID) {
			t.Error("a silent one is not forgotten, or twice")
		}
		if stored(t, s, a) != nil || stored(t, s, b) == nil || marksAmongPings(t, s) != 1 {
			t.Errorf("left: %+v, %d rows among the pings", hearingOf(t, s).Takers, marksAmongPings(t, s))
		}
	})
}

func TestSilentTakersAreRememberedForAWeek(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := newTaker(s, "a", monitor.WayHTTP)
		signs(t, s, a)
		seen := clock.Now()
		clock.Advance(store.TakerTimeout)
		falls(t, s, stored(t, s, a))
		clock.Set(seen.Add(7 * 24 * time.Hour))
		b := newTaker(s, "b", monitor.WayHTTP)
		signs(t, s, b)
		if stored(t, s, a) == nil {
			t.Error("it is forgotten before a week is over")
		}
		clock.Advance(time.Microsecond)
		// b counts, and is as old as that
		signs(t, s, newTaker(s, "c", monitor.WayHTTP))
		if stored(t, s, a) != nil || stored(t, s, b) == nil || marksAmongPings(t, s) != 2 {
			t.Errorf("after a week: %+v, %d rows among the pings", hearingOf(t, s).Takers, marksAmongPings(t, s))
		}
	})
}

func TestUntilWhenAllPingsAreKnown(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	// in seconds before now
	before := func(seconds int) time.Time { return now.Add(-time.Duration(seconds) * time.Second) }
	taker := func(ways monitor.Ways, mark int) monitor.Taker {
		return monitor.Taker{Ways: ways, MarkAt: before(mark), Counts: true}
	}
	silent := func(ways monitor.Ways, mark int) monitor.Taker {
		return monitor.Taker{Ways: ways, MarkAt: before(mark)}
	}
	open := func(way monitor.Ways, from int) monitor.Blind { return monitor.Blind{Ways: way, From: before(from)} }
	for _, c := range []struct {
		name   string
		takers []monitor.Taker
		open   []monitor.Blind
		// seconds before now
		http, mail, both, furthest int
	}{
		{"nobody has ever listened", nil, nil, 0, 0, 0, 0},
		{"one", []monitor.Taker{taker("http", 3)}, nil, 3, 0, 3, 3},
		{"one for both ways", []monitor.Taker{taker("http mail", 3)}, nil, 3, 3, 3, 3},
		{"the least mark of two", []monitor.Taker{taker("http", 3), taker("http", 9)}, nil, 9, 0, 9, 9},
		{"each way by itself", []monitor.Taker{taker("http", 9), taker("mail", 2)}, nil, 9, 2, 9, 2},
		{"mail behind", []monitor.Taker{taker("http", 2), taker("mail", 9)}, nil, 2, 9, 9, 2},
		{"one that is silent", []monitor.Taker{taker("http", 3), silent("http", 99)}, nil, 3, 0, 3, 3},
		{"an interval goes on", []monitor.Taker{silent("http", 99)}, []monitor.Blind{open("http", 99)}, 99, 0, 99, 99},
		{"an interval of the other way", []monitor.Taker{taker("mail", 3)}, []monitor.Blind{open("http", 99)}, 99, 3, 99, 3},
		{"of mail only, which was never taken by the other", []monitor.Taker{taker("http", 3)}, []monitor.Blind{open("mail", 50)}, 3, 50, 50, 3},
		{"of both", nil, []monitor.Blind{open("http", 99), open("mail", 50)}, 99, 50, 99, 50},
	} {
		h := store.Hearing{Now: now, Takers: c.takers, Open: c.open}
		for _, want := range []struct {
			what    string
			got     time.Time
			seconds int
		}{
			{"http", h.Heard(monitor.WayHTTP), c.http}, {"mail", h.Heard(monitor.WayMail), c.mail}, {"both", h.Heard(monitor.WayBoth), c.both},
			{"furthest", h.Furthest(), c.furthest},
		} {
			if !want.got.Equal(before(want.seconds)) {
				t.Errorf("%s: %s is known until %s before now, want %d s", c.name, want.what, now.Sub(want.got), want.seconds)
			}
		}
	}
}

func TestHowLongPingsMayHaveBeenLost(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		began := clock.Now()
		at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
		a := newTaker(s, "a", monitor.WayBoth)
		signs(t, s, a)
		clock.Set(at(1000))
		one := testdb.Account(t, s)
		err := s.SignTaker(t.Context(), a, store.Sign{Mark: clock.Now(),
			Gaps: []monitor.Blind{
				{From: at(50), Until: at(110), Ways: monitor.WayBoth, Cause: monitor.CauseSuspended},
				{From: at(100), Until: at(120), Ways: monitor.WayHTTP, Cause: monitor.CauseNotAccepting},
				{From: at(105), Until: at(115), Ways: monitor.WayMail, Cause: monitor.CauseNotAccepting},
				{From: at(300), Until: at(310), Ways: monitor.WayHTTP, Cause: monitor.CauseSuspended},
				{From: at(10), Until: at(20), Ways: monitor.WayHTTP, Cause: monitor.CauseSuspended},
			},
			// of one check alone
			Refused: []store.Refusal{{Code: one.Check.Code, First: at(500), Last: at(500), Way: monitor.WayHTTP}},
		})
		if err != nil {
			t.Fatal(err)
		}
		stops(t, s, a)
		clock.Set(at(1030))
		got, err := s.BlindSince(t.Context(), at(60))
		want := store.BlindTime{Total: 100 * time.Second, ByCause: map[monitor.Cause]time.Duration{
			monitor.CauseSuspended: 60 * time.Second, monitor.CauseNotAccepting: 20 * time.Second, monitor.CauseStopped: 30 * time.Second,
		}}
		diff := cmp.Diff(want, got)
		if diff != "" || err != nil {
			t.Errorf("%v, blind (-want +got):\n%s", err, diff)
		}
		last, err := s.LastBlinds(t.Context(), 2)
		if err != nil || len(last) != 2 || !last[0].Until.Equal(at(310)) || !last[1].Until.Equal(at(120)) {
			t.Errorf("the last two that are over: %+v, %v", last, err)
		}
		last, err = s.LastBlinds(t.Context(), 10)
		if err != nil || len(last) != 5 {
			t.Errorf("all that are over: %+v, %v", last, err)
		}
	})
}

func TestUnknownRunsAreCountedFromAMomentOn(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		account := testdb.Account(t, s)
		a := newTaker(s, "a", monitor.WayHTTP)
		signs(t, s, a)
		if err := s.RecordPings(t.Context(), []*store.Arrival{arrival(s, account.Check.Code, monitor.PingSuccess)}); err != nil {
			t.Fatal(err)
		}
		deadline := clock.Now().Add(account.Check.Timeout + account.Check.Grace)
		clock.Set(deadline.Add(-time.Second))
		stops(t, s, a)
		clock.Advance(time.Minute)
		signs(t, s, newTaker(s, "a", monitor.WayHTTP))
		round, err := s.JudgeOverdue(t.Context(), 10)
		if err != nil || len(round.Unknown) != 1 {
			t.Fatalf("%+v, %v", round, err)
		}
		for since, want := range map[time.Time]int{clock.Now(): 1, clock.Now().Add(time.Microsecond): 0} {
			n, err := s.UnknownSince(t.Context(), since)
			if err != nil || n != want {
				t.Errorf("%d since %s, %v; want %d", n, since, err, want)
			}
		}
	})
}

// Pings by mail are no longer taken, for good: their checks are judged again.
func TestMailIsForgotten(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		forget := func(want bool) {
			t.Helper()
			got, err := s.ForgetMail(t.Context())
			if err != nil || got != want {
				t.Errorf("forgotten %v, %v; want %v", got, err, want)
			}
		}
		forget(false)
		smtpd := &monitor.Taker{ID: uuid.New(), Place: "mail", Role: "smtpd", Ways: monitor.WayMail, BeganAt: clock.Now()}
		if err := s.SignTaker(t.Context(), smtpd, store.Sign{Mark: clock.Now()}); err != nil {
			t.Fatal(err)
		}
		forget(false)
		if err := s.TakerStopped(t.Context(), smtpd, store.Sign{Mark: clock.Now()}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
		forget(true)
		h, err := s.Hearing(t.Context())
		if err != nil || !h.Heard(monitor.WayMail).Equal(clock.Now()) {
			t.Errorf("heard until %v, %v", h.Heard(monitor.WayMail), err)
		}
	})
}
