package e2e

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// receiver is the other side of a webhook. It keeps what it was told.
type receiver struct {
	*httptest.Server
	// nil: 200 after up to 20 ms
	answer func(w http.ResponseWriter, r *http.Request)

	mu    sync.Mutex
	heard []call
}

// call is one call of the webhook.
type call struct{ code, status, key string }

func newReceiver(t *testing.T, answer func(http.ResponseWriter, *http.Request)) *receiver {
	rc := &receiver{answer: answer}
	rc.Server = httptest.NewServer(http.HandlerFunc(rc.hear))
	t.Cleanup(rc.Close)
	return rc
}

func (rc *receiver) hear(w http.ResponseWriter, r *http.Request) {
	part := strings.Split(r.URL.Path, "/")
	rc.mu.Lock()
	rc.heard = append(rc.heard, call{code: part[1], status: part[2], key: r.Header.Get("Idempotency-Key")})
	rc.mu.Unlock()
	if rc.answer != nil {
		rc.answer(w, r)
		return
	}
	pause(time.Duration(rand.IntN(20)) * time.Millisecond)
}

// channel leads to the receiver.
func (rc *receiver) channel() *monitor.Channel {
	config, _ := json.Marshal(map[string]string{
		"method_down": "GET", "url_down": rc.URL + "/$CODE/$STATUS",
		"method_up": "GET", "url_up": rc.URL + "/$CODE/$STATUS",
	})
	return &monitor.Channel{Kind: "webhook", Config: string(config), Verified: true}
}

func (rc *receiver) all() []call {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return append([]call(nil), rc.heard...)
}

// more waits until the receiver has been called n more times.
func (rc *receiver) more(t *testing.T, n int) {
	t.Helper()
	want := len(rc.all()) + n
	eventually(t, "more alerts arrive", func() bool { return len(rc.all()) >= want })
}

// check compares what was told with what had to be, changes[code] of each check,
// in turns down and up, and adds to the finding.
func (rc *receiver) check(t *testing.T, changes map[uuid.UUID]int, f *finding) {
	t.Helper()
	// statuses of a check, in the order of their first arrival
	heard := map[string][]string{}
	seen := map[string]bool{}
	for _, a := range rc.all() {
		if a.key == "" || seen[a.key] {
			f.alertsTwice++
			continue
		}
		seen[a.key] = true
		heard[a.code] = append(heard[a.code], a.status)
	}
	for code, want := range changes {
		got := heard[code.String()]
		f.alerts += want
		f.unsent += max(0, want-len(got))
		if len(got) > want {
			t.Errorf("check %s: %d alerts for %d changes", code, len(got), want)
		}
		for i, status := range got {
			expected := [...]string{"down", "up"}[i%2]
			if status != expected {
				t.Fatalf("check %s: alert %d says %s, in order it would be %s", code, i+1, status, expected)
			}
		}
	}
	if f.unsent > 0 {
		t.Fatalf("%d of %d alerts were never told", f.unsent, f.alerts)
	}
}

// changes makes checks fail and succeed in turns. Each ping is repeated until it
// is acknowledged; only a change makes a flip, so that each acknowledged ping is
// one alert, whatever happens in between.
type changes struct {
	made    map[uuid.UUID]int
	mu      sync.Mutex
	workers sync.WaitGroup
	stop    chan struct{}
}

// change begins, with a pause between the changes of a check. The checks are new.
func change(e env, codes []uuid.UUID, every time.Duration) *changes {
	c := &changes{made: map[uuid.UUID]int{}, stop: make(chan struct{})}
	for _, code := range codes {
		c.workers.Go(func() {
			for n := 0; ; n++ {
				c.ping(e.site("/ping/" + code.String() + [...]string{"/fail", ""}[n%2]))
				c.mu.Lock()
				c.made[code]++
				c.mu.Unlock()
				select {
				case <-c.stop:
					return
				case <-time.NewTimer(every).C:
				}
			}
		})
	}
	return c
}

// ping does not give up: a change that may or may not have been recorded must be
// cleared up. The timeout of the test ends it at the latest.
func (c *changes) ping(url string) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		status, _ := send(&client, url, "a change", nil)
		if status == http.StatusOK {
			return
		}
		pause(5 * time.Millisecond)
	}
}

// end needs a running server: the last changes are acknowledged first.
func (c *changes) end() map[uuid.UUID]int {
	close(c.stop)
	c.workers.Wait()
	return c.made
}

// overdue adds n checks to the first project, on all its channels, that were up
// and are due at the given moment, with a minute of grace.
func overdue(t *testing.T, s *store.Store, n int, due time.Time) []uuid.UUID {
	t.Helper()
	codes := make([]uuid.UUID, n)
	err := s.DB().InTx(t.Context(), func(tx *db.Tx) error {
		for i := range codes {
			codes[i] = uuid.New()
			_, err := tx.Exec(t.Context(),
				`INSERT INTO checks (code, slug, project_id, badge_key, created_at, status, timeout_seconds, grace_seconds, last_ping_at, due_at, alert_at, watch_at)
				SELECT $1, $6, id, $2, created_at, 'up', 60, 60, $3, $4, $5, $5 FROM projects`,
				codes[i], uuid.New(), due.Add(-time.Minute), due, due.Add(time.Minute), codes[i].String())
			if err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), `INSERT INTO check_channels (check_id, channel_id)
				SELECT c.id, h.id FROM checks c JOIN channels h ON h.project_id = c.project_id WHERE c.code = $1`, codes[i]); err != nil {
				return err
			}
		}
		tx.Wake(db.TopicChecks)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// settled waits until nothing is left to be told. Pauses between attempts and
// leases of the dead are cut short, so that an alert may be told twice.
func settled(t *testing.T, s *store.Store) {
	t.Helper()
	idle := 0
	last := -1
	countUntilSent(t, s, func(n int) {
		if idle++; n != last {
			last = n
			idle = 0
		}
		// two seconds without progress
		if n > 0 && idle == 100 {
			expireLeases(t, s)
			idle = 0
		}
	})
}

// waitUntilSent waits until nothing is left to be told, where nobody has died and
// nothing was refused.
func waitUntilSent(t *testing.T, s *store.Store) {
	t.Helper()
	countUntilSent(t, s, func(int) {})
}

// countUntilSent calls look with how many deliveries are left until none is.
func countUntilSent(t *testing.T, s *store.Store, look func(left int)) {
	t.Helper()
	eventually(t, "no check is past its deadline", func() bool {
		next, err := s.NextWatch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return next.IsZero() || next.After(s.Now())
	})
	eventuallyWithin(t, 4*patience, "all alerts are told", func() bool {
		n, err := testdb.PendingDeliveries(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		look(n)
		return n == 0
	})
}
