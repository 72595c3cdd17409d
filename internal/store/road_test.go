package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// roadTest is a store with a process that takes pings.
type roadTest struct {
	*testing.T
	*store.Store
	clock *testdb.Clock
	taker *monitor.Taker
}

func eachRoad(t *testing.T, test func(r *roadTest)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		r := &roadTest{T: t, Store: s, clock: clock}
		r.taker = r.newTaker("web")
		test(r)
	})
}

func (r *roadTest) newTaker(place string) *monitor.Taker {
	r.Helper()
	taker := &monitor.Taker{ID: uuid.New(), Role: "serve", Place: place, Ways: monitor.WayHTTP, BeganAt: r.clock.Now()}
	r.sign(taker)
	return taker
}

func (r *roadTest) sign(taker *monitor.Taker) {
	r.Helper()
	if err := r.SignTaker(r.Context(), taker, store.Sign{Mark: r.clock.Now()}); err != nil {
		r.Fatal(err)
	}
}

func (r *roadTest) claim(source store.RoadSource, address string) {
	r.Helper()
	if _, err := r.ClaimRoad(r.Context(), source, address, 0); err != nil {
		r.Fatal(err)
	}
}

func (r *roadTest) good(source store.RoadSource) {
	r.Helper()
	r.claim(source, "https://ping.example.org/")
	if err := r.RoadWorks(r.Context(), source, r.clock.Now()); err != nil {
		r.Fatal(err)
	}
}

// fails lets a source fail, as it began to ask ten seconds ago; it tells whether that was
// stored.
func (r *roadTest) fails(source store.RoadSource) bool {
	r.Helper()
	r.claim(source, "https://ping.example.org/")
	stored, err := r.RoadFailed(r.Context(), source, r.clock.Now().Add(-10*time.Second), "no answer")
	if err != nil {
		r.Fatal(err)
	}
	return stored
}

