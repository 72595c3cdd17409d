package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"punctual/internal/db"
	"punctual/internal/monitor"
	"punctual/internal/store"
)

func bareCeilingName(l load) string { return "bare handler, " + l.String() }

func databaseCeilingName(e db.Engine) string { return string(e) + " alone" }

// bareCeiling measures a handler that only says OK, with the same load.
func (b *bench) bareCeiling(ctx context.Context) (err error) {
	server, err := b.bare(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	for _, l := range b.loads() {
		l.addr = server.addr
		l.checks = 1000
		l.duration = b.duration
		before := cpu(server.pid())
		watch := startWatch()
		a, err := b.wrk(ctx, l)
		if err != nil {
			return err
		}
		b.report.setCeiling(bareCeilingName(l), a.rate())
		used := cpu(server.pid()) - before
		b.add(row{Section: "ceiling", What: bareCeilingName(l), Figures: append(a.figures(),
			percent("CPU server %", used.Seconds(), (used+a.cpu).Seconds()),
			num("µs CPU/ping", float64((used+a.cpu).Microseconds())/float64(max(1, a.accepted()))),
			watch.others(used+a.cpu))})
	}
	return nil
}

// databaseCeiling measures what the database can do with the rows of pings when
// nothing but one client asks it to, and what others measure it with.
func (b *bench) databaseCeiling(ctx context.Context, engine db.Engine) (err error) {
	i, err := b.newInstance(ctx, engine, b.checks[0], keptPings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.close()) }()
	raw := i.rawSQLite
	if engine == db.Postgres {
		raw = i.rawPostgres
	}
	rate, err := i.batches(ctx, "the same rows, 100 a transaction, one client", 100, raw)
	if err != nil {
		return err
	}
	b.report.setCeiling(databaseCeilingName(engine), rate)
	if _, err := i.batches(ctx, "the same rows, one a transaction, one client", 1, raw); err != nil {
		return err
	}
	if _, err := i.batches(ctx, "the Recorder's store.RecordPings, 100 a transaction, no HTTP", 100, i.record); err != nil {
		return err
	}
	if engine == db.Postgres {
		return i.pgbench(ctx)
	}
	return nil
}

// batches runs write with batches of random ids for the duration.
func (i *instance) batches(ctx context.Context, what string, size int, write func(ctx context.Context, ids []int) error) (rate float64,
	err error) {
	size = min(size, i.checks)
	var rows int
	var took []time.Duration
	began := time.Now()
	for time.Since(began) < i.duration {
		ids := draw(size, i.checks)
		start := time.Now()
		if err := write(ctx, ids); err != nil {
			return 0, fmt.Errorf("%s: %w", what, err)
		}
		took = append(took, time.Since(start))
		rows += size
	}
	rate = float64(rows) / time.Since(began).Seconds()
	i.add(row{Section: "ceiling", Engine: string(i.engine), What: what, Figures: figures{
		num("pings/s", rate), ms("transaction p50 ms", quantile(took, .5)), ms("p99 ms", quantile(took, .99)),
	}})
	return rate, nil
}

