package ping_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// recording is a stand-in for the store that does what the test says.
type recording func(batch []*store.Arrival) error

func (f recording) RecordPings(_ context.Context, batch []*store.Arrival) error { return f(batch) }

func (recording) Knows(*store.Arrival) bool { return true }

func (recording) Prefetch(context.Context, []*store.Arrival) error { return nil }

func (recording) Locate(context.Context, []*store.Arrival) error { return nil }

func (recording) ProjectSize(context.Context, uuid.UUID) (store.ProjectSize, error) {
	return store.ProjectSize{}, nil
}

func newRecorder(t *testing.T, f recording, limits ping.Limits) *ping.Recorder {
	r := ping.NewRecorder(f, limits, slog.New(slog.DiscardHandler), ping.Observe{})
	t.Cleanup(r.Close)
	return r
}

func success(code uuid.UUID, at time.Time) *store.Arrival {
	return &store.Arrival{
		Code: code, Ping: monitor.Ping{CreatedAt: at, Scheme: "http", Method: "GET"},
		Classify: func(*monitor.Filter) monitor.PingKind { return monitor.PingSuccess },
	}
}

func TestPingsThatWaitShareACommit(t *testing.T) {
	committing := make(chan int)
	release := make(chan struct{})
	r := newRecorder(t, func(batch []*store.Arrival) error {
		committing <- len(batch)
		<-release
		return nil
	}, ping.Limits{Queue: 10})
	var wg sync.WaitGroup
	wg.Go(func() { r.Record(success(uuid.New(), time.Time{})) })
	n := <-committing
	if n != 1 {
		t.Fatalf("a lone ping waited for company: batch of %d", n)
	}
	for range 5 {
		wg.Go(func() {
			if err := r.Record(success(uuid.New(), time.Time{})); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(t, r, 5)
	close(release)
	if n := <-committing; n != 5 {
		t.Errorf("second batch of %d, want the 5 that waited", n)
	}
	wg.Wait()
}

func TestAFullQueueRefuses(t *testing.T) {
	committing := make(chan struct{}, 9)
	release := make(chan struct{})
	r := newRecorder(t, func([]*store.Arrival) error {
		committing <- struct{}{}
		<-release
		return nil
	}, ping.Limits{Queue: 1})
	var wg sync.WaitGroup
	wg.Go(func() { r.Record(success(uuid.New(), time.Time{})) })
	<-committing
	wg.Go(func() { r.Record(success(uuid.New(), time.Time{})) })
	waitFor(t, r, 1)
	if err := r.Record(success(uuid.New(), time.Time{})); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("beyond the bound: %v, want unavailable", err)
	}
	close(release)
	wg.Wait()
}

func TestOneBadPingDoesNotFailItsNeighbours(t *testing.T) {
	bad := uuid.New()
	began := make(chan struct{})
	release := make(chan struct{})
	hold := sync.OnceFunc(func() {
		close(began)
		<-release
	})
	r := newRecorder(t, func(batch []*store.Arrival) error {
		hold()
		for _, a := range batch {
			if a.Code == bad {
				return errors.New("cannot be stored")
			}
		}
		return nil
	}, ping.Limits{})
	var wg sync.WaitGroup
	wg.Go(func() { r.Record(success(uuid.New(), time.Time{})) })
	<-began
	var mu sync.Mutex
	failed := map[uuid.UUID]bool{}
	for _, code := range []uuid.UUID{uuid.New(), bad, uuid.New()} {
		wg.Go(func() {
			if r.Record(success(code, time.Time{})) != nil {
				mu.Lock()
				failed[code] = true
				mu.Unlock()
			}
		})
	}
	waitFor(t, r, 3)
	close(release)
	wg.Wait()
	if len(failed) != 1 || !failed[bad] {
		t.Errorf("%d pings failed, want the bad one only", len(failed))
	}
}

func TestADatabaseThatComesBackLosesNothing(t *testing.T) {
	tries := 0
	r := newRecorder(t, func([]*store.Arrival) error {
		if tries++; tries < 3 {
			return io.ErrUnexpectedEOF
		}
		return nil
	}, ping.Limits{Patience: time.Minute})
	if err := r.Record(success(uuid.New(), time.Time{})); err != nil || tries != 3 {
		t.Errorf("%v after %d tries", err, tries)
	}
}

func TestADatabaseThatStaysAwayIsReported(t *testing.T) {
	r := newRecorder(t, func([]*store.Arrival) error { return io.ErrUnexpectedEOF }, ping.Limits{Patience: time.Millisecond})
	if err := r.Record(success(uuid.New(), time.Time{})); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("%v, want unavailable", err)
	}
}

func TestWhileTheDatabaseStaysAwayNobodyWaitsForIt(t *testing.T) {
	tries := 0
	away := true
	r := newRecorder(t, func([]*store.Arrival) error {
		if tries++; away {
			return io.ErrUnexpectedEOF
		}
		return nil
	}, ping.Limits{Patience: 60 * time.Millisecond})
	for round := range 3 {
		tries = 0
		err := r.Record(success(uuid.New(), time.Time{}))
		if errs.KindOf(err) != errs.Unavailable || round == 0 && tries < 2 || round > 0 && tries != 1 {
			t.Errorf("ping %d: %v after %d tries", round, err, tries)
		}
	}
	away = false
	if err := r.Record(success(uuid.New(), time.Time{})); err != nil {
		t.Errorf("%v with the database back", err)
	}
	away = true
	tries = 0
	if r.Record(success(uuid.New(), time.Time{})) == nil || tries < 2 {
		t.Errorf("%d tries in the next outage", tries)
	}
}

// The first ping of a check is handed over by the goroutine that looked the check up. That the check was found once
// replaced the error of the commit, and a ping that was not recorded was answered as one that was.
func TestAFirstPingThatIsNotRecordedIsNotAnsweredAsRecorded(t *testing.T) {
	var r *ping.Recorder
	commit := recording(func([]*store.Arrival) error { return errors.New("broken") })
	lookedUp := func(ping.Tally, time.Duration) {
		for r.Locating() {
			runtime.Gosched()
		}
	}
	r = ping.NewRecorder(commit, ping.Limits{Queue: 64}, slog.New(slog.DiscardHandler), ping.Observe{Batch: lookedUp})
	t.Cleanup(r.Close)
	ctx, cancel := context.WithCancel(t.Context())
	var crowd sync.WaitGroup
	for range 8 {
		crowd.Go(func() {
			// Others at the gate hold up whoever has looked the check up, so that the commit fails meanwhile.
			for ctx.Err() == nil {
				free := r.HoldGate()
				runtime.Gosched()
				free()
			}
		})
	}
	for range 500 {
		if err := r.Record(success(uuid.New(), time.Time{})); err == nil {
			t.Error("a ping that was not recorded was answered as recorded")
			break
		}
	}
	cancel()
	crowd.Wait()
}

func TestCloseRecordsWhatWaits(t *testing.T) {
	recorded := 0
	committing := make(chan struct{}, 9)
	release := make(chan struct{})
	r := newRecorder(t, func(batch []*store.Arrival) error {
		committing <- struct{}{}
		<-release
		recorded += len(batch)
		return nil
	}, ping.Limits{Batch: 1})
	var wg sync.WaitGroup
	record := func() {
		if err := r.Record(success(uuid.New(), time.Time{})); err != nil {
			t.Error(err)
		}
	}
	wg.Go(record)
	// What comes before the first is being committed may be taken with it.
	<-committing
	for range 3 {
		wg.Go(record)
	}
	waitFor(t, r, 3)
	go close(release)
	r.Close()
	wg.Wait()
	if recorded != 4 {
		t.Errorf("%d pings recorded, want 4", recorded)
	}
	if err := r.Record(success(uuid.New(), time.Time{})); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("after Close: %v, want unavailable", err)
	}
}

