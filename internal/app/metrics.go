package app

import (
	"context"
	"net/http"
	"time"

	"punctual/internal/alert"
	"punctual/internal/auth"
	"punctual/internal/metrics"
	"punctual/internal/ping"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/migrations"
	"punctual/web/ui"
)

// The hooks by which the parts tell the metrics what happens; they do not know
// each other.

func (a *App) observePings() ping.Observe {
	return ping.Observe{
		Batch:   func(n ping.Tally, took time.Duration) { a.metrics.Batch(metrics.Tally(n), took) },
		Refused: func(why ping.Refusal, pings int) { a.metrics.Refused(string(why), pings) },
		Unknown: a.metrics.UnknownPings,
		Kept:    a.metrics.Kept,
	}
}

func (a *App) observeAlerts() alert.Observe {
	return alert.Observe{
		Flipped:  a.metrics.Flipped,
		Accepted: a.metrics.Accepted,
		Attempted: func(kind string, v store.Verdict, took time.Duration) {
			a.metrics.Attempted(kind, v.String(), took)
		},
		Plain:   a.metrics.Plain,
		Looked:  func() { done(a.rounds.looked) },
		Claimed: func() { done(a.rounds.claimed) },
		Settled: func(kind string, v store.Verdict) { a.metrics.Settled(kind, v.String()) },
		Round: func(r alert.Round, took time.Duration) {
			found := metrics.Round{LookedAt: r.Claimed, Down: r.Flips, Broken: r.Broken, Unknown: r.Unknown}
			a.metrics.Round(found, took, a.store.Now())
		},
	}
}

func (a *App) observeLogins() auth.Observe {
	return auth.Observe{SignedUp: a.metrics.SignedUp, Login: a.metrics.Login}
}

func (a *App) observeWeb() ui.Observe {
	return ui.Observe{Request: a.metrics.Request}
}

// startMetrics adds the figures that are read when somebody asks, and opens the
// listener for them where there is to be one. The reading ends with ctx.
func (a *App) startMetrics(ctx context.Context) error {
	a.metrics.LogTo(a.log)
	a.metrics.Database(ctx, a.store, func(ctx context.Context) (applied, pending int, err error) {
		s, err := a.db.SchemaStatus(ctx, migrations.FS)
		return s.Applied, len(s.Pending), err
	})
	d, ok := dataDirectory(a.cfg)
	if ok {
		a.metrics.Disk(ctx, func() (free, size uint64, err error) {
			s, err := status.DiskSpace(d.Path)
			return s.Free, s.Total, err
		})
	}
	if a.recorder != nil {
		a.metrics.Queue(a.recorder.Waiting, a.recorder.Capacity())
	}
	if a.spool != nil {
		a.metrics.Spool(a.spool.Depth, a.spool.Bytes, a.spool.Oldest, a.store.Now)
	}
	a.metrics.SelfChecks(a.knownHealth)
	if a.cfg.StatsDAddress != "" {
		a.loop(ctx, "StatsD", func(ctx context.Context) error {
			a.metrics.Push(ctx, metrics.StatsD{
				Address: a.cfg.StatsDAddress, Prefix: a.cfg.StatsDPrefix, Tags: a.cfg.StatsDTags, Plain: a.cfg.StatsDFormat == "statsd", Log: a.log,
			})
			return nil
		})
	}
	if a.cfg.MetricsListen == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	return a.serve(ctx, "metrics-listen", a.cfg.MetricsListen, mux)
}

// withMetrics answers /metrics on the site to those who have a status token. To
// others, and where metrics have a listener of their own, there is no such page.
func (a *App) withMetrics(site http.Handler) http.Handler {
	if a.cfg.MetricsListen != "" || len(a.cfg.StatusTokens) == 0 {
		return site
	}
	path := a.cfg.SitePath() + "/metrics"
	figures := a.metrics.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if r.URL.Path == path && reads && metrics.Allowed(r, a.cfg.StatusTokens) {
			w.Header().Set("Cache-Control", "no-store")
			figures.ServeHTTP(w, r)
			return
		}
		site.ServeHTTP(w, r)
	})
}
