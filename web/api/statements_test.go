package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/mail"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web/api"
)

// No address asks the database more often because there is more to tell, and
// none asks often.
func TestStatementsPerRequest(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var statements statementLog
			clock := testdb.NewClock()
			d, err := db.Open(t.Context(), testdb.URL(t, engine), db.Options{Now: clock.Now, Observe: func(name string, _ time.Duration, _ string) {
				statements.add(name)
			}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			c := newClient(t, store.New(d, kinds.Address), clock)
			few := c.statementsOf(&statements)
			c.fill(30)
			many := c.statementsOf(&statements)
			for request, names := range few {
				diff := cmp.Diff(names, many[request])
				if diff != "" {
					t.Errorf("%s: with more rows (-few +many):\n%s", request, diff)
				}
				if len(names) > 12 {
					t.Errorf("%s: %d statements: %v", request, len(names), names)
				}
			}
		})
	}
}

// fill adds n checks, channels and tags, and n pings and flips of the client's check.
func (c *client) fill(n int) {
	c.Helper()
	for i := range n {
		channel := &monitor.Channel{ProjectID: c.mine.Project.ID, Kind: "webhook", Config: "{}", Verified: true}
		if err := c.store.CreateChannel(c.Context(), channel); err != nil {
			c.Fatal(err)
		}
		check := monitor.NewCheck(c.mine.Project.ID, c.clock.Now())
		check.Tags = fmt.Sprintf("all tag%d", i)
		if err := c.store.CreateCheck(c.Context(), &check, store.Channels{All: true}); err != nil {
			c.Fatal(err)
		}
		c.clock.Advance(time.Minute)
		kind := monitor.PingSuccess
		if i%2 == 0 {
			kind = monitor.PingFail
		}
		c.ping(monitor.Ping{Kind: kind, Body: []byte("body"), RID: run(i % 3)})
	}
}

// statementLog keeps the names of statements.
type statementLog struct {
	mu    sync.Mutex
	names []string
}

func (l *statementLog) add(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// a new connection, and whether an old one is alive
	if name != "set" && name != "other" {
		l.names = append(l.names, name)
	}
}

// take returns the names since the last time.
func (l *statementLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := l.names
	l.names = nil
	return names
}

