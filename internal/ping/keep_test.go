package ping_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/spool"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// outage is a store whose database takes nothing while the test says so.
type outage struct {
	*store.Store
	away atomic.Bool
	// what is recorded hangs until it is closed; nil: nothing does
	hang atomic.Pointer[chan struct{}]
	// this many replays are recorded, and nobody hears of it
	unheard atomic.Int32
	// called before pings are replayed, recorded or looked up: an error is that of the
	// database; nil: nothing is
	before, beforeRecord atomic.Pointer[func([]*store.Arrival) error]
	// lookups hang until it is closed; nil: none does
	hangLocate atomic.Pointer[chan struct{}]
}

func called(before *func([]*store.Arrival) error, batch []*store.Arrival) error {
	if before == nil {
		return nil
	}
	return (*before)(batch)
}

var errGone = io.ErrUnexpectedEOF

func (o *outage) RecordPings(ctx context.Context, batch []*store.Arrival) error {
	hang := o.hang.Load()
	if hang != nil {
		<-*hang
	}
	if o.away.Load() {
		return errGone
	}
	if err := called(o.beforeRecord.Load(), batch); err != nil {
		return err
	}
	return o.Store.RecordPings(ctx, batch)
}

func (o *outage) Locate(ctx context.Context, batch []*store.Arrival) error {
	if o.away.Load() {
		return errGone
	}
	hang := o.hangLocate.Load()
	if hang != nil {
		select {
		case <-*hang:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return o.Store.Locate(ctx, batch)
}

func (o *outage) SpoolByID(ctx context.Context, id uuid.UUID, host string) (store.Spool, error) {
	if o.away.Load() {
		return store.Spool{}, errGone
	}
	return o.Store.SpoolByID(ctx, id, host)
}

func (o *outage) Replay(ctx context.Context, sp store.Spool, batch []*store.Arrival) error {
	if o.away.Load() {
		return errGone
	}
	if err := called(o.before.Load(), batch); err != nil {
		return err
	}
	err := o.Store.Replay(ctx, sp, batch)
	if err == nil && len(batch) > 0 && o.unheard.Add(-1) >= 0 {
		return errGone
	}
	return err
}

// keeping is a recorder with a spool, on a database that may be away.
type keeping struct {
	*testing.T
	store *outage
	clock *testdb.Clock
	spool *spool.Spool
	dir   string
	rec   *ping.Recorder
	check monitor.Check
	key   string
}

func keepingOn(t *testing.T, s *store.Store, clock *testdb.Clock) *keeping {
	k := &keeping{T: t, store: &outage{Store: s}, clock: clock, dir: t.TempDir()}
	a := testdb.Account(t, s)
	k.key = a.Project.PingKey
	k.check = *a.Check
	k.open(spool.Limits{})
	t.Cleanup(func() { k.rec.Close(); k.spool.Close() })
	k.eventually("there is a snapshot of addresses", func() bool {
		known, err := k.spool.Addresses().Known(k.check.Code)
		return err == nil && known
	})
	return k
}

func (k *keeping) open(limits spool.Limits) {
	k.Helper()
	var err error
	k.spool, err = spool.Open(k.dir, spool.Options{Limits: limits, FileSystem: func(string) (string, error) { return "ext4", nil }})
	if err != nil {
		k.Fatal(err)
	}
	k.rec = ping.NewRecorder(k.store, ping.Limits{
		Patience: time.Second,
		Keep:     ping.Keep{Spool: k.spool, Store: k.store, Taker: uuid.New(), Host: "web1"},
	}, slog.New(slog.DiscardHandler), ping.Observe{})
}

func (k *keeping) eventually(what string, is func() bool) {
	k.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			k.Fatalf("not within 20 seconds: %s", what)
		}
	}
}

// arrival is a ping of the check that comes now.
func (k *keeping) arrival(kind monitor.PingKind) *store.Arrival {
	k.clock.Advance(time.Second)
	return &store.Arrival{Code: k.check.Code, Ping: monitor.Ping{CreatedAt: k.clock.Now(), Scheme: "http", Method: "GET", Kind: kind}}
}

func (k *keeping) record(kind monitor.PingKind) {
	k.Helper()
	if err := k.rec.Record(k.arrival(kind)); err != nil {
		k.Fatalf("a ping is answered with %v", err)
	}
}

