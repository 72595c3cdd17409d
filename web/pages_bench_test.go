package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/web"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// longHistory stores a check with that many pings and flips.
func longHistory(s *webtest.Site, p *monitor.Project, pings, flips int) *monitor.Check {
	s.Helper()
	now := s.Clock.Now()
	c := monitor.NewCheck(p.ID, now.AddDate(0, -1, 0))
	c.Name = "long history"
	c.Status = monitor.StatusUp
	c.NPings = int64(pings)
	c.LastPing = now
	h := store.History{Check: &c}
	for i := range pings {
		h.Pings = append(h.Pings, &monitor.Ping{N: int64(i + 1), CreatedAt: now.Add(-time.Duration(pings-i) * time.Minute),
			Kind:   monitor.PingSuccess,
			Scheme: "https", Method: "POST", UserAgent: "curl/8.5.0", RemoteAddr: "192.0.2.7",
			Body: []byte(strings.Repeat("a line of output\n", 10))})
	}
	for i := range flips {
		f := monitor.Flip{CreatedAt: now.Add(-time.Duration(flips-i) * 10 * time.Minute), Old: monitor.StatusUp, New: monitor.StatusDown}
		if i%2 == 1 {
			f.Old, f.New = f.New, f.Old
		}
		h.Flips = append(h.Flips, store.PastFlip{Flip: f})
	}
	if err := s.Store.ImportHistory(s.Context(), []store.History{h}); err != nil {
		s.Fatal(err)
	}
	return &c
}

// addProjects gives the user n more projects with that many checks each.
func addProjects(s *webtest.Site, owner uuid.UUID, n, checks int) {
	s.Helper()
	for i := range n {
		p := &monitor.Project{OwnerID: owner, Name: fmt.Sprintf("Project %d", i)}
		if err := s.Store.CreateProject(s.Context(), p); err != nil {
			s.Fatal(err)
		}
		webtest.FillProject(s.TB, s.Store, p.ID, checks)
	}
}

// BenchmarkPages is whole requests of the other pages that may have much to show:
// 50 projects with 100 checks each, a check with 10,000 pings and 1,000 flips.
func BenchmarkPages(b *testing.B) {
	for _, engine := range testdb.Engines {
		s := webtest.New(b, engine)
		u, p := s.Login("many@example.org")
		u.PingLogLimit = 10000
		if err := testdb.PutUser(b.Context(), s.Store, u); err != nil {
			b.Fatal(err)
		}
		addProjects(s, u.ID, 50, 100)
		c := longHistory(s, p, 10000, 1000)
		for _, bench := range []struct{ name, path string }{
			{"projects", "/"}, {"details", ui.CheckURL(c, "")}, {"log", webtest.LogURL(c)},
		} {
			b.Run(string(engine)+"/"+bench.name, func(b *testing.B) {
				ask := s.Asking(bench.path)
				b.ReportAllocs()
				ask()
				before := webtest.CpuTime(b)
				for b.Loop() {
					w := ask()
					if w.Code != http.StatusOK {
						b.Fatal(w.Code)
					}
				}
				b.ReportMetric((webtest.CpuTime(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
			})
		}
	}
}

// No page asks the database more often because there is more to show.
func TestStatementsPerPage(t *testing.T) {
	var mu sync.Mutex
	var names []string
	s := webtest.New(t, db.SQLite, func(d *web.Deps) {
		clock := d.Store.DB().Clock
		observed, err := db.Open(t.Context(), "sqlite:"+d.Store.DB().Path(),
			db.Options{Now: clock.Now, Observe: func(name string, _ time.Duration, _ string) {
				mu.Lock()
				defer mu.Unlock()
				names = append(names, name)
			}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { observed.Close() })
		d.Store = store.New(observed, kinds.Address)
	})
	u, p := s.Login("many@example.org")
	asked := func(c *monitor.Check) map[string][]string {
		t.Helper()
		list := ui.ListURL(p.ID)
		check := ui.CheckURL(c, "")
		out := map[string][]string{}
		for _, path := range []string{
			"/", "/projects/status/", list, list + "?search=x&tag=prod&sort=name", list + "?group=tag", list + "status/?v=", check,
			webtest.LogURL(c),
		} {
			// the order is stored
			s.Asking(path)()
			names = nil
			w := s.Asking(path)()
			if w.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, w.Code)
			}
			page := strings.Replace(path, c.Code.String(), "…", 1)
			out[page] = slices.Sorted(slices.Values(names))
			n := len(out[page])
			if n == 0 || n > 15 {
				t.Errorf("%s: %d statements: %v", page, n, out[page])
			}
		}
		return out
	}
	few := asked(longHistory(s, p, 3, 2))
	webtest.FillProject(t, s.Store, p.ID, 40)
	addProjects(s, u.ID, 3, 5)
	many := asked(longHistory(s, p, 80, 30))
	diff := cmp.Diff(few, many)
	if diff != "" {
		t.Errorf("with more rows (-few +many):\n%s", diff)
	}
}
