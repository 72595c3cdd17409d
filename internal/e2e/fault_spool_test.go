package e2e

import (
	"database/sql"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

// onDisk is a directory that is not in memory: only there are pings kept.
func onDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "punctual-spool-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// awayDatabase is a database that can be taken away from everybody and given back.
type awayDatabase struct {
	how        string
	url        func(t *testing.T) string
	take, give func(t *testing.T)
}

// awayDatabases are the ways in which a database of the engine does not take writes.
func awayDatabases(t *testing.T, engine db.Engine) []awayDatabase {
	t.Helper()
	if engine == db.SQLite {
		return []awayDatabase{lockedSQLite()}
	}
	pg := cluster(t, pgtest.Options{})
	var thaw func()
	frozen := func() (err error) {
		thaw, err = pg.Freeze()
		return err
	}
	thawed := func() error {
		thaw()
		return nil
	}
	return []awayDatabase{
		onPostgres(pg, "stopped", func() error { return pg.Stop("immediate") }, pg.Restart),
		onPostgres(pg, "hung", frozen, thawed),
	}
}

func onPostgres(pg *pgtest.Cluster, how string, take, give func() error) awayDatabase {
	do := func(f func() error) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return awayDatabase{how: how, take: do(take), give: do(give), url: func(t *testing.T) string {
		t.Helper()
		dsn, err := pg.CreateDatabase()
		if err != nil {
			t.Fatal(err)
		}
		return dsn
	}}
}

// lockedSQLite is a file that another program writes to for a long time.
func lockedSQLite() awayDatabase {
	var path string
	var other *sql.DB
	return awayDatabase{
		how: "locked",
		url: func(t *testing.T) string {
			t.Helper()
			path = filepath.Join(onDisk(t), "punctual.db")
			return "sqlite:" + path
		},
		take: func(t *testing.T) {
			t.Helper()
			var err error
			other, err = db.OpenFile(path, "mode=rw", "_pragma=busy_timeout(20000)")
			if err != nil {
				t.Fatal(err)
			}
			other.SetMaxOpenConns(1)
			if _, err := other.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
				t.Fatal(err)
			}
		},
		give: func(t *testing.T) {
			t.Helper()
			if _, err := other.ExecContext(t.Context(), `ROLLBACK`); err != nil {
				t.Fatal(err)
			}
			other.Close()
		},
	}
}

// The database is away, and jobs go on: each ping is answered soon, none of those that were
// is lost or recorded twice, and no job that ran is told to be down.
func TestFaultTruthTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, 0)
		for _, d := range awayDatabases(t, engine) {
			f.rounds++
			databaseAway(t, f, d, time.Duration(times(9, 45))*time.Second)
		}
	})
}

func databaseAway(t *testing.T, f *finding, d awayDatabase, away time.Duration) {
	t.Helper()
	e := newEnv(t, db.SQLite).with(keeps(t))
	e["PUNCTUAL_DATABASE_URL"] = d.url(t)
	s := e.migrated(t)
	codes := watched(t, s, 7, nil)
	e.start(t, "serve")
	e.with(env{"PUNCTUAL_METRICS_LISTEN": ""}).start(t, "sendalerts")
	eventually(t, "the process takes pings", func() bool { return listens(t, s) })
	alive := &truthJob{name: d.how + ", alive", period: time.Minute, grace: time.Minute}
	failing := &truthJob{name: d.how + ", fails and runs again", period: time.Hour, grace: time.Minute, pinged: time.Minute}
	dead := &truthJob{name: d.how + ", dead", period: time.Minute, grace: time.Minute, dead: true}
	for _, j := range []*truthJob{alive, failing, dead} {
		j.make(t, s, codes[0])
	}
	known(t, e, dead.code)
	// their deadlines pass while the database is away
	for _, j := range []*truthJob{alive, dead} {
		j.expectBy(t, s, s.Now().Add(away/3))
	}
	d.take(t)
	began := time.Now()
	job := func(j *truthJob, path string) {
		status, body := send(http.DefaultClient, e.site("/ping/"+j.code.String()+path), "job", nil)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", j.name, status, body)
		}
	}
	l := newLoad(codes[1:])
	l.start(e, 4)
	slowest := make(chan time.Duration, 1)
	go func() { slowest <- slowestAnswer(e, codes[0], began.Add(away)) }()
	job(alive, "")
	job(failing, "/fail")
	pause(away / 3)
	job(failing, "")
	pause(away - time.Since(began))
	l.end()
	took := <-slowest
	d.give(t)
	if took > 2*time.Second {
		t.Errorf("%s: a ping was answered after %s", d.how, took)
	}
	t.Logf("%s: the slowest of the pings one by one was answered after %s, %d of all are acknowledged, %d were refused", d.how, took,
		l.total.Load(), l.busy.Load())
	if l.busy.Load() > 0 {
		t.Errorf("%s: %d pings were refused", d.how, l.busy.Load())
	}
	eventually(t, "all that was kept is recorded", func() bool { return holdsNothing(e) })
	s = e.store(t)
	eventually(t, "the process takes pings", func() bool { return listens(t, s) })
	l.check(t, s, f)
	f.dead(t, s, patience, dead.name)
	judged(t, s)
	f.ran(t, s, alive.name)
	c, err := s.CheckByCode(t.Context(), failing.code)
	if err != nil {
		t.Fatal(err)
	}
	flips, err := s.Flips(t.Context(), c.ID, store.FlipFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(flips) != 2 || c.Status != monitor.StatusUp || flips[1].Reason != monitor.ReasonFail ||
		flips[1].CreatedAt.Sub(began) > time.Second {
		t.Errorf("%s: %s with flips %+v, want the failure at its time, and the success after it", d.how, c.Status, flips)
	}
}

