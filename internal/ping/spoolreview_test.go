package ping_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/spool"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// One ping that makes us panic, each time it is recorded, does not keep the others of the
// spool from being recorded.
func TestAKeptPingThatMakesUsPanicStopsNoOther(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.store.away.Store(true)
		k.record(monitor.PingSuccess)
		k.store.before.Store(new(func(batch []*store.Arrival) error {
			for _, a := range batch {
				if a.Ping.UserAgent == "poison" {
					a.Classify = func(*monitor.Filter) monitor.PingKind { panic("a ping nobody has thought of") }
				}
			}
			return nil
		}))
		poison := k.arrival(monitor.PingSuccess)
		poison.Ping.UserAgent = "poison"
		if err := k.rec.Record(poison); err != nil {
			t.Fatal(err)
		}
		k.record(monitor.PingFail)
		k.store.away.Store(false)
		k.empty()
		want := []string{"success 01", "fail 03"}
		if diff := cmp.Diff(want, k.log()); diff != "" {
			t.Error(diff)
		}
	})
}

// While the database is being restored its tables are gone: nothing that was kept is given
// up for that.
func TestKeptPingsOutliveARestoreOfTheDatabase(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.store.away.Store(true)
		k.record(monitor.PingSuccess)
		k.record(monitor.PingSuccess)
		var tries atomic.Int32
		k.store.before.Store(new(func([]*store.Arrival) error {
			tries.Add(1)
			return fmt.Errorf("record: %w", &pgconn.PgError{Code: "42P01", Message: `relation "checks" does not exist`})
		}))
		k.store.away.Store(false)
		k.eventually("it was tried", func() bool { return tries.Load() > 5 })
		k.store.before.Store(nil)
		k.empty()
		if got := k.log(); len(got) != 2 {
			t.Errorf("%d pings are recorded, want both that were answered: %q", len(got), got)
		}
	})
}

// A ping that the database does not take for want of its tables is kept as well.
func TestPingsAreKeptWhileTheDatabaseIsRestored(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.record(monitor.PingSuccess)
		gone := new(func([]*store.Arrival) error {
			return fmt.Errorf("record: %w", &pgconn.PgError{Code: "42P01", Message: `relation "checks" does not exist`})
		})
		k.store.beforeRecord.Store(gone)
		k.store.before.Store(gone)
		k.record(monitor.PingSuccess)
		k.record(monitor.PingSuccess)
		k.store.beforeRecord.Store(nil)
		k.store.before.Store(nil)
		k.empty()
		if got := k.log(); len(got) != 3 {
			t.Errorf("%d pings are recorded, want all three: %q", len(got), got)
		}
	})
}

// However much was kept, no ping that comes while it is recorded overtakes it.
func TestNoPingOvertakesWhatIsKept(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.store.away.Store(true)
		k.record(monitor.PingSuccess)
		entries := make([]spool.Entry, 2600)
		for i := range entries {
			a := k.arrival(monitor.PingLog)
			entries[i] = spool.Entry{Code: a.Code, Ping: a.Ping}
		}
		if err := k.spool.Append(entries); err != nil {
			t.Fatal(err)
		}
		var replayed atomic.Int32
		k.store.before.Store(new(func(batch []*store.Arrival) error {
			replayed.Add(1)
			time.Sleep(20 * time.Millisecond)
			return nil
		}))
		k.record(monitor.PingFail)
		k.store.away.Store(false)
		k.eventually("two batches are recorded", func() bool { return replayed.Load() > 2 })
		k.record(monitor.PingSuccess)
		k.empty()
		pings, err := s.Pings(t.Context(), k.check.ID, store.PingFilter{Limit: 5000})
		if err != nil {
			t.Fatal(err)
		}
		var last store.PingRow
		for _, p := range pings {
			if p.N > last.N {
				last = p
			}
		}
		if last.Kind != monitor.PingSuccess {
			t.Errorf("the last that was recorded is a %s of %s", last.Kind, last.CreatedAt)
		}
	})
}

// Pings that come all the time do not keep the database from being there again: new checks
// are refused for as long as it is not.
func TestTheDatabaseIsBackUnderLoad(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.store.away.Store(true)
		k.record(monitor.PingSuccess)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				for ctx.Err() == nil {
					p := monitor.Ping{CreatedAt: clock.Now(), Scheme: "http", Method: "GET", Kind: monitor.PingLog}
					_ = k.rec.Record(&store.Arrival{Code: k.check.Code, Ping: p})
				}
			})
		}
		defer all.Wait()
		defer cancel()
		k.store.before.Store(new(func([]*store.Arrival) error {
			time.Sleep(30 * time.Millisecond)
			return nil
		}))
		k.store.away.Store(false)
		began := time.Now()
		k.eventually("a ping of nobody is answered so", func() bool {
			a := k.arrival(monitor.PingSuccess)
			a.Code = uuid.New()
			err := k.rec.Record(a)
			return err != nil && !strings.Contains(err.Error(), "away")
		})
		t.Log("after", time.Since(began))
	})
}

