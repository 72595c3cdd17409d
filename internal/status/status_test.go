package status_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/migrations"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// look runs one check by itself.
func look(t *testing.T, c status.Check) status.Result {
	t.Helper()
	return run(t, status.NewRunner([]status.Check{c}, nil), c.Name).Results[0]
}

func TestTheDatabaseIsAskedAnew(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			r := look(t, status.Database(testdb.URL(t, engine)))
			if r.Severity == status.Error || len(r.Fields) != 3 || r.Fields[0].Text() != string(engine) {
				t.Errorf("%+v", r)
			}
		})
	}
	for _, url := range []string{"sqlite:" + t.TempDir() + "/none.db", "postgres://nobody@127.0.0.1:1/none"} {
		r := look(t, status.Database(url))
		if r.Severity != status.Error || r.Fact != "cannot be used" {
			t.Errorf("%s: %+v", url, r)
		}
	}
}

func TestWhatTheChecksSee(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		ill := func(open status.Open) (names []string) {
			for _, r := range run(t, status.NewRunner([]status.Check{status.Migrations(open, migrations.FS), status.SendAlerts(open)},
				nil)).Results {
				if r.Severity == status.Error {
					names = append(names, r.Name)
				}
			}
			return names
		}
		there := func(context.Context) (*store.Store, error) { return s, nil }
		got := ill(there)
		if !slices.Equal(got, []string{"sendalerts"}) {
			t.Errorf("without sendalerts: %v", got)
		}
		node := &monitor.Node{ID: uuid.New(), Role: "sendalerts", StartedAt: clock.Now()}
		if err := s.Heartbeat(t.Context(), node); err != nil {
			t.Fatal(err)
		}
		if got := ill(there); len(got) != 0 {
			t.Errorf("with sendalerts: %v", got)
		}
		clock.Advance(store.NodeTimeout + time.Second)
		if got := ill(there); !slices.Equal(got, []string{"sendalerts"}) {
			t.Errorf("with a dead sendalerts: %v", got)
		}
		away := func(context.Context) (*store.Store, error) { return nil, errors.New("away") }
		if got := ill(away); len(got) != 2 {
			t.Errorf("without a database: %v", got)
		}
	})
}