// expectBy makes the deadline of a job with a period and a grace time of a minute come then.
func (j *truthJob) expectBy(t *testing.T, s *store.Store, deadline time.Time) {
	t.Helper()
	_, err := s.UpdateCheck(t.Context(), j.code, func(c *store.CheckChange) error {
		c.LastPing = deadline.Add(-2 * time.Minute)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// slowestAnswer pings a check every 100 ms until a time, and returns how long the slowest
// answer took.
func slowestAnswer(e env, code uuid.UUID, until time.Time) (slowest time.Duration) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for time.Now().Before(until) {
		began := time.Now()
		send(client, e.site("/ping/"+code.String()), "slow?", nil)
		slowest = max(slowest, time.Since(began))
		pause(100 * time.Millisecond)
	}
	return slowest
}

// known waits until the snapshot of addresses of a server has a check.
func known(t *testing.T, e env, code uuid.UUID) {
	t.Helper()
	path := filepath.Join(e["PUNCTUAL_SPOOL_DIR"], "serve", "addresses.db")
	eventually(t, "the addresses are known", func() bool {
		d, err := db.OpenFile(path, "mode=ro")
		if err != nil {
			return false
		}
		defer d.Close()
		n := 0
		err = d.QueryRowContext(t.Context(), `SELECT count(*) FROM addresses WHERE code = ?`, code[:]).Scan(&n)
		return err == nil && n == 1
	})
}

// keeps is where a server of the test keeps pings, and tells how many.
func keeps(t *testing.T) env {
	t.Helper()
	return env{"PUNCTUAL_SPOOL_DIR": onDisk(t), "PUNCTUAL_METRICS_LISTEN": "127.0.0.1:" + freePort(t)}
}

// holdsNothing tells whether a server keeps no pings any more.
func holdsNothing(e env) bool {
	res, err := http.Get("http://" + e["PUNCTUAL_METRICS_LISTEN"] + "/metrics")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return err == nil && strings.Contains(string(text), "\npunctual_spool_pings 0\n")
}

// A process that is killed while the database is away has lost nothing of what it has
// answered: the next one records it, once.
func TestFaultTruthKilledWithASpool(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, times(2, 20))
		d := awayDatabases(t, engine)[0]
		e := newEnv(t, db.SQLite).with(keeps(t))
		e["PUNCTUAL_DATABASE_URL"] = d.url(t)
		s := e.migrated(t)
		codes := watched(t, s, 5, nil)
		l := newLoad(codes)
		for range f.rounds {
			p := e.start(t, "serve")
			known(t, e, codes[4])
			l.start(e, 4)
			l.some(t)
			d.take(t)
			l.some(t)
			p.kill()
			l.end()
			d.give(t)
		}
		e.start(t, "serve")
		eventually(t, "all that was kept is recorded", func() bool { return holdsNothing(e) })
		l.check(t, e.store(t), f)
	})
}

