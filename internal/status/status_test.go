package status_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"punctual/internal/errs"
	"punctual/internal/monitor"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
	"punctual/migrations"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func check(name string, run func(context.Context) (string, error)) status.Check {
	return status.Check{Name: name, Run: run}
}

func TestAHangingCheckFailsAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		results := status.Run(t.Context(), []status.Check{
			check("hanging", func(context.Context) (string, error) { <-release; return "late", nil }),
			check("well", func(context.Context) (string, error) { return "fine", nil }),
			check("ill", func(context.Context) (string, error) { return "", errors.New("broken") }),
		})
		close(release)
		if r := results[0]; r.Err == nil || r.Took != status.Timeout {
			t.Errorf("hanging: %+v, want it to fail after %s", r, status.Timeout)
		}
		if r := results[1]; r.Err != nil || r.Fact != "fine" || r.Took != 0 {
			t.Errorf("well: %+v", r)
		}
		if r := results[2]; r.Err == nil || r.Name != "ill" {
			t.Errorf("ill: %+v", r)
		}
	})
}

func TestSelect(t *testing.T) {
	all := []status.Check{check("a", nil), check("b", nil), check("c", nil)}
	cases := []struct {
		only, skip []string
		want       string // "" = an error
	}{
		{nil, nil, "a b c"},
		{[]string{"c", "a"}, nil, "a c"},
		{nil, []string{"b"}, "a c"},
		{[]string{"a"}, []string{"a"}, ""},
		{[]string{"x"}, nil, ""},
		{nil, []string{"x"}, ""},
	}
	for _, c := range cases {
		got, err := status.Select(all, c.only, c.skip)
		var names []string
		for _, g := range got {
			names = append(names, g.Name)
		}
		if strings.Join(names, " ") != c.want || (err == nil) != (c.want != "") {
			t.Errorf("only %v, skip %v: %v, %v", c.only, c.skip, names, err)
		}
		if err != nil && (errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "a, b, c")) {
			t.Errorf("only %v, skip %v: %v does not list the names", c.only, c.skip, err)
		}
	}
}

func TestWhatTheChecksSee(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		ill := func(open func(context.Context) (*store.Store, error)) (names []string) {
			for _, r := range status.Run(t.Context(), status.Checks(open, migrations.FS)) {
				if r.Err != nil {
					names = append(names, r.Name)
				}
			}
			return names
		}
		there := func(context.Context) (*store.Store, error) { return s, nil }
		if got := ill(there); !slices.Equal(got, []string{"sendalerts"}) {
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
		if got := ill(away); len(got) != 3 {
			t.Errorf("without a database: %v", got)
		}
	})
}
