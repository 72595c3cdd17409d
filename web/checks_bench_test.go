package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// fillProject gives a project n checks as people have them: names, tags, all
// kinds of schedule, histories and three channels.
func fillProject(tb testing.TB, st *store.Store, project uuid.UUID, n int) {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	for i := range 3 {
		ch := &monitor.Channel{ProjectID: project, Kind: []string{"email", "webhook", "po"}[i], Name: fmt.Sprintf("Channel %d", i), Config: "{}", Verified: true}
		if err := st.CreateChannel(tb.Context(), ch); err != nil {
			tb.Fatal(err)
		}
	}
	channels, err := st.ChannelsOf(tb.Context(), project)
	if err != nil {
		tb.Fatal(err)
	}
	now := st.Now()
	var histories []store.History
	for i := range n {
		c := monitor.NewCheck(project, now.AddDate(0, -1, 0))
		c.Name = fmt.Sprintf("%s %s %d", pick("Nightly", "Weekly", "Hourly", "Renew", "Rotate", "Import"), pick("Postgres backup", "certificates", "invoices", "search index", "logs", "catalogue"), i)
		c.Slug = monitor.Slugify(c.Name)
		c.Tags = pick("prod", "prod db", "web", "billing prod", "infra", "")
		if i%3 == 0 {
			c.Kind, c.Schedule = "cron", fmt.Sprintf("%d %d * * *", rnd.IntN(60), rnd.IntN(24))
		} else {
			c.Timeout = []time.Duration{time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour}[rnd.IntN(4)]
		}
		c.Grace = []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour}[rnd.IntN(3)]
		c.Status, c.NPings = monitor.StatusUp, 40
		c.LastPing = now.Add(-time.Duration(rnd.Int64N(int64(time.Hour))))
		if i%2 == 0 {
			c.LastDuration = time.Duration(rnd.Int64N(int64(time.Hour)))
		}
		for range monitor.MaxRecentRuns {
			outcome := monitor.RunSuccess
			if rnd.IntN(50) == 0 {
				outcome = []byte("ldm")[rnd.IntN(3)]
			}
			c.RecentRuns = monitor.AppendRun(c.RecentRuns, outcome)
		}
		h := store.History{Check: &c, Channels: []uuid.UUID{channels[0].ID}}
		if rnd.IntN(4) == 0 {
			h.Channels = append(h.Channels, channels[1].ID)
		}
		histories = append(histories, h)
	}
	if err := st.ImportHistory(tb.Context(), histories); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkChecks is whole requests of a project's list. DESIGN §8 allows the
// page of a thousand checks 50 ms and 60 KB compressed.
func BenchmarkChecks(b *testing.B) {
	for _, engine := range testdb.Engines {
		for _, n := range []int{1000, 10000} {
			s, p := manyChecks(b, engine, n)
			list := listURL(p.ID)
			for _, bench := range []struct{ name, query string }{
				{"page", ""}, {"tag", "?tag=billing"}, {"search", "?search=invoices+7"}, {"down", "?status=down"},
				{"name", "?sort=name"}, {"ping", "?sort=-last_ping"}, {"groups", "?group=tag"}, {"created", "?sort=created"},
				{"poll", s.pollOf(p)},
			} {
				b.Run(fmt.Sprintf("%s/%d/%s", engine, n, bench.name), func(b *testing.B) {
					ask := s.asking(list + bench.query)
					b.ReportAllocs()
					ask()
					before := cpuTime(b)
					for b.Loop() {
						if w := ask(); w.Code != http.StatusOK {
							b.Fatal(w.Code)
						}
					}
					b.ReportMetric((cpuTime(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
				})
			}
		}
	}
}

// manyChecks is a site with a project of n checks.
func manyChecks(tb testing.TB, engine db.Engine, n int) (*testSite, *monitor.Project) {
	tb.Helper()
	s := newTestSite(tb, engine)
	_, p := s.login("many@example.org")
	first, err := testdb.ChecksOf(tb.Context(), s.store, p.ID)
	if err != nil {
		tb.Fatal(err)
	}
	fillProject(tb, s.store, p.ID, n-len(first))
	if engine == db.Postgres { // as autovacuum does before long
		if _, err := s.store.DB().Exec(tb.Context(), `ANALYZE`); err != nil {
			tb.Fatal(err)
		}
	}
	return s, p
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

// asking is a request of the page by the one who has logged in, without the network.
func (s *testSite) asking(path string) func() *httptest.ResponseRecorder {
	return func() *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(s.Context(), http.MethodGet, s.url+path, nil)
		for _, c := range s.client.Jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, r)
		return w
	}
}

// pollOf is what the script of the list asks for when nothing has changed for an hour.
func (s *testSite) pollOf(p *monitor.Project) string {
	s.Helper()
	version, _ := s.get(listURL(p.ID)).is(http.StatusOK).Find("#checks").Attr("data-version")
	s.clock.Advance(time.Hour)
	return fmt.Sprintf("status/?v=%s&since=%d", version, s.clock.Now().UnixMicro())
}

func gzipped(data []byte) int {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write(data)
	_ = w.Close()
	return buf.Len()
}

// TestTheListOfManyChecksStaysSmall holds the size; the time is the benchmark's.
func TestTheListOfManyChecksStaysSmall(t *testing.T) {
	s, p := manyChecks(t, db.SQLite, 1000)
	list := listURL(p.ID)
	if size := gzipped(s.asking(list)().Body.Bytes()); size > 60_000 {
		t.Errorf("the page of 1,000 checks has %d bytes compressed, more than 60,000", size)
	}
	if size := s.asking(list + s.pollOf(p))().Body.Len(); size > 10_000 {
		t.Errorf("a poll with next to no news has %d bytes", size)
	}
}

// BenchmarkTick is what live pages cost when something has changed: the look that
// finds it out, the list loaded once, and what each of the readers is then sent.
func BenchmarkTick(b *testing.B) {
	for _, engine := range testdb.Engines {
		for _, n := range []int{1000, 10000} {
			s, p := manyChecks(b, engine, n)
			run := func(name string, f func() error) {
				b.Run(fmt.Sprintf("%s/%d/%s", engine, n, name), func(b *testing.B) {
					b.ReportAllocs()
					before := cpuTime(b)
					for b.Loop() {
						if err := f(); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric((cpuTime(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
				})
			}
			run("look", func() error {
				_, err := s.store.Marks(b.Context(), []uuid.UUID{p.ID}, s.clock.Now())
				return err
			})
			pages := newChecks(s.server.Site, func(*monitor.Channel) channelSummary { return channelSummary{Icon: "bell"} })
			data, err := pages.LoadList(b.Context(), p.ID)
			if err != nil {
				b.Fatal(err)
			}
			run("load", func() error {
				_, err := pages.LoadList(b.Context(), p.ID)
				return err
			})
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.url+listURL(p.ID), nil)
			if err != nil {
				b.Fatal(err)
			}
			r = withVisitor(r, &visitor{User: &monitor.User{}})
			run("reader", func() error { return pages.UpdateReader(r, p, data, s.clock.Now()) })
		}
	}
}
