package ping_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/ping"
	"punctual/internal/spool"
	"punctual/internal/testkit/testdb"
)

// The whole way of a ping but for the network, with and without a limit that is
// not reached, and a spool that is not used.
func BenchmarkPing(b *testing.B) {
	rates := ping.Rates{Check: 1 << 30, Project: 1 << 30}
	for _, c := range []struct {
		name  string
		rates ping.Rates
		spool bool
	}{{"limits off", ping.Rates{}, false}, {"limits on", rates, false}, {"limits on, a spool", rates, true}} {
		b.Run(c.name, func(b *testing.B) {
			s := testdb.Open(b, db.SQLite, testdb.NewClock())
			account := testdb.Account(b, s)
			log := slog.New(slog.DiscardHandler)
			limits := ping.Limits{Rates: c.rates}
			if c.spool {
				sp, err := spool.Open(b.TempDir(), spool.Options{FileSystem: func(string) (string, error) { return "ext4", nil }})
				if err != nil {
					b.Fatal(err)
				}
				defer sp.Close()
				limits.Keep = ping.Keep{Spool: sp, Store: s, Taker: uuid.New()}
			}
			rec := ping.NewRecorder(s, limits, log, ping.Observe{})
			defer rec.Close()
			h := ping.NewHandler(s, rec, "/ping/", bodyLimit, proxies(log), log)
			path := "/ping/" + account.Check.Code.String()
			b.SetParallelism(64)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					w := httptest.NewRecorder()
					h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
					if w.Code != http.StatusOK {
						b.Error(w.Code)
					}
				}
			})
		})
	}
}

// What the rates add to a ping of a check that is known.
func BenchmarkAdmit(b *testing.B) {
	r := ping.NewRecorder(&located{recording: nothing, project: uuid.New()}, ping.Limits{Rates: ping.Rates{Check: 1 << 30, Project: 1 << 30}},
		slog.New(slog.DiscardHandler), ping.Observe{})
	defer r.Close()
	a := arrival(uuid.New(), monitor.PingSuccess)
	for b.Loop() {
		a.Admitted = false
		if err := r.Admit(a); err != nil {
			b.Fatal(err)
		}
	}
}

// What the limit of bodies adds to a ping with a body.
func BenchmarkKeepBody(b *testing.B) {
	s := testdb.Open(b, db.SQLite, testdb.NewClock())
	account := testdb.Account(b, s)
	bodies := ping.NewBodies(s, 1<<60, slog.New(slog.DiscardHandler))
	bodies.Full(b.Context(), account.Project.ID)
	for b.Loop() {
		if !bodies.Keep(account.Project.ID, 1000) {
			b.Fatal("dropped")
		}
	}
}