// waitFor waits until n pings are in the queue.
func waitFor(t *testing.T, r *ping.Recorder, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); r.Waiting() < n; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d pings wait, want %d", r.Waiting(), n)
		}
	}
}

// One hot check pinged by many at once: its numbers have no gap.
func TestNumbersHaveNoGap(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		r := ping.NewRecorder(s, ping.Limits{Batch: 7}, slog.New(slog.DiscardHandler), ping.Observe{})
		defer r.Close()
		const clients, each = 16, 6
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for range each {
					if err := r.Record(success(a.Check.Code, clock.Now())); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		rows, err := s.Pings(t.Context(), a.Check.ID, store.PingFilter{Limit: 1000})
		if err != nil || len(rows) != clients*each {
			t.Fatalf("%d pings, %v; want %d", len(rows), err, clients*each)
		}
		for i, row := range rows {
			if row.N != int64(clients*each-i) {
				t.Fatalf("ping %d has number %d", clients*each-i, row.N)
			}
		}
	})
}

// readingStore is a stand-in for a store that has to read checks first.
type readingStore struct {
	recording
	// of uuid.UUID
	known    sync.Map
	prefetch func(batch []*store.Arrival) error
}

func (r *readingStore) Knows(a *store.Arrival) bool {
	_, ok := r.known.Load(a.Code)
	return ok
}

