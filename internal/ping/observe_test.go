package ping_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/store"
)

// watched collects what the hooks are told.
type watched struct {
	mu      sync.Mutex
	tally   ping.Tally
	batches int
	refused map[ping.Refusal]int
}

func (w *watched) hooks() ping.Observe {
	w.refused = make(map[ping.Refusal]int)
	return ping.Observe{
		Batch: func(n ping.Tally, _ time.Duration) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.batches++
			w.tally.Success += n.Success
			w.tally.Fail += n.Fail
			w.tally.Ignored += n.Ignored
			w.tally.Unknown += n.Unknown
		},
		Refused: func(why ping.Refusal, pings int) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refused[why] += pings
		},
	}
}

func TestHooksCountWhatBecameOfEachPing(t *testing.T) {
	var w watched
	r := ping.NewRecorder(recording(func(batch []*store.Arrival) error {
		for _, a := range batch {
			switch a.Ping.Kind {
			case monitor.PingStart:
				// stands for a check that is not there
				a.Err = errs.NotFoundf("not found")
			case monitor.PingLog:
				return errors.New("a broken row")
			}
		}
		return nil
	}), ping.Limits{Patience: time.Millisecond}, slog.New(slog.DiscardHandler), w.hooks())
	for _, kind := range []monitor.PingKind{monitor.PingSuccess, monitor.PingSuccess, monitor.PingFail, monitor.PingIgn, monitor.PingStart,
		monitor.PingLog} {
		_ = r.Record(&store.Arrival{Code: uuid.New(), Ping: monitor.Ping{Kind: kind}})
	}
	r.Close()
	_ = r.Record(success(uuid.New(), time.Time{}))
	want := (ping.Tally{Success: 2, Fail: 1, Ignored: 1, Unknown: 1})
	if w.tally != want {
		t.Errorf("counted %+v, want %+v", w.tally, want)
	}
	if w.refused[ping.Failed] != 1 || w.refused[ping.ShuttingDown] != 1 || len(w.refused) != 2 {
		t.Errorf("refused %v, want one that the database would not have and one while shutting down", w.refused)
	}
	if w.batches != 6 {
		t.Errorf("%d batches, want 6: each ping came alone", w.batches)
	}
}

func TestHooksDistinguishAFullQueueFromADatabaseThatIsAway(t *testing.T) {
	var w watched
	committing := make(chan struct{}, 9)
	release := make(chan struct{})
	r := ping.NewRecorder(recording(func([]*store.Arrival) error {
		committing <- struct{}{}
		<-release
		return context.DeadlineExceeded
	}), ping.Limits{Queue: 1, Patience: time.Millisecond}, slog.New(slog.DiscardHandler), w.hooks())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.Record(success(uuid.New(), time.Time{})) })
	<-committing
	wg.Go(func() { _ = r.Record(success(uuid.New(), time.Time{})) })
	waitFor(t, r, 1)
	if err := r.Record(success(uuid.New(), time.Time{})); err == nil {
		t.Error("the queue took more than it has room for")
	}
	close(release)
	wg.Wait()
	r.Close()
	if w.refused[ping.QueueFull] != 1 || w.refused[ping.DatabaseAway] != 2 {
		t.Errorf("refused %v, want 1 by the full queue and 2 by the database", w.refused)
	}
}

// What the hooks cost a ping: compare the two.
func BenchmarkRecord(b *testing.B) {
	for name, observe := range map[string]ping.Observe{
		"bare":  {},
		"hooks": {Batch: func(ping.Tally, time.Duration) {}, Refused: func(ping.Refusal, int) {}},
	} {
		b.Run(name, func(b *testing.B) {
			r := ping.NewRecorder(recording(func([]*store.Arrival) error { return nil }), ping.Limits{}, slog.New(slog.DiscardHandler), observe)
			defer r.Close()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_ = r.Record(&store.Arrival{Ping: monitor.Ping{Kind: monitor.PingSuccess}})
				}
			})
		})
	}
}
