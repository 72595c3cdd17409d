package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"punctual/internal/db"
	"punctual/internal/db/pgtest"
	"punctual/internal/monitor"
	"punctual/internal/notify/kinds"
	"punctual/internal/store"
)

// instance is a database with checks, for one section on one engine.
type instance struct {
	*bench
	engine db.Engine
	// ids 1 to checks
	checks int
	dir    string
	// PostgreSQL only
	cluster *pgtest.Cluster
	url     string
	// this program's own access, beside the servers
	store   *store.Store
	project uuid.UUID
}

// clusterSettings are PostgreSQL's own defaults, fsync and synchronous_commit
// among them, but for memory and the distance of checkpoints, which a service
// would raise first.
var clusterSettings = map[string]string{"shared_buffers": "256MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min"}

// keptPings is how many pings of each check are kept, as by default.
const keptPings = 100

// newInstance makes a database that flushes every commit, with checks that are
// up and far from their deadlines. Of each the newest kept pings are kept.
func (b *bench) newInstance(ctx context.Context, engine db.Engine, checks, kept int) (i *instance, err error) {
	b.progress("%s: a database with %s checks", engine, show(float64(checks)))
	i = &instance{bench: b, engine: engine, checks: checks}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.close())
		}
	}()
	i.dir, err = os.MkdirTemp(b.dir, string(engine)+"-")
	if err != nil {
		return i, fmt.Errorf("make a directory: %w", err)
	}
	if engine == db.Postgres {
		i.cluster, err = pgtest.Start(pgtest.Options{Fsync: true, Settings: b.pg})
		if err != nil {
			return i, err
		}
		i.url, err = i.cluster.CreateDatabase()
		if err != nil {
			return i, err
		}
	} else {
		i.url = "sqlite:" + filepath.Join(i.dir, "punctual.db")
	}
	migrate := exec.CommandContext(ctx, b.binary, "migrate")
	migrate.Dir = i.dir
	migrate.Env = i.env()
	if out, err := migrate.CombinedOutput(); err != nil {
		return i, fmt.Errorf("migrate: %w\n%s", err, out)
	}
	d, err := db.Open(ctx, i.url, db.Options{})
	if err != nil {
		return i, err
	}
	i.store = store.New(d, kinds.Address)
	return i, i.seed(ctx, kept)
}

// serving runs work on a new instance (see newInstance) on which `punctual serve` runs.
func (b *bench) serving(ctx context.Context, engine db.Engine, checks, kept int,
	work func(i *instance, server *process) error) (err error) {
	i, err := b.newInstance(ctx, engine, checks, kept)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.close()) }()
	server, err := i.start(ctx, "serve")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	return work(i, server)
}

func (i *instance) close() error {
	var errs []error
	if i.store != nil {
		errs = append(errs, i.store.DB().Close())
	}
	if i.cluster != nil {
		errs = append(errs, i.cluster.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(i.dir))...)
}

// env are the settings of every process of the instance.
func (i *instance) env() []string {
	return []string{
		"PUNCTUAL_DATABASE_URL=" + i.url,
		"PUNCTUAL_SECRET_KEY=only for measuring, never kept anywhere",
		// the webhooks of the dispatcher end here
		"PUNCTUAL_ALLOW_PRIVATE_IPS=true",
		// we send what a server can take,
		"PUNCTUAL_PING_CHECK_RATE=0",
		// not what one account may
		"PUNCTUAL_PING_PROJECT_RATE=0",
		// what is acknowledged is looked for in the database at once
		"PUNCTUAL_SPOOL_DIR=off",
	}
}

// codeOf is the code of the check with the id, the same as in wrk.lua: scattered
// like real codes, but computed, so that a million of them need no list.
func codeOf(id int) uuid.UUID {
	shift := func(x uint32) uint32 {
		x ^= x << 13
		x ^= x >> 17
		return x ^ x<<5
	}
	var code uuid.UUID
	x := shift(uint32(id)) //nolint:gosec // far below 2^32
	for word := range 4 {
		x = shift(x)
		binary.BigEndian.PutUint32(code[4*word:], x)
	}
	return code
}

// pingKey opens the checks of an instance, each by the slug job-ID.
const pingKey = "bench-ping-key"

