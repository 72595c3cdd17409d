package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// durable is newEnv on a database that really flushes: the shared cluster of
// the tests does not.
func durable(t *testing.T, engine db.Engine) env {
	t.Helper()
	e := newEnv(t, engine)
	if engine == db.Postgres {
		c, err := pgtest.Start(pgtest.Options{Fsync: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if e["PUNCTUAL_DATABASE_URL"], err = c.CreateDatabase(); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// watched makes an account with checks, for tests that need no sign-up.
func watched(t *testing.T, s *store.Store, checks int, channel *monitor.Channel) (codes []uuid.UUID) {
	t.Helper()
	a := store.Account{
		User:    &monitor.User{Email: "owner@example.org", IsActive: true, TZ: "UTC", CheckLimit: 10000, PingLogLimit: 1000000},
		Project: &monitor.Project{Name: "Faults"},
		Channel: channel,
	}
	if err := s.CreateAccount(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	for range checks {
		c := monitor.NewCheck(a.Project.ID, s.Now())
		if err := s.CreateCheck(t.Context(), &c, store.Channels{All: true}); err != nil {
			t.Fatal(err)
		}
		codes = append(codes, c.Code)
	}
	return codes
}

// load pings the checks from several clients until stop is closed, and counts
// the acknowledged pings of each check.
type load struct {
	codes   []uuid.UUID
	acked   map[uuid.UUID]*atomic.Int64
	total   atomic.Int64
	clients sync.WaitGroup
	stop    chan struct{}
}

func newLoad(codes []uuid.UUID) *load {
	l := &load{codes: codes, acked: map[uuid.UUID]*atomic.Int64{}}
	for _, code := range codes {
		l.acked[code] = new(atomic.Int64)
	}
	return l
}

func (l *load) start(e env, clients int) {
	l.stop = make(chan struct{})
	for i := range clients {
		l.clients.Go(func() {
			client := http.Client{Timeout: patience, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := i; ; n++ {
				select {
				case <-l.stop:
					return
				default:
					l.ping(&client, e, l.codes[n%len(l.codes)])
				}
			}
		})
	}
}

func (l *load) ping(client *http.Client, e env, code uuid.UUID) {
	res, err := client.Get(e.site("/ping/" + code.String()))
	if err != nil {
		return // the server is being killed
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode == http.StatusOK && string(body) == "OK" {
		l.acked[code].Add(1)
		l.total.Add(1)
	}
}

func (l *load) end() {
	close(l.stop)
	l.clients.Wait()
}

// missing counts acknowledged pings that are not in the database.
func (l *load) missing(t *testing.T, s *store.Store) (missing int64) {
	t.Helper()
	for code, acked := range l.acked {
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
		missing += max(0, acked.Load()-int64(len(rows)))
	}
	return missing
}

// Issue 2: kill -9 of the server under ping load loses no acknowledged ping.
func TestKilledServerLosesNoAcknowledgedPing(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		e := durable(t, engine)
		if code, _, stderr := e.run(t, "migrate"); code != 0 {
			t.Fatal(stderr)
		}
		s := e.store(t)
		codes := watched(t, s, 5, nil)
		l := newLoad(codes)
		for round := range 5 {
			p := e.start(t, "serve")
			l.start(e, 8)
			want := int64(300 * (round + 1))
			eventually(t, "300 more pings are acknowledged", func() bool { return l.total.Load() >= want })
			p.kill()
			l.end()
			if n := l.missing(t, s); n > 0 {
				t.Fatalf("round %d: %d of %d acknowledged pings are missing", round, n, l.total.Load())
			}
		}
	})
}

// SIGTERM under load: everything acknowledged is there, and the end is orderly.
func TestAnOrderlyEndDropsNothing(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		e := newEnv(t, engine)
		if code, _, stderr := e.run(t, "migrate"); code != 0 {
			t.Fatal(stderr)
		}
		s := e.store(t)
		codes := watched(t, s, 5, nil)
		p := e.start(t, "serve")
		l := newLoad(codes)
		l.start(e, 8)
		eventually(t, "300 pings are acknowledged", func() bool { return l.total.Load() >= 300 })
		if code := p.terminate(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		l.end()
		if n := l.missing(t, s); n > 0 {
			t.Errorf("%d of %d acknowledged pings are missing", n, l.total.Load())
		}
	})
}

// Issue 2: kill -9 of sendalerts in the middle of a delivery still leads to
// that alert, under the same idempotency key.
func TestKilledSendalertsStillTells(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		keys := make(chan string, 10)
		hang := make(chan struct{})
		first := true
		hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			keys <- r.Header.Get("Idempotency-Key")
			if first {
				first = false
				<-hang
			}
		}))
		t.Cleanup(hook.Close)
		t.Cleanup(func() { close(hang) })
		e := newEnv(t, engine)
		if code, _, stderr := e.run(t, "migrate"); code != 0 {
			t.Fatal(stderr)
		}
		s := e.store(t)
		codes := watched(t, s, 1, &monitor.Channel{Kind: "webhook", Config: `{"method_down":"GET","url_down":"` + hook.URL + `"}`, Verified: true})
		e.start(t, "serve")
		p := e.start(t, "sendalerts")
		if res, err := http.Get(e.site("/ping/" + codes[0].String() + "/fail")); err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		key := <-keys
		p.kill()
		expireLeases(t, s)
		e.start(t, "sendalerts")
		select {
		case again := <-keys:
			if again != key || key == "" {
				t.Errorf("second attempt with key %q, the first had %q", again, key)
			}
		case <-time.After(patience):
			t.Fatal("the alert was lost")
		}
		eventually(t, "the delivery counts as sent", func() bool {
			n, _, err := s.DispatchBacklog(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n == 0
		})
	})
}

// expireLeases lets the lease of the killed process pass at once.
func expireLeases(t *testing.T, s *store.Store) {
	t.Helper()
	if _, err := s.DB().Exec(t.Context(), `UPDATE deliveries SET next_try_at = $1 WHERE status = 'pending'`, s.Now()); err != nil {
		t.Fatal(err)
	}
}