// log are the kinds of the pings that are stored, in the order of time, with the seconds
// between them.
func (k *keeping) log() []string {
	k.Helper()
	pings, err := k.store.Pings(k.Context(), k.check.ID, store.PingFilter{Limit: 100})
	if err != nil {
		k.Fatal(err)
	}
	slices.Reverse(pings)
	var out []string
	for i := range pings {
		out = append(out, string(pings[i].Kind)+" "+pings[i].CreatedAt.Format("05"))
	}
	return out
}

func (k *keeping) empty() {
	k.Helper()
	k.eventually("everything kept is recorded", func() bool { return k.spool.Depth() == 0 })
}

// What arrives while the database is away is answered, and recorded at its time when it is
// back: each ping once.
func TestPingsAreKeptWhileTheDatabaseIsAway(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.record(monitor.PingSuccess)
		k.store.away.Store(true)
		began := time.Now()
		k.record(monitor.PingStart)
		k.record(monitor.PingFail)
		bySlug := k.arrival(monitor.PingSuccess)
		bySlug.Code = uuid.Nil
		bySlug.PingKey = k.key
		bySlug.Slug = k.check.Slug
		if err := k.rec.Record(bySlug); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("three pings took %s while the database was away", took)
		}
		if k.spool.Depth() != 3 {
			t.Fatalf("%d pings are kept, want 3", k.spool.Depth())
		}
		k.store.away.Store(false)
		k.empty()
		want := []string{"success 01", "start 02", "fail 03", "success 04"}
		if diff := cmp.Diff(want, k.log()); diff != "" {
			t.Error(diff)
		}
		c, err := s.CheckByID(t.Context(), k.check.ID)
		if err != nil {
			t.Fatal(err)
		}
		if c.Status != monitor.StatusUp || c.NPings != 4 || !c.LastPing.Equal(bySlug.Ping.CreatedAt) || c.RecentRuns != "udu" {
			t.Errorf("%s, %d pings, the last %s, runs %s", c.Status, c.NPings, c.LastPing, c.RecentRuns)
		}
		flips, err := s.Flips(t.Context(), c.ID, store.FlipFilter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(flips) != 3 || flips[1].Reason != monitor.ReasonFail {
			t.Errorf("flips %+v, want up, down by the failure, up", flips)
		}
	})
}

// A database that hangs keeps no client waiting. What it records after all is not recorded
// again.
func TestAPingTheDatabaseHangsOnIsRecordedOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.record(monitor.PingSuccess)
		hang := make(chan struct{})
		k.store.hang.Store(&hang)
		var all sync.WaitGroup
		began := time.Now()
		for range 5 {
			a := k.arrival(monitor.PingSuccess)
			all.Go(func() {
				if err := k.rec.Record(a); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the pings took %s", took)
		}
		k.store.hang.Store(nil)
		close(hang)
		k.empty()
		c, err := s.CheckByID(t.Context(), k.check.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(k.log()) != 6 || c.NPings != 6 {
			t.Errorf("%d pings are recorded, and %d counted, want 6: %q", len(k.log()), c.NPings, k.log())
		}
	})
}

// Where nobody hears that a replay was recorded, it is not recorded again; neither by the
// next process that takes up the spool.
func TestAReplayNobodyHearsOfIsRecordedOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.store.away.Store(true)
		k.record(monitor.PingSuccess)
		k.record(monitor.PingSuccess)
		k.store.unheard.Store(1)
		k.store.away.Store(false)
		k.empty()
		k.store.away.Store(true)
		k.record(monitor.PingSuccess)
		k.rec.Close()
		if err := k.spool.Close(); err != nil {
			t.Fatal(err)
		}
		k.open(spool.Limits{})
		k.store.away.Store(false)
		k.empty()
		want := []string{"success 01", "success 02", "success 03"}
		if diff := cmp.Diff(want, k.log()); diff != "" {
			t.Error(diff)
		}
	})
}

// An address that nobody knows may be new: it is refused while the database is away, and the
// silence of its check proves nothing. What two checks share is told so as ever.
func TestAddressesAreKnownWhileTheDatabaseIsAway(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.store.away.Store(true)
		k.record(monitor.PingSuccess)
		refused := func(a *store.Arrival) {
			t.Helper()
			began := time.Now()
			err := k.rec.Record(a)
			if errs.KindOf(err) != errs.Unavailable {
				t.Errorf("%v, want unavailable", err)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("refused after %s", took)
			}
		}
		a := k.arrival(monitor.PingSuccess)
		a.Code = uuid.New()
		refused(a)
		a = k.arrival(monitor.PingSuccess)
		a.Code = uuid.Nil
		a.PingKey = k.key
		a.Slug = "nobody"
		refused(a)
		k.store.away.Store(false)
		k.empty()
	})
}