func (r *readingStore) Prefetch(_ context.Context, batch []*store.Arrival) error {
	return r.prefetch(batch)
}

// Checks that are not known are read while pings of others are being written, and
// what could not be read or made the reader panic is recorded all the same.
func TestChecksAreReadWhileOthersAreWritten(t *testing.T) {
	for what, read := range map[string]func(){"read": func() {}, "a bug": func() { panic("a bug") }} {
		first := uuid.New()
		second := uuid.New()
		third := uuid.New()
		writing := make(chan struct{})
		release := make(chan struct{})
		reading := make(chan struct{})
		s := &readingStore{
			recording: func(batch []*store.Arrival) error {
				switch batch[0].Code {
				case first:
					close(writing)
					<-release
				case second:
					<-reading
				}
				return nil
			},
			prefetch: func(batch []*store.Arrival) error {
				if len(batch) != 1 || batch[0].Code != third {
					t.Errorf("%d checks are read", len(batch))
				}
				close(reading)
				read()
				return errors.New("cannot be read")
			},
		}
		s.known.Store(second, true)
		r := ping.NewRecorder(s, ping.Limits{Batch: 1}, slog.New(slog.DiscardHandler), ping.Observe{})
		var wg sync.WaitGroup
		record := func(code uuid.UUID) {
			wg.Go(func() {
				if err := r.Record(success(code, time.Time{})); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		record(first)
		<-writing
		record(second)
		waitFor(t, r, 1)
		record(third)
		waitFor(t, r, 2)
		close(release)
		wg.Wait()
		r.Close()
	}
}

// Whatever is known of their checks, pings are recorded in the order they came.
func TestPingsKeepTheirOrder(t *testing.T) {
	var recorded []string
	writing := make(chan struct{})
	release := make(chan struct{})
	s := &readingStore{}
	s.recording = func(batch []*store.Arrival) error {
		if len(recorded) == 0 {
			close(writing)
			<-release
		}
		for _, a := range batch {
			recorded = append(recorded, a.Ping.Method)
		}
		return nil
	}
	s.prefetch = func(batch []*store.Arrival) error {
		for _, a := range batch {
			s.known.Store(a.Code, true)
		}
		return nil
	}
	r := ping.NewRecorder(s, ping.Limits{Batch: 4}, slog.New(slog.DiscardHandler), ping.Observe{})
	var wg sync.WaitGroup
	var want []string
	for i := range 60 {
		a := success(uuid.New(), time.Time{})
		a.Ping.Method = strconv.Itoa(i)
		want = append(want, a.Ping.Method)
		if i%7 < 4 {
			s.known.Store(a.Code, true)
		}
		wg.Go(func() {
			if err := r.Record(a); err != nil {
				t.Error(err)
			}
		})
		if i == 0 {
			<-writing
		} else {
			waitFor(t, r, i)
		}
	}
	close(release)
	// what waits, is held or was looked at ahead is recorded before it returns
	r.Close()
	diff := cmp.Diff(want, recorded)
	if diff != "" {
		t.Errorf("-came +recorded:\n%s", diff)
	}
	wg.Wait()
}

// A ping that makes us panic fails alone, and the Recorder goes on.
func TestAPanicCostsOnePing(t *testing.T) {
	t.Parallel()
	bad := uuid.New()
	r := newRecorder(t, func(batch []*store.Arrival) error {
		for _, a := range batch {
			if a.Code == bad {
				panic("a bug")
			}
		}
		return nil
	}, ping.Limits{})
	var all sync.WaitGroup
	for i := range 50 {
		a := &store.Arrival{Code: uuid.New()}
		if i%10 == 3 {
			a.Code = bad
		}
		all.Go(func() {
			if err := r.Record(a); (err != nil) != (a.Code == bad) {
				t.Errorf("bad: %v, error %v", a.Code == bad, err)
			}
		})
	}
	all.Wait()
}
