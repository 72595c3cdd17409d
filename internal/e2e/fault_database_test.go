package e2e

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/internal/store"
)

// outage runs web and sendalerts under load while the fault comes again and
// again, and then looks for every ping and alert.
func outage(t *testing.T, e env, f *finding, fault func()) {
	t.Helper()
	rc := newReceiver(t, nil)
	s := e.migrated(t)
	codes := watched(t, s, 15, rc.channel())
	e.start(t, "serve")
	e.start(t, "sendalerts")
	l := newLoad(codes[:5])
	c := change(e, codes[5:], 100*time.Millisecond)
	l.start(e, 8)
	quiet, last := goingDown(t, s, min(5*f.rounds, 100))
	for range f.rounds {
		l.some(t)
		fault()
		began := time.Now()
		l.more(t, 100)
		f.away = max(f.away, time.Since(began))
	}
	l.end()
	made := c.end()
	for _, code := range quiet {
		made[code] = 1
	}
	eventually(t, "the last deadline passes", func() bool { return time.Now().After(last) })
	// the connections of the first are gone
	s = e.store(t)
	judged(t, s)
	settled(t, s)
	l.check(t, s, f)
	rc.check(t, made, f)
}

// goingDown adds checks that go down one after the other, five a second, the
// last at the moment returned.
func goingDown(t *testing.T, s *store.Store, n int) (codes []uuid.UUID, last time.Time) {
	t.Helper()
	codes = overdue(t, s, n, s.Now().Add(time.Hour))
	last = s.Now()
	for _, code := range codes {
		last = last.Add(time.Second / 5)
		_, err := s.DB().Exec(t.Context(), `UPDATE checks SET last_ping_at = $1, due_at = $2, alert_at = $3, watch_at = $3 WHERE code = $4`,
			last.Add(-2*time.Minute), last.Add(-time.Minute), last, code)
		if err != nil {
			t.Fatal(err)
		}
	}
	return codes, last
}

// PostgreSQL ends without flushing anything that is not yet flushed, and goes
// through recovery, as after a crash.
func TestFaultPostgresCrashesUnderLoad(t *testing.T) {
	t.Parallel()
	f := begin(t, times(3, 20))
	pg := cluster(t, pgtest.Options{})
	dsn, err := pg.CreateDatabase()
	if err != nil {
		t.Fatal(err)
	}
	outage(t, newEnv(t, db.SQLite).with(env{"PUNCTUAL_DATABASE_URL": dsn}), f, func() {
		if err := pg.Stop("immediate"); err != nil {
			t.Fatal(err)
		}
		if err := pg.Restart(); err != nil {
			t.Fatal(err)
		}
	})
}

// All connections to PostgreSQL break in the middle of whatever they carry: once
// at a time, or again and again for a while.
func TestFaultConnectionsAreSevered(t *testing.T) {
	t.Parallel()
	f := begin(t, times(5, 100))
	pg := cluster(t, pgtest.Options{})
	dsn, err := pg.CreateDatabase()
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, filepath.Join(pg.Dir, ".s.PGSQL.5432"))
	outage(t, newEnv(t, db.SQLite).with(env{"PUNCTUAL_DATABASE_URL": p.dsn(dsn)}), f, func() {
		away := rand.IntN(3) == 0
		if away {
			p.cut(true)
			pause(time.Duration(rand.IntN(300)) * time.Millisecond)
		}
		p.cut(false)
	})
}

// All connections to PostgreSQL fall silent without ending, and stay so, as
// when a machine vanishes; new ones lead to the database, as after a failover.
func TestFaultConnectionsFallSilent(t *testing.T) {
	t.Parallel()
	f := begin(t, times(1, 5))
	pg := cluster(t, pgtest.Options{})
	dsn, err := pg.CreateDatabase()
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, filepath.Join(pg.Dir, ".s.PGSQL.5432"))
	e := newEnv(t, db.SQLite).with(env{"PUNCTUAL_DATABASE_URL": p.dsn(dsn)})
	outage(t, e, f, func() {
		crowd(e)
		p.silence()
	})
	// 8 s of the Recorder's patience, for all connections together
	if f.away > 14*time.Second {
		t.Errorf("pings were taken again after %v: the server tried one silent connection after the other", f.away)
	}
}

// crowd makes the server open all the connections its pool may have.
func crowd(e env) {
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			// asks the database whether there is such a check
			for range 20 {
				send(http.DefaultClient, e.site("/ping/"+uuid.NewString()+"?rid=none"), "", nil)
			}
		})
	}
	all.Wait()
}

