package store_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

func TestMarksChangeWithPingsFlipsAndTime(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		one := testdb.Account(t, s, "one@example.org")
		two := testdb.Account(t, s, "two@example.org")
		c := makeCheck(t, s, one, func(*monitor.Check) {})
		makeCheck(t, s, two, func(*monitor.Check) {})
		mark := func() string {
			t.Helper()
			marks, err := s.Marks(t.Context(), []uuid.UUID{one.Project.ID}, s.Now())
			if err != nil {
				t.Fatal(err)
			}
			if len(marks) != 1 {
				t.Fatalf("marks of projects not asked for: %v", marks)
			}
			return marks[one.Project.ID]
		}
		last := mark()
		changes := func(what string, want bool) {
			t.Helper()
			now := mark()
			changed := now != last
			if changed != want {
				t.Errorf("%s: changed %v, want %v", what, changed, want)
			}
			last = now
		}
		wake := s.DB().Watch(t.Context(), db.TopicPings)
		ping := func(kind monitor.PingKind) {
			t.Helper()
			if err := s.RecordPings(t.Context(), []*store.Arrival{{Code: c.Code, Ping: monitor.Ping{CreatedAt: s.Now(), Kind: kind}}}); err != nil {
				t.Fatal(err)
			}
			select {
			case <-wake:
			case <-time.After(10 * time.Second):
				t.Fatal("a recorded ping wakes nobody")
			}
		}
		changes("nothing", false)
		ping(monitor.PingStart)
		changes("a start", true)
		ping(monitor.PingSuccess)
		changes("a success", true)
		clock.Advance(time.Second)
		changes("a second", false)
		after := s.Now()
		found, err := s.CheckByCode(t.Context(), c.Code)
		if err != nil {
			t.Fatal(err)
		}
		clock.Set(found.DueAt)
		changes("being late", true)
		clock.Set(found.AlertAt)
		changes("passing the deadline", true)
		clock.Set(after)
		changes("nothing but time going back", true)
		if _, err := s.DeleteCheck(t.Context(), c.Code); err != nil {
			t.Fatal(err)
		}
		changes("a check less", true)
		makeCheck(t, s, one, func(*monitor.Check) {})
		changes("a check", true)
	})
}
