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
	"punctual/internal/testkit/testdb"
)

// The whole way of a ping but for the network, with and without a limit that is
// not reached.
func BenchmarkPing(b *testing.B) {
	for name, rates := range map[string]ping.Rates{"limits off": {}, "limits on": {Check: 1 << 30, Project: 1 << 30}} {
		b.Run(name, func(b *testing.B) {
			s := testdb.Open(b, db.SQLite, testdb.NewClock())
			account := testdb.Account(b, s)
			log := slog.New(slog.DiscardHandler)
			rec := ping.NewRecorder(s, ping.Limits{Rates: rates}, log, ping.Observe{})
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