// One of two servers is cut off from the database, and jobs go on pinging it.
func TestFaultTruthOneServerIsCutOff(t *testing.T) {
	t.Parallel()
	f := begin(t, 1)
	pg := cluster(t, pgtest.Options{})
	dsn, err := pg.CreateDatabase()
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, filepath.Join(pg.Dir, ".s.PGSQL.5432"))
	e := newEnv(t, db.SQLite).with(env{"PUNCTUAL_DATABASE_URL": dsn, "PUNCTUAL_SPOOL_DIR": "off"})
	s := e.migrated(t)
	like := watched(t, s, 1, nil)[0]
	e.start(t, "serve")
	e.start(t, "sendalerts")
	port := freePort(t)
	cut := e.with(env{"PUNCTUAL_DATABASE_URL": p.dsn(dsn), "PUNCTUAL_LISTEN": "127.0.0.1:" + port,
		"PUNCTUAL_SITE_ROOT": "http://127.0.0.1:" + port}).with(keeps(t))
	cut.start(t, "serve")
	eventually(t, "both take pings", func() bool {
		h, err := s.Hearing(t.Context())
		return err == nil && len(h.Takers) == 2 && len(h.Open) == 0
	})
	away := time.Duration(times(40, 300)) * time.Second
	var jobs []*truthJob
	for _, dead := range []bool{false, true} {
		j := &truthJob{name: "pings the other", period: time.Minute, grace: time.Minute, dead: dead}
		if dead {
			j.name = "dead"
		}
		j.make(t, s, like)
		jobs = append(jobs, j)
	}
	known(t, cut, jobs[1].code)
	for _, j := range jobs {
		j.expectBy(t, s, s.Now().Add(10*time.Second))
	}
	p.cut(true)
	began := time.Now()
	var all sync.WaitGroup
	all.Go(func() {
		for ; time.Since(began) < away; pause(10 * time.Second) {
			status, body := send(http.DefaultClient, cut.site("/ping/"+jobs[0].code.String()), "job", nil)
			if status != http.StatusOK {
				t.Errorf("the server that is cut off answers %d %s", status, strings.TrimSpace(body))
			}
			f.acked++
		}
	})
	all.Wait()
	// nobody knows of its pings yet
	f.ran(t, s, "pings the other")
	p.cut(false)
	eventually(t, "all that was kept is recorded", func() bool { return holdsNothing(cut) })
	f.dead(t, s, patience, "dead")
	judged(t, s)
	f.ran(t, s, "pings the other")
	if unknowns(t, s)["pings the other"] {
		t.Errorf("the job ran all the time and its run is unknown")
	}
}

// A server that starts while its database is away takes pings at once: it knows the
// addresses of checks of before. When the database is there nothing has been refused, and
// each ping is recorded once.
func TestFaultTruthStartedWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	f := begin(t, 1)
	d := awayDatabases(t, db.Postgres)[0]
	e := newEnv(t, db.SQLite).with(keeps(t))
	e["PUNCTUAL_DATABASE_URL"] = d.url(t)
	s := e.migrated(t)
	codes := watched(t, s, 3, nil)
	p := e.start(t, "serve")
	known(t, e, codes[2])
	p.kill()
	d.take(t)
	p = e.launch(t, "serve")
	p.waitFor("pings are taken and kept until the database answers")
	status, body := send(http.DefaultClient, e.site("/ping/"+codes[0].String()), "job", nil)
	if status != http.StatusOK || body != "OK" {
		t.Errorf("a ping is answered %d %s", status, body)
	}
	status, body = send(http.DefaultClient, e.site("/ping/"+uuid.NewString()), "job", nil)
	if status != http.StatusServiceUnavailable {
		t.Errorf("a ping of no check that is known is answered %d %s", status, body)
	}
	status, body = send(http.DefaultClient, e.site("/"), "person", nil)
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "waits for its database") {
		t.Errorf("the site answers %d %s", status, body)
	}
	res, err := http.Get(e.site("/livez"))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("a load balancer that asks /livez takes the process out: %v %v", res, err)
	}
	res.Body.Close()
	if code := p.terminate(); code != 0 {
		t.Errorf("stopped while it waits: exit code %d", code)
	}
	p = e.launch(t, "serve")
	p.waitFor("pings are taken and kept until the database answers")
	l := newLoad(codes)
	l.start(e, 4)
	l.some(t)
	d.give(t)
	p.waitFor("Punctual is running")
	l.some(t)
	l.end()
	if l.busy.Load() > 0 || l.broken.Load() > 0 {
		t.Errorf("%d pings were refused, %d without an answer", l.busy.Load(), l.broken.Load())
	}
	eventually(t, "all that was kept is recorded", func() bool { return holdsNothing(e) })
	s = e.store(t)
	l.check(t, s, f)
	if got := storedPings(t, s, codes[0])["job"]; got != 1 {
		t.Errorf("the first ping is recorded %d times", got)
	}
}
