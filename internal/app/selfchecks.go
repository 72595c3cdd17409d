package app

import (
	"context"
	"sync"

	"punctual/internal/config"
	"punctual/internal/db"
	"punctual/internal/status"
	"punctual/internal/store"
	"punctual/migrations"
)

// SelfChecks are the self-checks (DESIGN §7) as a command runs them, beside the
// servers: all but those of the inside of a process. The database is opened when
// the first check asks for it; close closes it again.
func SelfChecks(cfg *config.Config) (r *status.Runner, closeDB func()) {
	var opened *store.Store
	var mu sync.Mutex
	open := func(ctx context.Context) (*store.Store, error) {
		mu.Lock()
		defer mu.Unlock()
		if opened != nil {
			return opened, nil
		}
		if err := ctx.Err(); err != nil { // spent waiting for another check that tried
			return nil, err
		}
		d, err := db.Open(ctx, cfg.DatabaseURL, db.Options{MaxConns: 4, ReadOnly: true})
		if err != nil {
			return nil, err
		}
		opened = store.New(d)
		return opened, nil
	}
	return status.NewRunner(selfChecks(cfg, open), nil), func() {
		mu.Lock()
		defer mu.Unlock()
		if opened != nil {
			opened.DB().Close() //nolint:errcheck // it was only read
		}
	}
}

// selfChecks are those every process has.
func selfChecks(cfg *config.Config, open status.Open) []status.Check {
	return []status.Check{
		status.Database(cfg.DatabaseURL),
		status.Migrations(open, migrations.FS),
		status.SendAlerts(open),
	}
}

// selfChecks are those of this process.
func (a *App) selfChecks() *status.Runner {
	open := func(context.Context) (*store.Store, error) { return a.store, nil }
	return status.NewRunner(selfChecks(a.cfg, open), a.store.Now)
}