func TestAFullSpoolRefusesAtOnce(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.rec.Close()
		k.spool.Close()
		k.open(spool.Limits{Entries: 3})
		k.store.away.Store(true)
		kept := 0
		for range 5 {
			began := time.Now()
			err := k.rec.Record(k.arrival(monitor.PingSuccess))
			if err == nil {
				kept++
			} else if errs.KindOf(err) != errs.Unavailable || errs.RetryAfterOf(err) != 10*time.Second {
				t.Errorf("%v", err)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("answered after %s", took)
			}
		}
		if kept != 3 {
			t.Errorf("%d were kept, want 3", kept)
		}
		k.store.away.Store(false)
		k.empty()
		if got := k.log(); len(got) != 3 {
			t.Errorf("%d are recorded, want those 3 that were answered", len(got))
		}
	})
}

// The mark stands still at the oldest ping that is kept.
func TestTheMarkWaitsForWhatIsKept(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		self := monitor.Taker{ID: uuid.New(), Place: "here", Role: "serve", Ways: monitor.WayHTTP, BeganAt: clock.Now(), Spool: k.spool.ID()}
		taker := ping.NewTaker(k.rec, s, self, slog.New(slog.DiscardHandler))
		k.store.away.Store(true)
		a := k.arrival(monitor.PingSuccess)
		if err := k.rec.Record(a); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute)
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
		if got := mark(); !got.Equal(a.Ping.CreatedAt) {
			t.Errorf("the mark is at %s, a ping of %s is kept", got, a.Ping.CreatedAt)
		}
		k.store.away.Store(false)
		k.empty()
		if got := mark(); !got.Equal(clock.Now()) {
			t.Errorf("the mark is at %s, everything until %s is recorded", got, clock.Now())
		}
	})
}

// A mail that is kept is read by the filters of its check when it is recorded.
func TestAKeptMailIsClassifiedWhenItIsRecorded(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		_, err := s.UpdateCheck(t.Context(), k.check.Code, func(c *store.CheckChange) error {
			c.Filter = monitor.Filter{Subject: true, SuccessKW: "done", FailureKW: "broken"}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		k.store.away.Store(true)
		for _, subject := range []string{"backup done", "backup broken", "hello"} {
			a := k.arrival("")
			a.Ping.Scheme = "email"
			a.Ping.Method = ""
			a.Mail = &monitor.MailText{Subject: subject}
			a.Classify = func(f *monitor.Filter) monitor.PingKind { return monitor.ClassifyEmail(f, subject) }
			if err := k.rec.Record(a); err != nil {
				t.Fatal(err)
			}
		}
		code, err := k.rec.CodeBySlug(t.Context(), k.key, k.check.Slug)
		if err != nil || code != k.check.Code {
			t.Errorf("the slug means %s, %v", code, err)
		}
		k.store.away.Store(false)
		k.empty()
		want := []string{"success 01", "fail 02", "ign 03"}
		if diff := cmp.Diff(want, k.log()); diff != "" {
			t.Error(diff)
		}
	})
}

// A spool whose directory was set back, with a snapshot of its machine, gives numbers again
// that the database has recorded: no ping is lost for that, and none recorded twice.
func TestASpoolThatWasSetBackLosesNothing(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		k := keepingOn(t, s, clock)
		k.store.away.Store(true)
		k.record(monitor.PingSuccess)
		k.rec.Close()
		k.spool.Close()
		snapshot := t.TempDir()
		if err := os.CopyFS(snapshot, os.DirFS(k.dir)); err != nil {
			t.Fatal(err)
		}
		k.open(spool.Limits{})
		for range 3 {
			k.record(monitor.PingSuccess)
		}
		k.store.away.Store(false)
		k.empty()
		k.rec.Close()
		k.spool.Close()

		k.dir = snapshot
		k.store.away.Store(true)
		k.open(spool.Limits{})
		for range 2 {
			k.record(monitor.PingSuccess)
		}
		// it is tried in vain once
		k.store.unheard.Store(1)
		k.store.away.Store(false)
		k.empty()
		want := []string{"success 01", "success 02", "success 03", "success 04", "success 05", "success 06"}
		if diff := cmp.Diff(want, k.log()); diff != "" {
			t.Error(diff)
		}
	})
}
