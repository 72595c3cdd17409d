package store_test

import (
	"testing"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// The Recorder knows the checks it has pinged. What this process changes itself
// counts for the next ping, and what a failed batch did does not.
func TestOnSQLiteAFailedBatchIsForgotten(t *testing.T) {
	s := testdb.Open(t, db.SQLite, testdb.NewClock())
	a := testdb.Account(t, s)
	c := addCheck(t, s, a.Project.ID, "job", "")
	ping := func() (*store.Arrival, error) {
		p := arrival(s, c.Code, monitor.PingSuccess)
		return p, s.RecordPings(t.Context(), []*store.Arrival{p})
	}
	for want := int64(1); want <= 2; want++ {
		p, err := ping()
		if err != nil || p.Ping.N != want {
			t.Fatalf("ping %d, %v; want %d", p.Ping.N, err, want)
		}
	}
	exec := func(query string) {
		t.Helper()
		_, err := s.DB().Exec(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
	}
	exec(
		`CREATE TRIGGER refuse BEFORE UPDATE OF n_pings ON checks WHEN NEW.n_pings = 3 AND NEW.status = 'up' BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	for range 2 {
		_, err := ping()
		if err == nil {
			t.Fatal("recorded, which the trigger forbids")
		}
	}
	exec(`UPDATE checks SET manual_resume = 1, status = 'paused'`)
	p, err := ping()
	if err != nil || p.Ping.N != 3 || p.Ping.Kind != monitor.PingIgn {
		t.Errorf("ping %d, %s, %v; want 3, ignored", p.Ping.N, p.Ping.Kind, err)
	}
}
