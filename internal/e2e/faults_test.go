package e2e

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// cluster is a PostgreSQL of the test's own that really flushes and may be
// crashed: the shared one of the tests does and may not.
func cluster(t *testing.T, opts pgtest.Options) *pgtest.Cluster {
	t.Helper()
	opts.Fsync = true
	c, err := pgtest.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// durable is newEnv on a database that really flushes.
func durable(t *testing.T, engine db.Engine) env {
	t.Helper()
	e := newEnv(t, engine)
	if engine == db.Postgres {
		var err error
		e["PUNCTUAL_DATABASE_URL"], err = cluster(t, pgtest.Options{}).CreateDatabase()
		if err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// migrated brings the schema up to date and opens the store.
func (e env) migrated(t *testing.T) *store.Store {
	t.Helper()
	code, _, stderr := e.run(t, "migrate")
	if code != 0 {
		t.Fatal(stderr)
	}
	return e.store(t)
}

// faultsKey is the ping key of the checks that watched makes; each has its code as a slug.
const faultsKey = "faults"

// watched makes an account with new checks, for tests that need no sign-up.
func watched(t *testing.T, s *store.Store, checks int, channel *monitor.Channel) (codes []uuid.UUID) {
	t.Helper()
	a := store.Account{
		User:    &monitor.User{Email: "owner@example.org", IsActive: true, TZ: "UTC", CheckLimit: 10000, PingLogLimit: 1000000},
		Project: &monitor.Project{Name: "Faults", PingKey: faultsKey},
		Channel: channel,
	}
	if err := s.CreateAccount(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	for range checks {
		c := monitor.NewCheck(a.Project.ID, s.Now())
		c.Slug = c.Code.String()
		if err := s.CreateCheck(t.Context(), &c, store.Channels{All: true}); err != nil {
			t.Fatal(err)
		}
		codes = append(codes, c.Code)
	}
	return codes
}

// Issue 2: kill -9 of the server under ping load loses no acknowledged ping, and
// no alert such a ping gave rise to.
func TestFaultKilledServerLosesNoAcknowledgedPing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, times(5, 50))
		rc := newReceiver(t, nil)
		e := durable(t, engine)
		s := e.migrated(t)
		codes := watched(t, s, 7, rc.channel())
		l := newLoad(codes[:5])
		c := change(e, codes[5:], 50*time.Millisecond)
		for range f.rounds {
			p := e.start(t, "serve")
			l.start(e, 8)
			l.some(t)
			p.kill()
			l.end()
		}
		e.start(t, "serve")
		made := c.end()
		e.start(t, "sendalerts")
		settled(t, s)
		l.check(t, s, f)
		rc.check(t, made, f)
	})
}

// kill -9 of the one process that does everything, at random moments: no
// acknowledged ping is lost, no alert from a ping and none from a deadline.
func TestFaultKilledUpForgetsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, times(3, 20))
		rc := newReceiver(t, nil)
		e := durable(t, engine)
		s := e.migrated(t)
		codes := watched(t, s, 12, rc.channel())
		l := newLoad(codes[:5])
		c := change(e, codes[5:], 50*time.Millisecond)
		var silent []uuid.UUID
		for range f.rounds {
			p := e.start(t, "up")
			silent = append(silent, overdue(t, s, 10, s.Now().Add(-time.Minute))...)
			l.start(e, 8)
			if rand.IntN(2) == 0 {
				l.some(t)
			} else {
				// among the first alerts
				rc.more(t, 1+rand.IntN(10))
			}
			p.kill()
			l.end()
			expireLeases(t, s)
		}
		e.start(t, "up")
		made := c.end()
		judged(t, s)
		// A deadline that passed between two lives of the process proves nothing: its run is
		// unknown, and named in a notice.
		named := unknownChecks(t, s)
		for _, code := range silent {
			made[code] = 1
			if named[code] {
				made[code] = 0
			}
		}
		settled(t, s)
		l.check(t, s, f)
		rc.check(t, made, f)
	})
}

// SIGTERM under load: everything acknowledged is there, everything recorded was
// acknowledged, and the end is orderly.
func TestFaultOrderlyEndDropsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) { orderlyEnd(t, engine, "serve", "sendalerts") })
}

// The same of the one process that does everything.
func TestFaultOrderlyEndOfUpDropsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) { orderlyEnd(t, engine, "up") })
}

func orderlyEnd(t *testing.T, engine db.Engine, commands ...string) {
	f := begin(t, times(2, 20))
	rc := newReceiver(t, nil)
	e := newEnv(t, engine)
	s := e.migrated(t)
	codes := watched(t, s, 15, rc.channel())
	l := newLoad(codes[:5])
	c := change(e, codes[5:], 20*time.Millisecond)
	start := func() (all []*process) {
		for _, command := range commands {
			all = append(all, e.start(t, command))
		}
		return all
	}
	for range f.rounds {
		running := start()
		l.start(e, 8)
		l.some(t)
		rc.more(t, 1+rand.IntN(20))
		var all sync.WaitGroup
		for _, p := range running {
			all.Go(func() {
				code := p.terminate()
				if code != 0 {
					t.Errorf("exit code %d", code)
				}
			})
		}
		all.Wait()
		l.end()
	}
	start()
	made := c.end()
	waitUntilSent(t, s)
	l.check(t, s, f)
	rc.check(t, made, f)
	if f.alertsTwice > 0 {
		t.Errorf("%d alerts came twice", f.alertsTwice)
	}
	if l.unanswered > 0 {
		t.Errorf("%d pings were recorded without an answer", l.unanswered)
	}
}

