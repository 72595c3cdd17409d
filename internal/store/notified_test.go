package store_test

import (
	"strings"
	"testing"
	"time"

	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// Who was told that a check is down is told of its first success, also where a
// pause lies between (docs/contract.md §1.7).
func TestTheEndOfAFailureIsReportedAcrossAPause(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		for life, want := range map[string]string{
			"success":                                      "",
			"pause success":                                "",
			"success pause success":                        "",
			"success pause resume success":                 "",
			"fail sent pause success":                      "down up",
			"fail sent pause resume success":               "down up",
			"fail sent pause resume pause resume success":  "down up",
			"fail sent pause start success":                "down up",
			"fail sent pause resume pause success success": "down up",
			// it is about to be told
			"fail pause success": "down up",
			// nobody was told
			"fail given-up pause success":                 "down",
			"fail given-up pause fail sent pause success": "down down up",
			"fail sent pause fail given-up pause success": "down down up",
			// told once each
			"fail sent pause fail sent success":                 "down down up",
			"fail sent success sent pause success":              "down up",
			"fail sent success sent pause resume success":       "down up",
			"fail sent pause success sent pause resume success": "down up",
			// somebody wants to hear nothing of what was
			"fail sent clear success": "",
			// however long the pause
			"fail sent wait pause wait prune success":        "down up",
			"fail sent wait pause wait prune resume success": "down up",
		} {
			t.Run(life, func(t *testing.T) {
				c := monitor.NewCheck(a.Project.ID, s.Now())
				if err := s.CreateCheck(t.Context(), &c, store.Channels{All: true}); err != nil {
					t.Fatal(err)
				}
				for step := range strings.FieldsSeq(life) {
					clock.Advance(time.Minute)
					live(t, s, clock, &c, step)
				}
				got := notifiedOf(t, s, &c)
				if got != want {
					t.Errorf("told %q, want %q", got, want)
				}
			})
		}
	})
}

// live lets one thing happen to a check.
func live(t *testing.T, s *store.Store, clock *testdb.Clock, c *monitor.Check, step string) {
	t.Helper()
	change := func(how func(*monitor.Check, time.Time) *monitor.Flip) {
		_, err := s.UpdateCheck(t.Context(), c.Code, func(e *store.CheckChange) error {
			e.Flip = how(e.Check, e.Now)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	switch step {
	case "pause":
		change(monitor.Pause)
	case "resume":
		change(monitor.Resume)
	case "sent", "given-up":
		verdict := store.Sent
		if step == "given-up" {
			verdict = store.Failed
		}
		for _, d := range claimDeliveries(t, s, store.Claim{Limit: 10}) {
			finish(t, s, d, store.Outcome{Verdict: verdict, Tried: true})
		}
	case "clear":
		if err := s.ClearEvents(t.Context(), c.Code); err != nil {
			t.Fatal(err)
		}
	case "wait":
		// its pings push everything older out of the log
		clock.Advance(monitor.FlipsKept)
		for range 100 {
			signal(t, s, c, monitor.PingLog)
		}
	case "prune":
		for _, v := range s.StaleHistory(0, c.ID) {
			if _, err := s.DeleteStale(t.Context(), v, 10_000); err != nil {
				t.Fatal(err)
			}
		}
	default:
		signal(t, s, c, monitor.PingKind(step))
	}
}

// notifiedOf is what people were told of a check, or are to be, the oldest first.
func notifiedOf(t *testing.T, s *store.Store, c *monitor.Check) string {
	t.Helper()
	deliveries, err := s.DeliveriesOf(t.Context(), c.ID, store.DeliveryFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var notified []string
	for i := len(deliveries) - 1; i >= 0; i-- {
		notified = append(notified, string(deliveries[i].Notified))
	}
	return strings.Join(notified, " ")
}

// Several pings of a check that are recorded at once: the first success is news,
// the ups and downs after it are as always.
func TestAcrossAPauseInOneBatch(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *store.Store, clock *testdb.Clock) {
		a := testdb.Account(t, s)
		for _, step := range []string{"fail", "sent", "pause"} {
			clock.Advance(time.Minute)
			live(t, s, clock, a.Check, step)
		}
		var batch []*store.Arrival
		for _, kind := range []monitor.PingKind{monitor.PingSuccess, monitor.PingFail, monitor.PingSuccess} {
			batch = append(batch, arrival(s, a.Check.Code, kind))
		}
		if err := s.RecordPings(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		got := notifiedOf(t, s, a.Check)
		if got != "down up down up" {
			t.Errorf("told %q", got)
		}
	})
}
