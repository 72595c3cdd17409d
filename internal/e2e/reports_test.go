package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
	"punctual/internal/testkit/smtpsink"
	"punctual/internal/testkit/testdb"
)

// readers are an instance with users to whom a report and a nag are due.
type readers struct {
	env
	*store.Store
	sink  *smtpsink.Sink
	users []*monitor.User
}

func newReaders(t *testing.T, engine db.Engine, n int) *readers {
	t.Helper()
	r := &readers{sink: smtpsink.New(t, smtpsink.Options{TLS: "none"})}
	r.env = newEnv(t, engine).with(env{"PUNCTUAL_SMTP_HOST": r.sink.Host(), "PUNCTUAL_SMTP_PORT": strconv.Itoa(r.sink.Port()),
		"PUNCTUAL_SMTP_TLS": "none"})
	code, _, stderr := r.run(t, "sendreports", "--once")
	if code != 1 || !strings.Contains(stderr, "punctual migrate") {
		t.Fatalf("on an empty database: exit %d, %s", code, stderr)
	}
	if code, _, stderr := r.run(t, "migrate"); code != 0 {
		t.Fatalf("migrate: %s", stderr)
	}
	r.Store = r.store(t)
	for i := range n {
		a := testdb.Account(t, r.Store, fmt.Sprintf("reader%d@example.org", i))
		must(t, r.RecordPings(t.Context(), []*store.Arrival{{
			Code: a.Check.Code, Ping: monitor.Ping{CreatedAt: r.Now(), Scheme: "http", Method: "GET"},
			Classify: func(*monitor.Filter) monitor.PingKind { return monitor.PingFail },
		}}))
		r.users = append(r.users, a.User)
	}
	// none before all are there: the workers may run already
	for _, u := range r.users {
		r.due(t, u)
	}
	return r
}

// due makes a report and a nag due now.
func (r *readers) due(t *testing.T, u *monitor.User) {
	t.Helper()
	_, err := r.ChangeUser(t.Context(), u.ID, func(u *monitor.User) error {
		u.Reports = monitor.ReportsDaily
		u.NextReportAt = r.Now().Add(-time.Minute)
		u.NagEvery = time.Hour
		u.NextNagAt = r.Now().Add(-time.Minute)
		return nil
	})
	must(t, err)
}

// subjects are the mails in the database by kind and recipient.
func (r *readers) subjects(t *testing.T) map[string][]string {
	t.Helper()
	mails, err := r.Emails(t.Context(), store.EmailFilter{})
	must(t, err)
	found := map[string][]string{}
	for _, m := range mails {
		found[m.Kind+" "+m.To] = append(found[m.Kind+" "+m.To], m.Subject)
	}
	return found
}

func TestReportsArriveOnceFromTwoWorkers(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		const users = 12
		r := newReaders(t, engine, users)
		workers := []*process{r.launch(t, "sendreports"), r.launch(t, "sendreports")}
		for _, w := range workers {
			w.waitFor("Punctual is running")
		}
		nodes, err := r.Nodes(t.Context(), r.Now().Add(-time.Minute))
		if err != nil || len(nodes) != 2 || nodes[0].Role != "sendreports" || nodes[1].Role != "sendreports" {
			t.Errorf("nodes %+v, %v; want two of role sendreports", nodes, err)
		}
		r.sink.Wait(t, 2*users)
		for _, w := range workers {
			code := w.terminate()
			if code != 0 {
				t.Errorf("exit code %d after SIGTERM", code)
			}
		}
		received := map[string]int{}
		for _, m := range r.sink.Messages() {
			received[m.To[0]+" "+m.Subject()]++
		}
		for _, u := range r.users {
			for _, subject := range []string{"Daily report: 1 check is down now · no downtime", "Reminder: 1 check still down"} {
				n := received[u.Email+" "+subject]
				if n != 1 {
					t.Errorf("%s got %q %d times", u.Email, subject, n)
				}
			}
			stored, err := r.UserByID(t.Context(), u.ID)
			if err != nil || !stored.NextReportAt.After(r.Now()) || !stored.NextNagAt.After(r.Now()) {
				t.Errorf("%s: the next dates are %s and %s, %v", u.Email, stored.NextReportAt, stored.NextNagAt, err)
			}
		}
		n := len(r.sink.Messages())
		if n != 2*users {
			t.Errorf("%d mails, want %d", n, 2*users)
		}

		// From a timer: the mail waits in the database for a process that runs.
		r.due(t, r.users[0])
		for _, want := range []string{"queued 1 report, 1 nag\n", "queued 0 reports, 0 nags\n"} {
			code, stdout, stderr := r.run(t, "sendreports", "--once")
			if code != 0 || stdout != want {
				t.Errorf("--once: exit %d, %q, %s; want %q", code, stdout, stderr, want)
			}
		}
		r.start(t, "serve")
		r.sink.Wait(t, 2*users+2)

		// The button of a mail program.
		m := r.sink.WaitFor(t, func(m smtpsink.Message) bool { return m.SentTo(r.users[1].Email) })
		link := strings.Trim(m.Header.Get("List-Unsubscribe"), "<>")
		res, err := http.PostForm(link, url.Values{"List-Unsubscribe": {"One-Click"}})
		must(t, err)
		res.Body.Close()
		if u, err := r.UserByID(t.Context(), r.users[1].ID); err != nil || res.StatusCode != http.StatusOK || u.Reports != monitor.ReportsOff ||
			u.NagEvery != 0 {
			t.Errorf("one click at %s: %d; reports are %s, %v", link, res.StatusCode, u.Reports, err)
		}
	})
}

// A worker that is killed in the middle loses no report, and the one after it
// repeats none.
func TestAKilledWorkerLosesNoReport(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		const users = 60
		r := newReaders(t, engine, users)
		w := r.launch(t, "sendreports")
		eventually(t, "a mail is queued", func() bool { return len(r.subjects(t)) > 0 })
		w.kill()
		before := len(r.subjects(t))
		r.start(t, "sendreports")
		eventually(t, "all mails are queued", func() bool { return len(r.subjects(t)) == 2*users })
		for who, subjects := range r.subjects(t) {
			if len(subjects) != 1 {
				t.Errorf("%s: %q", who, subjects)
			}
		}
		t.Logf("%d of %d were queued when it was killed", before, 2*users)
	})
}
