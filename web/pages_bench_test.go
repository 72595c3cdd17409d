package web

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
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// longHistory stores a check with that many pings and flips.
func (s *testSite) longHistory(p *monitor.Project, pings, flips int) *monitor.Check {
	s.Helper()
	now := s.clock.Now()
	c := monitor.NewCheck(p.ID, now.AddDate(0, -1, 0))
	c.Name, c.Status, c.NPings, c.LastPing = "long history", monitor.StatusUp, int64(pings), now
	h := store.History{Check: &c}
	for i := range pings {
		h.Pings = append(h.Pings, &monitor.Ping{N: int64(i + 1), CreatedAt: now.Add(-time.Duration(pings-i) * time.Minute), Kind: monitor.PingSuccess,
			Scheme: "https", Method: "POST", UserAgent: "curl/8.5.0", RemoteAddr: "192.0.2.7", Body: []byte(strings.Repeat("a line of output\n", 10))})
	}
	for i := range flips {
		f := monitor.Flip{CreatedAt: now.Add(-time.Duration(flips-i) * 10 * time.Minute), Old: monitor.StatusUp, New: monitor.StatusDown}
		if i%2 == 1 {
			f.Old, f.New = f.New, f.Old
		}
		h.Flips = append(h.Flips, store.PastFlip{Flip: f})
	}
	if err := s.store.ImportHistory(s.Context(), []store.History{h}); err != nil {
		s.Fatal(err)
	}
	return &c
}

// addProjects gives the user n more projects with that many checks each.
func (s *testSite) addProjects(owner uuid.UUID, n, checks int) {
	s.Helper()
	for i := range n {
		p := &monitor.Project{OwnerID: owner, Name: fmt.Sprintf("Project %d", i)}
		if err := s.store.CreateProject(s.Context(), p); err != nil {
			s.Fatal(err)
		}
		fillProject(s.TB, s.store, p.ID, checks)
	}
}

// BenchmarkPages is whole requests of the other pages that may have much to show:
// 50 projects with 100 checks each, a check with 10,000 pings and 1,000 flips.
func BenchmarkPages(b *testing.B) {
	for _, engine := range testdb.Engines {
		s := newTestSite(b, engine)
		u, p := s.login("many@example.org")
		u.PingLogLimit = 10000
		if err := testdb.PutUser(b.Context(), s.store, u); err != nil {
			b.Fatal(err)
		}
		s.addProjects(u.ID, 50, 100)
		c := s.longHistory(p, 10000, 1000)
		for _, bench := range []struct{ name, path string }{
			{"projects", "/"}, {"details", checkURL(c, "")}, {"log", logURL(c)},
		} {
			b.Run(string(engine)+"/"+bench.name, func(b *testing.B) {
				ask := s.asking(bench.path)
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

// No page asks the database more often because there is more to show.
func TestStatementsPerPage(t *testing.T) {
	var mu sync.Mutex
	var names []string
	s := newTestSite(t, db.SQLite, func(d *Deps) {
		clock := d.Store.DB().Clock
		observed, err := db.Open(t.Context(), "sqlite:"+d.Store.DB().Path(), db.Options{Now: clock.Now, Observe: func(name string, _ time.Duration, _ string) {
			mu.Lock()
			defer mu.Unlock()
			names = append(names, name)
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { observed.Close() })
		d.Store = store.New(observed)
	})
	u, p := s.login("many@example.org")
	asked := func(c *monitor.Check) map[string][]string {
		t.Helper()
		list, check := listURL(p.ID), checkURL(c, "")
		out := map[string][]string{}
		for _, path := range []string{
			"/", "/projects/status/", list, list + "?search=x&tag=prod&sort=name", list + "?group=tag", list + "status/?v=", check, logURL(c),
		} {
			s.asking(path)() // the order is stored
			names = nil
			if w := s.asking(path)(); w.Code != http.StatusOK {
				t.Fatalf("%s: %d", path, w.Code)
			}
			page := strings.Replace(path, c.Code.String(), "…", 1)
			out[page] = slices.Sorted(slices.Values(names))
			if n := len(out[page]); n == 0 || n > 15 {
				t.Errorf("%s: %d statements: %v", page, n, out[page])
			}
		}
		return out
	}
	few := asked(s.longHistory(p, 3, 2))
	fillProject(t, s.store, p.ID, 40)
	s.addProjects(u.ID, 3, 5)
	many := asked(s.longHistory(p, 80, 30))
	if diff := cmp.Diff(few, many); diff != "" {
		t.Errorf("with more rows (-few +many):\n%s", diff)
	}
}

func logURL(c *monitor.Check) string { return "/checks/" + c.Code.String() + "/log/" }
