package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
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
		ids := []uuid.UUID{channels[0].ID}
		if rnd.IntN(4) == 0 {
			ids = append(ids, channels[1].ID)
		}
		if err := st.CreateCheck(tb.Context(), &c, store.Channels{IDs: ids}); err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkChecksOf1000 is a whole request of the list of a thousand checks;
// DESIGN §8 allows it 50 ms and 60 KB compressed.
func BenchmarkChecksOf1000(b *testing.B) {
	page, status, _ := thousandChecks(b)
	for _, bench := range []struct {
		name    string
		request func() *httptest.ResponseRecorder
	}{{"page", page}, {"poll", status}} {
		b.Run(bench.name, func(b *testing.B) {
			var size, zipped int
			for b.Loop() {
				w := bench.request()
				size = w.Body.Len()
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
				b.StopTimer()
				zipped = gzipped(w.Body.Bytes())
				b.StartTimer()
			}
			b.ReportMetric(float64(size), "bytes")
			b.ReportMetric(float64(zipped), "bytes-gzip")
		})
	}
}

// thousandChecks is a site with a project of that many, and requests of its
// list: the page, and what its script asks for when nothing has changed.
func thousandChecks(tb testing.TB) (page, poll func() *httptest.ResponseRecorder, project uuid.UUID) {
	tb.Helper()
	s := newTestSite(tb, db.SQLite)
	_, p := s.login("many@example.org")
	if _, err := s.store.DB().Exec(tb.Context(), `UPDATE users SET check_limit = 2000`); err != nil {
		tb.Fatal(err)
	}
	fillProject(tb, s.store, p.ID, 1000)
	path := s.server.Site.Path(listURL(p.ID))
	ask := func(path string) func() *httptest.ResponseRecorder {
		return func() *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, s.url+path, nil)
			for _, c := range s.client.Jar.Cookies(r.URL) {
				r.AddCookie(c)
			}
			w := httptest.NewRecorder()
			s.server.ServeHTTP(w, r)
			return w
		}
	}
	doc := s.get(path).is(http.StatusOK)
	version, _ := doc.Find("#checks").Attr("data-version")
	s.clock.Advance(time.Hour)
	since := s.clock.Now().UnixMicro()
	return ask(path), ask(fmt.Sprintf("%sstatus/?v=%s&since=%d", path, version, since)), p.ID
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
	page, poll, _ := thousandChecks(t)
	if size := gzipped(page().Body.Bytes()); size > 60_000 {
		t.Errorf("the page of 1,000 checks has %d bytes compressed, more than 60,000", size)
	}
	if size := poll().Body.Len(); size > 10_000 {
		t.Errorf("a poll with next to no news has %d bytes", size)
	}
}