// The disk of the database is full: pings are refused, never acknowledged, and
// all is well again when there is room.
func TestFaultFullDiskRefusesPingsUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, times(1, 5))
		e := newEnv(t, db.SQLite)
		var disk string
		if engine == db.SQLite {
			disk = smallDisk(t, "64m", t.TempDir())
			e["PUNCTUAL_DATABASE_URL"] = "sqlite:" + filepath.Join(disk, "punctual.db")
		} else {
			pg := cluster(t, pgtest.Options{})
			disk = smallDisk(t, "64m", pg.Dir)
			e["PUNCTUAL_DATABASE_URL"] = pg.DSN("on_small_disk")
			admin, err := db.Open(t.Context(), pg.DSN("postgres"), db.Options{MaxConns: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer admin.Close()
			for _, sql := range []string{`CREATE TABLESPACE small LOCATION '` + disk + `'`, `CREATE DATABASE on_small_disk TABLESPACE small`} {
				_, err := admin.Exec(t.Context(), sql)
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		fullDisk(t, e, f, disk, func() {})
	})
}

// The disk of PostgreSQL's write-ahead log is full: PostgreSQL ends itself, and
// goes on when there is room and somebody has started it again.
func TestFaultFullDiskUnderTheLogOfPostgres(t *testing.T) {
	t.Parallel()
	f := begin(t, times(1, 3))
	disk := smallDisk(t, "64m", "")
	pg := cluster(t, pgtest.Options{
		// small: soon another is needed
		InitDB:   []string{"--waldir=" + filepath.Join(disk, "wal"), "--wal-segsize=1"},
		Settings: map[string]string{"min_wal_size": "2MB", "max_wal_size": "16MB"},
	})
	dsn, err := pg.CreateDatabase()
	if err != nil {
		t.Fatal(err)
	}
	fullDisk(t, newEnv(t, db.SQLite).with(env{"PUNCTUAL_DATABASE_URL": dsn}), f, disk, func() {
		eventually(t, "PostgreSQL starts again", func() bool { return pg.Restart() == nil })
	})
}

// fullDisk fills the disk of the database again and again under load, and then
// looks for every ping and alert. room is called when there is room again.
func fullDisk(t *testing.T, e env, f *finding, disk string, room func()) {
	t.Helper()
	rc := newReceiver(t, nil)
	s := e.migrated(t)
	codes := watched(t, s, 10, rc.channel())
	e.start(t, "serve")
	e.start(t, "sendalerts")
	l := newLoad(codes[:5])
	c := change(e, codes[5:], 100*time.Millisecond)
	l.body = make([]byte, 1000)
	l.start(e, 8)
	for range f.rounds {
		l.more(t, 300)
		ballast := filepath.Join(disk, "ballast")
		fill(t, ballast)
		want := l.busy.Load() + int64(times(1, 20))
		eventually(t, "pings are refused", func() bool { return l.busy.Load() >= want })
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		room()
	}
	l.more(t, 300)
	l.end()
	made := c.end()
	// the connections of the first may be gone
	s = e.store(t)
	settled(t, s)
	l.check(t, s, f)
	rc.check(t, made, f)
}

// smallDisk mounts a file system of its own for the owner of a directory, or for
// everybody.
func smallDisk(t *testing.T, size, owned string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small disk to fill it")
	}
	dir, err := os.MkdirTemp("", "punctual-small-disk-") //nolint:usetesting // a mount point: t.TempDir would remove what is mounted
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0777,size="+size); err != nil {
		t.Skipf("this machine lets nobody mount a small disk to fill it: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	if owned == "" {
		return dir
	}
	info, err := os.Stat(owned)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fill takes all the room that is left.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for piece := make([]byte, 1<<20); len(piece) > 0; {
		_, err := file.Write(piece)
		if err != nil {
			piece = piece[:len(piece)/2]
		}
	}
}

// A check whose schedule cannot be computed, though it could when it was stored,
// stops nobody else: it is put aside and says why.
func TestFaultSpoiledScheduleStopsNobodyElse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, engine db.Engine) {
		f := begin(t, 1)
		rc := newReceiver(t, nil)
		e := newEnv(t, engine)
		s := e.migrated(t)
		watched(t, s, 0, rc.channel())
		// the first in the queue
		spoiled := overdue(t, s, 5, s.Now().Add(-time.Hour))
		spoil(t, s)
		well := overdue(t, s, 20, s.Now().Add(-time.Minute))
		e.start(t, "serve")
		e.start(t, "sendalerts")
		settled(t, s)
		made := map[uuid.UUID]int{}
		for _, code := range well {
			made[code] = 1
		}
		rc.check(t, made, f)
		for _, code := range spoiled {
			c, err := s.CheckByCode(t.Context(), code)
			if err != nil {
				t.Fatal(err)
			}
			if c.ScheduleError == "" || !c.AlertAt.After(s.Now()) {
				t.Errorf("a spoiled check has error %q and is looked at again at %v", c.ScheduleError, c.AlertAt)
			}
		}
		all := append(spoiled, well...)
		l := newLoad(all)
		l.start(e, 4)
		// batches with both kinds
		l.more(t, 200)
		l.end()
		l.check(t, s, f)
	})
}

// spoil breaks the schedules of all checks there are, past everything that
// would refuse it.
func spoil(t *testing.T, s *store.Store) {
	t.Helper()
	_, err := s.DB().Exec(t.Context(), `UPDATE checks SET kind = 'cron', schedule = 'no schedule at all', tz = 'Nowhere/Land'`)
	if err != nil {
		t.Fatal(err)
	}
}
