package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func beat(t *testing.T, s *store.Store, n *monitor.Node) {
	t.Helper()
	if err := s.Heartbeat(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

func TestNodesAreListedWhileTheyShowSignsOfLife(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		started := clock.Now()
		web := &monitor.Node{ID: uuid.New(), Role: "serve", Host: "a", PID: 7, Version: "1.2", StartedAt: started}
		worker := &monitor.Node{ID: uuid.New(), Role: "sendalerts", Host: "b", PID: 8, Version: "1.2", StartedAt: started}
		beat(t, s, web)
		beat(t, s, worker)
		clock.Advance(time.Minute)
		beat(t, s, web)
		nodes, err := s.Nodes(t.Context(), started)
		diff := cmp.Diff([]monitor.Node{*web, *worker}, nodes)
		if diff != "" || err != nil {
			t.Errorf("%v, last seen first (-want +got):\n%s", err, diff)
		}
		nodes, err = s.Nodes(t.Context(), started.Add(time.Microsecond))
		if err != nil || len(nodes) != 1 || nodes[0].ID != web.ID || nodes[0].SeenAt != clock.Now() {
			t.Errorf("since: %+v, %v", nodes, err)
		}
		if err := s.Depart(t.Context(), web.ID); err != nil {
			t.Fatal(err)
		}
		nodes, err = s.Nodes(t.Context(), started)
		if err != nil || len(nodes) != 1 || nodes[0].ID != worker.ID {
			t.Errorf("after the departure: %+v, %v", nodes, err)
		}
	})
}

func TestAlertsAreAliveWhileAWorkerIs(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		alive := func() bool {
			t.Helper()
			ok, err := s.AlertsAlive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		beat(t, s, &monitor.Node{ID: uuid.New(), Role: "serve", StartedAt: clock.Now()})
		if alive() {
			t.Error("a web process sends no alerts")
		}
		for _, role := range []string{"sendalerts", "up"} {
			n := &monitor.Node{ID: uuid.New(), Role: role, StartedAt: clock.Now()}
			beat(t, s, n)
			clock.Advance(store.NodeTimeout)
			if !alive() {
				t.Errorf("%s counts as dead too early", role)
			}
			clock.Advance(time.Microsecond)
			if alive() {
				t.Errorf("%s counts as alive for too long", role)
			}
			beat(t, s, n)
			if !alive() {
				t.Errorf("%s came back and counts as dead", role)
			}
			if err := s.Depart(t.Context(), n.ID); err != nil {
				t.Fatal(err)
			}
		}
		if alive() {
			t.Error("all have gone")
		}
	})
}

func TestAnAbsenceIsReportedByOneAndEndedByOne(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		seen, err := s.LastSeen(t.Context(), "sendalerts", "up")
		if err != nil || !seen.IsZero() {
			t.Fatalf("%v, %v", seen, err)
		}
		beat(t, s, &monitor.Node{ID: uuid.New(), Role: "sendalerts", StartedAt: clock.Now()})
		last := clock.Now()
		clock.Advance(time.Minute)
		beat(t, s, &monitor.Node{ID: uuid.New(), Role: "serve", StartedAt: clock.Now()})
		seen, err = s.LastSeen(t.Context(), "sendalerts", "up")
		if err != nil || !seen.Equal(last) {
			t.Errorf("seen at %v, %v", seen, err)
		}
		for _, want := range []bool{true, false} {
			first, err := s.ClaimAbsence(t.Context(), "sendalerts")
			if first != want || err != nil {
				t.Errorf("claimed: %v, %v", first, err)
			}
		}
		noticed := clock.Now()
		clock.Advance(time.Minute)
		for _, want := range []bool{true, false} {
			at, ended, err := s.EndAbsence(t.Context(), "sendalerts")
			if ended != want || err != nil || ended && !at.Equal(noticed) {
				t.Errorf("ended: %v, %v, %v", at, ended, err)
			}
		}
	})
}