func (i *instance) seed(ctx context.Context, kept int) error {
	account := store.Account{
		User:    &monitor.User{Email: "bench@example.org", TZ: "UTC", IsActive: true, CheckLimit: i.checks, PingLogLimit: kept},
		Project: &monitor.Project{Name: "Bench", PingKey: pingKey},
	}
	if err := i.store.CreateAccount(ctx, account); err != nil {
		return err
	}
	i.project = account.Project.ID
	now := i.store.Now()
	const chunk = 10_000
	for first := 1; first <= i.checks; first += chunk {
		last := min(first+chunk-1, i.checks)
		if err := i.insertChecks(ctx, first, last, now); err != nil {
			return fmt.Errorf("make checks: %w", err)
		}
	}
	// what autovacuum would do, at a time of our choice
	if i.engine == db.Postgres {
		for _, statement := range []string{"VACUUM ANALYZE checks", "CHECKPOINT", "SELECT pg_stat_force_next_flush()"} {
			if err := i.exec(ctx, statement); err != nil {
				return err
			}
		}
	}
	return nil
}

// period and grace of the checks: by default.
const period, grace = monitor.DefaultTimeout, monitor.DefaultGrace

func (i *instance) insertChecks(ctx context.Context, first, last int, now time.Time) error {
	const columns = `INSERT INTO checks (id, code, badge_key, project_id, name, slug, created_at, status, last_ping_at, due_at, alert_at, watch_at) `
	query := columns +
		`SELECT v.id, v.code::uuid, v.badge_key::uuid, $2::uuid, 'job ' || v.id, 'job-' || v.id, $3::timestamptz, 'up', $3::timestamptz, $4::timestamptz, $5::timestamptz, $5::timestamptz
		FROM json_to_recordset($1::json) AS v(id bigint, code text, badge_key text)`
	if i.engine == db.SQLite {
		query = columns +
			`SELECT value ->> 'id', value ->> 'code', value ->> 'badge_key', $2, 'job ' || (value ->> 'id'), 'job-' || (value ->> 'id'), $3, 'up', $3, $4, $5, $5
			FROM json_each($1)`
	}
	var list strings.Builder
	for id := first; id <= last; id++ {
		fmt.Fprintf(&list, `,{"id":%d,"code":"%s","badge_key":"%s"}`, id, codeOf(id), uuid.New())
	}
	err := i.exec(ctx, query, "["+list.String()[1:]+"]", i.project, now, now.Add(period), now.Add(period+grace))
	return err
}

func (i *instance) exec(ctx context.Context, query string, args ...any) error {
	_, err := i.store.DB().Exec(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%.40s: %w", query, err)
	}
	return nil
}

// number asks the database for one.
func (i *instance) number(ctx context.Context, query string) (n float64, err error) {
	err = i.store.DB().QueryRow(ctx, query).Scan(&n)
	if err != nil {
		err = fmt.Errorf("%.60s: %w", query, err)
	}
	return n, err
}

// recorded is how many pings the checks have counted, once no more come in.
func (i *instance) recorded(ctx context.Context) (int, error) {
	last := -1.0
	err := error(nil)
	settled := wait(ctx, 50*time.Millisecond, 30*time.Second, func() bool {
		var n float64
		n, err = i.number(ctx, `SELECT coalesce(sum(n_pings), 0) FROM checks`)
		same := n == last
		last = n
		return same || err != nil
	})
	if err == nil && !settled {
		err = errors.New("pings still come in although nobody sends any")
	}
	return int(last), err
}

// wal is how many bytes of write-ahead log the cluster has written; on SQLite
// what the server has written at all.
func (i *instance) wal(ctx context.Context, server *process) (float64, error) {
	if i.engine == db.SQLite {
		return float64(written(server.pid())), nil
	}
	return i.number(ctx, `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8`)
}

// size is that of the database in bytes.
func (i *instance) size(ctx context.Context) (int64, error) {
	if i.engine == db.Postgres {
		n, err := i.number(ctx, `SELECT pg_database_size(current_database())::float8`)
		return int64(n), err
	}
	var total int64
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(i.store.DB().Path() + suffix)
		if err == nil {
			total += info.Size()
		}
	}
	return total, nil
}

// databaseCPU is the CPU time of the cluster; SQLite runs inside the server.
func (i *instance) databaseCPU() time.Duration {
	if i.cluster == nil {
		return 0
	}
	text, _ := os.ReadFile(filepath.Join(i.cluster.Dir, "data", "postmaster.pid"))
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return 0
	}
	return cpuWithChildren(pid)
}
