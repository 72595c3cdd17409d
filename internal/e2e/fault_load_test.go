package e2e

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/store"
)

// load pings the checks from several clients until it ends. Each ping has a name
// of its own, as its User-Agent, so that every single one can be looked for.
type load struct {
	codes []uuid.UUID
	body  []byte
	// acknowledged
	total atomic.Int64
	// refused with 503
	busy atomic.Int64
	// without a whole answer
	broken atomic.Int64
	next   atomic.Int64

	mu sync.Mutex
	// name of the ping → its check
	acked map[string]uuid.UUID
	// answers that are neither
	odd map[string]int

	clients sync.WaitGroup
	stop    chan struct{}

	// found by check: in the database without a 200
	unanswered int
}

func newLoad(codes []uuid.UUID) *load {
	return &load{codes: codes, acked: map[string]uuid.UUID{}, odd: map[string]int{}, stop: make(chan struct{})}
}

// start may be called several times, also after end.
func (l *load) start(e env, clients int) {
	for range clients {
		l.clients.Go(func() {
			client := http.Client{Timeout: patience, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-l.stop:
					return
				default:
					l.ping(&client, e)
				}
			}
		})
	}
}

// ping is a POST because net/http sends other requests again by itself. Every
// other one names its check by its slug.
func (l *load) ping(client *http.Client, e env) {
	n := l.next.Add(1)
	name := "ping " + strconv.FormatInt(n, 10)
	code := l.codes[int(n/2)%len(l.codes)]
	path := "/ping/" + code.String()
	if n%2 == 0 {
		path = "/ping/" + faultsKey + "/" + code.String()
	}
	status, body := send(client, e.site(path), name, l.body)
	switch {
	case status == http.StatusOK && body == "OK":
		l.total.Add(1)
		l.mu.Lock()
		l.acked[name] = code
		l.mu.Unlock()
	case status == http.StatusServiceUnavailable:
		l.busy.Add(1)
	case status == 0:
		l.broken.Add(1)
		// the server is being killed: nothing hammers it meanwhile
		pause(time.Millisecond)
	default:
		l.mu.Lock()
		l.odd[strconv.Itoa(status)+" "+body]++
		l.mu.Unlock()
	}
}

// send returns status 0 when no whole answer came.
func send(client *http.Client, url, userAgent string, body []byte) (int, string) {
	req, err := http.NewRequest("POST", url, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("User-Agent", userAgent)
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(text)
}

func pause(d time.Duration) { <-time.NewTimer(d).C }

// more waits until n more pings are acknowledged.
func (l *load) more(t *testing.T, n int) {
	t.Helper()
	want := l.total.Load() + int64(n)
	eventually(t, strconv.Itoa(n)+" more pings are acknowledged", func() bool { return l.total.Load() >= want })
}

// some waits for a random moment: up to 300 more pings.
func (l *load) some(t *testing.T) {
	t.Helper()
	l.more(t, 1+rand.IntN(300))
}

func (l *load) end() {
	close(l.stop)
	l.clients.Wait()
	l.stop = make(chan struct{})
}

// check looks for every acknowledged ping in the database and adds to the
// finding. Answers other than 200 and 503 are errors, and so are pings recorded
// twice and gaps in the numbers of a check.
func (l *load) check(t *testing.T, s *store.Store, f *finding) {
	t.Helper()
	for answer, n := range l.odd {
		t.Errorf("%d pings were answered %q", n, answer)
	}
	stored := map[string]int{}
	for _, code := range l.codes {
		for name, n := range storedPings(t, s, code) {
			stored[name] += n
			f.pingsTwice += n - 1
		}
	}
	l.unanswered = 0
	for name := range stored {
		_, ok := l.acked[name]
		if !ok {
			l.unanswered++
		}
	}
	if f.pingsTwice > 0 {
		t.Errorf("%d pings are recorded twice", f.pingsTwice)
	}
	f.acked += len(l.acked)
	for name := range l.acked {
		if stored[name] == 0 {
			f.lost++
		}
	}
	if f.lost > 0 {
		t.Fatalf("%d of %d acknowledged pings are lost", f.lost, f.acked)
	}
}

// storedPings counts the pings of a check by their names.
func storedPings(t *testing.T, s *store.Store, code uuid.UUID) map[string]int {
	t.Helper()
	c, err := s.CheckByCode(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Pings(t.Context(), c.ID, store.PingFilter{Limit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	if c.NPings != int64(len(rows)) {
		t.Errorf("check %d counts %d pings and has %d", c.ID, c.NPings, len(rows))
	}
	names := map[string]int{}
	// newest first
	for i, p := range rows {
		want := c.NPings - int64(i)
		if p.N != want {
			t.Fatalf("check %d has ping %d where %d should be", c.ID, p.N, want)
		}
		names[p.UserAgent]++
	}
	return names
}
