package alert_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"punctual/internal/alert"
	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
)

func TestAnIdleWorkerAsksNoMoreForMoreChecks(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			few := idleStatements(t, engine, 10)
			many := idleStatements(t, engine, 2000)
			t.Logf("statements of each round: %+v", many)
			diff := cmp.Diff(few, many)
			if diff != "" {
				t.Errorf("statements of each round with 10 checks (-) and with 2,000 (+):\n%s", diff)
			}
			if few.Watcher[0] == 0 || few.Dispatcher[0] == 0 {
				t.Error("nothing was counted")
			}
		})
	}
}

const idleRounds = 5

// statements are those of each of the first rounds, as db.Tally counts them.
type statements struct{ Watcher, Dispatcher [idleRounds]int }

// idleStatements counts on a database with so many checks, half of them up and
// half of them down, and all told.
func idleStatements(t *testing.T, engine db.Engine, checks int) (s statements) {
	clock := testdb.NewClock()
	f := newFixture(t, testdb.Open(t, engine, clock), clock)
	codes := f.checks(checks, f.Now().Add(time.Hour))
	f.channel(sinkConfig{To: "sink"})
	f.ping(monitor.PingFail, codes[:checks/2]...)
	stop := f.dispatch(f.config())
	f.until("all to be told", func() bool { return f.backlog() == 0 })
	stop()

	var watcher, dispatcher db.Tally
	// the count at the same point of each round
	looked := make(chan int, idleRounds+1)
	claimed := make(chan int, idleRounds+1)
	note := func(rounds chan<- int, tally *db.Tally) func() {
		return func() {
			select {
			case rounds <- tally.Statements():
			default:
				// there are enough
			}
		}
	}
	cfg := f.config()
	cfg.Observe.Looked = note(looked, &watcher)
	cfg.Observe.Claimed = note(claimed, &dispatcher)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { alert.NewWatcher(cfg).Run(db.WithTally(ctx, &watcher)) })
	running.Go(func() { alert.NewDispatcher(cfg).Run(db.WithTally(ctx, &dispatcher)) })
	f.until("some rounds", func() bool {
		// or they would come once a second
		f.DB().WakeLocal(db.TopicChecks, db.TopicDeliveries)
		return len(looked) > idleRounds && len(claimed) > idleRounds
	})
	cancel()
	running.Wait()

	lastLook := <-looked
	lastClaim := <-claimed
	for i := range idleRounds {
		look := <-looked
		claim := <-claimed
		s.Watcher[i] = look - lastLook
		s.Dispatcher[i] = claim - lastClaim
		lastLook = look
		lastClaim = claim
	}
	return s
}