// Many checks that are pinged here for the first time, while the database hangs, are
// answered as soon as any other.
func TestManyUnseenChecksDoNotWaitForEachOther(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		var codes []uuid.UUID
		for range 450 {
			c := monitor.NewCheck(k.check.ProjectID, clock.Now())
			if err := s.CreateCheck(t.Context(), &c, store.Channels{}); err != nil {
				t.Fatal(err)
			}
			codes = append(codes, c.Code)
		}
		k.eventually("all addresses are known", func() bool {
			known, err := k.spool.Addresses().Known(codes[len(codes)-1])
			return err == nil && known
		})
		hang := make(chan struct{})
		k.store.hangLocate.Store(&hang)
		defer close(hang)
		began := time.Now()
		var slowest atomic.Int64
		var all sync.WaitGroup
		for _, code := range codes {
			a := k.arrival(monitor.PingSuccess)
			a.Code = code
			all.Go(func() {
				if err := k.rec.Record(a); err != nil {
					t.Error(err)
				}
				took := int64(time.Since(began))
				for {
					s := slowest.Load()
					if took <= s || slowest.CompareAndSwap(s, took) {
						return
					}
				}
			})
		}
		all.Wait()
		t.Log("slowest", time.Duration(slowest.Load()))
		if slowest.Load() > int64(2*time.Second) {
			t.Errorf("the slowest waited for %s", time.Duration(slowest.Load()))
		}
		k.store.hangLocate.Store(nil)
		k.store.away.Store(false)
	})
}

// Where the spool is damaged while this process runs, and what was kept is lost, the mark does
// not pass it before the watchers hear of it.
func TestTheMarkWaitsForTheReportOfADamage(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		self := monitor.Taker{ID: uuid.New(), Place: "here", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now(), Spool: k.spool.ID()}
		taker := ping.NewTaker(k.rec, s, self, slog.New(slog.DiscardHandler))
		mark := func() time.Time {
			t.Helper()
			if err := taker.Sign(t.Context()); err != nil {
				t.Fatal(err)
			}
			h, err := s.Hearing(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return h.Heard(monitor.WayHTTP)
		}
		before := mark()
		k.store.away.Store(true)
		a := k.arrival(monitor.PingLog)
		if err := k.rec.Record(a); err != nil {
			t.Fatal(err)
		}
		// more than is kept in memory
		for range 6 {
			entries := make([]spool.Entry, 50)
			for i := range entries {
				a := k.arrival(monitor.PingLog)
				a.Ping.Body = bytes.Repeat([]byte("x"), 60_000)
				entries[i] = spool.Entry{Code: a.Code, Ping: a.Ping}
			}
			if err := k.spool.Append(entries); err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.OpenFile(filepath.Join(k.dir, "spool.db"), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(bytes.Repeat([]byte("garbage "), 100_000), 4<<20); err != nil {
			t.Fatal(err)
		}
		file.Close()
		k.store.away.Store(false)
		k.empty()
		k.eventually("the damage is noticed", func() bool { return len(k.spool.Damages()) > 0 })
		clock.Advance(time.Minute)
		if got := mark(); !got.Equal(before) {
			t.Errorf("the mark goes on from %s to %s, pings of that time are lost", before, got)
		}
		d := k.spool.Damages()[0]
		taker.Lost(a.Ping.CreatedAt, d.To)
		taker.DamageTold(d.At)
		if got := mark(); !got.Equal(clock.Now()) {
			t.Errorf("the mark is at %s, want %s", got, clock.Now())
		}
	})
}

// What the database cannot record in the time it has is recorded in smaller pieces.
func TestABatchThatTakesTooLongBecomesSmaller(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.store.away.Store(true)
		k.record(monitor.PingSuccess)
		entries := make([]spool.Entry, 200)
		for i := range entries {
			a := k.arrival(monitor.PingLog)
			entries[i] = spool.Entry{Code: a.Code, Ping: a.Ping}
		}
		if err := k.spool.Append(entries); err != nil {
			t.Fatal(err)
		}
		k.store.before.Store(new(func(batch []*store.Arrival) error {
			if len(batch) > 40 {
				return context.DeadlineExceeded
			}
			return nil
		}))
		k.store.away.Store(false)
		k.empty()
		c, err := s.CheckByID(t.Context(), k.check.ID)
		if err != nil {
			t.Fatal(err)
		}
		if c.NPings != 201 {
			t.Errorf("%d pings are recorded, want 201", c.NPings)
		}
	})
}