// draw draws n different ids of 1 to max by lot; n must not be larger.
func draw(n, max int) []int {
	ids := make([]int, 0, n)
	seen := make(map[int]bool, n)
	for len(ids) < n {
		id := 1 + rand.IntN(max)
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// rawPostgres writes what a batch of pings writes, in one statement.
func (i *instance) rawPostgres(ctx context.Context, ids []int) error {
	var list strings.Builder
	for n, id := range ids {
		if n > 0 {
			list.WriteByte(',')
		}
		list.WriteString(strconv.Itoa(id))
	}
	now := i.store.Now()
	err := i.exec(ctx, `WITH v AS (SELECT id FROM unnest($1::text::bigint[]) AS v(id)), u AS (
			UPDATE checks c SET n_pings = c.n_pings + 1, last_ping_at = $2, recent_runs = right(c.recent_runs || 'u', 30), due_at = $3, alert_at = $4
			FROM v WHERE c.id = v.id RETURNING c.id, c.n_pings)
		INSERT INTO pings (check_id, n, created_at, kind, scheme, method, ua, remote_addr)
		SELECT id, n_pings, $2, 'success', 'http', 'GET', 'bench', '127.0.0.1' FROM u`, "{"+list.String()+"}", now, now.Add(period),
		now.Add(period+grace))
	return err
}

// rawSQLite does the same with prepared statements.
func (i *instance) rawSQLite(ctx context.Context, ids []int) error {
	// else the driver starts a goroutine for each statement
	ctx = context.WithoutCancel(ctx)
	return i.store.DB().InTx(ctx, func(tx *db.Tx) error {
		update := tx.Prepared(
			`UPDATE checks SET n_pings = n_pings + 1, last_ping_at = ?, recent_runs = substr(recent_runs || 'u', -30), due_at = ?, alert_at = ? WHERE id = ?`)
		insert := tx.Prepared(`INSERT INTO pings (check_id, n, created_at, kind, scheme, method, ua, remote_addr)
			SELECT id, n_pings, ?, 'success', 'http', 'GET', 'bench', '127.0.0.1' FROM checks WHERE id = ?`)
		now := tx.Now()
		for _, id := range ids {
			_, err := update.Exec(ctx, now, now.Add(period), now.Add(period+grace), id)
			if err != nil {
				return err
			}
			if _, err := insert.Exec(ctx, now, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// record is the Recorder's own statement without anything before it.
func (i *instance) record(ctx context.Context, ids []int) error {
	batch := make([]*store.Arrival, len(ids))
	for n, id := range ids {
		batch[n] = &store.Arrival{Code: codeOf(id), Ping: monitor.Ping{
			CreatedAt: i.store.Now(), Kind: monitor.PingSuccess, Scheme: "http", Method: "GET", UserAgent: "bench", RemoteAddr: "127.0.0.1",
		}}
	}
	return i.store.RecordPings(ctx, batch)
}

// pgbenchScripts do what one ping does, the way most programs would.
var pgbenchScripts = []struct{ what, script string }{
	{"pgbench, 64 clients, UPDATE + INSERT", `\set id random(1, :checks)
BEGIN;
UPDATE checks SET n_pings = n_pings + 1, last_ping_at = now(), due_at = now() + interval '1 day', alert_at = now() + interval '25 hours' WHERE id = :id RETURNING n_pings \gset
INSERT INTO pings (check_id, n, created_at, kind, scheme, method, ua, remote_addr) VALUES (:id, :n_pings, now(), 'success', 'http', 'GET', 'bench', '127.0.0.1');
COMMIT;
`},
	{"pgbench, 64 clients, one statement", `\set id random(1, :checks)
WITH u AS (UPDATE checks SET n_pings = n_pings + 1, last_ping_at = now(), due_at = now() + interval '1 day', alert_at = now() + interval '25 hours' WHERE id = :id RETURNING id, n_pings) INSERT INTO pings (check_id, n, created_at, kind, scheme, method, ua, remote_addr) SELECT id, n_pings, now(), 'success', 'http', 'GET', 'bench', '127.0.0.1' FROM u;
`},
}

var (
	tpsLine     = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
	latencyLine = regexp.MustCompile(`(?m)^latency average = ([0-9.]+) ms`)
)

func (i *instance) pgbench(ctx context.Context) error {
	program, err := findPgbench()
	if err != nil {
		i.progress("left out: %v", err)
		return nil
	}
	for n, s := range pgbenchScripts {
		path := filepath.Join(i.dir, fmt.Sprintf("pgbench%d.sql", n))
		if err := os.WriteFile(path, []byte(s.script), 0o600); err != nil {
			return fmt.Errorf("write a script of pgbench: %w", err)
		}
		whole := max(1, int(i.duration.Round(time.Second).Seconds()))
		cmd := exec.CommandContext(ctx, program, "--no-vacuum", "--file", path, "--define", "checks="+strconv.Itoa(i.checks), "--protocol",
			"prepared",
			"--client", "64", "--jobs", "2", "--time", strconv.Itoa(whole), i.url)
		out, err := cmd.CombinedOutput()
		tps := tpsLine.FindSubmatch(out)
		latency := latencyLine.FindSubmatch(out)
		if err != nil || tps == nil || latency == nil {
			return fmt.Errorf("pgbench: %w\n%s", err, out)
		}
		rate, err1 := strconv.ParseFloat(string(tps[1]), 64)
		average, err2 := strconv.ParseFloat(string(latency[1]), 64)
		if err := errors.Join(err1, err2); err != nil {
			return fmt.Errorf("pgbench: %w", err)
		}
		i.add(row{Section: "ceiling", Engine: string(i.engine), What: s.what, Figures: figures{num("pings/s", rate), num("average ms", average)}})
	}
	return nil
}

// findPgbench looks where Debian has it, then in PATH.
func findPgbench() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if len(found) > 0 {
		return found[len(found)-1], nil
	}
	return exec.LookPath("pgbench")
}
