package report

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
	"punctual/internal/testkit/testdb"
)

// A report of ten thousand checks in three projects takes as many statements as
// one of a single check, and is a mail that mail programs show whole.
func TestAReportTakesAsManyStatementsHoweverManyChecks(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var statements []string
			clock := testdb.NewClock()
			d, err := db.Open(t.Context(), testdb.URL(t, engine), db.Options{Now: clock.Now, Observe: func(name string, _ time.Duration, _ string) {
				mu.Lock()
				defer mu.Unlock()
				statements = append(statements, name)
			}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d.Close() })
			s := store.New(d, kinds.Address)
			r := &reader{T: t, Worker: workerOn(t, s), store: s, clock: clock, Account: testdb.Account(t, s)}
			r.ping(monitor.PingFail)
			send := func() (sent string, mails []monitor.Email, took time.Duration) {
				clock.Advance(day)
				r.change(func(u *monitor.User) {
					u.Reports = monitor.ReportsMonthly
					u.NextReportAt = clock.Now()
					u.NagEvery = time.Hour
					u.NextNagAt = clock.Now()
				})
				before := len(r.mails())
				mu.Lock()
				statements = nil
				mu.Unlock()
				began := time.Now()
				_, err := r.RunOnce(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				took = time.Since(began)
				mu.Lock()
				sent = strings.Join(statements, "\n")
				mu.Unlock()
				return sent, r.mails()[before:], took
			}
			few, _, _ := send()
			grow(r, 10_000)
			many, mails, took := send()
			if strings.Count(few, "\n") != strings.Count(many, "\n") {
				t.Errorf("with one check:\n%s\nwith ten thousand:\n%s", few, many)
			}
			if len(mails) != 2 {
				t.Fatalf("%d mails, want a report and a nag", len(mails))
			}
			for _, m := range mails {
				if len(m.HTML) > 100_000 || len(m.Text) > 50_000 || !strings.Contains(m.Text, "more") {
					t.Errorf("%s: %d bytes of HTML, %d of text", m.Subject, len(m.HTML), len(m.Text))
				}
			}
			t.Logf("both mails took %s", took)
		})
	}
}

// grow adds n checks in three projects, each of which has been down in February
// and is down again.
func grow(r *reader, n int) {
	r.Helper()
	now := r.clock.Now()
	var all []store.History
	for p := range 3 {
		project := &monitor.Project{OwnerID: r.User.ID, Name: fmt.Sprintf("Fleet %d", p)}
		if err := r.store.CreateProject(r.Context(), project); err != nil {
			r.Fatal(err)
		}
		for i := range n / 3 {
			c := monitor.NewCheck(project.ID, now.Add(-90*day))
			c.Name = fmt.Sprintf("Nightly dump of database %d", i)
			c.Status = monitor.StatusDown
			c.LastPing = now.Add(-day)
			flips := []store.PastFlip{}
			for _, back := range []time.Duration{20 * day, time.Hour} {
				flips = append(flips, store.PastFlip{Flip: monitor.Flip{CreatedAt: now.Add(-back), Old: monitor.StatusUp, New: monitor.StatusDown}})
				if back > day {
					flips = append(flips, store.PastFlip{Flip: monitor.Flip{CreatedAt: now.Add(-back + time.Hour), Old: monitor.StatusDown,
						New: monitor.StatusUp}})
				}
			}
			all = append(all, store.History{Check: &c, Flips: flips})
		}
	}
	if err := r.store.ImportHistory(r.Context(), all); err != nil {
		r.Fatal(err)
	}
}
