package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/schedule"
	"punctual/internal/store"
)

// timesOf are the columns that rewind moves.
var timesOf = map[string][]string{
	"checks":          {"created_at", "last_ping_at", "last_start_at", "due_at", "alert_at", "watch_at", "blind_until"},
	"pings":           {"created_at"},
	"flips":           {"created_at"},
	"takers":          {"began_at", "mark_at", "seen_at"},
	"nodes":           {"started_at", "seen_at"},
	"blind_intervals": {"began_at", "ended_at"},
	"unknown_runs":    {"due_at", "deadline_at", "blind_from", "blind_until", "decided_at"},
	"public_probes":   {"asked_at", "good_at", "failing_at"},
}

// rewind moves everything in the tables into the past: for who reads it, so much time has passed.
func rewind(t *testing.T, s *store.Store, d time.Duration, tables ...string) {
	t.Helper()
	err := s.DB().InTx(t.Context(), func(tx *db.Tx) error {
		for _, table := range tables {
			var sets []string
			for _, column := range timesOf[table] {
				if tx.Engine() == db.Postgres {
					sets = append(sets, fmt.Sprintf("%[1]s = %[1]s - make_interval(secs => %[2]d)", column, int(d.Seconds())))
				} else {
					sets = append(sets, fmt.Sprintf("%[1]s = %[1]s - %[2]d", column, d.Microseconds()))
				}
			}
			_, err := tx.Exec(context.WithoutCancel(t.Context()), `UPDATE `+table+` SET `+strings.Join(sets, ", "))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func everything() []string {
	return []string{"checks", "pings", "flips", "takers", "nodes", "blind_intervals", "unknown_runs", "public_probes"}
}

// truthJob is a job with its check.
type truthJob struct {
	name string
	kind schedule.Kind
	// of a simple check
	period time.Duration
	expr   string
	grace  time.Duration
	// how long before the outage it pinged, and before it started a run that goes on
	pinged, started time.Duration
	// it runs no more
	dead bool

	code uuid.UUID
}

// truthJobs are jobs of all sorts whose runs an outage that begins now may hide.
func truthJobs() []*truthJob {
	var jobs []*truthJob
	for _, dead := range []bool{false, true} {
		for _, j := range []truthJob{
			{name: "every minute", period: time.Minute, grace: time.Minute, pinged: 20 * time.Second},
			{name: "every minute, about to ping", period: time.Minute, grace: time.Minute, pinged: 58 * time.Second},
			{name: "every five minutes", kind: schedule.Cron, expr: "*/5 * * * *", grace: time.Minute, pinged: 10 * time.Second},
			{name: "hourly", period: time.Hour, grace: 5 * time.Minute, pinged: time.Hour - 30*time.Second},
			{name: "hourly, late", period: time.Hour, grace: 5 * time.Minute, pinged: time.Hour + 4*time.Minute},
			{name: "daily, due in the outage", period: 24 * time.Hour, grace: time.Minute, pinged: 24*time.Hour - 20*time.Second},
			{name: "daily, an hour of grace", period: 24 * time.Hour, grace: time.Hour, pinged: 24*time.Hour - 10*time.Minute},
			{name: "daily by cron", kind: schedule.Cron, expr: "0 3 * * *", grace: time.Minute, pinged: time.Minute},
			{name: "under way", period: 24 * time.Hour, grace: 2 * time.Minute, pinged: 23 * time.Hour, started: time.Minute},
		} {
			job := j
			job.dead = dead
			if dead {
				job.name = "dead, " + job.name
			}
			jobs = append(jobs, &job)
		}
	}
	return jobs
}

// often tells whether the job runs every few minutes.
func (j *truthJob) often() bool { return j.period == time.Minute || j.expr == "*/5 * * * *" }

// make makes the check of the job as it is now.
func (j *truthJob) make(t *testing.T, s *store.Store, like uuid.UUID) {
	t.Helper()
	model, err := s.CheckByCode(t.Context(), like)
	if err != nil {
		t.Fatal(err)
	}
	c := monitor.NewCheck(model.ProjectID, s.Now().Add(-48*time.Hour))
	c.Name = j.name
	_, _, err = s.UpsertCheck(t.Context(), &c, nil, func(e *store.CheckChange) error {
		e.Kind = schedule.Simple
		if j.kind != "" {
			e.Kind = j.kind
			e.Schedule = j.expr
		}
		if j.period > 0 {
			e.Timeout = j.period
		}
		e.Grace = j.grace
		e.Status = monitor.StatusUp
		e.LastPing = e.Now.Add(-j.pinged)
		if j.started > 0 {
			e.LastStart = e.Now.Add(-j.started)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	j.code = c.Code
}

// judged waits until no deadline is left that could be judged.
func judged(t *testing.T, s *store.Store) {
	t.Helper()
	eventually(t, "all deadlines that have passed are judged", func() bool {
		next, err := s.NextWatch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return next.IsZero() || next.After(s.Now())
	})
}

// downs are the names of the checks that went down.
func downs(t *testing.T, s *store.Store) map[string]bool {
	t.Helper()
	out := make(map[string]bool)
	var name string
	err := s.DB().Each(t.Context(), []any{&name}, func() { out[name] = true },
		`SELECT c.name FROM flips f JOIN checks c ON c.id = f.check_id WHERE f.new_status = 'down'`)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func unknowns(t *testing.T, s *store.Store) map[string]bool {
	t.Helper()
	out := make(map[string]bool)
	var name string
	err := s.DB().Each(t.Context(), []any{&name}, func() { out[name] = true },
		`SELECT c.name FROM unknown_runs r JOIN checks c ON c.id = r.check_id`)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// unknownChecks are the checks of which a run is unknown.
func unknownChecks(t *testing.T, s *store.Store) map[uuid.UUID]bool {
	t.Helper()
	out := make(map[uuid.UUID]bool)
	var code uuid.UUID
	err := s.DB().Each(t.Context(), []any{db.UUID(&code)}, func() { out[code] = true },
		`SELECT c.code FROM unknown_runs r JOIN checks c ON c.id = r.check_id`)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Punctual is off for a while, and jobs of all sorts run meanwhile, or do not: no job that
// ran is told to be down, and each that did not is told of.
func TestFaultTruthPunctualWasOff(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, 0)
		for _, off := range []time.Duration{12 * time.Second, time.Minute, 10 * time.Minute, 40 * time.Minute} {
			for _, killed := range []bool{true, false} {
				if !full() && killed == (off > time.Minute) {
					continue
				}
				f.rounds++
				wasOff(t, engine, f, off, killed)
			}
		}
	})
}

func wasOff(t *testing.T, engine db.Engine, f *finding, off time.Duration, killed bool) {
	e := newEnv(t, engine)
	s := e.migrated(t)
	like := watched(t, s, 1, nil)[0]
	p := e.start(t, "up")
	eventually(t, "the process takes pings", func() bool { return listens(t, s) })
	jobs := truthJobs()
	for _, j := range jobs {
		j.make(t, s, like)
	}
	if killed {
		p.kill()
	} else if code := p.terminate(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	rewind(t, s, off, everything()...)
	e.start(t, "up")
	eventually(t, "the process takes pings", func() bool { return listens(t, s) })
	judged(t, s)
	// those that run often do again
	for _, j := range jobs {
		if !j.dead && j.often() {
			if status, _ := send(http.DefaultClient, e.site("/ping/"+j.code.String()), "job", nil); status != http.StatusOK {
				t.Fatalf("%s: status %d", j.name, status)
			}
		}
	}
	judged(t, s)
	hidden := unknowns(t, s)
	var alive, dead []string
	for _, j := range jobs {
		switch {
		case !j.dead:
			alive = append(alive, j.name)
		case j.often():
			dead = append(dead, j.name)
		}
	}
	f.ran(t, s, alive...)
	// two minutes and a bit later: the frequent ones that are dead are told of
	rewind(t, s, 7*time.Minute, "checks", "pings", "flips", "blind_intervals", "unknown_runs")
	eventually(t, "the dead jobs that run often are told", func() bool {
		down := downs(t, s)
		return !slices.ContainsFunc(dead, func(name string) bool { return !down[name] })
	})
	// the others are told down where nothing was hidden, or named
	for _, j := range jobs {
		c, err := s.CheckByCode(t.Context(), j.code)
		if err != nil {
			t.Fatal(err)
		}
		overdue := c.Status == monitor.StatusUp && !c.AlertAt.IsZero() && !c.AlertAt.After(s.Now())
		if j.dead && overdue {
			f.untold++
			t.Errorf("%q is overdue and nobody was told", j.name)
		}
		if j.name == "dead, daily, due in the outage" && off > 2*time.Minute && !hidden[j.name] {
			f.untold++
			t.Errorf("off %v, killed %v: %q is neither told nor named", off, killed, j.name)
		}
	}
	f.alerts += len(jobs)
}

// listens tells whether a process takes pings, and no interval is open.
func listens(t *testing.T, s *store.Store) bool {
	t.Helper()
	h, err := s.Hearing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range h.Takers {
		if h.Takers[i].Counts && h.Now.Sub(h.Takers[i].SeenAt) < 5*time.Second {
			return len(h.Open) == 0
		}
	}
	return false
}

// A process that stands still while a deadline passes, as with a machine that sleeps, did
// not hear: nobody is down for that.
func TestFaultTruthSuspended(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, 1)
		e := newEnv(t, engine)
		s := e.migrated(t)
		like := watched(t, s, 1, nil)[0]
		p := e.start(t, "up")
		eventually(t, "the process takes pings", func() bool { return listens(t, s) })
		j := &truthJob{name: "suspended", period: time.Minute, grace: time.Minute, pinged: 117 * time.Second}
		j.make(t, s, like)
		if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		pause(6 * time.Second)
		if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		judged(t, s)
		f.ran(t, s, j.name)
		if !unknowns(t, s)[j.name] {
			t.Error("the run is not unknown")
		}
	})
}

// While sendalerts was away a check went down and came back: that is told, once.
func TestFaultTruthSendalertsWasAway(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, 1)
		rc := newReceiver(t, nil)
		e := newEnv(t, engine)
		s := e.migrated(t)
		code := watched(t, s, 1, rc.channel())[0]
		e.start(t, "serve")
		eventually(t, "the process takes pings", func() bool { return listens(t, s) })
		url := e.site("/ping/" + code.String())
		if status, _ := send(http.DefaultClient, url, "job", nil); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		c, err := s.UpdateCheck(t.Context(), code, func(c *store.CheckChange) error {
			c.Kind = schedule.Simple
			c.Timeout = time.Minute
			c.Grace = time.Minute
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		rewind(t, s, 10*time.Minute, "checks", "pings", "flips")
		for range 2 {
			if status, _ := send(http.DefaultClient, url, "job", nil); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
		}
		flips, err := s.Flips(t.Context(), c.ID, store.FlipFilter{})
		if err != nil || len(flips) != 1 {
			t.Fatalf("before the worker is back: %+v, %v", flips, err)
		}
		e.start(t, "sendalerts")
		waitForFlips := func() bool {
			flips, err = s.Flips(t.Context(), c.ID, store.FlipFilter{})
			return err == nil && len(flips) == 3
		}
		eventually(t, "the flips are stored", waitForFlips)
		if flips[0].New != monitor.StatusUp || flips[1].New != monitor.StatusDown || flips[1].Reason != monitor.ReasonTimeout {
			t.Errorf("flips %+v", flips)
		}
		waitUntilSent(t, s)
		rc.check(t, map[uuid.UUID]int{code: 2}, f)
	})
}

// A serve that cannot listen, since its port is taken, takes no pings, however often it is
// started: no deadline is judged.
func TestFaultTruthServeCannotListen(t *testing.T) {
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, 1)
		e := newEnv(t, engine)
		s := e.migrated(t)
		like := watched(t, s, 1, nil)[0]
		first := e.start(t, "serve")
		eventually(t, "the process takes pings", func() bool { return listens(t, s) })
		j := &truthJob{name: "crash loop", period: time.Minute, grace: time.Minute, pinged: 30 * time.Second}
		j.make(t, s, like)
		if code := first.terminate(); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		rewind(t, s, 10*time.Minute, everything()...)
		e.start(t, "sendalerts")
		taken := &http.Server{Addr: e["PUNCTUAL_LISTEN"], ReadHeaderTimeout: time.Second}
		go func() { _ = taken.ListenAndServe() }()
		defer taken.Close()
		for range 3 {
			code, _, _ := e.run(t, "serve")
			if code == 0 {
				t.Fatal("serve listens on a port that is taken")
			}
		}
		f.ran(t, s, j.name)
		if h, err := s.Hearing(t.Context()); err != nil || h.OpenSince(monitor.WayHTTP).IsZero() {
			t.Errorf("no interval is open: %+v, %v", h, err)
		}
	})
}
