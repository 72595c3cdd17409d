package main

import (
	"context"
	"fmt"
	"time"

	"punctual/internal/db"
)

// ingest measures how many pings a second are made durable.
func (b *bench) ingest(ctx context.Context, engine db.Engine) error {
	for _, checks := range b.checks {
		if err := b.ingestSize(ctx, engine, checks); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) ingestSize(ctx context.Context, engine db.Engine, checks int) error {
	return b.serving(ctx, engine, checks, keptPings, func(i *instance, server *process) error {
		warm := load{addr: server.addr, conns: 64, checks: checks, body: bodySize, duration: b.duration}
		_, err := b.wrk(ctx, warm)
		if err != nil {
			return err
		}
		for _, l := range append(b.loads(), load{conns: 64, slug: true}) {
			l.addr = server.addr
			l.checks = checks
			l.duration = b.duration
			if err := i.ingestLoad(ctx, server, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// usage is what a load has cost so far.
type usage struct {
	recorded int
	// CPU
	server, dbs time.Duration
	wal         float64
}

func (i *instance) usage(ctx context.Context, server *process) (u usage, err error) {
	u.recorded, err = i.recorded(ctx)
	if err != nil {
		return u, err
	}
	u.server = cpu(server.pid())
	u.dbs = i.databaseCPU()
	u.wal, err = i.wal(ctx, server)
	return u, err
}

func (i *instance) ingestLoad(ctx context.Context, server *process, l load) error {
	before, err := i.usage(ctx, server)
	if err != nil {
		return err
	}
	resetPeak(server.pid())
	watch := startWatch()
	a, err := i.wrk(ctx, l)
	if err != nil {
		return err
	}
	serverCPU := cpu(server.pid()) - before.server
	databaseCPU := i.databaseCPU() - before.dbs
	used := serverCPU + databaseCPU + a.cpu
	others := watch.others(used)
	after, err := i.usage(ctx, server)
	if err != nil {
		return err
	}
	stored := after.recorded - before.recorded
	if stored < a.accepted() {
		i.failed("%s: %d pings were answered OK, %d are recorded", i.engine, a.accepted(), stored)
	}
	r := row{Section: "ingest", Engine: string(i.engine), What: fmt.Sprintf("%s checks, %s", show(float64(i.checks)), l)}
	r.Figures = append(a.figures(),
		num("lost", max(0, a.accepted()-stored)),
		percent("CPU server %", serverCPU.Seconds(), used.Seconds()),
		percent("db %", databaseCPU.Seconds(), used.Seconds()),
		percent("wrk %", a.cpu.Seconds(), used.Seconds()),
		num("µs CPU/ping", float64(used.Microseconds())/float64(max(1, a.accepted()))),
		others, megabytes("peak MB", peakRSS(server.pid())),
		num("written B/ping", (after.wal-before.wal)/float64(max(1, stored))))
	var of figures
	of, r.Ceiling = i.report.ofCeiling(a.rate(), i.ceilingsOf(l)...)
	r.Figures = append(r.Figures, of...)
	i.add(r)
	return nil
}

// ceilingsOf are what the load can be compared with: nothing that makes pings
// durable is faster than the bare handler, nor than the database alone.
func (i *instance) ceilingsOf(l load) []string {
	l.slug = false
	return []string{bareCeilingName(l), databaseCeilingName(i.engine)}
}

// soak looks for growth: the same load for the whole duration.
func (b *bench) soak(ctx context.Context, engine db.Engine) error {
	checks := b.checks[0]
	return b.serving(ctx, engine, checks, keptPings, func(i *instance, server *process) error {
		parts := min(10, max(2, int(b.duration.Seconds())))
		var sent int
		for part := range parts {
			a, err := b.wrk(ctx, load{addr: server.addr, conns: 64, checks: checks, body: bodySize, duration: b.duration / time.Duration(parts)})
			if err != nil {
				return err
			}
			sent += a.accepted()
			size, err := i.size(ctx)
			if err != nil {
				return err
			}
			recorded, err := i.recorded(ctx)
			if err != nil {
				return err
			}
			if recorded < sent {
				b.failed("soak on %s: %d pings were answered OK, %d are recorded", engine, sent, recorded)
			}
			kept, err := i.number(ctx, `SELECT count(*) FROM pings`)
			if err != nil {
				return err
			}
			b.add(row{Section: "soak", Engine: string(engine), What: fmt.Sprintf("part %d of %d", part+1, parts), Figures: figures{
				num("pings/s", a.rate()), num("pings sent", sent), num("lost", max(0, sent-recorded)),
				megabytes("RSS MB", rss(server.pid())), megabytes("database MB", size), num("pings kept", kept),
			}})
		}
		return nil
	})
}
