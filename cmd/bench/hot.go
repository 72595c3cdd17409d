package main

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"punctual/internal/db"
)

// hotClients ping one check at once.
const hotClients = 64

// hot pings one check from many clients and looks at the numbers the pings got:
// no gap, none twice, and those of each client in its order.
func (b *bench) hot(ctx context.Context, engine db.Engine) error {
	const keepAll = 1_000_000
	return b.serving(ctx, engine, 100, keepAll, func(i *instance, server *process) error {
		var sent [hotClients]int
		var took [hotClients][]time.Duration
		var refused [hotClients]int
		began := time.Now()
		var clients sync.WaitGroup
		for n := range hotClients {
			clients.Go(func() {
				c := client{addr: server.addr}
				defer c.close()
				for time.Since(began) < b.duration && ctx.Err() == nil {
					start := time.Now()
					a := c.ping(1, fmt.Appendf(nil, "%d %d", n, sent[n]))
					if a.status != 200 {
						refused[n]++
						// without an answer nobody knows the next number
						return
					}
					took[n] = append(took[n], time.Since(start))
					sent[n]++
				}
			})
		}
		clients.Wait()
		lasted := time.Since(began)
		all := 0
		not := 0
		var times []time.Duration
		for n := range hotClients {
			all += sent[n]
			not += refused[n]
			times = append(times, took[n]...)
		}
		gaps, disorder, recorded, err := i.numbering(ctx)
		if err != nil {
			return err
		}
		if gaps > 0 || disorder > 0 || recorded < all {
			b.failed("hot check on %s: %d gaps, %d out of order, %d of %d recorded", engine, gaps, disorder, recorded, all)
		}
		b.add(row{Section: "hot", Engine: string(engine), What: fmt.Sprintf("one check, %d clients", hotClients), Figures: figures{
			num("pings/s", float64(all)/lasted.Seconds()), ms("p50 ms", quantile(times, .5)), ms("p99 ms", quantile(times, .99)),
			num("answered 200", all), num("others", not), num("lost", max(0, all-recorded)), num("gaps", gaps), num("out of order", disorder),
		}})
		return nil
	})
}

// numbering reads the pings of check 1 in order and counts what is wrong.
func (i *instance) numbering(ctx context.Context) (gaps, disorder, recorded int, err error) {
	rows, err := i.store.DB().Query(ctx, `SELECT n, body FROM pings WHERE check_id = 1 ORDER BY n`)
	type ping struct {
		n             int64
		client, place int
	}
	pings, err := db.Collect(rows, err, func(r *sql.Rows, p *ping) error {
		var body []byte
		if err := r.Scan(&p.n, &body); err != nil {
			return err
		}
		_, err := fmt.Sscanf(string(body), "%d %d", &p.client, &p.place)
		return err
	})
	if err != nil {
		return 0, 0, 0, fmt.Errorf("read the pings: %w", err)
	}
	var next [hotClients]int
	for place, p := range pings {
		if p.n != int64(place+1) {
			gaps++
		}
		if p.place != next[p.client] {
			disorder++
		}
		next[p.client] = p.place + 1
	}
	return gaps, disorder, len(pings), nil
}
