package checks_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/testkit/testdb"
	"punctual/web/checks"
	"punctual/web/ui"
	"punctual/web/webtest"
)

// BenchmarkChecks is whole requests of a project's list. The page of a thousand
// checks may take 50 ms and 60 KB compressed.
func BenchmarkChecks(b *testing.B) {
	for _, engine := range testdb.Engines {
		for _, n := range []int{1000, 10000} {
			s, p := webtest.ManyChecks(b, engine, n)
			list := ui.ListURL(p.ID)
			for _, bench := range []struct{ name, query string }{
				{"page", ""}, {"tag", "?tag=billing"}, {"search", "?search=invoices+7"}, {"down", "?status=down"},
				{"name", "?sort=name"}, {"ping", "?sort=-last_ping"}, {"groups", "?group=tag"}, {"created", "?sort=created"},
				{"poll", pollOf(s, p)},
			} {
				b.Run(fmt.Sprintf("%s/%d/%s", engine, n, bench.name), func(b *testing.B) {
					ask := s.Asking(list + bench.query)
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
}

// pollOf is what the script of the list asks for when nothing has changed for an hour.
func pollOf(s *webtest.Site, p *monitor.Project) string {
	s.Helper()
	version, _ := s.Get(ui.ListURL(p.ID)).Is(http.StatusOK).Find("#checks").Attr("data-version")
	s.Clock.Advance(time.Hour)
	return fmt.Sprintf("status/?v=%s&since=%d", version, s.Clock.Now().UnixMicro())
}

// TestTheListOfManyChecksStaysSmall holds the size; the time is the benchmark's.
func TestTheListOfManyChecksStaysSmall(t *testing.T) {
	s, p := webtest.ManyChecks(t, db.SQLite, 1000)
	list := ui.ListURL(p.ID)
	size := webtest.Gzipped(s.Asking(list)().Body.Bytes())
	if size > 60_000 {
		t.Errorf("the page of 1,000 checks has %d bytes compressed, more than 60,000", size)
	}
	if size := s.Asking(list + pollOf(s, p))().Body.Len(); size > 10_000 {
		t.Errorf("a poll with next to no news has %d bytes", size)
	}
}

// BenchmarkTick is what live pages cost when something has changed: the look that
// finds it out, the list loaded once, and what each of the readers is then sent.
func BenchmarkTick(b *testing.B) {
	for _, engine := range testdb.Engines {
		for _, n := range []int{1000, 10000} {
			s, p := webtest.ManyChecks(b, engine, n)
			run := func(name string, f func() error) {
				b.Run(fmt.Sprintf("%s/%d/%s", engine, n, name), func(b *testing.B) {
					b.ReportAllocs()
					before := webtest.CpuTime(b)
					for b.Loop() {
						if err := f(); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric((webtest.CpuTime(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
				})
			}
			run("look", func() error {
				_, err := s.Store.Marks(b.Context(), []uuid.UUID{p.ID}, s.Clock.Now())
				return err
			})
			pages := checks.New(s.Server.Site, func(*monitor.Channel) ui.Channel { return ui.Channel{Icon: "bell"} })
			data, err := pages.LoadList(b.Context(), p.ID)
			if err != nil {
				b.Fatal(err)
			}
			run("load", func() error {
				_, err := pages.LoadList(b.Context(), p.ID)
				return err
			})
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.URL+ui.ListURL(p.ID), nil)
			if err != nil {
				b.Fatal(err)
			}
			r = ui.WithVisitor(r, &ui.Visitor{User: &monitor.User{}})
			run("reader", func() error { return pages.UpdateReader(r, p, data, s.Clock.Now()) })
		}
	}
}
