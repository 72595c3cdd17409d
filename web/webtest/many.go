package webtest

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
	"punctual/internal/notify"
	"punctual/internal/store"
	"punctual/internal/testkit/kindtest"
	"punctual/internal/testkit/testdb"
	"punctual/web"
)

// FillProject gives a project n checks as people have them: names, tags, all
// kinds of schedule, histories and three channels.
func FillProject(tb testing.TB, st *store.Store, project uuid.UUID, n int) {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	for i, ch := range []*monitor.Channel{
		{Kind: "email", Config: `{"address":"ops@example.org","down":true,"up":true}`},
		{Kind: "webhook", Config: `{"url_down":"https://hooks.example.org/"}`},
		{Kind: "po", Config: `{"user":"uQiRzpo4DXghDmr9QzzfQu27cmVRsG","priority_down":0,"priority_up":0}`},
	} {
		ch.ProjectID = project
		ch.Name = fmt.Sprintf("Channel %d", i)
		ch.Verified = true
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
		c.Name = fmt.Sprintf("%s %s %d", pick("Nightly", "Weekly", "Hourly", "Renew", "Rotate", "Import"),
			pick("Postgres backup", "certificates", "invoices", "search index", "logs", "catalogue"), i)
		c.Slug = monitor.Slugify(c.Name)
		c.Tags = pick("prod", "prod db", "web", "billing prod", "infra", "")
		if i%3 == 0 {
			c.Kind = "cron"
			c.Schedule = fmt.Sprintf("%d %d * * *", rnd.IntN(60), rnd.IntN(24))
		} else {
			c.Timeout = []time.Duration{time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour}[rnd.IntN(4)]
		}
		c.Grace = []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour}[rnd.IntN(3)]
		c.Status = monitor.StatusUp
		c.NPings = 40
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

// Offering is for New: the site offers all integrations.
func Offering(d *web.Deps) { d.Notifiers = kindtest.Registry(notify.Env{}, nil) }

// ManyChecks is a site that offers integrations, with a project of n checks.
func ManyChecks(tb testing.TB, engine db.Engine, n int) (*Site, *monitor.Project) {
	tb.Helper()
	s := New(tb, engine, Offering)
	_, p := s.Login("many@example.org")
	first, err := testdb.ChecksOf(tb.Context(), s.Store, p.ID)
	if err != nil {
		tb.Fatal(err)
	}
	FillProject(tb, s.Store, p.ID, n-len(first))
	// as autovacuum does before long
	if engine == db.Postgres {
		_, err := s.Store.DB().Exec(tb.Context(), `ANALYZE`)
		if err != nil {
			tb.Fatal(err)
		}
	}
	return s, p
}

// CpuTime is what this process has used of the processors: on a busy machine it
// says more than the time that has passed.
func CpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// Asking is a request of the page by the one who has logged in, without the network.
func (s *Site) Asking(path string) func() *httptest.ResponseRecorder {
	return func() *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(s.Context(), http.MethodGet, s.URL+path, nil)
		for _, c := range s.Client.Jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		s.Server.ServeHTTP(w, r)
		return w
	}
}

// Gzipped is how many bytes the data has when it is compressed.
func Gzipped(data []byte) int {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write(data)
	_ = w.Close()
	return buf.Len()
}