// goesOn is when the interval began that goes on; zero where there is none.
func (r *roadTest) goesOn() time.Time {
	r.Helper()
	h, err := r.Hearing(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	if len(h.Road) == 0 {
		return time.Time{}
	}
	if len(h.Road) > 1 || len(h.Open) > 0 {
		r.Fatalf("intervals %+v and %+v go on", h.Road, h.Open)
	}
	return h.Road[0].From
}

// Processes that take pings come and go: that says nothing about the road to them.
func TestAnIntervalOfTheRoadOutlastsTakers(t *testing.T) {
	eachRoad(t, func(r *roadTest) {
		r.good(store.RoadOwn)
		good := r.clock.Now()
		r.clock.Advance(30 * time.Second)
		r.sign(r.taker)
		if !r.fails(store.RoadOwn) || !r.goesOn().Equal(good) {
			r.Fatalf("the interval began at %v, want %v", r.goesOn(), good)
		}
		heard := func() time.Time {
			h, err := r.Hearing(r.Context())
			if err != nil {
				r.Fatal(err)
			}
			return h.Heard(monitor.WayHTTP)
		}
		if got := heard(); !got.Equal(good) {
			r.Errorf("deadlines are judged until %v, want %v", got, good)
		}
		r.newTaker("web")
		if !r.goesOn().Equal(good) {
			r.Error("a taker that begins has ended it")
		}
		r.clock.Advance(time.Second)
		if err := r.TakerStopped(r.Context(), r.newTaker("web"), store.Sign{Mark: r.clock.Now()}); err != nil {
			r.Fatal(err)
		}
		h, err := r.Hearing(r.Context())
		if err != nil || len(h.Road) != 1 || len(h.Open) != 1 || !h.Open[0].From.Equal(r.clock.Now()) {
			r.Errorf("intervals %+v and %+v, %v", h.Road, h.Open, err)
		}
		r.taker = r.newTaker("web")
		if !r.goesOn().Equal(good) {
			r.Error("another taker has ended it")
		}
		// nobody waits for ever
		r.clock.Advance(15 * time.Minute)
		r.sign(r.taker)
		if got := heard(); !got.Equal(r.clock.Now()) {
			r.Errorf("after a quarter of an hour deadlines are judged until %v", got)
		}
	})
}

// A failure counts only where somebody has taken pings all the time.
func TestAFailureOfTheRoadNeedsATaker(t *testing.T) {
	eachRoad(t, func(r *roadTest) {
		r.good(store.RoadOwn)
		r.clock.Advance(30 * time.Second)
		if r.fails(store.RoadOwn) {
			r.Error("the taker has said nothing since")
		}
		r.newTaker("web")
		if r.fails(store.RoadOwn) {
			r.Error("the taker has begun since")
		}
		if !r.goesOn().IsZero() || !r.works(store.RoadOwn) {
			r.Error("something is stored")
		}
	})
}

func (r *roadTest) works(source store.RoadSource) bool {
	r.Helper()
	list, err := r.RoadStates(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	for _, s := range list {
		if s.Source == source {
			return s.FailingAt.IsZero()
		}
	}
	return false
}

// later is a while later, with takers that have written meanwhile.
func (r *roadTest) later(d time.Duration) {
	r.Helper()
	r.clock.Advance(d)
	r.sign(r.taker)
}

// An interval lasts while anybody fails who has seen the address work within the hour.
func TestTheRoadAsTwoSeeIt(t *testing.T) {
	eachRoad(t, func(r *roadTest) {
		r.good(store.RoadPeer)
		good := r.clock.Now()
		r.later(20 * time.Second)
		r.good(store.RoadOwn)
		r.later(20 * time.Second)
		r.fails(store.RoadPeer)
		r.good(store.RoadOwn)
		if !r.goesOn().Equal(good) {
			r.Errorf("began at %v, want when the peer saw it work, %v", r.goesOn(), good)
		}
		r.later(20 * time.Second)
		r.fails(store.RoadOwn)
		r.good(store.RoadPeer)
		if r.goesOn().IsZero() {
			r.Error("it has ended although one fails")
		}
		r.later(20 * time.Second)
		r.good(store.RoadOwn)
		if !r.goesOn().IsZero() {
			r.Error("it goes on although both work")
		}
		blinds, err := r.LastBlinds(r.Context(), 10)
		if err != nil || len(blinds) != 1 || !blinds[0].From.Equal(good) || !blinds[0].Until.Equal(r.clock.Now()) {
			r.Errorf("intervals %+v, %v", blinds, err)
		}
	})
}

// The check that our own pings go to takes no id that another would get, nor does it lead to
// one that marks have: pings of the first check of an instance are recorded.
func TestTheCheckOfOurOwnPingsLeavesIDsAlone(t *testing.T) {
	eachRoad(t, func(r *roadTest) {
		if _, err := r.ProbeCode(r.Context()); err != nil {
			r.Fatal(err)
		}
		a := testdb.Account(r.T, r.Store)
		for range 2 {
			c, err := r.CheckByCode(r.Context(), a.Check.Code)
			if err != nil || c.ID < 1 {
				r.Fatalf("the check has the id %d, %v", c.ID, err)
			}
			ping := &store.Arrival{Code: c.Code, Ping: monitor.Ping{CreatedAt: r.clock.Now(), Kind: monitor.PingSuccess}}
			if err := r.RecordPings(r.Context(), []*store.Arrival{ping}); err != nil || ping.Err != nil {
				r.Fatalf("%v, %v", err, ping.Err)
			}
			// without any the next begins anew
			if _, err := r.DeleteCheck(r.Context(), c.Code); err != nil {
				r.Fatal(err)
			}
			again := monitor.NewCheck(a.Project.ID, r.clock.Now())
			if err := r.CreateCheck(r.Context(), &again, store.Channels{}); err != nil {
				r.Fatal(err)
			}
			a.Check = &again
		}
	})
}

// An address that is asked for the first time has nothing to do with the one before.
func TestAnotherAddressBeginsAnew(t *testing.T) {
	eachRoad(t, func(r *roadTest) {
		r.good(store.RoadOwn)
		r.later(30 * time.Second)
		r.fails(store.RoadOwn)
		if r.goesOn().IsZero() {
			r.Fatal("no interval")
		}
		r.claim(store.RoadOwn, "https://other.example.org/")
		if !r.goesOn().IsZero() {
			r.Error("the interval of the former address goes on")
		}
		list, err := r.RoadStates(r.Context())
		if err != nil || len(list) != 1 || !list[0].GoodAt.IsZero() || !list[0].FailingAt.IsZero() || list[0].Error != "" {
			r.Errorf("states %+v, %v", list, err)
		}
	})
}

// A failure more than an hour after the last good answer says nothing; an interval lasts an
// hour at most, also where nobody has ended it.
func TestTheRoadIsKnownForAnHour(t *testing.T) {
	eachRoad(t, func(r *roadTest) {
		r.good(store.RoadOwn)
		r.later(time.Hour)
		if r.fails(store.RoadOwn); !r.goesOn().IsZero() {
			r.Error("an hour later a failure begins an interval")
		}
		r.later(2 * time.Hour)
		r.good(store.RoadOwn)
		good := r.clock.Now()
		r.later(time.Minute)
		r.fails(store.RoadOwn)
		r.later(5 * time.Hour)
		r.good(store.RoadOwn)
		blinds, err := r.LastBlinds(r.Context(), 10)
		if err != nil || len(blinds) != 1 || !blinds[0].From.Equal(good) || !blinds[0].Until.Equal(good.Add(time.Hour)) {
			r.Errorf("intervals %+v, %v", blinds, err)
		}
	})
}