// statementsOf sends one request to every address and returns the statements
// that each took.
func (c *client) statementsOf(log *statementLog) map[string][]string {
	c.Helper()
	c.ping(monitor.Ping{Kind: monitor.PingFail, Body: []byte("x")})
	check, err := c.store.CheckByCode(c.Context(), c.mine.Check.Code)
	if err != nil {
		c.Fatal(err)
	}
	deliveries, err := c.store.DeliveriesOf(c.Context(), check.ID, store.DeliveryFilter{Limit: 1})
	if err != nil || len(deliveries) == 0 {
		c.Fatal(err, "no deliveries")
	}
	bounce := fmt.Sprintf(report, returnPaths.Address(mail.AboutDelivery, deliveries[0].Code, c.clock.Now()), "delayed", "4.0.0", "")
	names := make(map[string][]string)
	for _, k := range []struct {
		method, path, body string
	}{
		{"GET", "/api/v3/checks/", ""},
		{"GET", "/api/v3/checks/?tag=all&slug=", ""},
		{"GET", "/api/v3/checks/{U}", ""},
		{"GET", "/api/v3/checks/{KEY}", ""},
		{"GET", "/api/v3/checks/{U}/pings/", ""},
		{"GET", "/api/v3/checks/{U}/pings/{N}/body", ""},
		{"GET", "/api/v3/checks/{U}/flips/", ""},
		{"GET", "/api/v3/checks/{KEY}/flips/", ""},
		{"GET", "/api/v3/channels/", ""},
		{"GET", "/api/v3/metrics/", ""},
		{"GET", "/api/v3/status/", ""},
		{"POST", "/api/v3/checks/{U}", `{"name":"x"}`},
		{"POST", "/api/v3/checks/{U}/pause", ""},
		{"POST", "/api/v3/checks/{U}/resume", ""},
		{"POST", "/api/v3/checks/", `{"channels":"*"}`},
		{"POST", "/api/v3/checks/", `{"channels":"*","name":"x","unique":["name"]}`},
		{"POST", "/api/v3/notifications/{D}/status", "error=x"},
		{"POST", "/api/v3/bounces/", bounce},
	} {
		path := strings.NewReplacer("{U}", check.Code.String(), "{KEY}", monitor.UniqueKey(check.Code), "{N}", fmt.Sprint(check.NPings), "{D}",
			deliveries[0].Code.String()).Replace(k.path)
		r := httptest.NewRequest(k.method, path, strings.NewReader(k.body))
		r.Header.Set("X-Api-Key", rwKey)
		r.Header.Set("X-Metrics-Key", metricsKey)
		if strings.HasPrefix(k.body, "error=") {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		log.take()
		c.bare.ServeHTTP(w, r)
		if w.Code >= 400 {
			c.Fatalf("%s %s: %d %s", k.method, k.path, w.Code, w.Body)
		}
		names[k.method+" "+k.path] = log.take()
	}
	return names
}

// BenchmarkListOfChecks is the server's time for a list of 1,000 checks, each
// with three channels, without the network and without compression.
func BenchmarkListOfChecks(b *testing.B) {
	for _, engine := range testdb.Engines {
		b.Run(string(engine), func(b *testing.B) {
			s := testdb.Open(b, engine, nil)
			h := manyChecks(b, s, 1000)
			b.ReportAllocs()
			before := cpuTime(b)
			b.ResetTimer()
			for b.Loop() {
				r := httptest.NewRequest("GET", "/api/v3/checks/", nil)
				r.Header.Set("X-Api-Key", rwKey)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != 200 || w.Body.Len() < 500_000 {
					b.Fatalf("%d, %d bytes", w.Code, w.Body.Len())
				}
			}
			b.ReportMetric((cpuTime(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// cpuTime is what this process has used of the processors: on a busy machine it
// says more than the time that has passed.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// manyChecks makes a project with n checks of all kinds and states.
func manyChecks(tb testing.TB, s *store.Store, n int) http.Handler {
	tb.Helper()
	account := testdb.Account(tb, s)
	account.User.CheckLimit = n
	if err := testdb.PutUser(tb.Context(), s, account.User); err != nil {
		tb.Fatal(err)
	}
	giveKeys(tb, s, account.Project, rwKey, roKey)
	for range 2 {
		if err := s.CreateChannel(tb.Context(), &monitor.Channel{ProjectID: account.Project.ID, Kind: "webhook", Config: "{}",
			Verified: true}); err != nil {
			tb.Fatal(err)
		}
	}
	now := s.Now()
	for i := range n - 1 {
		c := monitor.NewCheck(account.Project.ID, now)
		c.Name = fmt.Sprintf("Nightly dump of database %d", i)
		c.Slug = fmt.Sprintf("nightly-dump-%d", i)
		c.Tags = "db prod eu-west"
		c.Description = "Dumps the database to the object store; see the runbook."
		if i%2 == 0 {
			c.Kind = "cron"
			c.Schedule = "0 2 * * *"
			c.TZ = "Europe/Berlin"
		}
		if i%3 > 0 {
			c.Status = monitor.StatusUp
			c.LastPing = now.Add(-time.Hour)
			c.NPings = 412
			c.LastDuration = 633 * time.Second
		}
		if i%9 == 1 {
			c.LastStart = now.Add(-time.Minute)
			c.LastStartRID = uuid.NullUUID{UUID: uuid.New(), Valid: true}
		}
		if err := s.CreateCheck(tb.Context(), &c, store.Channels{All: true}); err != nil {
			tb.Fatal(err)
		}
	}
	return http.StripPrefix("/api", api.New(deps(s)))
}