// Issue 2: kill -9 of sendalerts in the middle of a delivery still leads to
// that alert, under the same idempotency key.
func TestFaultKilledSendalertsStillSends(t *testing.T) {
	t.Parallel()
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
		s := e.migrated(t)
		codes := watched(t, s, 1, &monitor.Channel{Kind: "webhook", Config: `{"method_down":"GET","url_down":"` + hook.URL + `"}`,
			Verified: true})
		e.start(t, "serve")
		p := e.start(t, "sendalerts")
		res, err := http.Get(e.site("/ping/" + codes[0].String() + "/fail"))
		if err != nil || res.StatusCode != 200 {
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
			n, err := testdb.PendingDeliveries(t.Context(), s)
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
	_, err := s.DB().Exec(t.Context(), `UPDATE deliveries SET next_try_at = $1 WHERE status = 'pending'`, s.Now())
	if err != nil {
		t.Fatal(err)
	}
}

// kill -9 of sendalerts at random moments, with alerts from pings and from
// deadlines under way: each is told, in order.
func TestFaultKilledSendalertsForgetsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, times(5, 50))
		rc := newReceiver(t, nil)
		e := newEnv(t, engine)
		s := e.migrated(t)
		codes := watched(t, s, 10, rc.channel())
		e.start(t, "serve")
		c := change(e, codes, 50*time.Millisecond)
		var silent []uuid.UUID
		for range f.rounds {
			p := e.start(t, "sendalerts")
			silent = append(silent, overdue(t, s, 10, s.Now().Add(-time.Minute))...)
			rc.more(t, 1+rand.IntN(30))
			p.kill()
			expireLeases(t, s)
		}
		e.start(t, "sendalerts")
		made := c.end()
		for _, code := range silent {
			made[code] = 1
		}
		settled(t, s)
		rc.check(t, made, f)
	})
}

// Three sendalerts side by side share the work, and tell nothing twice.
func TestFaultThreeSendalertsSendNothingTwice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		n := times(500, 10_000)
		f := begin(t, 1)
		rc := newReceiver(t, nil)
		e := newEnv(t, engine)
		s := e.migrated(t)
		watched(t, s, 0, rc.channel())
		for range 3 {
			e.start(t, "sendalerts")
		}
		made := map[uuid.UUID]int{}
		for _, code := range overdue(t, s, n, s.Now().Add(-time.Minute)) {
			made[code] = 1
		}
		began := time.Now()
		eventuallyWithin(t, 4*patience, "all alerts arrive", func() bool { return len(rc.all()) >= n })
		t.Logf("%d alerts by three processes in %v", n, time.Since(began).Round(time.Millisecond))
		waitUntilSent(t, s)
		rc.check(t, made, f)
		if f.alertsTwice > 0 {
			t.Errorf("%d alerts were told twice", f.alertsTwice)
		}
	})
}

// Two that migrate at once take turns, whoever they are, and share the work
// afterwards: nothing is lost, nothing told twice.
func TestFaultTwoMigrateAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, times(2, 20))
		for range f.rounds {
			e := newEnv(t, engine)
			a := e.launch(t, "migrate")
			b := e.launch(t, "migrate")
			for _, p := range []*process{a, b} {
				<-p.ended
				code := p.cmd.ProcessState.ExitCode()
				if code != 0 {
					t.Errorf("exit code %d: %s", code, p.log())
				}
			}
			code, _, stderr := e.run(t, "migrate", "status")
			if code != 0 {
				t.Error(stderr)
			}
			e = newEnv(t, engine)
			if engine == db.SQLite {
				// both make one, and one counts
				delete(e, "PUNCTUAL_SECRET_KEY")
			}
			port := freePort(t)
			other := e.with(env{"PUNCTUAL_LISTEN": "127.0.0.1:" + port, "PUNCTUAL_SITE_ROOT": "http://127.0.0.1:" + port})
			ups := []*process{e.launch(t, "up"), other.launch(t, "up")}
			for _, p := range ups {
				p.waitFor("Punctual is running")
			}
			s := e.store(t)
			rc := newReceiver(t, nil)
			codes := watched(t, s, 3, rc.channel())
			l := newLoad(codes[:1])
			c := change(e, codes[1:], 20*time.Millisecond)
			l.start(e, 2)
			l.start(other, 2)
			l.more(t, 50)
			rc.more(t, 5)
			l.end()
			made := c.end()
			waitUntilSent(t, s)
			for _, p := range ups {
				code := p.terminate()
				if code != 0 {
					t.Errorf("exit code %d: %s", code, p.log())
				}
			}
			l.check(t, s, f)
			rc.check(t, made, f)
		}
		if f.alertsTwice > 0 {
			t.Errorf("%d alerts came twice", f.alertsTwice)
		}
	})
}
