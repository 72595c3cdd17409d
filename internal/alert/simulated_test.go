package alert_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/notify"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// Beside a thousand destinations of one owner that hang until each attempt times
// out, another owner's alert takes less than a second. Time is simulated: it passes
// only while nothing has anything to do, so the load of the machine does not count,
// and what is measured is waiting for a slot or for a claim.
func TestBesideAThousandThatHangAnAlertTakesUnderASecond(t *testing.T) {
	for dispatchers := 1; dispatchers <= 2; dispatchers++ {
		t.Run(fmt.Sprintf("%d sendalerts", dispatchers), func(t *testing.T) {
			t.Parallel()
			url := testdb.URL(t, db.SQLite)
			synctest.Test(t, func(t *testing.T) { besideThousand(t, url, dispatchers) })
		})
	}
}

// simulated is a fixture in a bubble of synctest, with the clock of the bubble.
func simulated(t *testing.T, url string) *fixture {
	d, err := db.Open(t.Context(), url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return newFixture(t, store.New(d, kinds.Address), nil)
}

func besideThousand(t *testing.T, url string, dispatchers int) {
	const hanging, probes, most = 1000, 200, time.Second
	f := simulated(t, url)
	other := &fixture{TB: t, Store: f.Store, account: testdb.Account(t, f.Store, "other@example.org"), sink: f.sink, notices: f.notices}
	if err := f.DeleteChannel(t.Context(), other.account.Channel.ID); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	rung := make(map[uuid.UUID]time.Time)
	f.sink.answer = func(ctx context.Context, ev notify.Event) error {
		if ev.Project.ID != other.account.Project.ID {
			<-ctx.Done()
			return ctx.Err()
		}
		<-time.After(50 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		rung[ev.Check.Code] = time.Now()
		return nil
	}
	f.manyChannels(hanging, f.account.Check.Code, "webhook", func(i int) string { return fmt.Sprintf(`{"to":"host %d"}`, i) })
	codes := other.checks(probes, f.Now().Add(time.Hour))
	other.channel(sinkConfig{To: "quick"})
	for range dispatchers {
		f.dispatch(f.config())
	}
	hang := time.Now()
	f.ping(monitor.PingFail, f.account.Check.Code)
	var worst time.Duration
	for _, code := range codes {
		began := time.Now()
		f.ping(monitor.PingFail, code)
		<-time.After(most)
		mu.Lock()
		at := rung[code]
		mu.Unlock()
		if at.IsZero() {
			t.Fatalf("%v after the first of those that hang, an alert of another owner has not arrived within %v", began.Sub(hang), most)
		}
		worst = max(worst, at.Sub(began))
		// The next one meets the ticks of the dispatcher at another moment.
		<-time.After(37 * time.Millisecond)
	}
	t.Logf("the slowest alert took %v", worst)
}

// An attempt that gets no answer has failed: it counts, the channel shows it, and
// the next one comes after a pause.
func TestAnAttemptWithoutAnAnswerHasFailed(t *testing.T) {
	url := testdb.URL(t, db.SQLite)
	synctest.Test(t, func(t *testing.T) {
		f := simulated(t, url)
		f.sink.answer = func(ctx context.Context, _ notify.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}
		ch := f.channel(sinkConfig{To: "hangs"})
		f.dispatch(f.config())
		f.ping(monitor.PingFail, f.account.Check.Code)
		began := time.Now()
		<-time.After(50 * time.Second)
		d := f.deliveries(f.account.Check.Code)[0]
		next := d.NextTryAt.Sub(began).Truncate(time.Second)
		if d.Attempts != 1 || d.LastError != "Connection timed out" || next != 55*time.Second {
			t.Errorf("%d attempts, %q, the next one after %v", d.Attempts, d.LastError, next)
		}
		now, err := f.ChannelByID(t.Context(), ch.ID)
		if err != nil || now.LastError != "Connection timed out" {
			t.Errorf("the channel shows %q, %v", now.LastError, err)
		}
	})
}
